"""The sample charts as a small FHIR server, in memory: what `demo --pages` reads and writes instead
of an EHR.

Held by tests/contract/test_demo_pages.py.
"""

import threading
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from mappings.reading.fhir.decoding import decode

PREFIX = "/demo/fhir"
FHIR_JSON = "application/fhir+json"
SUBJECTS = ("subject", "patient", "beneficiary")
PARAMETERS = ("_id", "identifier", "patient")
TAKEN = (
    "AllergyIntolerance",
    "DetectedIssue",
    "MedicationAdministration",
    "MedicationStatement",
    "ServiceRequest",
)
_encoder = msgspec.json.Encoder(decimal_format="number")

Resource = dict[str, Any]


class SampleEhr:
    """Resources by reference. Threads may share one."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Resource] = {}
        for resource in resources:
            self._keep(resource)

    def read(self, kind: str, identity: str) -> Resource | None:
        return self._kept.get(f"{kind}/{identity}")

    def search(self, kind: str, asked: Mapping[str, str]) -> list[Resource]:
        """By PARAMETERS alone; others were never offered, and narrow nothing."""
        with self._lock:
            found = [
                resource for resource in self._kept.values() if resource["resourceType"] == kind
            ]
        return [
            resource
            for resource in found
            if all(_matches(resource, *pair) for pair in asked.items())
        ]

    def create(self, resource: Resource, unless: str | None) -> tuple[Resource, bool]:
        """What stands there then, and whether it is new. UNLESS: an identifier that nobody else
        may have (If-None-Exist)."""
        kind = resource["resourceType"]
        there = self.search(kind, {"identifier": unless}) if unless else []
        if there:
            return there[0], False
        with self._lock:
            return self._keep({**resource, "id": uuid.uuid4().hex}), True

    def update(self, kind: str, identity: str, resource: Resource, match: str | None) -> int:
        """The status: 200; 404 where there is none; 412 where MATCH is no longer its version."""
        with self._lock:
            current = self._kept.get(f"{kind}/{identity}")
            if current is None:
                return 404
            if match and match != _etag(current):
                return 412
            self._keep({**resource, "resourceType": kind, "id": identity})
            return 200

    def _keep(self, resource: Resource) -> Resource:
        reference = f"{resource['resourceType']}/{resource['id']}"
        before = self._kept.get(reference)
        version = int(before["meta"]["versionId"]) + 1 if before else 1
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        said = {"versionId": str(version), "lastUpdated": stamp}
        self._kept[reference] = {**resource, "meta": {**(resource.get("meta") or {}), **said}}
        return self._kept[reference]

    def statement(self) -> Resource:
        """The CapabilityStatement: reading everything, writing TAKEN."""
        kinds = sorted({reference.partition("/")[0] for reference in self._kept} | {*TAKEN})
        rest = {"mode": "server", "resource": [_offered(kind) for kind in kinds]}
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "software": {"name": "ferroclaim demo"},
            "rest": [rest],
        }


def router_of(ehr: SampleEhr) -> APIRouter:
    """The FHIR endpoints of EHR. A write must be FHIR by its type: a foreign page in the browser
    cannot send that."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)

    @router.get("/metadata")
    def metadata() -> Response:
        return _answer(200, ehr.statement())

    @router.get("/{kind}")
    def search(kind: str, request: Request) -> Response:
        asked = {name: text for name, text in request.query_params.items() if name in PARAMETERS}
        found = [
            {"resource": resource, "search": {"mode": "match"}}
            for resource in ehr.search(kind, asked)
        ]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        return _answer(200, bundle | ({"entry": found} if found else {}))

    @router.get("/{kind}/{identity}")
    def read(kind: str, identity: str) -> Response:
        found = ehr.read(kind, identity)
        return _answer(200, found) if found else _refused(404, "not-found")

    @router.post("/{kind}")
    async def create(kind: str, request: Request) -> Response:
        resource = await _sent(request, kind)
        if isinstance(resource, Response):
            return resource
        unless = request.headers.get("If-None-Exist", "").partition("identifier=")[2]
        made, new = ehr.create(resource, unless or None)
        return _answer(201 if new else 200, made)

    @router.put("/{kind}/{identity}")
    async def update(kind: str, identity: str, request: Request) -> Response:
        resource = await _sent(request, kind)
        if isinstance(resource, Response):
            return resource
        status = ehr.update(kind, identity, resource, request.headers.get("If-Match"))
        found = ehr.read(kind, identity)
        if status != 200 or found is None:
            return _refused(status, "not-found" if status == 404 else "conflict")
        return _answer(200, found)

    return router


async def _sent(request: Request, kind: str) -> Resource | Response:
    if request.headers.get("Content-Type", "").partition(";")[0] != FHIR_JSON:
        return _refused(415, "not-supported")
    if kind not in TAKEN:
        return _refused(405, "not-supported")
    try:
        resource = decode(await request.body())
    except ValueError:
        return _refused(400, "structure")
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        return _refused(400, "invalid")
    return resource


def _answer(status: int, resource: Resource) -> Response:
    headers = {"Cache-Control": "no-store"}
    if version := (resource.get("meta") or {}).get("versionId"):
        place = f"{PREFIX}/{resource['resourceType']}/{resource['id']}/_history/{version}"
        headers |= {"ETag": _etag(resource), "Location": place}
    return Response(_encoder.encode(resource), status, headers, FHIR_JSON)


def _refused(status: int, code: str) -> Response:
    issue = {"severity": "error", "code": code}
    return _answer(status, {"resourceType": "OperationOutcome", "issue": [issue]})


def _etag(resource: Resource) -> str:
    return f'W/"{resource["meta"]["versionId"]}"'


def _offered(kind: str) -> Resource:
    written = ("create", "update") if kind in TAKEN else ()
    return {
        "type": kind,
        "interaction": [{"code": code} for code in ("read", "search-type", *written)],
        "searchParam": [{"name": name, "type": "token"} for name in PARAMETERS],
        "conditionalCreate": kind in TAKEN,
    }


def _matches(resource: Resource, name: str, value: str) -> bool:
    wanted = value.split(",")
    if name == "_id":
        return resource["id"] in wanted
    if name == "identifier":
        return any(_identified(resource, text) for text in wanted)
    named = {(resource.get(element) or {}).get("reference") for element in SUBJECTS}
    return f"Patient/{value.removeprefix('Patient/')}" in named


def _identified(resource: Resource, token: str) -> bool:
    system, _, value = token.rpartition("|")
    return any(
        identifier.get("system") == system and value in ("", identifier.get("value"))
        for identifier in resource.get("identifier") or []
    )
