"""What is wrong with a policy that its form alone can't forbid: unknown names, limits without unit,
overlapping dates.

Held by tests/unit/test_policy_files.py.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from itertools import chain
from typing import Any, get_args

from msgspec import Meta

from mappings import codes
from mappings.assessment import LineStatus
from mappings.codes.tables import Dated
from mappings.codes.tables.dated import FIRST_DAY
from mappings.datafiles.checking import too_small
from mappings.policy import conditions
from mappings.policy.cases import Case, CaseFacts
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.modifiers import DatedModifier, DiscountModifier, Modifiers
from mappings.policy.policy import For, Policy
from mappings.policy.rules import (
    USUAL_RENAL_ANEMIA,
    DosingRule,
    FilingRule,
    LabRule,
    OverloadRule,
    PersonNote,
    PreferredRule,
    RenalAnemia,
    Requirements,
    Rule,
    Trial,
    UnitsRule,
)

# Path below what is checked (empty: that itself) and description.
Mistake = tuple[str, str]


def _places() -> Collection[str]:
    return codes.settings().by_code


def _billing() -> Collection[str]:
    return list(codes.in_force().billing_codes)


# Names that a policy may use, by the code tables, and what is said of others.
KNOWN: dict[str, tuple[Callable[[], Collection[str]], str]] = {
    "place": (_places, "unknown place of service {!r}"),
    "code": (_billing, "{} is not a code of an IV iron"),
    "requirement": (codes.requirements, "unknown requirement {!r}"),
    "row": (lambda: Requirements.__struct_encode_fields__, "nothing under requirements is {!r}"),
    "requirement or line": (lambda: [*codes.requirements(), "line"], "unknown requirement {!r}"),
}


def check(found: Any, metas: tuple[Meta, ...]) -> Iterator[Mistake]:
    """What is wrong with a part of a policy, or with the whole; `metas`: what its form says of
    it."""
    for meta in metas:
        yield from (("", problem) for problem in _against(found, meta.extra_json_schema or {}))
    for form, look in _LOOKS.items():
        if isinstance(found, form):
            yield from look(found)


def _against(found: Any, schema: dict[str, Any]) -> Iterator[str]:
    known, problem = KNOWN.get(schema.get("known", ""), (None, ""))
    if known and found not in known():
        near = get_close_matches(found, known(), 1)
        yield problem.format(found) + (
            f" (did you mean {near[0]}?)" if near else f" (known: {', '.join(known())})"
        )
    yield from too_small(found, schema)


def _conditions(rule: Rule | RenalAnemia | Trial | PersonNote) -> Iterator[Mistake]:
    """Conditions that can't be read, and laboratory values in them without their unit."""
    for element in ("when", "unless", "limit"):
        text = getattr(rule, element, None)
        if text is None:
            continue
        try:
            compared = list(conditions.compared(conditions.parse(text)))
        except ValueError as problem:
            yield element, str(problem)
            continue
        asked = {side.name for side in compared if side.name in LAB_VALUES}
        for side in compared:
            refused = conditions.COMPARED[side.name].refusal(side.limit)
            if refused:
                yield element, f"{side.name} {refused}: {text!r}"
        if element == "limit" and not asked:
            yield (
                element,
                f"a limit compares a laboratory value ({', '.join(sorted(LAB_VALUES))}): {text!r}",
            )
        yield from (
            (element, f"the limit of {name} has no unit: add it to units")
            for name in sorted(asked - set(rule.units))
        )
    for name, unit in rule.units.items():
        wanted = LAB_VALUES[name].unit
        if wanted != unit:
            yield "units", f"{name} is compared in {wanted}, not in {unit}"


def _renal_anemia(rule: RenalAnemia) -> Iterator[Mistake]:
    yield from _conditions(rule)
    usual = USUAL_RENAL_ANEMIA
    if rule.limit != usual.limit and rule.source == usual.source:
        yield "limit", "a limit of your own needs its source: add source and verified"


def _laboratory(rule: LabRule) -> Iterator[Mistake]:
    if bool(rule.on_record) == bool(rule.limit):
        yield "window_days", "a laboratory rule has either on_record or limit"


def _preferred(rule: PreferredRule) -> Iterator[Mistake]:
    both = sorted(set(rule.preferred) & set(rule.not_covered))
    yield from (
        ("not_covered", f"{code} is both preferred and not covered: take it out of one of them")
        for code in both
    )
    known = len(set(rule.preferred))
    if rule.tried > known:
        yield (
            "tried",
            f"{rule.tried} of {known} preferred codes can't be tried: write at most {known}",
        )


def _filing(rule: FilingRule) -> Iterator[Mistake]:
    if (rule.days is None) == (rule.years is None):
        yield "", "a filing limit has either days or years"


def _dosing(rule: DosingRule) -> Iterator[Mistake]:
    if (rule.course_mg is None) != (rule.course_days is None):
        yield "", "a course has both course_mg and course_days"


def _overload(rule: OverloadRule) -> Iterator[Mistake]:
    ceilings = {
        "ferritin_above_ng_ml": ("ferritin", rule.ferritin_above_ng_ml),
        "tsat_from_percent": ("tsat", rule.tsat_from_percent),
    }
    for element, (name, ceiling) in ceilings.items():
        refused = LAB_VALUES[name].refusal(ceiling)
        if refused:
            yield element, f"{name} {refused}"


def _audience(audience: For) -> Iterator[Mistake]:
    if audience.settings_only and not audience.settings:
        yield "", "settings_only needs settings"


def _modifiers(modifiers: Modifiers) -> Iterator[Mistake]:
    lists: dict[str, tuple[DatedModifier, ...]] = {
        "kx": modifiers.kx,
        "r340b": modifiers.r340b,
        "ambulatory_surgery": modifiers.ambulatory_surgery,
    }
    for element, listed in lists.items():
        for number, modifier in enumerate(listed or ()):
            if any(
                _overlap(modifier, other) and _same_line(modifier, other)
                for other in listed[:number]
            ):
                yield (
                    f"{element}[{number}]",
                    f"its dates overlap those of another {element} row: a line takes one of them",
                )


def _same_line(modifier: DatedModifier, other: DatedModifier) -> bool:
    if _apart(modifier, other):
        return False
    return not modifier.codes or not other.codes or bool(set(modifier.codes) & set(other.codes))


def _apart(modifier: DatedModifier, other: DatedModifier) -> bool:
    """Whether no hospital reports both."""
    if not (isinstance(modifier, DiscountModifier) and isinstance(other, DiscountModifier)):
        return False
    if modifier.hospitals and other.hospitals:
        return not set(modifier.hospitals) & set(other.hospitals)
    named, rest = (modifier, other) if modifier.hospitals else (other, modifier)
    return bool(named.hospitals) and set(named.hospitals) <= set(rest.except_hospitals)


def _units(rule: UnitsRule) -> Iterator[Mistake]:
    if not rule.mue and not rule.limits:
        yield "limits", "give the limits of the payer by code, or `mue: true` for those of NCCI"


def _given(given: CaseFacts) -> Iterator[Mistake]:
    if given.day and given.day < FIRST_DAY:
        yield "day", f"{given.day} is before any dose on record: correct the year"


def _case(case: Case) -> Iterator[Mistake]:
    for name, state in case.expect.items():
        if (name == "line") != (state in get_args(LineStatus)):
            line = ", ".join(get_args(LineStatus))
            yield (
                f"expect.{name}",
                f"{name} is never {state}: a line is {line}, a requirement met, missing and so on",
            )


def _policy(policy: Policy) -> Iterator[Mistake]:
    """What parts of it say of each other."""
    times = Counter(case.name for case in policy.cases)
    for number, case in enumerate(policy.cases):
        if times[case.name] > 1:
            yield (
                f"cases[{number}].name",
                f"{times[case.name]} cases are called {case.name!r}: give each a name of its own",
            )
        if case.given.day and not policy.effective.holds(case.given.day):
            yield (
                f"cases[{number}].given.day",
                (
                    f"{case.given.day} is outside the policy's effective dates: nothing judges"
                    " that day"
                ),
            )
    if policy.without and policy.base is None:
        yield "without", "without takes out of another policy: name that with `as`"


def attested(policy: Policy) -> Iterator[Mistake]:
    """What KX attests and the policy, taken as a whole, does not ask."""
    asked = _asked(policy) if policy.modifiers.kx else frozenset()
    for number, modifier in enumerate(policy.modifiers.kx):
        for name in (name for name in modifier.attests if name not in asked):
            yield (
                f"modifiers.kx[{number}].attests",
                f"KX attests {name}, which the policy does not ask: ask it under requirements",
            )


def _asked(policy: Policy) -> frozenset[str]:
    """The requirements that the policy asks of somebody."""
    rules = policy.requirements
    by_rule = {
        key
        for name, key in zip(rules.__struct_fields__, rules.__struct_encode_fields__, strict=True)
        if isinstance(rule := getattr(rules, name), Rule) and rule.asks_of_some
    }
    compared = chain.from_iterable(map(_compared, rules.laboratory))
    by_rule |= {LAB_VALUES[name].requirement for name in compared}
    asks = {
        "always": True,
        "with-discard-modifiers": policy.modifiers.discard,
        "with-consolidated-billing": policy.consolidated_billing,
    }
    return frozenset(
        requirement.id
        for requirement in codes.requirements().values()
        if asks.get(requirement.asked, requirement.id in by_rule)
    )


def _compared(rule: LabRule) -> Iterable[str]:
    return rule.on_record or conditions.names(conditions.parse(rule.limit or ""))


_LOOKS: dict[type, Callable[[Any], Iterator[Mistake]]] = {
    Rule: _conditions,
    RenalAnemia: _renal_anemia,
    Trial: _conditions,
    PersonNote: _conditions,
    LabRule: _laboratory,
    PreferredRule: _preferred,
    FilingRule: _filing,
    DosingRule: _dosing,
    OverloadRule: _overload,
    UnitsRule: _units,
    For: _audience,
    Dated: Dated.refused,
    Modifiers: _modifiers,
    CaseFacts: _given,
    Case: _case,
    Policy: _policy,
}


def overlaps(policies: Iterable[tuple[str, Policy]]) -> Iterator[tuple[str, str]]:
    """Pairs of names of policies for the same payer, setting and date: between those the choice
    would be left to chance."""
    named = list(policies)
    near: dict[tuple[str, str], list[int]] = {}
    for place, (_, policy) in enumerate(named):
        for name in _names(policy):
            near.setdefault(name, []).append(place)
    for place, (where, policy) in enumerate(named):
        beside = set(chain.from_iterable(near[name] for name in _names(policy)))
        for other_where, other in (named[number] for number in sorted(beside) if number > place):
            if _overlap(policy.effective, other.effective) and _same_audience(policy, other):
                yield where, other_where


def _names(policy: Policy) -> list[tuple[str, str]]:
    """Policies for the same have one of these in common."""
    return [("id", policy.id), *(("payer", payer) for payer in policy.audience.payers or ("",))]


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
    same_settings = (
        not one.settings or not two.settings or bool(set(one.settings) & set(two.settings))
    )
    same_drugs = one.codes == two.codes or bool(set(one.codes) & set(two.codes))
    return (
        same_settings
        and same_drugs
        and (bool(set(one.payers) & set(two.payers)) if one.payers or two.payers else True)
    )
