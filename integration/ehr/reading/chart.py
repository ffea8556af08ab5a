"""The chart under one patient id: what the rules need (R12), in as few requests as the server
allows.

Held by tests/contract/test_ehr_reading.py.
"""

from dataclasses import dataclass, field
from itertools import chain

from integration.ehr.client import BATCH_ENTRIES, UNKNOWN_PARAMETER, EhrClient
from integration.ehr.fhir import bundles, references
from integration.ehr.fhir.answers import Answer, Json, error_for
from integration.ehr.fhir.bundles import Page
from integration.ehr.fhir.query import Query
from integration.ehr.fhir.references import patient_id
from integration.ehr.reading import fallback
from integration.ehr.reading.plan import not_offered, own_form, queries
from integration.ehr.reading.pull import PatientPull, Problem
from integration.ehr.reading.searches import Begun, Counts
from integration.ehr.writing.forms import FORMS
from integration.errors import (
    BadAnswer,
    EhrError,
    Forbidden,
    LeadsElsewhere,
    NotFound,
    Refused,
    Unreachable,
)
from mappings.reading.bundles.versions import newer
from mappings.reading.fhir import naming
from mappings.reading.fhir.decoding import Damaged
from mappings.writing.detected_issue import gap_of

# Without these nothing can be said; without the others some of it.
INDISPENSABLE = frozenset({"Patient", "MedicationAdministration"})
TOO_MANY = "more are referred to than limits.references allows, so some were not read"
_ELSEWHERE = "is referred to on another server, where nothing is looked up"
_ITSELF = "Where that is what this one calls itself, name it in other_addresses"
_RENDERED = FORMS.keys() - {"DetectedIssue"}
ROUNDS = 4  # a panel's members, a mixture's ingredients, a chair in a room of a clinic


@dataclass
class ChartReading:
    """One patient's reading in progress."""

    client: EhrClient
    patient: str
    fresh: bool = False
    lenient: bool = False  # a part that the server fails at, however often, is named and left out
    kept: dict[str, list[Json]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    requests: int = 0
    dropped: int = 0
    _failed: dict[str, EhrError] = field(default_factory=dict)
    _beside: dict[str, EhrError] = field(default_factory=dict)  # not of a type's first search
    _odd: EhrError | None = None
    _elsewhere: list[str] = field(default_factory=list)
    _first_asked: dict[str, Query] = field(default_factory=dict)
    _cut: dict[str, str] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _tried: set[str] = field(default_factory=set)
    _counts: Counts = field(default_factory=Counts)
    _moved: dict[str, Json] = field(default_factory=dict)

    def pull(self) -> PatientPull:
        self.patient = patient_id(self.patient)
        self.client.refuse_older()
        self._searches()
        self._references()
        self._tell_of_others()
        self._fall_back()
        failed = {**self._beside, **self._failed}
        unread = {kind for kind in failed if kind in self._failed or kind not in self._answered}
        self.problems += [
            {"resource": kind, "problem": failed[kind].problem} for kind in sorted(unread)
        ]
        self.problems += [{"resource": kind, "problem": self._cut[kind]} for kind in self._cut]
        everything = list(chain.from_iterable(self.kept[key] for key in sorted(self.kept)))
        form = own_form(self.client.capability, self.client.site)
        in_other_form = form.issues(everything) if form and form.kind != "DetectedIssue" else []
        return PatientPull(
            f"Patient/{self.patient}",
            [
                resource
                for resource in everything
                if resource["resourceType"] not in _RENDERED or not gap_of(resource)
            ],
            self.problems,
            self.requests,
            not_offered(self.client.capability),
            frozenset(unread | self._cut.keys()),
            tuple(in_other_form),
            status_words=self.client.capability.profile.status_words,
            odd=self._odd,
        )

    def _fall_back(self) -> None:
        """What stands in for MedicationAdministration where the EHR has none, marked as the weaker
        evidence it is."""
        if "MedicationAdministration" not in self.client.capability.searched:
            for resource in list(chain.from_iterable(self.kept.values())):
                for stand_in in (
                    () if isinstance(resource, Damaged) else fallback.administrations(resource)
                ):
                    self._keep(stand_in)

    def _searches(self) -> None:
        asked = queries(self.client.capability, self.patient, self.client.site)
        self._first_asked = {query.kind: query for query in reversed(asked)}
        person = f"Patient/{self.patient}"
        if not self.client.batches:
            self._take_patient(self._batch([person])[0])
            self._follow([(query, query.path) for query in asked])
            return
        answers = self._batch([person, *(query.path for query in asked)])
        self._take_patient(answers[0])
        self._follow(
            self._in_one(
                [
                    self._first(query, answer)
                    for query, answer in zip(asked, answers[1:], strict=True)
                ]
            )
        )

    def _take_patient(self, answer: Answer) -> None:
        site = self.client.site.name
        if answer.status in (404, 410):
            raise NotFound(
                site, "there is no such patient", "Check the id and base_url", answer.status
            )
        if answer.status != 200:
            raise error_for(site, "reading the Patient", answer)
        person = self.client.one(answer, "Patient")
        if person.setdefault("id", self.patient) != self.patient:
            raise BadAnswer(
                site,
                "it gives another patient than the one that was asked for",
                "If that one was merged into the other, ask for the other",
            )
        self._keep(person)

    def _first(self, query: Query, answer: Answer) -> Begun:
        """A batch's entry: its page. One that failed in passing is asked for again, alone."""
        page = self._page(query, answer)
        if isinstance(page, Page):
            page = self._counts[query].checked(page)
            self._take(query, [page])
            return Begun(query, page, page.next)
        if page.retryable or (query.bare != query and page.status in UNKNOWN_PARAMETER):
            return Begun(query, None, query.path)
        self._fail(query, page)
        return Begun(query, None, None)

    def _page(self, query: Query, answer: Answer) -> Page | EhrError:
        what = f"the search for {query.kind}"
        if answer.status != 200:
            return error_for(self.client.site.name, what, answer)
        try:
            found = bundles.bundle(self.client.site.name, answer, what)
        except (BadAnswer, Refused) as error:
            return error
        return bundles.page(found, query.kind, self.client.site.limits.resource_bytes)

    def _in_one(self, begun: list[Begun]) -> list[tuple[Query, str]]:
        """Further pages by offset, and what was not included, in one batch; returns where to go on
        page by page."""
        rest = [search for search in begun if search.next is not None]
        if not self.client.capability.profile.offset_paging:
            return [(search.query, str(search.next)) for search in rest]
        most = self.client.site.limits.pages
        further = {
            search.query: several if len(several := search.further()) < most else []
            for search in rest
        }
        again = [(search.query, search.query.path) for search in rest if not further[search.query]]
        pages = [
            (query, further_on) for query, several in further.items() for further_on in several
        ]
        self._second(
            [further_on for _, further_on in pages], {search.query.kind for search in rest}
        )
        return again + [
            (search.query, search.query.path)
            for search in rest
            if self._short(search, further[search.query])
        ]

    def _second(self, further: list[Query], coming: set[str]) -> None:
        """One batch. A reference into a type of which more is COMING may yet be answered by
        that."""
        if not further:
            return
        keys = [key for key in self._missing() if key.split("/", maxsplit=1)[0] not in coming]
        keys = keys[: self.client.site.limits.references]
        self._tried.update(keys)
        answers = self._batch([query.path for query in further] + keys)
        for query, answer in zip(further, answers, strict=False):
            page = self._page(query, answer)
            if isinstance(page, Page):
                self._counts[query].add(page)
                self._take(query, [page])
        for key, answer in zip(keys, answers[len(further) :], strict=True):
            self._take_referenced(key, answer)

    def _short(self, search: Begun, further: list[Query]) -> bool:
        """Whether something is missing after all: the chart moved between the two requests, or a
        page failed."""
        found = [self._counts[query].found for query in (search.query, *further)]
        return bool(further) and len(set().union(*found)) < search.total

    def _follow(self, searches: list[tuple[Query, str]]) -> None:
        """Page by page, several searches at a time."""
        for (query, start), (pages, error) in zip(
            searches, self.client.each(self._pages, searches), strict=True
        ):
            self.requests += max(1, len(pages))
            if pages:
                self._take(query, pages)
            if error and (pages or start != query.path):
                self._end_early(query.kind, error)
            elif error:
                self._fail(query, error)

    def _pages(self, item: tuple[Query, str]) -> tuple[list[Page], EhrError | None]:
        """What follows from START on, and what kept us from going on; another trouble is raised."""
        query, start = item
        pages: list[Page] = []
        begun = start != query.path
        try:
            for page in self.client.search_pages(
                query,
                fresh=self.fresh,
                start=start if begun else None,
                count=self._counts[query] if begun else None,
            ):
                pages.append(page)  # noqa: PERF402 (what came counts where the rest fails)
        except (BadAnswer, Forbidden, NotFound, Refused) as error:
            return pages, error
        except Unreachable as error:
            if not self._passes_over(error):
                raise
            return pages, error
        return pages, None

    def _passes_over(self, error: EhrError) -> bool:
        """Whether a part is left out: one that is answered with no FHIR, or at which the server
        fails (500 and the like), which may be for good (Q21); not one that it is too busy for, or
        that never was answered."""
        if isinstance(error, BadAnswer):
            return True
        return self.lenient and error.status is not None and error.status not in (429, 503)

    def _end_early(self, kind: str, error: EhrError) -> None:
        """A search whose first pages came and further ones did not."""
        if kind in INDISPENSABLE:
            raise error
        self._note_odd(error)
        self._cut[kind] = f"{error.problem}: what follows there is left out"

    def _take(self, query: Query, pages: list[Page]) -> None:
        self._answered.add(query.kind)
        for page in pages:
            self.problems += page.problems
            if page.left_out:
                self._cut[query.kind] = page.left_out
            for resource in page.resources:
                self._filter(query, resource)

    def _fail(self, query: Query, error: EhrError) -> None:
        """A further search that this server does not know counts only where no other of the type
        was answered; what is kept from us, or fails, may hold what the rules ask for."""
        if query.kind in INDISPENSABLE:
            raise error
        self._note_odd(error)
        is_further = query != self._first_asked.get(query.kind)
        known = self._beside if is_further and isinstance(error, Refused) else self._failed
        known[query.kind] = error

    def _note_odd(self, error: EhrError) -> None:
        if isinstance(error, BadAnswer) and not isinstance(error, LeadsElsewhere):
            self._odd = self._odd or error

    def _filter(self, query: Query, resource: Json) -> None:
        """Servers may ignore what they do not know of a search (Q20): what is not this patient's is
        dropped."""
        kind = resource["resourceType"]
        if not isinstance(resource.get("id"), str):
            self.problems.append({"resource": kind, "problem": "has no id"})
            apart = naming.kept_apart(resource)
            if apart is None:
                return
            resource = apart
        whose = references.subject(resource, self.client.site.addresses)
        if whose == "":
            named = f"{kind}/{resource['id']}"
            self.problems.append({"resource": named, "problem": _of_nobody(resource)})
        elif whose not in (None, f"Patient/{self.patient}") or not query.matches(resource):
            self.dropped += 1
            self._moves(resource, whose)
        else:
            self._keep(resource)

    def _moves(self, resource: Json, whose: str | None) -> None:
        """What is another patient's now is not this one's, whatever an older version says."""
        key = f"{resource['resourceType']}/{resource['id']}"
        if whose not in (None, f"Patient/{self.patient}"):
            known = self._moved.get(key)
            if known is None or newer(known, resource) is resource:
                self._moved[key] = resource
            held = self.kept.get(key)
            if held and newer(held[0], resource) is resource:
                del self.kept[key]

    def _keep(self, resource: Json) -> None:
        """The newest version counts; two contents of one version are both kept, for the rules to
        refuse (R1)."""
        key = f"{resource['resourceType']}/{resource['id']}"
        here = self.kept.get(key, [])
        if (moved := self._moved.get(key)) and newer(moved, resource) is moved:
            return
        found = newer(here[0], resource) if here else resource
        if found is resource:
            self.kept[key] = [resource]
        elif found is None and resource not in here:
            here.append(resource)

    def _references(self) -> None:
        """What was referred to and not included; nothing off the configured base is ever
        fetched."""
        for _ in range(ROUNDS):
            wanted = [key for key in self._missing() if key not in self._tried]
            room = self.client.site.limits.references - len(self._tried)
            for key in wanted[max(room, 0) :]:
                self._cut[key.split("/", maxsplit=1)[0]] = TOO_MANY
            if not wanted or room <= 0:
                return
            self._tried.update(wanted[:room])
            for key, answer in zip(wanted[:room], self._batch(wanted[:room]), strict=True):
                self._take_referenced(key, answer)

    def _tell_of_others(self) -> None:
        """What leads to another server is not looked up: one of each is named."""
        one_of_each = {references.server_of(address): address for address in self._elsewhere}
        self.problems += [
            {"resource": one_of_each[server], "problem": f"{_ELSEWHERE}. {_ITSELF}"}
            for server in sorted(filter(None, one_of_each))
        ]

    def _take_referenced(self, key: str, answer: Answer) -> None:
        kind = key.split("/", maxsplit=1)[0]
        if answer.status != 200:
            error = error_for(self.client.site.name, f"reading a {kind}", answer)
            if error.retryable:
                if not self._passes_over(error):
                    raise error
                self._cut[kind] = error.problem
            self.problems.append(
                {"resource": key, "problem": f"is referred to, but {error.problem}"}
            )
            return
        taken = bundles.resource(answer.body, self.client.site.limits.resource_bytes, kind)
        if isinstance(taken, str):
            self.problems.append({"resource": key, "problem": taken})
        elif f"{taken['resourceType']}/{taken.get('id')}" == key:
            self._filter(Query(kind, ()), taken)

    def _missing(self) -> list[str]:
        base = self.client.site.addresses
        here = chain.from_iterable(self.kept.values())
        needed = set(chain.from_iterable(references.needed(resource, base) for resource in here))
        missing = sorted(needed - self.kept.keys())
        self._elsewhere = [key for key in missing if "://" in key]
        return [key for key in missing if "://" not in key] if self._elsewhere else missing

    def _batch(self, paths: list[str]) -> list[Answer]:
        answers = self.client.batch(paths, fresh=self.fresh, failed=self._passes_over)
        self.requests += -(-len(paths) // BATCH_ENTRIES) if self.client.batches else len(paths)
        return answers


def _of_nobody(resource: Json) -> str:
    server = references.server_named(resource)
    if server is None:
        return "names no patient; not used"
    return f"names a patient of another server ({server}); not used. {_ITSELF}"
