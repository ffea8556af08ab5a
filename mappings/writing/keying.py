"""Claims as rows from which a person can key them: one per service line, everything on it that a
form asks for.

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterator
from itertools import chain

from mappings.assessment import ClaimLine
from mappings.record import Address, Name, PatientRecord
from mappings.site import Site
from mappings.values.numbers import plain
from mappings.writing.preparing.drafts import FORMS, Draft, ServiceLine
from mappings.writing.preparing.insurance import coverage_of
from mappings.writing.preparing.parties import Parties, parties
from mappings.writing.preparing.practitioners import encounters
from mappings.writing.preparing.prepare import ChargeLines
from mappings.writing.preparing.prepared import Claim
from mappings.writing.table import safe

_DIAGNOSES = tuple(f"diagnosis_{number}" for number in range(1, 26))
_MODIFIERS = ("modifier_1", "modifier_2", "modifier_3", "modifier_4")
COLUMNS = (
    "form", "claim_number", "frequency", "payer_claim_number", "total",
    "patient_family", "patient_given", "patient_middle", "patient_suffix", "birth_date", "sex",
    "street", "city", "state", "zip", "relationship", "subscriber_family", "subscriber_given",
    "payer", "payer_id", "member_number", "group_number", "plan_name",
    "next_payer", "next_payer_id", "next_member_number", "medicare_secondary",
    "statement_from", "statement_through", "admission_priority", "admission_origin",
    "patient_status", "visit_reasons", "condition_codes", "value_codes", "occurrence_codes",
    "billing_provider", "billing_npi", "tax_id", "practitioner_family", "practitioner_given",
    "practitioner_npi", "facility", "encounter", "patient", "line_number", "service_date", "hcpcs",
    *_MODIFIERS, "units", "units_discarded", "charge", "ndc", "ndc_quantity", "ndc_unit",
    "revenue_code", "place_of_service", "bill_type", "prior_authorization", "pointers",
    *_DIAGNOSES, "claim_line_id", "administrations",
)  # fmt: skip
CHARGE_LINE = "charge line for the facility's claim"

Row = dict[str, str]


def rows(claim: Claim, record: PatientRecord, site: Site) -> Iterator[Row]:
    """The rows of a claim, each cell safe in a spreadsheet."""
    provider = claim.provider
    head = _head(claim.draft, claim.who, record, site) | {
        "form": FORMS[claim.kind],
        "claim_number": claim.number,
        "frequency": claim.stated_frequency,
        "payer_claim_number": claim.original,
        "total": claim.total,
        **_stay(claim),
        "billing_provider": " ".join(filter(None, (provider.given, provider.name))),
        "billing_npi": provider.npi,
        "tax_id": provider.tax_id,
    }
    for number, part in enumerate(claim.services, 1):
        yield _safe(head | _service(claim.draft, part, claim.services) | {"line_number": number})
    others = claim.statement.lines if claim.statement else ()
    for number, other in enumerate(others, len(claim.services) + 1):
        own: dict[str, object] = {
            "line_number": number,
            "service_date": other.day,
            "hcpcs": other.code,
            **dict(zip(_MODIFIERS, other.modifiers, strict=False)),
            "units": other.units,
            "charge": other.charge,
            "revenue_code": other.revenue,
        }
        yield _safe(head | own)


def _stay(claim: Claim) -> dict[str, object]:
    """What an institutional claim says beside its lines; codes apart by semicolons, amounts and
    days behind them."""
    made = claim.statement
    if made is None:
        return {}
    values = (f"{code} {plain(amount)}" for code, amount in made.values)
    return {
        "statement_from": made.start,
        "statement_through": made.end,
        "admission_priority": made.priority,
        "admission_origin": made.origin,
        "patient_status": made.status,
        "visit_reasons": "; ".join(claim.visit_reasons),
        "condition_codes": "; ".join(made.conditions),
        "value_codes": "; ".join(values),
        "occurrence_codes": "; ".join(f"{code} {day}" for code, day in made.occurrences),
    }


def charge_rows(found: ChargeLines, record: PatientRecord, site: Site) -> Iterator[Row]:
    """Lines that the facility adds to its own claim."""
    who = parties(found.draft, record, site)
    head = _head(found.draft, who, record, site) | {"form": CHARGE_LINE}
    services = list(chain.from_iterable(parts for _, parts in found.services))
    for number, part in enumerate(services, 1):
        yield _safe(head | _service(found.draft, part, services) | {"line_number": number})


def _safe(cells: dict[str, object]) -> Row:
    return {name: safe(cells.get(name)) for name in COLUMNS}


def _head(draft: Draft, who: Parties, record: PatientRecord, site: Site) -> dict[str, object]:
    person, payer = who.practitioner.name or Name(""), who.first
    next_payer = who.others[0] if who.others else None
    coverage = coverage_of(record, draft.coverage)
    visits = [visit.source.resource for visit in encounters(draft, record, site.zone)]
    return {
        "patient": draft.patient,
        "patient_family": who.patient.family,
        "patient_given": who.patient.given,
        "patient_middle": who.patient.middle,
        "patient_suffix": who.patient.suffix,
        "birth_date": who.born,
        "sex": who.sex,
        **_address(who.address),
        "relationship": payer.relationship,
        "subscriber_family": payer.subscriber.family,
        "subscriber_given": payer.subscriber.given,
        "payer": payer.payer or (coverage.payor.name if coverage else ""),
        "payer_id": payer.payer_id,
        "member_number": payer.member_id,
        "group_number": payer.group_number,
        "plan_name": payer.plan_name,
        "next_payer": next_payer.payer if next_payer else "",
        "next_payer_id": next_payer.payer_id if next_payer else "",
        "next_member_number": next_payer.member_id if next_payer else "",
        "medicare_secondary": next_payer.secondary_type if next_payer else "",
        "practitioner_family": person.family,
        "practitioner_given": person.given,
        "practitioner_npi": who.practitioner.npi,
        "facility": who.facility.name if who.facility else "",
        "encounter": "; ".join(visits),
        "place_of_service": draft.place_of_service,
        "bill_type": draft.bill_type,
        **dict(zip(_DIAGNOSES, draft.diagnoses, strict=False)),
    }


def _address(where: Address) -> dict[str, object]:
    return {
        "street": ", ".join(where.line),
        "city": where.city,
        "state": where.state,
        "zip": where.postal_code,
    }


def _service(
    draft: Draft, part: ServiceLine, services: tuple[ServiceLine, ...] | list[ServiceLine]
) -> dict[str, object]:
    line = part.line
    return {
        "service_date": line.service_date,
        "hcpcs": line.code,
        **dict(zip(_MODIFIERS, part.modifiers, strict=False)),
        "units": part.units,
        "units_discarded": _discarded(line, services),
        "charge": part.value,
        "ndc": part.ndc.code if part.ndc else "",
        "ndc_quantity": part.ndc.quantity if part.ndc else "",
        "ndc_unit": part.ndc.unit if part.ndc else "",
        "revenue_code": line.revenue_code,
        "prior_authorization": line.prior_authorization,
        "pointers": ":".join(str(place) for place in draft.pointers(line)),
        "claim_line_id": line.id,
        "administrations": "; ".join(line.administrations),
    }


def _discarded(line: ClaimLine, services: tuple[ServiceLine, ...] | list[ServiceLine]) -> int:
    """Units of the discard of a dose's line; on the discard's own row nothing."""
    return sum(part.units for part in services if part.line.discard_of == line.id)
