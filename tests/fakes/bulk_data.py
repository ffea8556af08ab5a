"""A fake Bulk Data server: an export that tells how far it is, its list of files, and the files,
whole or in ranges."""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes.authorization import FakeAuthorization

Json = dict[str, Any]
NDJSON = "application/fhir+ndjson"
CONFORMANCE = {"resourceType": "CapabilityStatement", "software": {"name": "Fake Bulk"}}


def lines(*resources: Json) -> bytes:
    return b"".join(json.dumps(one, default=float).encode() + b"\n" for one in resources)


def outcome(code: str, text: str = "Jane Doe", severity: str = "error") -> Json:
    issue = {"severity": severity, "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass
class File:
    """`packed`: the server sends it as gzip. `cut`: how many bytes come before the connection
    breaks, once each. `answers`: given one after the other before the file itself."""

    kind: str
    content: bytes
    role: str = "output"
    count: int | None = None
    etag: str | None = '"1"'
    packed: bool = False
    cut: list[int] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    url: str | None = None
    hold: threading.Event | None = None

    @property
    def sent(self) -> bytes:
        return gzip.compress(self.content, mtime=0) if self.packed else self.content


@dataclass
class FakeBulkData:
    """`before`: answers to the first questions how far it is. `pages`: the files of each list.
    `refusals`: answers to the first kick-offs; None: it begins."""

    server: HTTPServer
    pages: list[list[File]]
    authorization: FakeAuthorization | None = None
    needs_token: bool = False
    before: list[Response] = field(default_factory=list)
    refusals: list[Response | None] = field(default_factory=list)
    deletion: int = 202
    transaction_time: str = "2026-11-23T10:00:00Z"
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    jobs: int = 0
    alive: bool = False
    links: int = 0  # how often the addresses of files have changed
    partial: bool = False

    def __post_init__(self) -> None:
        self.base_url = self.server.url_for("/fhir")
        for path in ("/fhir", "/files"):
            self.server.expect_request(_below(path)).respond_with_handler(self.handle)

    def asked(self, start: str) -> list[str]:
        return [request for request in self.requests if request.startswith(start)]

    def headers_of(self, start: str) -> list[dict[str, str]]:
        pairs = zip(self.requests, self.headers, strict=True)
        return [headers for request, headers in pairs if request.startswith(start)]

    def handle(self, request: Request) -> Response:
        target = request.full_path.rstrip("?")
        self.requests.append(f"{request.method} {target}")
        self.headers.append(dict(request.headers))
        self.bodies.append(json.loads(request.get_data()) if request.get_data() else None)
        if target == "/fhir/metadata":
            return _json(CONFORMANCE)
        is_file = target.startswith("/files/")
        guard = self.authorization if not is_file or self.needs_token else None
        if guard and not guard.accepts(request):
            return _json(outcome("login"), 401)
        if is_file:
            return self._file(request, target)
        if "$export" in urlsplit(target).path:
            return self._kick_off()
        return self._status(request, target)

    def _kick_off(self) -> Response:
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal:
            return refusal
        self.jobs += 1
        self.alive = True
        where = f"{self.base_url}/jobs/{self.jobs}"
        return Response(status=202, headers={"Content-Location": where})

    def _status(self, request: Request, target: str) -> Response:
        if request.method == "DELETE":
            self.alive = False
            return Response(status=self.deletion)
        if not self.alive:
            return _json(outcome("not-found"), 404)
        number = int(parse_qs(urlsplit(target).query).get("page", ["0"])[0])
        if self.before and not number:
            return self.before.pop(0)
        return _json(self.manifest(number), 202 if self.partial and not number else 200)

    def manifest(self, number: int) -> Json:
        made: Json = {
            "transactionTime": self.transaction_time,
            "request": "",
            "requiresAccessToken": self.needs_token,
            "output": [],
            "error": [],
        }
        for place, file in enumerate(self.pages[number]):
            url = file.url or self.server.url_for(f"/files/{self.links}/{number}/{place}")
            entry: Json = {"type": file.kind, "url": url}
            if file.count is not None:
                entry["count"] = file.count
            made.setdefault(file.role, []).append(entry)
        if number + 1 < len(self.pages):
            url = f"{self.base_url}/jobs/{self.jobs}?page={number + 1}"
            made["link"] = [{"relation": "next", "url": url}]
        return made

    def _file(self, request: Request, target: str) -> Response:
        link, page, place = (int(part) for part in target.split("/")[-3:])
        file = self.pages[page][place]
        if link != self.links or not self.alive:
            return _json(outcome("expired"), 410)
        if file.answers:
            return file.answers.pop(0)
        return _of_file(file, request)


def _of_file(file: File, request: Request) -> Response:
    data, headers, status = file.sent, {"Content-Type": NDJSON}, 200
    if file.etag:
        headers["ETag"] = file.etag
    if file.packed:
        headers["Content-Encoding"] = "gzip"
    asked, unless = request.headers.get("Range"), request.headers.get("If-Range")
    if asked and file.etag and unless == file.etag:
        first = int(asked.removeprefix("bytes=").rstrip("-"))
        headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        data, status = data[first:], 206
    headers["Content-Length"] = str(len(data))
    if file.cut:
        return Response(_until(data[: file.cut.pop(0)], file.hold), status, headers)
    return Response(data, status, headers)


def _until(data: bytes, hold: threading.Event | None) -> Iterator[bytes]:
    """What comes before the connection breaks; HOLD: it stays open until then."""
    yield data
    if hold:
        hold.wait(30)


def _json(body: Json, status: int = 200) -> Response:
    kind = "application/json" if "transactionTime" in body else "application/fhir+json"
    return Response(json.dumps(body), status, content_type=kind)


def _below(path: str) -> re.Pattern[str]:
    return re.compile(rf"{path}(/.*)?")
