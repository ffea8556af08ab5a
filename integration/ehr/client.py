"""One EHR as we see it: its capability, searches page by page, single resources, batches of
reads.

Held by tests/contract/test_ehr_authorization.py.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Self, TypeVar

from integration.configuration.site import Site
from integration.ehr.capability import Capability, read_statement
from integration.ehr.fhir import bundles
from integration.ehr.fhir.answers import Answer, Json
from integration.ehr.fhir.bundles import Count, Page
from integration.ehr.fhir.query import Query, pairs
from integration.ehr.transport.auth import SHARED_TOKENS, RequestAuthorization, Tokens
from integration.ehr.transport.http import Observer, Transport
from integration.errors import (
    BadAnswer,
    ConfigurationError,
    EhrError,
    Forbidden,
    NotFound,
    Refused,
    Unreachable,
)

BATCH_ENTRIES = 100
UNKNOWN_PARAMETER = (400, 422)
NO_CACHE = {"Cache-Control": "no-cache"}

Item = TypeVar("Item")
Result = TypeVar("Result")


STATEMENTS = ("CapabilityStatement", "Conformance")  # the second until DSTU2, which doctor names


class EhrClient:
    """Threads may share one; close it, or use it as a context manager."""

    def __init__(
        self,
        site: Site,
        *,
        auth: RequestAuthorization | None = None,
        capability: Capability | None = None,
        tokens: Tokens = SHARED_TOKENS,
        observer: Observer | None = None,
        learned: Callable[[Capability], None] | None = None,
        patient: bool = True,
    ) -> None:
        """AUTH: a person's own access, instead of the service's. CAPABILITY: where it was asked for
        a moment ago. PATIENT: as of a `Transport`.

        LEARNED is told the capability when the server was asked for it.
        """
        self.site = site
        self.transport = Transport(
            site, auth=auth, tokens=tokens, observer=observer, patient=patient
        )
        self.said: Json | None = None  # the CapabilityStatement, once `capability` was asked for
        self.known_devices: dict[str, str] = {}  # authors that the server has, by the name we use
        self.sends_bare = False  # the server refused a transaction with a Device and a Provenance
        self._capability, self._learned = capability, learned
        self._asking = threading.Lock()
        self._batch_refused = False
        self._asked_bare = set[str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if "_pool" in self.__dict__:
            self._pool.shutdown(cancel_futures=True)
        self.transport.close()

    @property
    def capability(self) -> Capability:
        """Asked once; a server without /metadata is taken at its profile's word."""
        return self._capability or self._ask()

    def _ask(self) -> Capability:
        with self._asking:
            if self._capability is None:
                self.said = self._statement()
                self._capability = read_statement(self.site, self.said)
                if self._learned:
                    self._learned(self._capability)
            return self._capability

    def refuse_older(self) -> None:
        """Raises where the server speaks what comes before R4."""
        if self.capability.is_older_than_r4:
            raise ConfigurationError(
                f"Site {self.site.name}: the server speaks FHIR {self.capability.fhir_version}, and"
                " ferroclaim reads R4. Use its R4 address as base_url."
            )

    def goes_by(self, capability: Capability | None) -> bool:
        """Whether this client works by CAPABILITY, or has still to learn what the server can do."""
        return self._capability is None or self._capability is capability

    def _statement(self) -> Json | None:
        """The CapabilityStatement, or None where the server keeps it to itself, or is none."""
        try:
            answer = self.transport.read("metadata", what="/metadata")
        except (NotFound, Forbidden, Refused):
            return None
        said = self.transport.json(answer, "/metadata")
        of_fhir = isinstance(said, dict) and said.get("resourceType") in STATEMENTS
        return said if of_fhir else None

    def creates(self, kind: str) -> bool:
        """Whether the server takes a new KIND, and our scopes let us bring it."""
        return self.capability.creates(kind) and self.transport.auth.permits(kind, "c")

    def updates(self, kind: str) -> bool:
        return self.capability.updates(kind) and self.transport.auth.permits(kind, "u")

    @property
    def batches(self) -> bool:
        return self.capability.batch and not self._batch_refused

    def search(
        self, kind: str, params: Mapping[str, str | list[str]] | None = None, *, fresh: bool = False
    ) -> list[Json]:
        """Every resource of a search, all pages; what cannot be decoded, or was left out, raises
        `BadAnswer`."""
        found: list[Json] = []
        for page in self.pages(Query(kind, pairs(params or {})), fresh=fresh):
            if page.problems:
                raise BadAnswer(
                    self.site.name, f"a {kind} of a search is {page.problems[0]['problem']}"
                )
            if page.left_out:
                raise BadAnswer(self.site.name, f"of a search for {kind}, {page.left_out}")
            found += page.resources
        return found

    def read(self, kind: str, identity: str, *, fresh: bool = False) -> Json:
        """One resource; raises `NotFound`, or `BadAnswer` where it cannot be used."""
        answer = self.transport.read(
            f"{kind}/{identity}", headers=NO_CACHE if fresh else None, what=f"reading a {kind}"
        )
        return self.one(answer, kind)

    def one(self, answer: Answer, kind: str) -> Json:
        """The resource that ANSWER holds."""
        self.transport.json(answer, f"reading a {kind}")
        taken = bundles.resource(answer.body, self.site.limits.resource_bytes, kind)
        if isinstance(taken, str) or taken["resourceType"] != kind:
            problem = taken if isinstance(taken, str) else f"a {taken['resourceType']}"
            raise BadAnswer(self.site.name, f"what was read as a {kind} is {problem}")
        return taken

    def pages(
        self,
        query: Query,
        *,
        fresh: bool = False,
        start: str | None = None,
        count: Count | None = None,
    ) -> Iterator[Page]:
        """A search page by page, from the page START on (COUNT: what was on those before it). A
        resource may come twice: the newest version counts.

        Where the server has forgotten the search in between (404 or 410), it is begun anew, once
        (Q12).
        """
        headers = NO_CACHE if fresh else None
        address: str | None = start or query.path
        seen, restarted = set[str](), False
        if count is None and start is None:
            count = Count(query.kind)
        while address is not None:
            self._guard(address, seen, query.kind)
            try:
                answer = self.transport.read(
                    address, headers=headers, what=f"the search for {query.kind}"
                )
            except NotFound:
                if restarted or (len(seen) == 1 and start is None):
                    raise
                address, seen, restarted = query.path, set(), True
                continue
            found = bundles.bundle(self.site.name, answer, f"the search for {query.kind}")
            page = bundles.page(found, query.kind, self.site.limits.resource_bytes)
            yield count.checked(page) if count else page
            address = page.next

    def search_pages(
        self,
        query: Query,
        *,
        fresh: bool = False,
        start: str | None = None,
        count: Count | None = None,
    ) -> Iterator[Page]:
        """The same; a search that is refused for what a server need not know is asked for without
        that, from then on."""
        asked = query.bare if start is None and query.kind in self._asked_bare else query
        begun = False
        try:
            for page in self.pages(asked, fresh=fresh, start=start, count=count):
                begun = True
                yield page
        except Refused as error:
            if begun or asked == asked.bare or error.status not in UNKNOWN_PARAMETER:
                raise
            for page in self.pages(query.bare, fresh=fresh):
                self._asked_bare.add(query.kind)
                yield page

    def batch(
        self,
        paths: Sequence[str],
        *,
        fresh: bool = False,
        failed: Callable[[EhrError], bool] = lambda _: False,
    ) -> list[Answer]:
        """The answers to GETs of PATHS, in their order; an entry that failed carries its own status
        (Q24). FAILED: whether trouble that usually passes is such an answer, too."""
        if not self.batches:
            return self._singly(paths, fresh, failed)
        answers: list[Answer] = []
        for start in range(0, len(paths), BATCH_ENTRIES):
            part = paths[start : start + BATCH_ENTRIES]
            try:
                answers += self._batched(part, fresh)
            # sekmet-fhir asks for `create` on everything before it takes a batch; gateways have
            # nothing at the base itself.
            except (BadAnswer, Forbidden, NotFound, Refused):
                self._batch_refused = True
                return answers + self._singly(paths[start:], fresh, failed)
        return answers

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """WORK on every item, as many at a time as the site allows."""
        return list(self._pool.map(work, items))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(
            self.site.limits.connections - 1, thread_name_prefix=f"ehr-{self.site.name}"
        )

    def _batched(self, paths: Sequence[str], fresh: bool) -> list[Answer]:
        entries = [{"request": {"method": "GET", "url": path}} for path in paths]
        body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = self.transport.read(
            "", headers=NO_CACHE if fresh else None, body=body, what="a batch of reads"
        )
        found = bundles.bundle(self.site.name, answer, "a batch of reads").entries
        if len(found) != len(paths):
            raise BadAnswer(
                self.site.name, f"a batch of {len(paths)} reads came back with {len(found)} entries"
            )
        return [entry.answer() for entry in found]

    def _singly(
        self, paths: Sequence[str], fresh: bool, failed: Callable[[EhrError], bool]
    ) -> list[Answer]:
        return self.each(lambda path: self._single(path, fresh, failed), paths)

    def _single(self, path: str, fresh: bool, failed: Callable[[EhrError], bool]) -> Answer:
        try:
            return self.transport.read(path, headers=NO_CACHE if fresh else None)
        except (NotFound, Forbidden, Refused) as error:
            return Answer(error.status or 400, {}, b"", let_in=True)
        except (BadAnswer, Unreachable) as error:
            if not failed(error):
                raise
            return Answer(error.status or 500, {}, b"")

    def _guard(self, address: str, seen: set[str], kind: str) -> None:
        if address in seen:
            raise BadAnswer(
                self.site.name,
                f"the pages of a search for {kind} run in a circle",
                "Tell the EHR's vendor",
            )
        if len(seen) >= self.site.limits.pages:
            raise BadAnswer(
                self.site.name,
                f"a search for {kind} has more than {self.site.limits.pages} pages",
                "Raise limits.pages or limits.page_size if that is right",
            )
        seen.add(address)
