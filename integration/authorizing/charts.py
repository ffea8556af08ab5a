"""From a source to requests: files, or patients of a server.

Held by tests/contract/test_prior_auth.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from typing import TYPE_CHECKING

from integration.assessing.files import collect
from integration.authorizing.planned import Asking, PlannedDoses, plan, requests_of
from integration.wording import people
from mappings import codes
from mappings.authorizing.pas import pas_bundle
from mappings.authorizing.request import AuthorizationRequest
from mappings.circumstances.lab_history import kilograms
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection, Reader
from mappings.reading.fhir.elements import Resource
from mappings.reading.orders.terms import with_terms
from mappings.record import PatientRecord, Problem
from mappings.site import Site as Facts

if TYPE_CHECKING:
    from integration.ehr.client import EhrClient
    from integration.ehr.reading.pull import PatientPull


@dataclass(frozen=True)
class Drawn:
    """A request, and the chart that it rests on."""

    request: AuthorizationRequest
    collection: Collection


@dataclass(frozen=True)
class AuthorizationCharts:
    """What was made of charts. `covered`: orders whose payer asks for no authorization, or has
    given one for the next dose. `names`: by patient."""

    asking: Asking
    facts: Facts
    policies: PolicySet
    drawn: list[Drawn] = field(default_factory=list)
    covered: list[AuthorizationRequest] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> list[AuthorizationRequest]:
        return [one.request for one in self.drawn]

    def bundles(self) -> list[Resource]:
        """As Da Vinci PAS writes those that lack nothing."""
        now = self.asking.as_of.astimezone(self.facts.zone or UTC)
        return [
            pas_bundle(one.request, one.collection.get, now)
            for one in self.drawn
            if not one.request.lacking
        ]

    def add(self, other: "AuthorizationCharts") -> None:
        """Those of further charts."""
        self.drawn.extend(other.drawn)
        self.covered.extend(other.covered)
        self.problems.extend(other.problems)
        self.names.update(other.names)

    def about(self, code: str, coverage: str | None) -> "AuthorizationCharts":
        """Those of a code and a coverage."""
        kept = [
            one
            for one in self.drawn
            if one.request.code == code and one.request.draft.coverage == (coverage or "")
        ]
        return replace(self, drawn=kept)

    @property
    def missing(self) -> list[str]:
        """Orders that were named, and are none of an intravenous iron here."""
        orders = (request.course.order for request in self.requests)
        there = {order.source.resource for order in orders if order}
        there |= {problem.resource for problem in self.problems}
        return sorted(self.asking.orders - there)

    def take(
        self,
        records: Iterable[PatientRecord],
        collection: Collection,
        planned: PlannedDoses,
    ) -> None:
        """The requests of these records."""
        with codes.using(self.facts.codes):
            self._take(records, collection, planned)
        orders = {dose.administration: dose.order for dose in planned.doses}
        said = [
            Problem(orders.get(one.resource, one.resource), one.problem)
            for one in (*self.problems, *planned.problems)
        ]
        self.problems[:] = dict.fromkeys(said)

    @property
    def _day(self) -> date:
        return self.asking.as_of.astimezone(self.facts.zone or UTC).date()

    def _take(
        self, records: Iterable[PatientRecord], collection: Collection, planned: PlannedDoses
    ) -> None:
        for record in records:
            self.problems.extend(record.unreadable)
            kg = kilograms(record.labs, self._day, self.facts.zone)
            asked = with_terms(record, collection, kg)
            for found in requests_of(asked, planned.doses, self.facts, self.policies, self.asking):
                if isinstance(found, Problem):
                    self.problems.append(found)
                elif found.is_open or self.asking.orders:
                    self.drawn.append(Drawn(found, collection))
                elif found.course.doses != 0:
                    self.covered.append(found)


def from_files(
    source: str, facts: Facts, policies: PolicySet, asking: Asking
) -> AuthorizationCharts:
    """Of a Bundle, NDJSON or folder of either; ConfigurationError where there is nothing to
    read."""
    return from_collection(collect(source), facts, policies, asking)


def from_collection(
    collection: Collection, facts: Facts, policies: PolicySet, asking: Asking
) -> AuthorizationCharts:
    """Of every patient in it."""
    found = AuthorizationCharts(asking, facts, policies)
    planned = plan(collection, facts, asking)
    records, problems = Reader(facts).records(collection)
    found.problems.extend(problems)
    found.names.update(people.by_reference(collection.shared("Patient")))
    found.take(records, collection, planned)
    return found


def from_server(
    client: "EhrClient",
    patients: Iterable[str],
    policies: PolicySet,
    asking: Asking,
    decisions: Sequence[Decision],
) -> AuthorizationCharts:
    """Of patients of a server; one that can't be read is named, and the others go on. EhrError
    where none can."""
    from integration.assessing.servers import read_each

    listed = list(patients)
    every, done = AuthorizationCharts(asking, client.site.facts(), policies), set[str]()
    for found in read_each(client, listed, done, len(listed) == 1):
        if isinstance(found, Problem):
            every.problems.append(found)
        else:
            patient, pull = found
            done |= {patient, *pull.ids}
            every.add(of_pull(client, pull, policies, asking, decisions))
    return every


def of_pull(
    client: "EhrClient",
    pull: "PatientPull",
    policies: PolicySet,
    asking: Asking,
    decisions: Sequence[Decision],
) -> AuthorizationCharts:
    """Of one patient's chart, with the people in it."""
    from integration.assessing.patient import collected, facts_of, record_of
    from integration.claims.people import with_people

    pull, site = with_people(client, pull), client.site
    facts = facts_of(pull, site, asking.as_of, decisions)
    found = AuthorizationCharts(asking, facts, policies)
    collection = collected(pull, site)
    planned = plan(collection, facts, asking)
    record = record_of(pull, collection, site, facts)
    found.names.update(people.by_reference([pull.person]))
    found.take([record], collection, planned)
    return found
