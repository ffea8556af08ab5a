"""Dose against the label, and signs of iron overload: a warning to a clinician, not paperwork."""

from datetime import timedelta
from decimal import Decimal

from mappings import codes, laboratory
from mappings.codes import LabelDose
from mappings.expression import compare
from mappings.policy import UNITS
from mappings.reading.amounts import plain
from mappings.record import LabResult
from mappings.service import Result, Service, cite


def dosing(service: Service) -> Result | None:
    """The single dose and the course against the label for this population, and the policy's own limit of a dose."""
    rule, dose = service.rules.dosing, service.dose.mg
    if dose is None or service.family is None or service.day is None:
        return None
    source = (cite(service.administration.source, f"{plain(dose)} mg"),)
    if rule.single_mg is not None and dose > rule.single_mg:
        return Result(
            state="not-covered",
            says=f"{plain(dose)} mg in one dose is above the payer's limit of {plain(rule.single_mg)} mg.",
            value=plain(dose),
            unit="mg",
            rule=rule,
            evidence=source,
        )
    label = label_dose(service)
    if label is None:
        return (
            Result(
                state="met",
                says="Within the payer's limit of a dose.",
                value=plain(dose),
                unit="mg",
                rule=rule,
                evidence=source,
            )
            if rule.single_mg is not None
            else None
        )
    weight = service.lab("weight", 365).result if label.single_mg_per_kg else None
    if label.single_mg_per_kg and (weight is None or weight.high is None):
        return Result(
            state="incomplete",
            says="The label's dose for a child is by weight, and no weight of the last year is on record.",
            rule=rule,
            evidence=source,
        )
    most = _most(label, weight)
    if dose > most:
        return Result(
            state="not-covered",
            says=f"{plain(dose)} mg in one dose is above the label's {plain(most)} mg for this patient ({label.population}).",
            value=plain(dose),
            unit="mg",
            rule=rule,
            evidence=source,
        )
    return _course(service, label, dose)


def _most(label: LabelDose, weight: LabResult | None) -> Decimal:
    if label.single_mg_per_kg is None or weight is None or weight.high is None:
        return label.single_mg
    return min(label.single_mg, label.single_mg_per_kg * weight.high)


def _course(service: Service, label: LabelDose, dose: Decimal) -> Result:
    rule = service.rules.dosing
    if label.course_mg is None or label.course_days is None or service.day is None:
        return Result(state="met", says="Within the label's dose.", value=plain(dose), unit="mg", rule=rule)
    first = service.day - timedelta(days=label.course_days - 1)
    total = dose + sum((mg for day, mg in service.earlier_doses if first <= day <= service.day), Decimal(0))
    if total > label.course_mg:
        says = f"{plain(total)} mg within {label.course_days} days is above the label's course of {plain(label.course_mg)} mg."
        return Result(
            state="not-covered",
            says=says,
            value=plain(total),
            unit="mg",
            rule=rule,
            evidence=(cite(service.administration.source, f"{plain(dose)} mg"),),
        )
    return Result(
        state="met",
        says=f"{plain(total)} mg within {label.course_days} days; the label's course is {plain(label.course_mg)} mg.",
        value=plain(total),
        unit="mg",
        rule=rule,
    )


def label_dose(service: Service) -> LabelDose | None:
    """The label row for the patient's population; with the kind of dialysis unknown, the one that allows more."""
    rows = [row for row in codes.dosing() if service.family and row.family == service.family.family]
    if service.flags["child"]:
        return next((row for row in rows if row.population == "child"), None)
    general = next((row for row in rows if row.population == "any"), None)
    if general:
        return general
    if service.kidney.on_dialysis:
        kinds = ["hemodialysis", "peritoneal"] if service.kidney.kind == "unspecified" else [service.kidney.kind]
        return max((row for row in rows if row.population in kinds), key=lambda row: row.single_mg, default=None)
    if not service.flags["ckd"]:
        return None
    return next((row for row in rows if row.population == "not-on-dialysis"), None)


def iron_overload(service: Service) -> Result | None:
    """The newest usable ferritin and TSAT before the dose, against the ceiling."""
    rule = service.rules.iron_overload
    if service.day is None:
        return None
    checks = (("ferritin", ">", rule.ferritin_above), ("tsat", ">=", rule.tsat_from))
    seen: list[LabResult] = []
    for analyte, operator, limit in checks:
        rows = laboratory.before(laboratory.usable(service.record.labs, analyte), service.administration.start, service.day, service.zone)
        newest = laboratory.newest(rows)
        if newest is None:
            continue
        seen.append(newest)
        if compare(newest, operator, limit):
            name = "Ferritin" if analyte == "ferritin" else "Transferrin saturation"
            sign = "above" if operator == ">" else "at or above"
            says = f"{name} {newest.says} before the dose is {sign} {plain(limit)} {UNITS[analyte]}: possible iron overload."
            return Result(
                state="not-covered",
                says=says,
                value=plain(newest.value) if newest.value is not None else None,
                unit=UNITS[analyte],
                evidence=laboratory.evidence(newest),
                rule=rule,
            )
    return Result(state="met", says="No sign of iron overload in the newest results.", rule=rule) if seen else None
