"""Lines for the facility's own claim as FHIR ChargeItems: one per line, with the same id on every
run.

Held by tests/contract/test_claims_write.py.
"""

from datetime import datetime
from decimal import Decimal

from mappings.assessment import has_address
from mappings.record import PatientRecord
from mappings.site import Site
from mappings.values import own_names
from mappings.values.identity import stable_id
from mappings.writing.detected_issue import TAG
from mappings.writing.fhir_claim import code_of, concept_of_ndc, money
from mappings.writing.preparing.drafts import modifiers_of
from mappings.writing.preparing.practitioners import encounters
from mappings.writing.preparing.prepare import ChargeLines
from mappings.writing.transaction import Resource, present


def charge_items(
    found: ChargeLines, record: PatientRecord, site: Site, now: datetime
) -> list[Resource]:
    """`priceOverride` holds the charge of the whole line, where there is a price."""
    named = (visit.source.resource for visit in encounters(found.draft, record, site.zone))
    visits = list(filter(has_address, named))
    made = []
    for line, parts in found.services:
        known = [part.value for part in parts if part.value is not None]
        ndcs = [part.ndc for part in parts if part.ndc]
        item = {
            "resourceType": "ChargeItem",
            "id": stable_id("charge", line.id),
            "meta": {"tag": [TAG]},
            "identifier": [{"system": own_names.LINE, "value": line.id}],
            "status": "billable",
            "code": code_of(line.code, modifiers_of(parts)),
            "subject": {"reference": found.draft.patient},
            "context": {"reference": visits[0]} if len(visits) == 1 else None,
            "occurrenceDateTime": line.service_date,
            "quantity": {"value": line.units, "unit": "units"},
            "priceOverride": money(sum(known, Decimal(0))) if known else None,
            "enteredDate": now.isoformat(timespec="seconds"),
            "service": [{"reference": reference} for reference in line.administrations],
            "productCodeableConcept": concept_of_ndc(ndcs[0]) if len(ndcs) == 1 else None,
        }
        made.append(present(item))
    return made
