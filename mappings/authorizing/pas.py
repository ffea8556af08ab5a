"""A request in the form of Da Vinci PAS (2.0.1, 2.2.1): what a payer's `Claim/$submit` takes.

Held by tests/e2e/test_authorization_bundles.py.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from uuid import UUID

from mappings.authorizing import copied, people
from mappings.authorizing.copied import Chart
from mappings.authorizing.course import Course
from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import message
from mappings.values import own_names, systems
from mappings.values.identity import stable_id
from mappings.writing.transaction import Resource, concept

_X12 = "https://codesystem.x12.org/005010/"
_TEMPORARY = "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes"
# X12 755, 1525, 1322, 1365.
_LABORATORY = ("755", "LA")
_REVIEW, _INITIAL, _MEDICAL_CARE = ("1525", "HS"), ("1322", "I"), ("1365", "1")
MOST_DIAGNOSES = 12  # that an X12 278 carries


def pas_bundle(request: AuthorizationRequest, chart: Chart, now: datetime) -> Resource:
    """The Bundle; of CHART come the order and the results that it rests on, without what a payer
    need not see. `now` is aware. For a request that lacks nothing."""
    whose = _Addresses(request.id)
    results = [
        copied.result(original, whose(name), says)
        for name, says in _results(request).items()
        if (original := chart(name))
    ]
    order = request.course.order
    ordered = chart(order.source.resource) if order else None
    written = people.order(ordered, chart, whose) if ordered else None
    parts = [
        _claim(request, results, written, whose, now),
        *people.everyone(request, whose),
        *([written] if written else []),
        *({**one, "subject": whose.reference("patient")} for one in results),
    ]
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{systems.PAS}profile-pas-request-bundle"]},
        "identifier": {"system": own_names.AUTHORIZATION, "value": request.id},
        "type": "collection",
        "timestamp": now.isoformat(timespec="seconds"),
        "entry": [{"fullUrl": f"urn:uuid:{part['id']}", "resource": part} for part in parts],
    }


class _Addresses:
    """What each resource of the Bundle is called there."""

    def __init__(self, request: str) -> None:
        self._request = request

    def __call__(self, part: str) -> str:
        return str(UUID(stable_id("authorization", self._request, part)))

    def reference(self, part: str) -> Resource:
        return {"reference": f"urn:uuid:{self(part)}"}


def _results(request: AuthorizationRequest) -> dict[str, str]:
    """The results that it rests on, each with what was read of it."""
    said: dict[str, list[str]] = {}
    for item in chain.from_iterable(fact.evidence for fact in request.facts):
        if item.resource.startswith("Observation/"):
            said.setdefault(item.resource, []).append(item.says)
    return {name: "; ".join(dict.fromkeys(says)) for name, says in said.items()}


def _claim(
    request: AuthorizationRequest,
    results: Sequence[Resource],
    order: Resource | None,
    whose: people.Addresses,
    now: datetime,
) -> Resource:
    diagnoses = request.draft.diagnoses[:MOST_DIAGNOSES]
    information = list(_information(request, results))
    return {
        "resourceType": "Claim",
        "id": whose("claim"),
        "meta": {"profile": [f"{systems.PAS}profile-claim"]},
        "identifier": [{"system": own_names.AUTHORIZATION, "value": request.id}],
        "status": "active",
        "type": concept(f"{systems.HL7}claim-type", request.draft.kind),
        "use": "preauthorization",
        "patient": whose.reference("patient"),
        "created": now.isoformat(timespec="seconds"),
        "insurer": whose.reference("insurer"),
        "provider": whose.reference("requestor"),
        "priority": concept(f"{systems.HL7}processpriority", "normal"),
        "careTeam": [
            {
                "extension": [_extension("careTeamClaimScope", valueBoolean=True)],
                "sequence": 1,
                "provider": whose.reference("role"),
            }
        ],
        "supportingInfo": information,
        "diagnosis": [
            {"sequence": number, "diagnosisCodeableConcept": concept(systems.ICD_10_CM, code)}
            for number, code in enumerate(diagnoses, 1)
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": whose.reference("coverage")}],
        "item": [_item(request, len(diagnoses), len(information), order, whose)],
    }


def _information(request: AuthorizationRequest, results: Sequence[Resource]) -> Iterator[Resource]:
    rows: list[Resource] = [{"category": _category("patientEvent")} | _when(request.course)]
    kind = {"url": "reportTypeCode", "valueCodeableConcept": _coded(*_LABORATORY)}
    rows += (
        {
            "extension": [_extension("documentInformation", extension=[kind])],
            "category": _category("additionalInformation"),
            "valueReference": {"reference": f"urn:uuid:{result['id']}"},
        }
        for result in results
    )
    said = message(request)
    rows += [{"category": _category("freeFormMessage"), "valueString": said}] if said else []
    yield from ({"sequence": number, **row} for number, row in enumerate(rows, 1))


def _when(course: Course) -> Resource:
    if course.end is None or course.end == course.start:
        return {"timingDate": str(course.start)}
    return {"timingPeriod": {"start": str(course.start), "end": str(course.end)}}


def _item(
    request: AuthorizationRequest,
    diagnoses: int,
    information: int,
    order: Resource | None,
    whose: people.Addresses,
) -> Resource:
    course = request.course
    extensions = [
        _extension("serviceItemRequestType", valueCodeableConcept=_coded(*_REVIEW)),
        _extension("certificationType", valueCodeableConcept=_coded(*_INITIAL)),
    ]
    if order:
        extensions.append(_extension("requestedService", valueReference=whose.reference("order")))
    served = {f"serviced{name[6:]}": value for name, value in _when(course).items()}
    return {
        "extension": extensions,
        "sequence": 1,
        "careTeamSequence": [1],
        "diagnosisSequence": list(range(1, diagnoses + 1)),
        "informationSequence": list(range(1, information + 1)),
        "category": _coded(*_MEDICAL_CARE),
        "productOrService": concept(systems.HCPCS, request.code),
        **served,
        "locationCodeableConcept": concept(
            systems.PLACE_OF_SERVICE, request.draft.place_of_service
        ),
        "quantity": {"value": course.units},
    }


def _category(code: str) -> Resource:
    return concept(_TEMPORARY, code)


def _coded(table: str, code: str) -> Resource:
    return concept(f"{_X12}{table}", code)


def _extension(name: str, **value: object) -> Resource:
    return {"url": f"{systems.PAS}extension-{name}", **value}
