"""A fake EHR on pytest-httpserver: refuses what its vendor refuses, and remembers every request
nobody expected."""

import json
import re
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes.authorization import FakeAuthorization
from tests.fakes.modes import MODES, Params, statement

Json = dict[str, Any]
Answer = tuple[int, Json | None, dict[str, str]]
SUBJECTS = ("subject", "patient", "beneficiary", "for")
# Read by id alone, wherever they stand on a claim.
PEOPLE = ("Practitioner", "PractitionerRole", "RelatedPerson")
INCLUDED = {
    "MedicationAdministration:medication": "medicationReference",
    "MedicationAdministration:context": "context",
    "Encounter:location": "location.location",
    "Encounter:service-provider": "serviceProvider",
    "Coverage:payor": "payor",
}


@dataclass
class Injection:
    """Answers the next TIMES requests that match, instead of the EHR."""

    method: str
    pattern: str
    answer: Response
    times: int


@dataclass
class Failure:
    """Answers the next TIMES requests that match, inside a batch, too."""

    pattern: str
    status: int
    body: Json | None
    times: int


@dataclass
class FakeEhr:
    server: HTTPServer
    mode_name: str
    authorization: FakeAuthorization | None = None
    page_size: int = 50
    latency_seconds: float = 0.0
    resources: dict[str, Json] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)  # the same, with what came inside a batch
    headers: list[dict[str, str]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _clock: int = 0
    _failures: list[Failure] = field(default_factory=list)
    _injections: list[Injection] = field(default_factory=list)
    _searches: dict[str, tuple[list[Json], int, int]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.mode = MODES[self.mode_name]
        self.base_url = self.server.url_for("/fhir")
        self.server.expect_request(re.compile(r"/fhir(/.*)?")).respond_with_handler(self.handle)

    # What a test sets up

    def load(self, resources: Iterable[Json]) -> "FakeEhr":
        for resource in resources:
            self.store(dict(resource))
        return self

    def inject(
        self, answer: Response, method: str = "GET", pattern: str = "", times: int = 1
    ) -> None:
        self._injections.append(Injection(method, pattern, answer, times))

    def page(self, *resources: Json, pattern: str, **bundle: Any) -> None:
        """Answers the next request that matches PATTERN with this page."""
        made = {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources], **bundle}
        self.inject(
            Response(json.dumps(made), content_type="application/fhir+json"), pattern=pattern
        )

    def fail(
        self, pattern: str, status: int = 503, times: int = 1, body: Json | None = None
    ) -> None:
        self._failures.append(Failure(pattern, status, body, times))

    def of(self, kind: str) -> list[Json]:
        keys = sorted(key for key in self.resources if key.startswith(f"{kind}/"))
        return [self.resources[key] for key in keys]

    def store(self, resource: Json) -> Json:
        key = f"{resource['resourceType']}/{resource['id']}"
        version = int(self.resources[key]["meta"]["versionId"]) + 1 if key in self.resources else 1
        meta = dict(resource.get("meta") or {})
        if "versionId" not in meta or key in self.resources:
            meta["versionId"] = str(version)
        self._clock += 1
        meta["lastUpdated"] = f"2026-11-23T10:00:00.{self._clock:06d}Z"
        self.resources[key] = {**resource, "meta": meta}
        return self.resources[key]

    # HTTP

    def handle(self, request: Request) -> Response:
        with self._lock:
            target = request.full_path.rstrip("?").removeprefix("/fhir").lstrip("/")
            self.requests.append(f"{request.method} {target}")
            self.headers.append(dict(request.headers))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.latency_seconds)
        with self._lock:
            self._at_once -= 1
            return self._injected(request, target) or self._handled(request, target)

    def _handled(self, request: Request, target: str) -> Response:
        if target != "metadata" and self.authorization and not self.authorization.accepts(request):
            return _response((401, _outcome("login"), {}))
        if request.headers.get("Accept") != "application/fhir+json":
            return Response(status=406)  # with an empty body, as at Oracle
        body = json.loads(request.get_data()) if request.get_data() else None
        return _response(self.answer(request.method, target, body, dict(request.headers)))

    def _injected(self, request: Request, target: str) -> Response | None:
        for injection in self._injections:
            if (
                injection.times
                and request.method == injection.method
                and re.search(injection.pattern, target)
            ):
                injection.times -= 1
                return injection.answer
        return None

    # FHIR

    def answer(
        self, method: str, target: str, body: Json | None, headers: Mapping[str, str]
    ) -> Answer:
        self.queries.append(f"{method} {target}")
        for failure in self._failures:
            if failure.times and re.search(failure.pattern, target):
                failure.times -= 1
                return failure.status, failure.body, {}
        parts = urlsplit(target)
        path, params = (
            parts.path.strip("/").split("/"),
            parse_qsl(parts.query, keep_blank_values=True),
        )
        kind = path[0]
        if method == "GET" and kind == "metadata":
            return 200, statement(self.mode), {}
        if method == "GET" and self.mode.page_param in dict(params):
            return self._page(dict(params)[self.mode.page_param])
        if method == "POST" and kind == "" and body:
            return self._bundle(body)
        if kind not in self.mode.types and not (method == "GET" and kind in PEOPLE):
            return self._surprise(method, target, 404, "not-supported")
        if method == "GET" and len(path) == 2:
            found = self.resources.get("/".join(path))
            return (
                (200, found, {"ETag": f'W/"{found["meta"]["versionId"]}"'})
                if found
                else (404, _outcome("not-found"), {})
            )
        if method == "GET":
            return self._search(kind, params, target)
        return self._written(
            method, kind, path[1] if len(path) == 2 else None, body or {}, headers, target
        )

    def _surprise(self, method: str, target: str, status: int, code: str) -> Answer:
        self.unexpected.append(f"{method} {target} → {status} {code}")
        return status, _outcome(code), {}

    def _search(self, kind: str, params: Params, target: str) -> Answer:
        allowed = set(self.mode.types[kind]) | self.mode.controls
        if unknown := [
            name for name, _ in params if name.split(":")[0] not in allowed and name not in allowed
        ]:
            return self._surprise("GET", target, 400, f"unknown parameter {unknown[0]}")
        if refusal := self.mode.refuse(kind, params):
            return self._surprise("GET", target, *refusal)
        found = [
            r for r in self.of(kind) if all(_matches(r, name, value) for name, value in params)
        ]
        asked = dict(params)
        offset, size = (
            int(asked.get("_offset", 0)),
            min(int(asked.get("_count", self.page_size)), self.page_size),
        )
        token = uuid.uuid4().hex
        self._searches[token] = found, offset, size
        wanted = (
            [value for name, value in params if name == "_include"] if self.mode.includes else []
        )
        return self._page(token, kind, wanted, total="_total" in asked or self.mode.name == "hapi")

    def _page(
        self, token: str, kind: str = "", include: list[str] | None = None, *, total: bool = False
    ) -> Answer:
        if token not in self._searches:
            return 410, _outcome("expired"), {}
        found, offset, size = self._searches[token]
        here = found[offset : offset + size]
        entries = [self._entry(resource, "match") for resource in here]
        entries += [
            self._entry(resource, "include") for resource in self._included(here, include or [])
        ]
        if not entries and self.mode.outcome_entries:
            entries = [
                {
                    "resource": _outcome("informational", "4101", "warning"),
                    "search": {"mode": "outcome"},
                }
            ]
        links = []
        if offset + size < len(found):
            token = uuid.uuid4().hex
            self._searches[token] = found, offset + size, size
            links = [
                {
                    "relation": "next",
                    "url": f"{self.base_url}?{urlencode({self.mode.page_param: token})}",
                }
            ]
        bundle: Json = {
            "resourceType": "Bundle",
            "type": "searchset",
            "link": links,
            "entry": entries,
        }
        return 200, bundle | ({"total": len(found)} if total else {}), {}

    def _entry(self, resource: Json, mode: str) -> Json:
        entry: Json = {
            "fullUrl": f"{self.base_url}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
        }
        return entry | ({"search": {"mode": mode}} if self.mode.search_mode else {})

    def _included(self, here: list[Json], include: list[str]) -> list[Json]:
        keys = {
            ref
            for r in here
            for name in include
            for ref in _references(r, INCLUDED.get(name, "").split("."))
        }
        return [self.resources[key] for key in sorted(keys) if key in self.resources]

    def _bundle(self, body: Json) -> Answer:
        if body.get("type") == "transaction" and self.mode.transaction:
            return self._transaction(body)
        if body.get("type") != "batch" or not self.mode.batch:
            return self._surprise("POST", str(body.get("type")), 400, "not-supported")
        entries = []
        for entry in body["entry"]:
            status, resource, _ = self.answer(
                entry["request"]["method"], entry["request"]["url"], None, {}
            )
            made: Json = {"response": {"status": f"{status} x"}}
            entries.append(
                made
                | (
                    {"resource": resource}
                    if status == 200
                    else {"response": made["response"] | {"outcome": resource}}
                )
            )
        return 200, {"resourceType": "Bundle", "type": "batch-response", "entry": entries}, {}

    def _transaction(self, body: Json) -> Answer:
        """All or none, and one OperationOutcome that does not say which (Q24)."""
        before, entries = dict(self.resources), []
        for entry in body["entry"]:
            request = entry["request"]
            names = {"ifMatch": "If-Match", "ifNoneExist": "If-None-Exist"}
            headers = {names[key]: value for key, value in request.items() if key in names}
            status, _, answered = self.answer(
                request["method"], request["url"], entry["resource"], headers
            )
            if status >= 400:
                self.resources = before
                return status, _outcome("conflict" if status in (409, 412) else "invalid"), {}
            made = {
                "status": f"{status} x",
                "location": answered["Location"],
                "etag": answered["ETag"],
            }
            entries.append({"response": made})
        return 200, {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}, {}

    def _written(
        self,
        method: str,
        kind: str,
        identity: str | None,
        body: Json,
        headers: Mapping[str, str],
        target: str,
    ) -> Answer:
        verb = {"POST": "create", "PUT": "update"}.get(method, method)
        if verb not in self.mode.writes.get(kind, frozenset()):
            return self._surprise(method, target, 405, "not-supported")
        if refusal := self.mode.refuse_body(body):
            return self._surprise(method, target, *refusal)
        if method == "POST" and headers.get("If-None-Exist") and self.mode.conditional_create:
            value = headers["If-None-Exist"].removeprefix("identifier=")
            there = [r for r in self.of(kind) if _matches(r, "identifier", value)]
            if there:
                return (
                    (200, *self._stored(there[0]))
                    if len(there) == 1
                    else (412, _outcome("multiple-matches"), {})
                )
        key = f"{kind}/{identity}"
        if method == "PUT" and key not in self.resources and not self.mode.own_ids:
            return 404, _outcome("not-found"), {}
        if version := headers.get("If-Match"):
            current = self.resources.get(key, {"meta": {"versionId": "0"}})["meta"]["versionId"]
            if version != f'W/"{current}"':
                return self.mode.stale_status, _outcome("conflict"), {}
        status = 200 if key in self.resources else 201
        return status, *self._stored(self.store({**body, "id": identity or uuid.uuid4().hex}))

    def _stored(self, resource: Json) -> tuple[Json | None, dict[str, str]]:
        version = resource["meta"]["versionId"]
        location = f"{self.base_url}/{resource['resourceType']}/{resource['id']}/_history/{version}"
        return (resource if self.mode.echoes else None), {
            "Location": location,
            "ETag": f'W/"{version}"',
        }


def _matches(resource: Json, name: str, value: str) -> bool:
    values = value.split(",")
    match name:
        case "patient" | "subject":
            named = [resource.get(key, {}).get("reference") for key in SUBJECTS]
            return f"Patient/{value.removeprefix('Patient/')}" in named
        case "_id":
            return resource["id"] in values
        case "category":
            return bool(_codes(resource.get("category")) & set(values))
        case "category:not":
            return not _codes(resource.get("category")) & set(values)
        case "code":
            return bool(_tokens((resource.get("code") or {}).get("coding"), "code") & set(values))
        case "identifier":
            tokens = _tokens(resource.get("identifier"), "value")
            return any(token in values or f"{token.split('|')[0]}|" in values for token in tokens)
        case "date" | "effective-time":
            said = (
                resource.get("effectiveDateTime")
                or (resource.get("period") or {}).get("start")
                or ""
            )
            return str(said)[:10] >= value[2:12]
        case "use" | "status":
            return resource.get(name) == value
    return True


def _tokens(items: Any, key: str) -> set[str]:
    return {f"{item.get('system')}|{item.get(key)}" for item in items or []}


def _codes(concepts: Any) -> set[str]:
    return {
        coding.get("code") for concept in concepts or [] for coding in concept.get("coding") or []
    }


def _references(value: Any, path: list[str]) -> set[str]:
    if isinstance(value, list):
        return {ref for item in value for ref in _references(item, path)}
    if not path:
        return {value["reference"]} if "reference" in value else set()
    return _references(value[path[0]], path[1:]) if path[0] in value else set()


def _outcome(code: str, detail: str | None = None, severity: str = "error") -> Json:
    issue: Json = {
        "severity": severity,
        "code": code,
        "diagnostics": "names the patient, so it must not be repeated",
    }
    return {
        "resourceType": "OperationOutcome",
        "issue": [issue | ({"details": {"coding": [{"code": detail}]}} if detail else {})],
    }


def _response(answer: Answer) -> Response:
    status, body, headers = answer
    text = json.dumps(body) if body is not None else ""
    return Response(text, status, headers, content_type="application/fhir+json")
