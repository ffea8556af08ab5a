"""Bundles as servers send them: each resource stays raw until its size and kind are known.

Held by tests/contract/test_ehr_reading.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from integration.ehr.fhir.answers import Answer, Json
from integration.errors import BadAnswer
from mappings.reading.fhir import outcomes
from mappings.reading.fhir.decoding import Damaged, NotJson, decode, decode_with

ABSENT = Raw(b"")


class AsSent(dict[str, Any]):
    """A resource with the text that the server sent."""

    text = b""


class Link(Struct):
    relation: str | None = None
    url: str | None = None


class Response(Struct):
    status: str = ""
    location: str | None = None
    etag: str | None = None
    outcome: Raw = ABSENT


class Search(Struct):
    mode: str | None = None


class Entry(Struct):
    resource: Raw = ABSENT
    response: Response | None = None
    search: Search | None = None

    @property
    def status(self) -> int:
        """Of a batch's or transaction's entry; every one must be read (Q24)."""
        code = (self.response.status if self.response else "")[:3]
        return int(code) if code.isdecimal() else 0

    def answer(self) -> Answer:
        """This entry as if it had been asked for alone."""
        response = self.response or Response()
        body = bytes(self.resource) or bytes(response.outcome)
        return Answer(self.status, {"ETag": response.etag} if response.etag else {}, body)


class Bundle(Struct):
    resourceType: str  # noqa: N815 (FHIR's name)
    type: str | None = None
    total: int | None = None
    link: list[Link] | None = None
    entry: list[Entry] | None = None

    @property
    def next(self) -> str | None:
        return next(
            (link.url for link in self.link or [] if link.relation == "next" and link.url), None
        )


class Page(Struct, frozen=True):
    """One page of a search: its resources, what could not be read of it, and where it goes on.

    `length` counts the matches on it, without what was included. `left_out`: what says that there
    is more than came.
    """

    resources: list[Json]
    problems: list[dict[str, str]]
    next: str | None
    length: int
    total: int | None
    left_out: str | None = None


@dataclass
class Count:
    """The matches of a search, counted page by page against the total that the server told."""

    kind: str
    found: set[str] = field(default_factory=set)
    entries: int = 0

    def checked(self, page: Page) -> Page:
        """The page; the last one says where less came than was counted (hapi-fhir#3599)."""
        self.found.update(problem["resource"] for problem in page.problems)
        self.found.update(str(r.get("id")) for r in page.resources if _is(r, self.kind))
        self.entries += len(page.resources) + len(page.problems)
        total, came = page.total or 0, len(self.found)
        # Some servers count what they included, too.
        if page.next or came >= total or self.entries == total:
            return page
        says = f"the server counts {total} and gave {came}, without a further page"
        return msgspec.structs.replace(page, left_out=f"{says}: the rest was left out")


def _is(resource: Json, kind: str) -> bool:
    return bool(resource["resourceType"] == kind)


class _Head(Struct):
    """Just enough to name a resource."""

    resourceType: str = "a resource"  # noqa: N815
    id: str | None = None


_bundles = msgspec.json.Decoder(Bundle)
_heads = msgspec.json.Decoder(_Head)


def bundle(site: str, answer: Answer, what: str) -> Bundle:
    found: Bundle | None
    try:
        _, found = decode_with(_bundles, answer.body)
    except NotJson:
        found = None
    if found is None or found.resourceType != "Bundle":
        kind = answer.headers.get("Content-Type", "an unnamed type").split(";")[0]
        raise BadAnswer(
            site,
            f"{what} was answered with {kind} that is not a FHIR Bundle",
            "Check that base_url is the FHIR base, without a proxy or sign-in page before it",
        )
    return found


def page(found: Bundle, kind: str, limit_bytes: int) -> Page:
    """The resources of a searchset. An OperationOutcome among them, whatever its search mode (Q19),
    may say that some were left out."""
    resources: list[Json] = []
    problems: list[dict[str, str]] = []
    codes: list[str] = []
    for raw in _raws(found):
        taken = resource(raw, limit_bytes, kind)
        if isinstance(taken, str):
            problems.append({"resource": name(raw, kind), "problem": taken})
        elif taken["resourceType"] == "OperationOutcome":
            codes += filter(None, [outcomes.left_out(taken)])
        else:
            resources.append(taken)
    included = sum(
        1
        for entry in found.entry or []
        if entry.search and entry.search.mode in ("include", "outcome")
    )
    length = len(found.entry or []) - included
    said = f"the server says that results were left out ({', '.join(codes)})" if codes else None
    return Page(resources, problems, found.next, length, found.total, said)


def resource(raw: Raw | bytes, limit_bytes: int, kind: str) -> Json | str:
    """The resource, or why it cannot be used."""
    if len(bytes(raw)) > limit_bytes:
        return (
            f"larger than {limit_bytes} bytes, so it was not read; raise limits.resource_bytes if"
            " that is right"
        )
    try:
        taken: Any = decode(raw)
    except ValueError:
        return "not JSON that can be read"
    if not isinstance(taken, dict) or not isinstance(taken.get("resourceType"), str):
        return f"not a FHIR resource, in a search of {kind}"
    _without_attachments(taken)
    if isinstance(taken, Damaged):
        return taken
    sent = AsSent(taken)
    sent.text = bytes(raw)
    return sent


def _without_attachments(taken: Json) -> None:
    """That a note or a report exists is what counts here, not its pages."""
    kept = {"DocumentReference": "content", "DiagnosticReport": "presentedForm"}.get(
        taken["resourceType"]
    )
    for content in taken.get(kept) or [] if kept else []:
        attachment = content.get("attachment", content) if isinstance(content, dict) else None
        if isinstance(attachment, dict):
            attachment.pop("data", None)


def name(raw: Raw | bytes, kind: str) -> str:
    try:
        _, head = decode_with(_heads, bytes(raw))
    except NotJson:
        return kind
    return f"{head.resourceType}/{head.id}" if head.id else head.resourceType


def _raws(found: Bundle) -> Iterator[Raw]:
    for entry in found.entry or []:
        if bytes(entry.resource) not in (b"", b"null"):
            yield entry.resource
