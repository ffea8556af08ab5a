"""Bundles as servers send them: each resource stays raw until its size and kind are known.

Held by tests/contract/test_ehr_reading.py.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from integration.ehr.fhir.answers import Answer, Json, refusal
from integration.errors import BadAnswer
from mappings.reading.fhir import elements, naming, outcomes
from mappings.reading.fhir.decoding import Damaged, NotJson, decode, decode_with
from mappings.reading.fhir.twofold import Twofold

ABSENT = Raw(b"")


class AsSent(dict[str, Any]):
    """A resource with the text that the server sent."""

    text = b""


# Where servers write something else than FHIR's type (a number as text, text as a number, null in a
# list), only what is said there is lost: such elements are `Any`.
class Response(Struct):
    status: Any = ""
    location: Any = None
    etag: Any = None
    outcome: Raw = ABSENT


class Entry(Struct):
    fullUrl: Any = None  # noqa: N815 (FHIR's name)
    resource: Raw = ABSENT
    response: Response | None = None
    search: Any = None

    @property
    def status(self) -> int:
        """Of a batch's or transaction's entry; every one must be read (Q24)."""
        found = _STATUS.search(str(self.response.status)) if self.response else None
        if found is None:  # some servers give the resource alone
            return 200 if bytes(self.resource) else 0
        return int(found[0])

    @property
    def location(self) -> str | None:
        return (elements.text(self.response.location) or None) if self.response else None

    def answer(self) -> Answer:
        """This entry as if it had been asked for alone."""
        response = self.response or Response()
        body = bytes(self.resource) or bytes(response.outcome)
        etag = elements.text(response.etag)
        return Answer(self.status, {"ETag": etag} if etag else {}, body, let_in=True)


class Bundle(Struct):
    resourceType: str  # noqa: N815 (FHIR's name)
    total: Any = None
    link: Any = None
    entry: list[Entry | None] | None = None

    @property
    def entries(self) -> list[Entry]:
        return [entry or Entry() for entry in self.entry or ()]

    @property
    def count(self) -> int | None:
        """The `total`."""
        said = str(self.total).removesuffix(".0")
        return int(said) if _NUMBER.fullmatch(said) else None

    @property
    def next(self) -> str | None:
        links = self.link if isinstance(self.link, list) else [self.link]
        found = (
            elements.text(link.get("url"))
            for link in links
            if isinstance(link, dict) and link.get("relation") == "next"
        )
        return next(filter(None, found), None)


_STATUS = re.compile(r"\b[1-5][0-9]{2}\b")
_NUMBER = re.compile(r"[0-9]{1,18}")


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

    def add(self, page: Page) -> None:
        matches = [found for found in page.resources if found["resourceType"] == self.kind]
        self.found.update([str(resource.get("id")) for resource in matches])
        self.found.update(problem["resource"] for problem in page.problems)
        self.entries += len(page.resources) + len(page.problems)

    def checked(self, page: Page) -> Page:
        """The page, added; the last one says where less came than was counted (hapi-fhir#3599)."""
        self.add(page)
        total, came = page.total or 0, len(self.found)
        # Some servers count what they included, too.
        if page.next or came >= total or self.entries == total:
            return page
        says = f"the server counts {total} and gave {came}, without a further page"
        return msgspec.structs.replace(page, left_out=f"{says}: the rest was left out")


class _Head(Struct):
    """Just enough to name a resource."""

    resourceType: str = "a resource"  # noqa: N815
    id: str | None = None


_bundles = msgspec.json.Decoder(Bundle)
_heads = msgspec.json.Decoder(_Head)


def bundle(site: str, answer: Answer, what: str) -> Bundle:
    why = ""
    try:
        _, found = decode_with(_bundles, answer.body)
        if found.resourceType == "Bundle":
            return found
        if found.resourceType == "OperationOutcome":
            raise refusal(site, what, answer)
    except NotJson as problem:
        why = f" ({problem})"
    kind = answer.headers.get("Content-Type", "an unnamed type").split(";")[0]
    of_json = "json" in kind and bool(answer.body)
    raise BadAnswer(
        site,
        f"{what} was answered with {kind} that is not a FHIR Bundle{why if of_json else ''}",
        "Tell the EHR's vendor"
        if of_json
        else "Check that base_url is the FHIR base, without a proxy or sign-in page before it",
    )


def page(found: Bundle, kind: str, limit_bytes: int) -> Page:
    """The resources of a searchset. An OperationOutcome among them, whatever its search mode (Q19),
    may say that some were left out."""
    resources: list[Json] = []
    problems: list[dict[str, str]] = []
    codes: list[str] = []
    length = 0
    for entry in found.entries:
        search = entry.search
        length += not (isinstance(search, dict) and search.get("mode") in ("include", "outcome"))
        text = bytes(entry.resource)
        if text in (b"", b"null"):
            continue
        taken = resource(text, limit_bytes, kind)
        if isinstance(taken, str):
            problems.append({"resource": name(text, kind), "problem": taken})
        elif taken["resourceType"] == "OperationOutcome":
            codes += filter(None, [outcomes.left_out(taken)])
        else:
            resources.append(
                taken if "id" in taken else naming.named(taken, elements.text(entry.fullUrl))
            )
    said = f"the server says that results were left out ({', '.join(codes)})" if codes else None
    return Page(resources, problems, found.next, length, found.count, said)


def resource(text: bytes, limit_bytes: int, kind: str) -> Json | str:
    """The resource, or why it cannot be used."""
    if len(text) > limit_bytes:
        return (
            f"larger than {limit_bytes} bytes, so it was not read; raise limits.resource_bytes if"
            " that is right"
        )
    try:
        taken: Any = decode(text)
    except ValueError:
        return "not JSON that can be read"
    if not isinstance(taken, dict) or not isinstance(taken.get("resourceType"), str):
        return f"not a FHIR resource, in a search of {kind}"
    if kept := _PAGES.get(taken["resourceType"]):
        _without_pages(taken.get(kept))
    if isinstance(taken, Damaged | Twofold):
        return taken
    sent = AsSent(taken)
    sent.text = text
    return sent


# That a note or a report exists is what counts here, not its pages.
_PAGES = {"DocumentReference": "content", "DiagnosticReport": "presentedForm"}


def _without_pages(contents: Any) -> None:
    for content in contents or []:
        attachment = content.get("attachment", content) if isinstance(content, dict) else None
        if isinstance(attachment, dict):
            attachment.pop("data", None)


def name(text: bytes, kind: str) -> str:
    try:
        _, head = decode_with(_heads, text)
    except NotJson:
        return kind
    return f"{head.resourceType}/{head.id}" if head.id else head.resourceType
