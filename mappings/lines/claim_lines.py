"""R4, R5, R11: doses of one day, encounter, code and setting become one claim line, and a JW
line for what was discarded.

Held by tests/scenarios/lines.yaml.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain

from msgspec import UNSET, structs

from mappings import codes
from mappings.assessment import (
    WORST_FIRST,
    ClaimLine,
    Evidence,
    Finding,
    LineStatus,
    NdcQuantity,
    PolicyRef,
)
from mappings.charge import payment
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.charge.neighbors import Neighbors
from mappings.charge.paid import AskedModifier, Worth
from mappings.circumstances.diagnoses import unread_words
from mappings.circumstances.sequence import Sequenced
from mappings.codes.quarters import quarters_between
from mappings.codes.tables import PaymentLimits
from mappings.dose.waste import given_by_ndc, left_by_ndc
from mappings.lines import modifiers
from mappings.lines.beside import beside
from mappings.lines.pointers import pointers
from mappings.lines.trace import Role, trace
from mappings.policy.modifiers import AttestingModifier
from mappings.requirements.checks import undecided
from mappings.requirements.payer.authorization import usable_authorization
from mappings.values.identity import stable_id
from mappings.values.numbers import plain

_LEAST_ML = Decimal("0.001")


def claim_lines(neighbors: Neighbors, findings: Sequence[Finding], traced: bool) -> list[ClaimLine]:
    """The administered line, and the JW line where drug was discarded.

    `neighbors`: of the line's first dose; `findings`: of its doses; `traced`: with their chains.
    """
    group = neighbors.group
    charge = group.first
    if charge.not_billable:
        return [_line(neighbors, "administered", group.units, (), findings, traced, "not-billable")]
    attesting = modifiers.asked_kx(charge)
    reasons = hold_reasons(group, findings, attesting)
    status: LineStatus = "held" if reasons else "ready"
    after = modifiers.after_discard(charge, findings, attesting)
    left = group.discarded_units
    given = (*modifiers.of_discard(group, left), *after)
    lines = [
        _line(neighbors, "administered", group.units, given, findings, traced, status, reasons)
    ]
    if left:
        thrown = (*modifiers.of_discarded(group), *after)
        discard = _line(neighbors, "discarded", left, thrown, findings, traced, status, reasons)
        lines.append(structs.replace(discard, discard_of=lines[0].id))
    return lines


def hold_reasons(
    group: Group, findings: Sequence[Finding], attesting: Sequence[AttestingModifier]
) -> tuple[str, ...]:
    """Requirements that hold the line: blocking ones not met, ones not decided here, what KX would
    attest."""
    reasons: set[str] = set()
    bad = [finding for finding in findings if finding.state in WORST_FIRST]
    if bad:
        attested = set(chain.from_iterable([one.attests for one in attesting]))
        reasons |= {
            finding.requirement
            for finding in bad
            if finding.blocking or finding.requirement in attested
        }
    reasons |= {f"not-yet-decided:{name}" for name in undecided()}
    if any(charge.administration.weak for charge in group.charges):
        reasons.add("administration-evidence")
    return tuple(sorted(reasons))


def _line(
    neighbors: Neighbors,
    role: Role,
    units: int,
    asked: tuple[AskedModifier, ...],
    findings: Sequence[Finding],
    traced: bool,
    status: LineStatus,
    reasons: tuple[str, ...] = (),
) -> ClaimLine:
    group = neighbors.group
    charge = group.first
    code = charge.code.code if charge.code else ""
    billable = status != "not-billable"
    known_dose = any(charge.dose.mg is not None for charge in group.counted)
    worth = (
        payment.worth(code, units, charge.day, charge.paid) if billable and known_dose else Worth()
    )
    ndcs = _ndc_quantities(group, role)
    sequenced = charge.sequenced
    authorization = usable_authorization(charge, neighbors) if charge.policy else None
    coordination = charge.coordination
    setting = charge.setting
    references = sorted([dose.reference for dose in group.charges])
    return ClaimLine(
        id=stable_id("line", charge.record.patient, references[0], role),
        administrations=tuple(references),
        service_date=str(charge.day) if charge.day else None,
        partial_date=charge.partial_date,
        file_by=str(charge.filing.by) if charge.filing and charge.day else None,
        code=code,
        modifiers=tuple([modifier.modifier for modifier in asked]),
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
            tuple([coverage.source.resource for coverage in coordination.secondary])
            if coordination
            else ()
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
        chain=(
            trace(
                group,
                role,
                units,
                asked,
                sequenced,
                worth,
                _outcome(status, reasons, charge.not_billable),
            )
            if traced
            else UNSET
        ),
    )


def _outcome(status: str, reasons: tuple[str, ...], not_billable: str | None) -> str:
    if status == "held":
        return f"held by {', '.join(map(_named, reasons))}"
    return f"not billable: {_named(not_billable)}" if not_billable else "ready: nothing is missing"


def _named(reason: str) -> str:
    """For people: the requirement, or the words of the code."""
    requirement = codes.requirements().get(reason)
    return requirement.named if requirement else reason.replace(":", ": ").replace("-", " ")


def _ndc_quantities(group: Group, role: Role) -> tuple[NdcQuantity, ...]:
    """mL of this line by NDC: what was given, or what was discarded. None where the NDC of a part
    is not known."""
    waste = group.waste
    amounts = (
        left_by_ndc(group.given, waste)
        if waste and role == "discarded"
        else given_by_ndc(group.given)
    )
    found: list[NdcQuantity] = []
    for ndc, mg in amounts.items():
        if ndc is None:
            return ()
        package = codes.packages()[ndc]
        found.append(NdcQuantity(ndc, _ml(mg * package.ml / package.mg), "ML"))
    return tuple(sorted(found, key=lambda quantity: quantity.code))


def _ml(amount: Decimal) -> str:
    """mL with at most three decimals, as X12 takes them; less is the least of them."""
    return plain(max(amount.quantize(_LEAST_ML, ROUND_HALF_UP), _LEAST_ML))


def _notes(
    group: Group,
    sequenced: Sequenced,
    status: LineStatus,
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
    for dose in group.charges:
        for said in _SAID_OF_A_DOSE:
            notes += said(dose)
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


def _ordered_otherwise(charge: Charge) -> Iterable[str]:
    given, named = charge.family, charge.administration.orders
    if given is None:
        return
    ordered = {item.drug.family for item in charge.record.orders if item.source.resource in named}
    for family in sorted(filter(None, ordered - {given.family})):
        yield (
            f"ordered: {codes.families()[family].name}; administered: {given.name} (billed as"
            " administered)"
        )


def _as_recorded(charge: Charge) -> Iterable[str]:
    if charge.record.deceased and charge.record.died is None:
        yield "the patient is recorded as deceased, without a day"
    if charge.administration.drug.weakly:
        yield f"the product is read from {charge.administration.drug.weakly} alone"
    yield from charge.dose.notes
    for item in charge.administration.giving.unread:
        yield f"not understood, and not needed for this line: {item}"
    for reference in charge.administration.steps:
        yield f"{reference} is a step of this infusion and adds nothing to its dose"
    for reference in charge.duplicate_identifier:
        yield f"{reference} carries the same business identifier and is not counted"


def _packages_not_listed(charge: Charge) -> Iterable[str]:
    packages = codes.packages()
    for ndc in charge.known_packages:
        if not packages.lists(ndc):
            yield (
                f"NDC {ndc} is not listed here: its container is that of its labeler and product"
                " (not verified)"
            )


def _for_a_person(charge: Charge) -> Iterable[str]:
    """What a person decides, and what the payer's policy has one look at."""
    if charge.kidney.esrd and not charge.kidney.in_facility:
        yield (
            "ESRD patient outside a dialysis facility: modifier AY only if the drug was not for"
            " ESRD, as a person decides"
        )
    if charge.policy and charge.policy.esa_noted and charge.known_payer:
        day, dates = charge.day, charge.history.esa_dates
        within = codes.windows().days("esa")
        given = day and [when for when in dates if abs((when.first - day).days) <= within]
        yield (
            f"NCD 110.10: {'an' if given else 'no'} erythropoiesis-stimulating agent on record"
            f" within {within} days"
        )
    if charge.policy and charge.policy.notes and charge.known_payer:
        for note in filter(charge.applies, charge.policy.notes):
            doubt = "" if charge.policy.verifies(note) else ", not verified"
            source = note.source or charge.policy.source
            yield f"for a person to look at: {note.says} ({source}{doubt})"


def _unread(charge: Charge) -> Iterable[str]:
    """What is stated, not understood, and turns nothing here."""
    yield from charge.setting.notes
    by_status = [one for one in charge.doubtful if not one.by.is_worded]
    if by_status:
        yield f"diagnoses with a status that is not understood: {unread_words(by_status)}"


def _read_from(charge: Charge) -> Iterable[str]:
    if charge.administration.weak:
        yield (
            "no administration record in this EHR: read from an order or procedure, for a person to"
            " confirm"
        )


# In this order.
_SAID_OF_A_DOSE: tuple[Callable[[Charge], Iterable[str]], ...] = (
    _ordered_otherwise, _as_recorded, _packages_not_listed, _for_a_person, _unread, beside,
    _read_from,
)  # fmt: skip


def _evidence(group: Group, findings: Sequence[Finding]) -> tuple[Evidence, ...]:
    """What the line rests on in the chart, and whatever people decided."""
    found = [charge.dose_cited for charge in group.charges]
    of_line, decided = codes.requirement_table().cited, group.first.site.decisions.any
    for finding in findings:
        if finding.state == "met" and finding.requirement in of_line:
            found += finding.evidence
        elif decided:
            found += [item for item in finding.evidence if not item.in_the_chart]
    if any(charge.not_billable == "timely-filing" for charge in group.charges):
        found += chain.from_iterable(charge.filing_evidence for charge in group.charges)
    return tuple(dict.fromkeys(found))
