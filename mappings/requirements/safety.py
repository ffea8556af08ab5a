"""Dose against the label, and signs of iron overload: a warning to a clinician, not paperwork.

Held by tests/scenarios/safety.yaml.
"""

from datetime import date, timedelta
from decimal import Decimal
from itertools import chain

from msgspec import structs

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.charge.most_units import most_mg
from mappings.charge.neighbors import Neighbors
from mappings.circumstances import labs
from mappings.codes.tables import Dated, LabelDose
from mappings.policy.choosing import DosingRule, OverloadRule
from mappings.policy.conditions import compare
from mappings.record import LabResult
from mappings.requirements.labs import caution
from mappings.requirements.labs import evidence as lab_evidence
from mappings.requirements.result import Result
from mappings.values.numbers import plain, with_unit
from mappings.values.remembered import by_identity


def dosing(charge: Charge, neighbors: Neighbors) -> Result | None:
    """The single dose against the policy's own limit, then dose and course against the label for
    this population."""
    rule, dose = charge.rules.dosing, charge.dose.mg
    if dose is None or charge.family is None or charge.day is None:
        return None
    beyond = _beyond_every_label(charge, dose) or _beside_another_iron(charge, neighbors, dose)
    confirmed = _confirmed(charge, dose, beyond) if beyond else None
    if (beyond and not confirmed) or not charge.applies(rule):
        return confirmed or beyond
    source = (cite(charge.administration.source, f"{plain(dose)} mg"),)
    if rule.single_mg is not None and dose > rule.single_mg:
        says = (
            f"{plain(dose)} mg in one dose is above the payer's limit of"
            f" {plain(rule.single_mg)} mg."
        )
        fix = "Keep each dose within the payer's limit, or get the payer's approval for more."
        return Result(
            state="not-covered",
            says=says,
            value=plain(dose),
            unit="mg",
            rule=rule,
            evidence=source,
            fix=fix,
        )
    over = _over_payers_course(charge, neighbors, dose, source)
    if over or confirmed:
        return over or confirmed
    label = label_dose(charge)
    if label is not None:
        # The label is nobody's policy: its verification is its own, whoever the payer is.
        return structs.replace(_by_label(charge, neighbors, label, dose), row=_said_by(label))
    if rule.single_mg is None and rule.course_mg is None:
        return None
    return Result(
        state="met",
        says="Within the payer's limit per dose.",
        value=plain(dose),
        unit="mg",
        rule=rule,
        evidence=source,
    )


def _beyond_every_label(charge: Charge, dose: Decimal) -> Result | None:
    """A dose above every dose of the label, and above what is billed of it on a day: it blocks
    whatever the policy says, until a person confirms it (R3)."""
    labels, code = _labels(charge), charge.code
    label = _most_of(labels) if labels else None
    if label is None or code is None or dose <= label.single_mg:
        return None
    day_mg = most_mg(charge)
    if day_mg is None or dose <= day_mg:
        return None
    return Result(
        state="contradicted",
        says=(
            f"{plain(dose)} mg in one dose is above every dose on the label"
            f" ({plain(label.single_mg)} mg) and above the {plain(day_mg)} mg that are billed of"
            f" {code.code} on a day at most."
        ),
        fix=(
            "Check the recorded dose and its unit; if it was given, have the billing office"
            " confirm it."
        ),
        value=plain(dose),
        unit="mg",
        evidence=(cite(charge.administration.source, f"{plain(dose)} mg"),),
        row=_said_by(label),
        blocking=True,
    )


def _beside_another_iron(charge: Charge, neighbors: Neighbors, dose: Decimal) -> Result | None:
    """No label gives two irons on a day: one of them may have been replaced by the other. It blocks
    as a dose above every label does (principle 1)."""
    other = neighbors.another_iron
    if other is None or other.family is None:
        return None
    labels = _labels(charge)
    says = (
        f"{other.family.name} is recorded on the same day ({other.reference}): one of the two may"
        " have been given in place of the other."
    )
    return Result(
        state="contradicted",
        says=says,
        fix=(
            "Correct the record of the iron that was not given; if both were, have the billing"
            " office confirm each."
        ),
        value=plain(dose),
        unit="mg",
        evidence=(
            cite(charge.administration.source, f"{plain(dose)} mg"),
            cite(other.administration.source, f"{other.family.name} on the same day"),
        ),
        row=_said_by(labels[0]) if labels else None,
        blocking=True,
    )


@by_identity
def _most_of(labels: tuple[LabelDose, ...]) -> LabelDose:
    return max(labels, key=lambda label: label.single_mg)


def _confirmed(charge: Charge, dose: Decimal, beyond: Result) -> Result | None:
    """What a person said of a dose above every label: it was given."""
    day = charge.day or date.max
    said = charge.site.decisions.dose_given(charge.record.patient, charge.reference, dose, day)
    if said is None:
        return None
    return structs.replace(
        beyond,
        state="met",
        says=f"{plain(dose)} mg in one dose were given, as a person confirmed.",
        fix=None,
        evidence=(*beyond.evidence, cite(said.source, said.says)),
    )


def _over_payers_course(
    charge: Charge, neighbors: Neighbors, dose: Decimal, source: tuple[Evidence, ...]
) -> Result | None:
    rule = charge.rules.dosing
    if rule.course_mg is None or rule.course_days is None or charge.day is None:
        return None
    before = neighbors.doses_since(charge.day - timedelta(days=rule.course_days - 1))
    total = sum((given.mg for given in before), dose)
    if total <= rule.course_mg:
        return None
    return Result(
        state="not-covered",
        says=(
            f"{plain(total)} mg within {rule.course_days} days is above the payer's course of"
            f" {plain(rule.course_mg)} mg."
        ),
        value=plain(total),
        unit="mg",
        rule=rule,
        evidence=(*source, *(given.cited for given in before)),
        fix="Get the payer's approval for more before the next dose.",
    )


def _by_label(charge: Charge, neighbors: Neighbors, label: LabelDose, dose: Decimal) -> Result:
    rule = _label_rule(charge.rules.dosing)
    source: tuple[Evidence, ...] = (cite(charge.administration.source, f"{plain(dose)} mg"),)
    if label.from_years and charge.age is not None and charge.age < label.from_years:
        says = f"The label has no dose for patients below {label.from_years} years of age."
        return Result(state="not-covered", says=says, rule=rule, evidence=source)
    if label.single_mg_per_kg is None:
        return _single(charge, neighbors, label, dose, rule, source)
    weighed = charge.lab("weight", codes.windows().days("weight"))
    if weighed.unread:
        stands = labs.quoted(weighed.unread, charge.zone)
        says = f"The label doses children by weight, and the newest weight can't be read: {stands}."
        source += lab_evidence(charge, weighed.unread)
        return Result(state="incomplete", says=says, rule=rule, evidence=source)
    if weighed.result is None or weighed.result.high is None:
        says = "The label doses children by weight, and no weight from the last year is on record."
        return Result(state="incomplete", says=says, rule=rule, evidence=source)
    source += lab_evidence(charge, weighed.result)
    return _single(charge, neighbors, label, dose, rule, source, weighed.result)


def _single(
    charge: Charge,
    neighbors: Neighbors,
    label: LabelDose,
    dose: Decimal,
    rule: DosingRule,
    source: tuple[Evidence, ...],
    weight: LabResult | None = None,
) -> Result:
    most = _most(label, weight)
    if dose > most:
        says = (
            f"{plain(dose)} mg in one dose is above the label's {plain(most)} mg for this patient"
            f" ({_population(label, weight, most)})."
        )
        return Result(
            state="not-covered", says=says, value=plain(dose), unit="mg", rule=rule, evidence=source
        )
    return _course(charge, neighbors, label, dose, rule, source)


@by_identity
def _said_by(label: LabelDose) -> Dated:
    return Dated(source=label.source, verified=label.verified)


def _population(label: LabelDose, weight: LabResult | None, most: Decimal) -> str:
    return (
        f"{label.population}, {label.single_mg_per_kg} mg/kg × {weight.says}"
        if weight and most < label.single_mg
        else label.population
    )


@by_identity
def _label_rule(rule: DosingRule) -> DosingRule:
    """The label as a rule: `blocking` of the policy is about its own limit where it has one."""
    return DosingRule(
        blocking=rule.blocking if rule.single_mg is None and rule.course_mg is None else None,
        write_back=rule.write_back,
    )


def _most(label: LabelDose, weight: LabResult | None) -> Decimal:
    if label.single_mg_per_kg is None or weight is None or weight.high is None:
        return label.single_mg
    return min(label.single_mg, label.single_mg_per_kg * weight.high)


def _course(
    charge: Charge,
    neighbors: Neighbors,
    label: LabelDose,
    dose: Decimal,
    rule: DosingRule,
    source: tuple[Evidence, ...],
) -> Result:
    if label.course_mg is None or label.course_days is None or charge.day is None:
        return Result(
            state="met",
            says="Within the label's dose.",
            value=plain(dose),
            unit="mg",
            rule=rule,
            evidence=source,
        )
    first = charge.day - timedelta(days=label.course_days - 1)
    before = neighbors.doses_since(first)
    total = sum([given.mg for given in before], dose)
    evidence = (*source, *[given.cited for given in before])
    value, within = plain(total), f"{plain(total)} mg within {label.course_days} days"
    if total > label.course_mg:
        says = f"{within} is above the label's course of {plain(label.course_mg)} mg."
        return Result(
            state="not-covered", says=says, value=value, unit="mg", rule=rule, evidence=evidence
        )
    says = f"{within}; the label's course is {plain(label.course_mg)} mg."
    return Result(state="met", says=says, value=value, unit="mg", rule=rule, evidence=evidence)


def _labels(charge: Charge) -> tuple[LabelDose, ...]:
    return _of_family(charge.family.family) if charge.family else ()


@codes.remembered
def _of_family(family: str) -> tuple[LabelDose, ...]:
    return tuple([label for label in codes.dosing() if label.family == family])


def label_dose(charge: Charge) -> LabelDose | None:
    """The label row for the patient's population; with the kind of dialysis unknown, the one that
    allows more."""
    labels = _labels(charge)
    general = [label for label in labels if label.population == "any"]
    if charge.flags["child"]:
        adults = [label for label in general if label.from_years]
        return next(chain((one for one in labels if one.population == "child"), adults), None)
    if general:
        return next((label for label in general if _is_lighter(charge, label)), general[0])
    if charge.kidney.on_dialysis:
        kinds = (
            ["hemodialysis", "peritoneal"]
            if charge.kidney.kind == "unspecified"
            else [charge.kidney.kind]
        )
        return max(
            (label for label in labels if label.population in kinds),
            key=lambda label: label.single_mg,
            default=None,
        )
    if not charge.flags["ckd"]:
        return None
    return next((label for label in labels if label.population == "not-on-dialysis"), None)


def _is_lighter(charge: Charge, label: LabelDose) -> bool:
    """Whether the row is for light patients, and this one is known to be."""
    weight = charge.lab("weight", codes.windows().days("weight")).result if label.below_kg else None
    return bool(label.below_kg and weight and weight.high and weight.high < label.below_kg)


def iron_overload(charge: Charge) -> Result | None:
    """The newest usable ferritin and TSAT before the dose, against the ceiling."""
    rule = charge.rules.iron_overload
    if charge.day is None or not charge.applies(rule):
        return None
    newest = [
        (charge.newest_lab("ferritin"), ">", rule.ferritin_above_ng_ml),
        (charge.newest_lab("tsat"), ">=", rule.tsat_from_percent),
    ]
    seen = [
        (result, compare(result, operator, limit), limit)
        for result, operator, limit in newest
        if result
    ]
    note = _unread_note(charge)
    for verdict in (True, None):
        for result, holds, limit in seen:
            if holds is verdict:
                found = _overloaded(charge, result, limit, verdict, rule)
                return structs.replace(found, note=note)
    says = (
        "The newest results before the dose are below the ceiling."
        if seen
        else "No result shows iron overload."
    )
    evidence = chain.from_iterable([lab_evidence(charge, result) for result, _, _ in seen])
    return Result(state="met", says=says, rule=rule, evidence=tuple(evidence), note=note)


def _unread_note(charge: Charge) -> str | None:
    """Newer results that can't be read may be above the ceiling."""
    if not charge.history.results.unread:
        return None
    doubts = list(filter(None, map(charge.unread_lab, ("ferritin", "tsat"))))
    if not doubts:
        return None
    said = [f"{labs.short(result.analyte)} {labs.quoted(result, charge.zone)}" for result in doubts]
    return f"not compared with the ceiling, can't be read: {', '.join(said)}"


def _overloaded(
    charge: Charge, result: LabResult, limit: Decimal, certain: bool | None, rule: OverloadRule
) -> Result:
    analyte = codes.labs().by_name[result.analyte]
    name, sign = analyte.called.capitalize(), "at or above" if result.analyte == "tsat" else "above"
    verb = f"is {sign}" if certain else f"may be {sign}"
    value = plain(labs.rounded(result.value, result)) if result.value is not None else None
    drawn_soon = caution(charge, result)
    return Result(
        state="not-covered" if certain else "incomplete",
        says=(
            f"{name} {labs.value(result)} before the dose {verb}"
            f" {with_unit(limit, analyte.unit)}: possible iron overload{drawn_soon}."
        ),
        value=value,
        unit=analyte.unit,
        evidence=lab_evidence(charge, result),
        rule=rule,
    )
