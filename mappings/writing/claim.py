"""Claim drafts as FHIR R4: one per patient, coverage, date and setting, `draft` for ever; a person
makes a claim of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from mappings import codes
from mappings.assessment import Assessment, ClaimLine, NdcQuantity
from mappings.circumstances.visit import encounter_of
from mappings.record import Coverage, PatientRecord, Practitioner
from mappings.site import BillingProvider, Site
from mappings.writing.detected_issue import TAG
from mappings.writing.drafts import Draft, drafts
from mappings.writing.parties import practitioner_of

Resource = dict[str, Any]

CLAIM = "urn:ferroclaim:claim"
LINE = "urn:ferroclaim:line"
_HL7 = "http://terminology.hl7.org/CodeSystem/"
_HCPCS, _CPT = (
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "http://www.ama-assn.org/go/cpt",
)
_PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
_REVENUE, _BILL_TYPE = (
    "https://www.nubc.org/CodeSystem/RevenueCodes",
    "https://www.nubc.org/CodeSystem/TypeOfBill",
)
_INFORMATION = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType"
_NPI, _NDC, _ICD = (
    "http://hl7.org/fhir/sid/us-npi",
    "http://hl7.org/fhir/sid/ndc",
    "http://hl7.org/fhir/sid/icd-10-cm",
)
_UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}


def claims(
    document: Assessment, records: Mapping[str, PatientRecord], site: Site, now: datetime
) -> Resource:
    """A collection Bundle of Claims of the ready lines, each `draft`; held lines are left out.
    `now` is aware."""
    from fhir.resources.R4B.bundle import Bundle

    with codes.using(site.codes):
        found = [_claim(draft, records.get(draft.patient), site, now) for draft in drafts(document)]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": now.isoformat(timespec="seconds"),
        "entry": (
            [{"fullUrl": f"urn:uuid:{UUID(row['id'])}", "resource": row} for row in found] or None
        ),
    }
    checked = Bundle.model_validate(
        {name: value for name, value in bundle.items() if value is not None}
    )
    written: Resource = msgspec.json.decode(checked.model_dump_json())
    return written


def _claim(draft: Draft, record: PatientRecord | None, site: Site, now: datetime) -> Resource:
    coverage = (
        next((row for row in record.coverages if row.source.resource == draft.coverage), None)
        if record
        else None
    )
    practitioner = practitioner_of(draft, record, site.zone) if record else None
    information = _Information(draft)
    claim = {
        "resourceType": "Claim",
        "id": draft.id,
        "meta": {"tag": [TAG]},
        "identifier": [{"system": CLAIM, "value": draft.id}],
        "status": "draft",
        "type": _concept(f"{_HL7}claim-type", draft.kind),
        "use": "claim",
        "patient": {"reference": draft.patient},
        "billablePeriod": {"start": draft.dates[0], "end": draft.dates[-1]},
        "created": now.isoformat(timespec="seconds"),
        "insurer": _insurer(coverage),
        "provider": _provider(site.billing_provider, draft, record, site),
        "priority": _concept(f"{_HL7}processpriority", "normal"),
        "careTeam": [_care_team(practitioner)] if practitioner else None,
        "supportingInfo": information.rows,
        "diagnosis": [_diagnosis(number, code) for number, code in enumerate(draft.diagnoses, 1)],
        "insurance": list(_insurance(draft)),
        "item": [
            _item(number, line, draft, information, practitioner)
            for number, line in enumerate(draft.lines, 1)
        ],
        "total": _money(_sum(draft.lines)),
    }
    return {name: value for name, value in claim.items() if value not in (None, [])}


class _Information:
    """supportingInfo of a claim: the evidence of its lines, each resource once, and the type of
    bill."""

    def __init__(self, draft: Draft) -> None:
        said: dict[str, list[str]] = {}
        for item in (
            item
            for line in draft.lines
            for item in line.evidence
            if item.resource != draft.coverage and item.in_the_chart
        ):
            texts = said.setdefault(item.resource, [])
            texts += [item.says] if item.says not in texts else []
        self._places = {resource: number for number, resource in enumerate(said, 1)}
        self.rows: list[Resource] = [
            {
                "sequence": self._places[resource],
                "category": (
                    _concept(f"{_HL7}claiminformationcategory", "info") | {"text": "; ".join(texts)}
                ),
                "valueReference": {"reference": resource},
            }
            for resource, texts in said.items()
        ]
        if draft.bill_type:
            # 13X: the third digit, the frequency, is 1 for a first claim.
            code = _concept(_BILL_TYPE, draft.bill_type[:2] + "1")
            self.rows.append(
                {
                    "sequence": len(said) + 1,
                    "category": _concept(_INFORMATION, "typeofbill"),
                    "code": code,
                }
            )

    def of(self, line: ClaimLine) -> list[int]:
        return sorted(
            {self._places[item.resource] for item in line.evidence if item.resource in self._places}
        )


def _insurer(coverage: Coverage | None) -> Resource | None:
    payor = coverage.payor if coverage else None
    if payor is None or not (payor.reference or payor.name):
        return None
    return _present(reference=payor.reference, display=payor.name)


def _provider(
    provider: BillingProvider | None, draft: Draft, record: PatientRecord | None, site: Site
) -> Resource:
    """The site's billing provider, else the organization that the encounter was with, else
    unknown."""
    if provider:
        return {"identifier": {"system": _NPI, "value": provider.npi}, "display": provider.name}
    references = {reference for line in draft.lines for reference in line.administrations}
    given = (
        [row for row in record.administrations if row.source.resource in references]
        if record
        else []
    )
    encounters = [encounter_of(row, record, site.zone) for row in given] if record else []
    named = {row.service_provider for row in encounters if row and row.service_provider}
    return {"reference": named.pop()} if len(named) == 1 else _UNKNOWN


def _care_team(practitioner: Practitioner) -> Resource:
    name = practitioner.name
    who = _present(
        reference=practitioner.reference,
        identifier={"system": _NPI, "value": practitioner.npi},
        display=f"{name.given} {name.family}".strip() if name else None,
    )
    return {
        "sequence": 1,
        "provider": who,
        "responsible": True,
        "role": _concept(f"{_HL7}claimcareteamrole", "primary"),
    }


def _diagnosis(number: int, code: str) -> Resource:
    principal = {"type": [_concept(f"{_HL7}ex-diagnosistype", "principal")]} if number == 1 else {}
    return {"sequence": number, "diagnosisCodeableConcept": _concept(_ICD, code)} | principal


def _insurance(draft: Draft) -> Iterator[Resource]:
    """The payer that the claim is for, then those that pay after it."""
    secondary = dict.fromkeys(
        reference for line in draft.lines for reference in line.secondary_coverages
    )
    for number, reference in enumerate([draft.coverage, *secondary], 1):
        focal = {"preAuthRef": draft.authorizations} if number == 1 and draft.authorizations else {}
        yield {
            "sequence": number,
            "focal": number == 1,
            "coverage": {"reference": reference},
        } | focal


def _item(
    number: int,
    line: ClaimLine,
    draft: Draft,
    information: _Information,
    practitioner: Practitioner | None,
) -> Resource:
    ndcs = line.ndcs or ([line.ndc] if line.ndc else [])
    item = {
        "extension": [{"url": LINE, "valueString": line.id}],
        "sequence": number,
        "careTeamSequence": [1] if practitioner else None,
        "diagnosisSequence": draft.pointers(line),
        "informationSequence": information.of(line),
        "revenue": _concept(_REVENUE, line.revenue_code) if line.revenue_code else None,
        "productOrService": _concept(_CPT if line.code.isdigit() else _HCPCS, line.code),
        "modifier": [_concept(_HCPCS, modifier) for modifier in line.modifiers],
        "servicedDate": line.service_date,
        "locationCodeableConcept": _concept(_PLACE, draft.place_of_service),
        "quantity": {"value": line.units, "unit": "units"},
        "net": _money(Decimal(line.value)) if line.value is not None else None,
        "detail": [_detail(place, ndc) for place, ndc in enumerate(ndcs, 1)],
    }
    return {name: value for name, value in item.items() if value not in (None, [])}


def _detail(number: int, ndc: NdcQuantity) -> Resource:
    """The drug by its NDC in FHIR's 5-4-2 form, with this line's mL."""
    code = f"{ndc.code[:5]}-{ndc.code[5:9]}-{ndc.code[9:]}"
    quantity = {
        "value": Decimal(ndc.quantity),
        "unit": "mL",
        "system": "http://unitsofmeasure.org",
        "code": "mL",
    }
    return {"sequence": number, "productOrService": _concept(_NDC, code), "quantity": quantity}


def _sum(lines: Sequence[ClaimLine]) -> Decimal:
    """Of the values that are known."""
    return sum((Decimal(line.value) for line in lines if line.value is not None), Decimal(0))


def _money(value: Decimal) -> Resource:
    return {"value": value, "currency": "USD"}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _present(**elements: Any) -> Resource:
    return {name: value for name, value in elements.items() if value}
