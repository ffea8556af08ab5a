"""Payer policies: data files, checked on load, chosen per administration by date, setting and payer (R10a)."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from mappings import codes, documents, expression
from mappings.codes import Dated
from mappings.documents import DataFileError

UNITS = {"ferritin": "ng/mL", "tsat": "%", "hb": "g/dL"}
MOST_MODIFIERS = 4


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A requirement that the policy asks. `when`: a condition on the patient; without one, always.

    `blocking: false` makes a gap a warning; warnings are written to the EHR only with `write_back: true`.
    """

    when: str | None = None
    blocking: bool | None = None
    write_back: bool | None = None
    source: str | None = None
    verified: bool | None = None


class LabRule(Rule, frozen=True, kw_only=True):
    """Laboratory evidence: `on_record` (any usable result) or a `limit` with the `units` of its numbers, within `window_days`."""

    window_days: int
    on_record: tuple[Literal["ferritin", "tsat", "hb"], ...] = ()
    limit: str | None = None
    units: dict[str, str] = field(default_factory=dict)


class OralIronRule(Rule, frozen=True, kw_only=True):
    """Oral-iron history: a trial of `trial_days` (None: any form, no minimum), `unless` a condition over labs holds."""

    trial_days: int | None = None
    unless: str | None = None


class AuthorizationRule(Rule, frozen=True, kw_only=True):
    """Whether an authorization is asked, for which HCPCS codes (empty: all). `unknown` is an open question until the site sets it."""

    asked: Literal["yes", "no", "unknown"]
    codes: tuple[str, ...] = ()


class NoteRule(Rule, frozen=True, kw_only=True):
    window_days: int


class PreferredRule(Rule, frozen=True, kw_only=True):
    """Products that the payer prefers; others need `tried` of them on record within `lookback_days`, or are not covered at all."""

    codes: tuple[str, ...]
    tried: int = 1
    lookback_days: int = 365
    not_covered: tuple[str, ...] = ()


class UnitsRule(Rule, frozen=True, kw_only=True):
    """The most units of a code in one day, JW units included."""

    limits: dict[str, int]


class DosingRule(Rule, frozen=True, kw_only=True):
    """`single_mg`: the payer's own limit of one dose, beside the label's."""

    single_mg: Decimal | None = None


class OverloadRule(Rule, frozen=True, kw_only=True):
    ferritin_above: Decimal = Decimal(800)
    tsat_from: Decimal = Decimal(50)


class Requirements(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What the policy asks beside date, product, dose, coverage and place, which are always asked. Absent: not asked."""

    ndc: Rule | None = None
    iron_deficiency_diagnosis: Rule | None = None
    ckd_diagnosis: Rule | None = None
    anemia_ckd_link: Rule | None = None
    laboratory: tuple[LabRule, ...] = ()
    treatment_plan: Rule | None = None
    oral_iron_history: OralIronRule | None = None
    prior_authorization: AuthorizationRule | None = None
    progress_note: NoteRule | None = None
    preferred_product: PreferredRule | None = None
    drug_source: Rule | None = None
    units_limit: UnitsRule | None = None
    dosing: DosingRule = DosingRule()
    iron_overload: OverloadRule = OverloadRule()
    infusion_time: Rule | None = None


class DatedModifier(Dated, frozen=True, kw_only=True):
    modifier: str
    codes: tuple[str, ...] = ()
    attests: tuple[str, ...] = ()


class Modifiers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which modifiers the payer wants. `discard`: JW and JZ. `kx`: with the requirements that it attests. `r340b`: by date."""

    discard: bool = True
    kx: tuple[DatedModifier, ...] = ()
    r340b: tuple[DatedModifier, ...] = ()
    off_campus: bool = True
    ambulatory_surgery: tuple[DatedModifier, ...] = ()


class For(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the policy is for: kinds of payer, or `payers` of those kinds by name. Empty `settings`: any place of service.

    `settings_only`: the policy is chosen in its settings only, never as the one that says a setting is not covered.
    """

    kinds: tuple[str, ...]
    payers: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    settings_only: bool = False


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test that stands in the policy: facts of one dose and what the policy must say of it. See docs/policies.md."""

    name: str
    given: dict[str, Any]
    expect: dict[str, str]


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"audience": "for"}):
    """A payer's policy for IV iron, valid for dates of service `effective`."""

    id: str
    version: str
    title: str
    audience: For
    requirements: Requirements
    source: str
    verified: bool
    effective: Dated = Dated()
    modifiers: Modifiers = Modifiers()
    timely_filing_days: int = 365
    opps_packaging: bool = False
    bundled_with_dialysis: bool = False
    consolidated_billing: bool = False
    diagnosis_order: Literal["ckd-first", "anemia-first"] = "ckd-first"
    esa_noted: bool = False
    cases: tuple[Case, ...] = ()


class PolicySet:
    """Checked policies. `choose` picks the one for an administration."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: (policy.id, policy.version)))

    def get(self, identity: str, day: date | None = None) -> Policy | None:
        """The policy of that id in force on a day (None: the newest)."""
        found = [row for row in self.policies if row.id == identity and (day is None or row.effective.holds(day))]
        return found[-1] if found else None

    def choose(self, day: date, setting: str | None, kind: str, payer: str | None) -> Policy | None:
        """By payer's own policy first, then by its kind; among those the one of the setting."""
        valid = [row for row in self.policies if row.effective.holds(day) and kind in row.audience.kinds]
        own = [row for row in valid if payer is not None and payer in row.audience.payers]
        general = [row for row in valid if not row.audience.payers]
        return _in_setting(own, setting) or _in_setting(general, setting)


def _in_setting(policies: list[Policy], setting: str | None) -> Policy | None:
    fitting = [row for row in policies if row.audience.settings and setting in row.audience.settings and row.audience.settings_only]
    others = [row for row in policies if not row.audience.settings_only]
    return next(iter(fitting or others), None)


@cache
def built_in() -> PolicySet:
    """The policies that ship in the package."""
    names = sorted(entry.name for entry in files("mappings").joinpath("policies").iterdir() if entry.name.endswith(".yaml"))
    return PolicySet(_checked({where: text for where, text in (documents.packaged("policies", name) for name in names)}))


def load(folder: Path | None) -> PolicySet:
    """The built-in policies with those of a site's folder: a file with a built-in's id replaces it. DataFileError on any mistake."""
    if folder is None:
        return built_in()
    if not folder.is_dir():
        raise DataFileError(f"{folder}: not a folder of policies")
    own = _checked({str(path): _text(path) for path in sorted(folder.glob("*.y*ml"))})
    replaced = {policy.id for policy in own}
    merged = [*own, *(policy for policy in built_in().policies if policy.id not in replaced)]
    _refuse_overlaps({f"{policy.id} {policy.version}": policy for policy in merged}, {})
    return PolicySet(merged)


def load_file(path: Path) -> Policy:
    """One policy file, checked."""
    return _checked({str(path): _text(path)})[0]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataFileError(f"{path}: can't be read: {type(problem).__name__}") from None


def _checked(texts: Mapping[str, str]) -> list[Policy]:
    policies = {where: documents.structure(text, where, Policy) for where, text in texts.items()}
    for where, policy in policies.items():
        for path, problem in _mistakes(policy):
            raise DataFileError(f"{where}:{documents.line_of(texts[where], path)}: {problem}")
    _refuse_overlaps(policies, texts)
    return list(policies.values())


def _mistakes(policy: Policy) -> Iterable[tuple[str, str]]:
    """Path and description of what the structure alone can't forbid."""
    for number, rule in enumerate(policy.requirements.laboratory):
        path = f"$.requirements.laboratory[{number}]"
        yield from ((f"{path}.{name}", problem) for name, problem in _lab_mistakes(rule))
    yield from _condition_mistakes(policy)
    known = set(codes.settings().by_code)
    yield from (("$.for.settings", f"unknown place of service {code!r}") for code in policy.audience.settings if code not in known)
    if policy.effective.start and policy.effective.end and policy.effective.start > policy.effective.end:
        yield "$.effective", "from is after to"
    most = _most_modifiers(policy)
    if most > MOST_MODIFIERS:
        yield "$.modifiers", f"a line could get {most} modifiers; a claim line takes {MOST_MODIFIERS}"
    for modifier in (*policy.modifiers.kx, *policy.modifiers.r340b, *policy.modifiers.ambulatory_surgery):
        yield from (
            ("$.modifiers.kx", f"attests the unknown requirement {name!r}") for name in modifier.attests if name not in codes.requirements()
        )


def _lab_mistakes(rule: LabRule) -> Iterable[tuple[str, str]]:
    if bool(rule.on_record) == bool(rule.limit):
        yield "window_days", "a laboratory rule has either on_record or limit"
    if rule.window_days < 0:
        yield "window_days", "a window can't be negative"
    if rule.limit:
        try:
            asked = set(expression.names(expression.parse(rule.limit)))
        except ValueError as problem:
            yield "limit", str(problem)
            return
        yield from (("limit", f"the limit of {name} has no unit: add it to units") for name in sorted(asked - set(rule.units)))
    for name, unit in rule.units.items():
        if UNITS.get(name) != unit:
            yield "units", f"{name} is compared in {UNITS.get(name, 'no known unit')}, not in {unit}"


def _condition_mistakes(policy: Policy) -> Iterable[tuple[str, str]]:
    requirements = policy.requirements
    for name in requirements.__struct_fields__:
        rules = getattr(requirements, name)
        for rule in rules if isinstance(rules, tuple) else (rules,):
            for element in ("when", "unless"):
                text = getattr(rule, element, None)
                try:
                    if text:
                        expression.parse(text)
                except ValueError as problem:
                    yield f"$.requirements.{name.replace('_', '-')}.{element}", str(problem)


def _most_modifiers(policy: Policy) -> int:
    """The most modifiers that one line could get on one day: JW or JZ, KX, 340B, off-campus, SG."""
    rules = policy.modifiers
    days = {row.start or date.min for row in (*rules.kx, *rules.r340b, *rules.ambulatory_surgery)} or {date.min}
    dated = max(sum(row.holds(day) for group in (rules.kx, rules.r340b, rules.ambulatory_surgery) for row in group) for day in days)
    return int(rules.discard) + dated + int(rules.off_campus)


def _refuse_overlaps(policies: Mapping[str, Policy], texts: Mapping[str, str]) -> None:
    """Two policies for the same payer, setting and date would leave the choice to chance."""
    rows = list(policies.items())
    for position, (where, policy) in enumerate(rows):
        for other_where, other in rows[position + 1 :]:
            if _overlap(policy.effective, other.effective) and _same_audience(policy, other):
                line = documents.line_of(texts[other_where], "$.effective") if other_where in texts else 1
                raise DataFileError(f"{other_where}:{line}: its dates overlap those of {where}, which is for the same payer and settings")


def _overlap(first: Dated, second: Dated) -> bool:
    starts = max(first.start or date.min, second.start or date.min)
    ends = min(first.end or date.max, second.end or date.max)
    return starts <= ends


def _same_audience(policy: Policy, other: Policy) -> bool:
    if policy.id == other.id:
        return True
    one, two = policy.audience, other.audience
    if not set(one.kinds) & set(two.kinds) or one.settings_only != two.settings_only:
        return False
    same_settings = not one.settings or not two.settings or bool(set(one.settings) & set(two.settings))
    return same_settings and (bool(set(one.payers) & set(two.payers)) if one.payers or two.payers else True)
