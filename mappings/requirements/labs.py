"""Ferritin, transferrin saturation and haemoglobin: found, in their window, and within the policy's
limits."""

from collections.abc import Mapping

from mappings.assessment import WORST_FIRST, Evidence, State
from mappings.charge.charge import Charge
from mappings.circumstances import labs
from mappings.policy.choosing import UNITS, LabRule
from mappings.policy.conditions import ANALYTES, LabState, judge, names, parse
from mappings.record import LabResult
from mappings.requirements.result import Result
from mappings.values.numbers import plain

_WORST_FIRST = (*WORST_FIRST, "met", "not-applicable")
_BEYOND_LIMIT = (
    "File another result of the payer's window if there is one, or give the payer the clinical"
    " reason for the iron."
)
_WORDS = {"ferritin": "ferritin", "tsat": "transferrin saturation", "hb": "haemoglobin"}


def ferritin(charge: Charge) -> Result | None:
    return _laboratory(charge, "ferritin")


def transferrin_saturation(charge: Charge) -> Result | None:
    return _laboratory(charge, "tsat")


def hemoglobin(charge: Charge) -> Result | None:
    return _laboratory(charge, "hb")


def _laboratory(charge: Charge, name: str) -> Result | None:
    """The worst over all rules of the policy that ask for the value; one that another value makes
    needless comes last."""
    results = [
        result
        for rule in charge.rules.laboratory
        if charge.applies(rule)
        for result in [_asked(charge, name, rule)]
        if result
    ]
    return min(results, key=lambda row: _WORST_FIRST.index(row.state), default=None)


def _asked(charge: Charge, name: str, rule: LabRule) -> Result | None:
    if name in rule.on_record:
        return _result(charge, name, rule, charge.lab(ANALYTES[name], rule.window_days).state)
    states = _states(charge, rule)
    return _result(charge, name, rule, states[name]) if name in states else None


def _states(charge: Charge, rule: LabRule) -> Mapping[str, State]:
    """The state of each value of a limit. Where it does not hold, though no value fails it, none of
    them is met."""
    if not rule.limit:
        return {}
    node = parse(rule.limit)
    verdict = judge(node, charge.facts(rule.window_days))
    if verdict.holds or not set(verdict.states.values()) <= {"met", "not-applicable"}:
        return verdict.states
    return dict.fromkeys(names(node), "incomplete" if verdict.holds is None else "not-covered")


def _result(charge: Charge, name: str, rule: LabRule, state: State) -> Result:
    found = charge.lab(ANALYTES[name], rule.window_days)
    if state == "not-applicable":
        return Result(state=state, says="The policy's other value holds.", rule=rule)
    if found.result is None:
        return Result(
            state=found.state,
            says=_absent(charge, name, rule, found),
            rule=rule,
            evidence=_older(charge, name) or _unusable(charge, name),
        )
    value = found.result.value
    return Result(
        state=state,
        says=_found(charge, name, rule, found.result, state),
        evidence=labs.evidence(found.result, charge.zone),
        value=plain(labs.rounded(value, found.result)) if value is not None else None,
        unit=UNITS[name],
        rule=rule,
        fix=_BEYOND_LIMIT if state == "not-covered" else None,
    )


def _absent(charge: Charge, name: str, rule: LabRule, found: LabState) -> str:
    span = f"within {rule.window_days} days before {charge.day}"
    if found.state == "expired":
        older = charge.newest_lab(ANALYTES[name])
        last = older.when.span(charge.zone).text if older and older.when else None
        return f"No {_WORDS[name]} result {span}; the last one is of {last}."
    broken = [row for row in charge.record.labs if row.analyte == ANALYTES[name] and row.problem]
    unusable = f" (a result {broken[0].problem} can't be used)" if broken else ""
    return f"No {_WORDS[name]} result {span}{unusable}."


def _older(charge: Charge, name: str) -> tuple[Evidence, ...]:
    """The newest result of before the window."""
    row = charge.newest_lab(ANALYTES[name])
    return labs.evidence(row, charge.zone) if row else ()


def _unusable(charge: Charge, name: str) -> tuple[Evidence, ...]:
    rows = [row for row in charge.record.labs if row.analyte == ANALYTES[name] and row.problem]
    return tuple(
        Evidence(row.source.resource, row.source.version, f"{row.analyte} {row.problem}")
        for row in rows
    )


def _found(charge: Charge, name: str, rule: LabRule, row: LabResult, state: State) -> str:
    drawn_soon = labs.caution(row, charge.other_doses, charge.zone)
    said = f"{_WORDS[name].capitalize()} {row.says} {labs.drawn(row, charge.zone)}{drawn_soon}"
    if state == "not-covered":
        return f"{said} is outside the payer's limit ({rule.limit})."
    if state == "incomplete" and row.value is None:
        return f"{said} does not say on which side of the payer's limit it lies ({rule.limit})."
    if state == "incomplete":
        return (
            f"{said} can't be held against the payer's limit ({rule.limit}): a fact that it asks"
            " for is not on record."
        )
    return f"{said}."
