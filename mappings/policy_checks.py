"""What is wrong with a policy that its form alone can't forbid: unknown names, limits without unit, overlapping dates, a fifth modifier."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from mappings import codes, expression
from mappings.codes.tables import Dated
from mappings.policy_rules import UNITS, DatedModifier, LabRule, Policy, Rule

MOST_MODIFIERS = 4

# Path in the file and description.
Mistake = tuple[str, str]


def mistakes(policy: Policy) -> Iterator[Mistake]:
    """Each mistake of one policy, with where it stands."""
    for path, rule in _rules(policy):
        yield from ((f"{path}.{element}", problem) for element, problem in _rule_mistakes(rule))
    for number, laboratory in enumerate(policy.requirements.laboratory):
        yield from ((f"$.requirements.laboratory[{number}].{element}", problem) for element, problem in _lab_mistakes(laboratory))
    yield from _unknown_names(policy)
    if policy.audience.settings_only and not policy.audience.settings:
        yield "$.for", "settings_only needs settings"
    if _turned(policy.effective):
        yield "$.effective", "from is after to"
    yield from _modifier_mistakes(policy)


def _rules(policy: Policy) -> Iterator[tuple[str, Rule]]:
    requirements = policy.requirements
    for name, key in zip(requirements.__struct_fields__, requirements.__struct_encode_fields__, strict=True):
        value = getattr(requirements, name)
        if isinstance(value, tuple):
            yield from ((f"$.requirements.{key}[{number}]", rule) for number, rule in enumerate(value))
        elif value is not None:
            yield f"$.requirements.{key}", value
    diagnosis = requirements.iron_deficiency_diagnosis
    if diagnosis and diagnosis.renal_anemia:
        found = diagnosis.renal_anemia
        yield (
            "$.requirements.iron-deficiency-diagnosis.renal_anemia",
            LabRule(limit=found.limit, units=found.units, window_days=0),
        )


def _rule_mistakes(rule: Rule) -> Iterator[Mistake]:
    """Conditions that can't be read, and laboratory values in them without their unit."""
    for element in ("when", "unless", "limit"):
        text = getattr(rule, element, None)
        if text is None:
            continue
        try:
            asked = set(expression.names(expression.parse(text)))
        except ValueError as problem:
            yield element, str(problem)
            continue
        if element == "limit" and not asked:
            yield element, f"a limit compares a laboratory value ({', '.join(sorted(UNITS))}): {text!r}"
        yield from ((element, f"the limit of {name} has no unit: add it to units") for name in sorted(asked - set(rule.units)))
    for name, unit in rule.units.items():
        if UNITS[name] != unit:
            yield "units", f"{name} is compared in {UNITS[name]}, not in {unit}"


def _lab_mistakes(rule: LabRule) -> Iterator[Mistake]:
    if bool(rule.on_record) == bool(rule.limit):
        yield "window_days", "a laboratory rule has either on_record or limit"


def _unknown_names(policy: Policy) -> Iterator[Mistake]:
    places = set(codes.settings().by_code)
    yield from (("$.for.settings", f"unknown place of service {code!r}") for code in policy.audience.settings if code not in places)
    requirements = policy.requirements
    billing = {row.code for family in codes.families().values() for row in family.codes}
    for name, key in zip(requirements.__struct_fields__, requirements.__struct_encode_fields__, strict=True):
        rule = getattr(requirements, name)
        for element in ("codes", "not_covered", "limits"):
            unknown = [code for code in getattr(rule, element, ()) if code not in billing]
            yield from ((f"$.requirements.{key}.{element}", f"{code} is not a code of an IV iron") for code in unknown)
    known = set(codes.requirements())
    for number, case in enumerate(policy.cases):
        yield from (
            (f"$.cases[{number}].expect", f"unknown requirement {name!r}") for name in case.expect if name not in known and name != "line"
        )
        if case.given.code not in billing:
            yield f"$.cases[{number}].given", f"{case.given.code} is not a code of an IV iron"


def _modifier_mistakes(policy: Policy) -> Iterator[Mistake]:
    rules = policy.modifiers
    for element in ("kx", "r340b", "ambulatory_surgery"):
        rows: tuple[DatedModifier, ...] = getattr(rules, element)
        for number, row in enumerate(rows):
            path = f"$.modifiers.{element}[{number}]"
            unknown = [name for name in row.attests if name not in codes.requirements()]
            yield from ((path, f"attests the unknown requirement {name!r}") for name in unknown)
            if _turned(row):
                yield path, "from is after to"
            before = [other for other in rows[:number] if element != "kx" or other.modifier == row.modifier]
            if any(_overlap(row, other) and _same_line(row, other) for other in before):
                yield path, f"its dates overlap those of another {row.modifier if element == 'kx' else element} row"
    most = _most_modifiers(policy)
    if most > MOST_MODIFIERS:
        yield "$.modifiers", f"a line could get {most} modifiers; a claim line takes {MOST_MODIFIERS}"


def _same_line(row: DatedModifier, other: DatedModifier) -> bool:
    return not row.codes or not other.codes or bool(set(row.codes) & set(other.codes))


def _most_modifiers(policy: Policy) -> int:
    """The most modifiers that one line could get: JW or JZ, those of KX, one of 340B, and off-campus or SG (never both)."""
    rules = policy.modifiers
    dated = (*rules.kx, *rules.r340b, *rules.ambulatory_surgery)
    days = {row.start or date.min for row in dated} or {date.min}
    kinds: set[str | None] = {code for row in dated for code in row.codes} | {None}
    return int(rules.discard) + max(_dated_modifiers(policy, day, code) for day in days for code in kinds)


def _dated_modifiers(policy: Policy, day: date, code: str | None) -> int:
    def held(rows: Sequence[DatedModifier]) -> int:
        return sum(row.holds(day) and (not row.codes or code in row.codes) for row in rows)

    rules = policy.modifiers
    place = rules.off_campus or held(rules.ambulatory_surgery) > 0
    return held(rules.kx) + min(1, held(rules.r340b)) + int(place)


def _turned(row: Dated) -> bool:
    return bool(row.start and row.end and row.start > row.end)


def overlaps(policies: Iterable[tuple[str, Policy]]) -> Iterator[tuple[str, str]]:
    """Pairs of names of policies for the same payer, setting and date: between those the choice would be left to chance."""
    rows = list(policies)
    for position, (where, policy) in enumerate(rows):
        yield from (
            (where, other_where)
            for other_where, other in rows[position + 1 :]
            if _overlap(policy.effective, other.effective) and _same_audience(policy, other)
        )


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
