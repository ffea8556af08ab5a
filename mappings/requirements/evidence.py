"""Ferritin, transferrin saturation and haemoglobin: found, in their window, and within the policy's limits."""

from mappings import laboratory
from mappings.assessment import Evidence, State
from mappings.expression import ANALYTES, LabState, judge, parse
from mappings.policy import UNITS, LabRule
from mappings.reading.amounts import plain
from mappings.record import LabResult
from mappings.service import Result, Service

_WORDS = {"ferritin": "ferritin", "tsat": "transferrin saturation", "hb": "haemoglobin"}


def ferritin(service: Service) -> Result | None:
    return _laboratory(service, "ferritin")


def transferrin_saturation(service: Service) -> Result | None:
    return _laboratory(service, "tsat")


def hemoglobin(service: Service) -> Result | None:
    return _laboratory(service, "hb")


def _laboratory(service: Service, name: str) -> Result | None:
    for rule in service.rules.laboratory:
        if service.applies(rule):
            if name in rule.on_record:
                return _result(service, name, rule, service.lab(ANALYTES[name], rule.window_days).state)
            if rule.limit:
                states = judge(parse(rule.limit), service.facts(rule.window_days)).states
                if name in states:
                    return _result(service, name, rule, states[name])
    return None


def _result(service: Service, name: str, rule: LabRule, state: State) -> Result:
    found = service.lab(ANALYTES[name], rule.window_days)
    if state == "not-applicable":
        return Result(state=state, says="The policy's other value holds.", rule=rule)
    if found.result is None:
        return Result(state=state, says=_absent(service, name, rule, found), rule=rule, evidence=_unusable(service, name))
    value = plain(found.result.value) if found.result.value is not None else None
    return Result(
        state=state,
        says=_found(service, name, rule, found.result, state),
        evidence=laboratory.evidence(found.result),
        value=value,
        unit=UNITS[name],
        rule=rule,
    )


def _absent(service: Service, name: str, rule: LabRule, found: LabState) -> str:
    span = f"within {rule.window_days} days before {service.day}"
    if found.state == "expired":
        older = laboratory.newest(laboratory.usable(service.record.labs, ANALYTES[name]))
        last = older.when.last if older and older.when else None
        return f"No {_WORDS[name]} result {span}; the last one is of {last}."
    broken = [row for row in service.record.labs if row.analyte == ANALYTES[name] and row.problem]
    unusable = f" (a result {broken[0].problem} can't be used)" if broken else ""
    return f"No {_WORDS[name]} result {span}{unusable}."


def _unusable(service: Service, name: str) -> tuple[Evidence, ...]:
    rows = [row for row in service.record.labs if row.analyte == ANALYTES[name] and row.problem]
    return tuple(Evidence(row.source.resource, row.source.version, f"{row.analyte} {row.problem}") for row in rows)


def _found(service: Service, name: str, rule: LabRule, row: LabResult, state: State) -> str:
    said = f"{_WORDS[name].capitalize()} {row.says} on {row.when.last if row.when else ''}"
    doses = [day for day, _ in service.earlier_doses]
    if laboratory.too_soon(row, doses, service.zone):
        said += " (drawn soon after an earlier iron dose)"
    if state == "not-covered":
        return f"{said} is outside the payer's limit ({rule.limit})."
    if state == "incomplete":
        return f"{said} does not say on which side of the payer's limit it lies ({rule.limit})."
    return f"{said}."
