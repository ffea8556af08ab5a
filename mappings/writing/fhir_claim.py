"""Claims as FHIR R4: one per claim, with the same id on every run, so that what is posted twice is
one.

Held by tests/unit/test_writing_claims.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from msgspec.structs import replace

from mappings import codes
from mappings.assessment import Assessment, ClaimLine, NdcQuantity, has_address
from mappings.circumstances.visit import encounter_of
from mappings.record import Coverage, PatientRecord, Practitioner
from mappings.site import BillingProvider, Facility, Site
from mappings.values import systems
from mappings.values.own_names import CLAIM, CLAIM_NUMBER, LINE
from mappings.writing.detected_issue import TAG
from mappings.writing.preparing.drafts import (
    Draft,
    ServiceLine,
    again,
    drafts,
    modifiers_of,
    service_lines,
    value_of,
)
from mappings.writing.preparing.parties import facility_of
from mappings.writing.preparing.practitioners import encounters, practitioner_of
from mappings.writing.preparing.prepared import Claim
from mappings.writing.preparing.statements import OtherLine, Statement, statement
from mappings.writing.stay import of_the_stay
from mappings.writing.transaction import Resource, bundle, concept, present

_FINEST = Decimal("0.0001")

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
    """A transaction Bundle of Claims of the ready lines, each `draft`; held lines are left out.
    `now` is aware."""
    with codes.using(site.codes):
        return bundle(_drafted(document, records, site, now), now)


def _drafted(
    document: Assessment, records: Mapping[str, PatientRecord], site: Site, now: datetime
) -> list[Resource]:
    found = []
    for draft in drafts(document):
        made = statement(draft, [])[0] if draft.bill_type else None
        record, provider = records.get(draft.patient), site.biller(draft.kind, draft.bill_type)
        services: list[ServiceLine] = []
        repeated = again(draft.lines)
        for line in draft.lines:
            services += service_lines(line, _value(line), modifier=repeated.get(line.id))
        found.append(_claim(draft, services, record, site, provider, made, now))
    return found


def _value(line: ClaimLine) -> Decimal | None:
    return Decimal(line.value) if line.value is not None else None


def written_claim(
    claim: Claim, record: PatientRecord, site: Site, now: datetime, *, active: bool
) -> Resource:
    """A claim with its charges; `active` where it counts."""
    draft, provider, stay = claim.draft, claim.provider, claim.statement
    stay = replace(stay, frequency=claim.stated_frequency) if stay else None
    made = _claim(draft, claim.services, record, site, provider, stay, now)
    made["identifier"] = [
        *made["identifier"],
        {"system": CLAIM_NUMBER, "value": claim.number},
    ]
    made["status"] = "active" if active else "draft"
    if claim.original:
        made["related"] = [related(claim.original)]
    return made


def related(original: str) -> Resource:
    """The claim that another one is about, by the payer's number."""
    return {
        "relationship": concept(f"{systems.HL7}ex-relatedclaimrelationship", "prior"),
        "reference": {"value": original},
    }


def _claim(
    draft: Draft,
    services: Sequence[ServiceLine],
    record: PatientRecord | None,
    site: Site,
    provider: BillingProvider | None,
    made: Statement | None,
    now: datetime,
) -> Resource:
    coverages = record.coverages if record else ()
    coverage = next(
        (coverage for coverage in coverages if coverage.source.resource == draft.coverage), None
    )
    practitioner = practitioner_of(draft, record, site.zone) if record else None
    information = _Information(draft, made)
    visits = _visits(draft, record, site)
    parts: dict[str, list[ServiceLine]] = {}
    for part in services:
        parts.setdefault(part.line.id, []).append(part)
    items = [
        _item(number, line, parts[line.id], draft, information, practitioner, visits)
        for number, line in enumerate(draft.lines, 1)
    ]
    others = made.lines if made else ()
    items += [_other_item(number, other) for number, other in enumerate(others, len(items) + 1)]
    claim = {
        "resourceType": "Claim",
        "id": draft.id,
        "meta": {"tag": [TAG]},
        "identifier": [{"system": CLAIM, "value": draft.id}],
        "status": "draft",
        "type": concept(f"{systems.HL7}claim-type", draft.kind),
        "use": "claim",
        "patient": {"reference": draft.patient},
        "billablePeriod": _period(draft, made),
        "created": now.isoformat(timespec="seconds"),
        "insurer": _insurer(coverage),
        "provider": _provider(provider, draft, record, site),
        "facility": _facility(facility_of(draft, record, site)) if record else None,
        "priority": concept(f"{systems.HL7}processpriority", "normal"),
        "careTeam": [_care_team(practitioner)] if practitioner else None,
        "supportingInfo": information.rows,
        "diagnosis": [_diagnosis(number, code) for number, code in enumerate(draft.diagnoses, 1)],
        "insurance": list(_insurance(draft)),
        "item": items,
        "total": money(value_of(services) + sum((other.charge for other in others), Decimal(0))),
    }
    return present(claim)


def _period(draft: Draft, made: Statement | None) -> Resource:
    if made:
        return {"start": str(made.start), "end": str(made.end)}
    return {"start": draft.dates[0], "end": draft.dates[-1]}


def _visits(draft: Draft, record: PatientRecord | None, site: Site) -> dict[str, str]:
    """The encounter of each line."""
    if record is None:
        return {}
    named = (visit.source.resource for visit in encounters(draft, record, site.zone))
    known = set(filter(has_address, named))
    found = {}
    for line in draft.lines:
        given = [
            administration
            for administration in record.administrations
            if administration.source.resource in line.administrations
        ]
        visits = {
            visit.source.resource
            for administration in given
            if (visit := encounter_of(administration, record, site.zone))
        }
        if len(visits) == 1 and visits <= known:
            found[line.id] = visits.pop()
    return found


class _Information:
    """supportingInfo of a claim: the evidence of its lines, each resource once, and the type of
    bill."""

    def __init__(self, draft: Draft, made: Statement | None) -> None:
        said: dict[str, list[str]] = {}
        for item in chain.from_iterable(line.evidence for line in draft.lines):
            if item.resource != draft.coverage and has_address(item.resource):
                texts = said.setdefault(item.resource, [])
                texts += [item.says] if item.says not in texts else []
        self._places = {resource: number for number, resource in enumerate(said, 1)}
        self.rows: list[Resource] = [
            {
                "sequence": self._places[resource],
                "category": (
                    concept(f"{systems.HL7}claiminformationcategory", "info")
                    | {"text": "; ".join(texts)}
                ),
                "valueReference": {"reference": resource},
            }
            for resource, texts in said.items()
        ]
        for category, code, value in of_the_stay(draft, made):
            entry = {"sequence": len(self.rows) + 1, "category": category, "code": code} | value
            self.rows.append(entry)

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
    """The site's billing provider, with the organization that the encounter was with; without
    either it is unknown."""
    visits = encounters(draft, record, site.zone) if record else []
    named = {visit.service_provider for visit in visits if visit.service_provider}
    reference = {"reference": named.pop()} if len(named) == 1 else {}
    if provider:
        number = {"system": systems.NPI, "value": provider.npi}
        name = " ".join(filter(None, (provider.given, provider.name)))
        return reference | {"identifier": number, "display": name}
    return reference or _UNKNOWN


def _facility(facility: Facility | None) -> Resource | None:
    """Where it was given, if not where the biller is."""
    if facility is None:
        return None
    number = {"system": systems.NPI, "value": facility.npi} if facility.npi else None
    return _present(identifier=number, display=facility.name)


def _care_team(practitioner: Practitioner) -> Resource:
    name = practitioner.name
    who = _present(
        reference=practitioner.reference,
        identifier={"system": systems.NPI, "value": practitioner.npi},
        display=f"{name.given} {name.family}".strip() if name else None,
    )
    return {
        "sequence": 1,
        "provider": who,
        "responsible": True,
        "role": concept(f"{systems.HL7}claimcareteamrole", "primary"),
    }


def _diagnosis(number: int, code: str) -> Resource:
    principal = (
        {"type": [concept(f"{systems.HL7}ex-diagnosistype", "principal")]} if number == 1 else {}
    )
    return {
        "sequence": number,
        "diagnosisCodeableConcept": concept(systems.ICD_10_CM, code),
    } | principal


def _insurance(draft: Draft) -> Iterator[Resource]:
    """The payer that the claim is for, then those that pay after it."""
    secondary = dict.fromkeys(chain.from_iterable(line.secondary_coverages for line in draft.lines))
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
    parts: Sequence[ServiceLine],
    draft: Draft,
    information: _Information,
    practitioner: Practitioner | None,
    visits: Mapping[str, str],
) -> Resource:
    """A line, its NDCs as details."""
    worth = value_of(parts) if all(part.value is not None for part in parts) else None
    ndcs = [part.ndc for part in parts if part.ndc]
    visit = visits.get(line.id)
    item = {
        "extension": [{"url": LINE, "valueString": line.id}],
        "sequence": number,
        "careTeamSequence": [1] if practitioner else None,
        "diagnosisSequence": draft.pointers(line),
        "informationSequence": information.of(line),
        "revenue": concept(systems.REVENUE, line.revenue_code) if line.revenue_code else None,
        "productOrService": _service(line.code),
        "modifier": [concept(systems.HCPCS, modifier) for modifier in modifiers_of(parts)],
        "servicedDate": line.service_date,
        "locationCodeableConcept": concept(systems.PLACE_OF_SERVICE, draft.place_of_service),
        "quantity": {"value": line.units, "unit": "units"},
        "unitPrice": _unit_price(worth, line.units),
        "net": money(worth) if worth is not None else None,
        "encounter": [{"reference": visit}] if visit else None,
        "detail": [_detail(place, ndc) for place, ndc in enumerate(ndcs, 1)],
    }
    return present(item)


def _other_item(number: int, line: OtherLine) -> Resource:
    """A line of the facility's own."""
    item = {
        "sequence": number,
        "revenue": concept(systems.REVENUE, line.revenue),
        "productOrService": _service(line.code)
        if line.code
        else concept(systems.REVENUE, line.revenue),
        "modifier": [concept(systems.HCPCS, modifier) for modifier in line.modifiers],
        "servicedDate": str(line.day),
        "quantity": {"value": line.units, "unit": "units"},
        "unitPrice": _unit_price(line.charge, line.units),
        "net": money(line.charge),
    }
    return present(item)


def _service(code: str) -> Resource:
    return concept(systems.CPT if code.isdigit() else systems.HCPCS, code)


def _unit_price(worth: Decimal | None, units: int) -> Resource | None:
    """Of one unit, where it is exact to a hundredth of a cent."""
    if worth is None or not units:
        return None
    price = (worth / units).quantize(_FINEST)
    return money(price) if price * units == worth else None


def _detail(number: int, ndc: NdcQuantity) -> Resource:
    """The drug with this line's mL."""
    quantity = {
        "value": Decimal(ndc.quantity),
        "unit": "mL",
        "system": systems.UCUM,
        "code": "mL",
    }
    return {"sequence": number, "productOrService": concept_of_ndc(ndc), "quantity": quantity}


def concept_of_ndc(ndc: NdcQuantity) -> Resource:
    """In FHIR's 5-4-2 form."""
    return concept(systems.NDC, f"{ndc.code[:5]}-{ndc.code[5:9]}-{ndc.code[9:]}")


def code_of(code: str, modifiers: Sequence[str]) -> Resource:
    """A service with its modifiers, where a resource has one code for both."""
    codings = [
        *_service(code)["coding"],
        *({"system": systems.HCPCS, "code": modifier} for modifier in modifiers),
    ]
    return {"coding": codings, "text": " ".join([code, *modifiers])}


def money(value: Decimal) -> Resource:
    return {"value": value, "currency": "USD"}


def _present(**elements: Any) -> Resource:
    return {name: value for name, value in elements.items() if value}
