"""R4, R5, R11: doses of one day, encounter, code and setting become one claim line, and a JW
line for what was discarded."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from msgspec import structs

from mappings import codes
from mappings.assessment import (
    ClaimLine,
    Evidence,
    Finding,
    LineStatus,
    NdcQuantity,
    PolicyRef,
    cite,
)
from mappings.charge import payment
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.charge.neighbors import Neighbors
from mappings.charge.paid import AskedModifier, Worth
from mappings.circumstances.diagnoses import Sequenced, sequence
from mappings.codes.quarters import quarters_between
from mappings.codes.tables import PaymentLimits
from mappings.dose import waste as vials
from mappings.lines import modifiers
from mappings.lines.beside import beside
from mappings.lines.pointers import pointers
from mappings.lines.trace import Role, trace
from mappings.requirements.billing import usable_authorization
from mappings.requirements.checks import undecided
from mappings.values.identity import stable_id
from mappings.values.numbers import plain

_LEAST_ML = Decimal("0.001")


def claim_lines(neighbors: Neighbors, findings: Sequence[Finding]) -> list[ClaimLine]:
    """The administered line, and the JW line where drug was discarded.

    `neighbors`: of the line's first dose; `findings`: of its doses.
    """
    group = neighbors.group
    charge = group.first
    if charge.not_billable:
        return [_line(neighbors, "administered", group.units, (), findings, "not-billable")]
    reasons = hold_reasons(group, findings)
    status: LineStatus = "held" if reasons else "ready"
    after = modifiers.after_discard(charge, met_by_all(findings), charge.policy)
    left = group.discarded_units
    given = (*modifiers.of_discard(group, left), *after)
    lines = [_line(neighbors, "administered", group.units, given, findings, status, reasons)]
    if left:
        thrown = (*modifiers.of_discarded(group), *after)
        discard = _line(neighbors, "discarded", left, thrown, findings, status, reasons)
        lines.append(structs.replace(discard, discard_of=lines[0].id))
    return lines


def hold_reasons(group: Group, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Requirements that hold the line: blocking ones not met, ones not decided here, what KX would
    attest."""
    bad = [row for row in findings if row.state not in ("met", "not-applicable")]
    attested = {name for row in modifiers.asked_kx(group.first) for name in row.attests}
    reasons = {row.requirement for row in bad if row.blocking or row.requirement in attested}
    reasons |= {f"not-yet-decided:{name}" for name in undecided()}
    if any(row.administration.weak for row in group.charges):
        reasons.add("administration-evidence")
    return tuple(sorted(reasons))


def met_by_all(findings: Sequence[Finding]) -> frozenset[str]:
    bad = {row.requirement for row in findings if row.state not in ("met", "not-applicable")}
    return frozenset(row.requirement for row in findings) - bad


def _line(
    neighbors: Neighbors,
    role: Role,
    units: int,
    asked: tuple[AskedModifier, ...],
    findings: Sequence[Finding],
    status: LineStatus,
    reasons: tuple[str, ...] = (),
) -> ClaimLine:
    group = neighbors.group
    charge = group.first
    code = charge.code.code if charge.code else ""
    billable = status != "not-billable"
    known_dose = any(row.dose.mg is not None for row in group.counted)
    worth = (
        payment.worth(code, units, charge.day, charge.paid) if billable and known_dose else Worth()
    )
    ndcs = _ndc_quantities(group, role)
    sequenced = (
        sequence(
            charge.diagnoses,
            charge.day,
            charge.policy.diagnosis_order,
            charge.kidney.in_facility,
        )
        if charge.day and charge.policy
        else Sequenced((), (), ())
    )
    authorization = usable_authorization(charge, neighbors) if charge.policy else None
    coordination = charge.coordination
    setting = charge.setting
    return ClaimLine(
        id=stable_id(
            "line", charge.record.patient, min(row.reference for row in group.charges), role
        ),
        administrations=tuple(sorted(row.reference for row in group.charges)),
        service_date=str(charge.day) if charge.day else None,
        partial_date=charge.partial_date,
        file_by=str(charge.filing.by) if charge.filing and charge.day else None,
        code=code,
        modifiers=tuple(row.modifier for row in asked),
        units=units,
        status=status,
        payment=charge.payment if billable else None,
        reasons=reasons if billable else (charge.not_billable or "",),
        policy=(
            PolicyRef(charge.policy.id, charge.policy.version)
            if charge.policy and charge.known_payer
            else None
        ),
        coverage=(
            coordination.primary.source.resource if coordination and coordination.primary else None
        ),
        secondary_coverages=(
            tuple(row.source.resource for row in coordination.secondary) if coordination else ()
        ),
        ndc=ndcs[0] if len(ndcs) == 1 else None,
        ndcs=ndcs if len(ndcs) > 1 else (),
        diagnoses=sequenced.codes,
        pointers=pointers(sequenced.codes, charge.diagnoses, findings),
        problem_list_only=sequenced.problem_list_only,
        other_encounter_only=sequenced.other_encounter_only,
        place_of_service=setting.code,
        bill_type=setting.bill_type,
        revenue_code=setting.revenue_code,
        prior_authorization=authorization.reference if authorization else None,
        drug_source=charge.drug_source,
        value=worth.dollars,
        value_quarter=worth.limits.quarter if worth.limits else None,
        notes=_notes(group, sequenced, status, worth, findings),
        evidence=_evidence(group, findings),
        trace=trace(
            group,
            role,
            units,
            asked,
            sequenced,
            worth,
            _outcome(status, reasons, charge.not_billable),
        ),
    )


def _outcome(status: str, reasons: tuple[str, ...], not_billable: str | None) -> str:
    if status == "held":
        return f"held by {', '.join(reasons)}"
    return f"not billable: {not_billable}" if not_billable else "ready: nothing is missing"


def _ndc_quantities(group: Group, role: Role) -> tuple[NdcQuantity, ...]:
    """mL of this line by NDC: what was given, or what was discarded. None where the NDC of a part
    is not known."""
    waste = group.waste
    amounts = (
        vials.left_by_ndc(group.given, waste)
        if waste and role == "discarded"
        else vials.given_by_ndc(group.given)
    )
    found: list[NdcQuantity] = []
    for ndc, mg in amounts.items():
        if ndc is None:
            return ()
        package = codes.packages()[ndc]
        found.append(NdcQuantity(ndc, _ml(mg * package.ml / package.mg), "ML"))
    return tuple(sorted(found, key=lambda row: row.code))


def _ml(amount: Decimal) -> str:
    """mL with at most three decimals, as X12 takes them; less is the least of them."""
    return plain(max(amount.quantize(_LEAST_ML, ROUND_HALF_UP), _LEAST_ML))


def _notes(
    group: Group,
    sequenced: Sequenced,
    status: str,
    worth: Worth,
    findings: Sequence[Finding],
) -> tuple[str, ...]:
    charge = group.first
    notes = list(sequenced.notes)
    if sequenced.problem_list_only:
        notes.append(
            f"problem-list-only: {', '.join(sequenced.problem_list_only)} (to be confirmed at"
            " release)"
        )
    if sequenced.other_encounter_only:
        notes.append(
            f"from an encounter on another day: {', '.join(sequenced.other_encounter_only)} (to be"
            " confirmed at release)"
        )
    for row in group.charges:
        notes += _notes_of_dose(row)
    for given in group.given:
        notes += given.notes
    notes += [finding.note for finding in findings if finding.note]
    if group.waste and group.waste.saving:
        notes.append(group.waste.saving)
    packaged = status != "not-billable" and charge.payment == "packaged"
    listed = charge.paid.listed if charge.paid and packaged else None
    if listed and listed.carried_forward:
        notes.append(f"{listed.system} of the last known release carried forward (not verified)")
    if worth.limits and charge.day:
        notes += _old_limits(worth.limits, charge.day)
    return tuple(dict.fromkeys(notes))


def _old_limits(limits: PaymentLimits, day: date) -> Iterable[str]:
    """How old the limits are that a line is priced with, where its day is of a later quarter."""
    late = quarters_between(limits.start, day)
    if late:
        yield (
            f"priced with the payment limit of {limits.quarter}, {late}"
            f" quarter{'s' if late > 1 else ''} before the date of service"
        )


def _notes_of_dose(row: Charge) -> Iterable[str]:
    yield from _ordered_otherwise(row)
    yield from _as_recorded(row)
    yield from _packages_not_listed(row)
    yield from _of_kidney(row)
    yield from row.unread_notes
    yield from beside(row)
    if row.administration.weak:
        yield (
            "no administration record in this EHR: read from an order or procedure, for a person to"
            " confirm"
        )


def _ordered_otherwise(row: Charge) -> Iterable[str]:
    ordered = {
        item.drug.family
        for item in row.record.orders
        if item.source.resource in row.administration.orders
    }
    families = codes.families()
    for family in sorted(
        name for name in ordered if name and row.family and name != row.family.family
    ):
        yield (
            f"ordered: {families[family].name}; administered:"
            f" {row.family.name if row.family else ''} (billed as administered)"
        )


def _as_recorded(row: Charge) -> Iterable[str]:
    if row.record.deceased and row.record.died is None:
        yield "the patient is recorded as deceased, without a day"
    if row.administration.drug.weakly:
        yield f"the product is read from {row.administration.drug.weakly} alone"
    yield from row.dose.notes
    for item in row.administration.giving.unread:
        yield f"not understood, and not needed for this line: {item}"
    for reference in row.administration.steps:
        yield f"{reference} is a step of this infusion and adds nothing to its dose"
    for reference in row.duplicate_identifier:
        yield f"{reference} carries the same business identifier and is not counted"


def _packages_not_listed(row: Charge) -> Iterable[str]:
    for ndc in row.known_ndcs:
        if not codes.packages().lists(ndc):
            yield (
                f"NDC {ndc} is not listed here: its container is that of its labeler and product"
                " (not verified)"
            )


def _of_kidney(row: Charge) -> Iterable[str]:
    if row.kidney.esrd and not row.kidney.in_facility:
        yield (
            "ESRD patient outside a dialysis facility: modifier AY only if the drug was not for"
            " ESRD, as a person decides"
        )
    if row.policy and row.policy.esa_noted and row.known_payer:
        given = any(
            item.when and row.day and abs((item.when.first - row.day).days) <= 90
            for item in row.record.esa
        )
        yield (
            f"NCD 110.10: {'an' if given else 'no'} erythropoiesis-stimulating agent on record"
            " within 90 days"
        )


def _evidence(group: Group, findings: Sequence[Finding]) -> tuple[Evidence, ...]:
    found = [cite(row.administration.source, row.dose.says.rstrip(".")) for row in group.charges]
    requirements = codes.requirements()
    for row in findings:
        if row.state == "met" and requirements[row.requirement].cited:
            found += row.evidence
        found += [item for item in row.evidence if not item.in_the_chart]
    if any(row.not_billable == "timely-filing" for row in group.charges):
        found += [item for row in group.charges for item in row.filing_evidence]
    return tuple(dict.fromkeys(found))
