"""Orders whose doses are to come, each with its next dose as if it were given: the rules then say
what the payer would miss.

Held by tests/contract/test_prior_auth.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from msgspec.structs import replace

from integration.assessing import planning
from integration.authorizing.coming import AsGiven, at, coming
from mappings import codes
from mappings.assess import assess
from mappings.authorizing.drawing import of_given
from mappings.authorizing.request import AuthorizationRequest
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import StatusReader
from mappings.reading.orders.requests import order as read_order
from mappings.reading.orders.terms import terms
from mappings.record import Order, PatientRecord, Problem
from mappings.site import Site as Facts
from mappings.values.stated import Unread

_OPEN = frozenset({"active", "draft", "on-hold"})
# What somebody thinks of, and has not ordered.
_NO_ORDERS = frozenset({"proposal", "option", "directive"})


@dataclass(frozen=True)
class Asking:
    """What is asked for. `orders`: these alone (Type/id), whatever their payer asks; none: all that
    are open. `place`: where their doses will be given (CMS place of service); `doses`: how many
    each order asks for in all, where that is not what it says."""

    as_of: datetime
    orders: frozenset[str] = frozenset()
    place: str | None = None
    doses: int | None = None


@dataclass(frozen=True)
class PlannedDose:
    """`administration` stands for the next dose of `order`, at `when`."""

    order: str
    administration: str
    when: datetime


@dataclass(frozen=True)
class PlannedDoses:
    """`problems`: orders of which nobody can say whether they are open."""

    doses: list[PlannedDose]
    problems: list[Problem]


@dataclass(frozen=True)
class _Ordered:
    resource: Resource
    read: Order
    patient: str

    @property
    def name(self) -> str:
        return self.read.source.resource


def plan(collection: Collection, facts: Facts, asking: Asking) -> PlannedDoses:
    """The next dose of each order that is open, added to COLLECTION."""
    found = PlannedDoses([], [])
    with codes.using(facts.codes):
        orders = list(_asked(collection, facts, asking, found.problems))
    for number, order in enumerate(_standing(orders, asking), 1):
        when = planning.begins(order.read, asking.as_of, facts.zone)
        given = planning.as_given(order.resource, order.patient, f"planned-{number}", when)
        parts = list(planning.visit_at(given, asking.place)) if asking.place else [given]
        for part in parts:
            collection.add(part, "the plan")
        dose = PlannedDose(order.name, f"MedicationAdministration/{given['id']}", when)
        found.doses.append(dose)
    return found


def _asked(
    collection: Collection, facts: Facts, asking: Asking, problems: list[Problem]
) -> Iterator[_Ordered]:
    """Those that were named, else those that are open."""
    statuses = StatusReader(facts.status_words)
    finder = ProductFinder(facts.drug_aliases, statuses)
    today = asking.as_of.astimezone(facts.zone or UTC).date()
    resources = list(collection.shared("MedicationRequest"))
    for iron in planning.irons(resources, collection, finder):
        read = read_order(iron.order, collection, finder, statuses)
        patient = collection.patient(iron.order.get("subject"))
        if read is None or patient is None:
            continue
        ordered = _Ordered(iron.order, replace(read, terms=terms(iron.order, collection)), patient)
        if asking.orders:
            if ordered.name in asking.orders:
                yield ordered
        elif not _is_over(read, today, facts.zone):
            is_open = _is_open(iron.order, statuses)
            if isinstance(is_open, str):
                problems.append(Problem(ordered.name, is_open))
            elif is_open:
                yield ordered


def _is_over(order: Order, today: date, zone: tzinfo | None) -> bool:
    """Whether its time has passed; a single dose may be given late."""
    late = timedelta(days=codes.windows().days("single-order") if order.once else 0)
    return order.end is not None and order.end.days(zone)[1] + late < today


def _is_open(order: Resource, statuses: StatusReader) -> bool | str:
    """Why that can't be said, where it can't."""
    status = statuses.read("MedicationRequest.status", order.get("status"))
    if statuses.read("MedicationRequest.intent", order.get("intent")) in _NO_ORDERS:
        return False
    if isinstance(status, Unread):
        return f"whether it is open can't be told by its status: {status}"
    if status in (None, "unknown"):
        return "whether it is open can't be told: its status is not known"
    return status in _OPEN


def _standing(orders: list[_Ordered], asking: Asking) -> list[_Ordered]:
    """Without those that another of them replaces, or is made up of; orders that say so of each
    other all stand."""
    if asking.orders:
        return orders
    names = {order.name for order in orders}
    above = {order.name: names.intersection(order.read.terms.part_of) for order in orders}
    for order in orders:
        if order.read.terms.replaces in names and order.read.void != "draft":
            above[order.read.terms.replaces].add(order.name)
    return [
        order
        for order in orders
        if all(order.name in _reached(other, above) for other in above[order.name])
    ]


def _reached(name: str, above: Mapping[str, set[str]]) -> set[str]:
    """The orders that stand above it, at whatever distance, and itself."""
    found, todo = {name}, [name]
    while todo:
        new = above[todo.pop()] - found
        found |= new
        todo += new
    return found


def requests_of(
    record: PatientRecord,
    planned: Iterable[PlannedDose],
    facts: Facts,
    policies: PolicySet,
    asking: Asking,
) -> Iterator[AuthorizationRequest | Problem]:
    """For the patient's doses that wait, then for each order: its next dose is assessed alone, with
    no other that is only planned."""
    own = {one.source.resource for one in record.administrations}
    doses = {dose.administration: dose for dose in planned if dose.administration in own}
    bare = planning.without(record, doses)
    if not asking.orders:
        found = assess(bare, policies, asking.as_of, facts, trace=False)
        yield from of_given(found, bare, facts)
    planned_doses = [one for one in record.administrations if one.source.resource in doses]
    drugs = Counter(one.drug.family for one in planned_doses)
    for one in planned_doses:
        dose, beside = doses[one.source.resource], drugs[one.drug.family] - 1
        given = AsGiven(one, dose.when)
        when = planning.on_a_free_day(dose.when, bare, facts.zone)
        if when != dose.when:
            given = at(when, given, bare, 1)
        yield _request(given, dose.order, bare, facts, policies, asking, beside)


def _request(
    dose: AsGiven,
    name: str,
    record: PatientRecord,
    facts: Facts,
    policies: PolicySet,
    asking: Asking,
    beside: int,
) -> AuthorizationRequest | Problem:
    order = next((one for one in record.orders if one.source.resource == name), None)
    made = order and coming(dose, order, asking.doses, record, facts, policies, beside)
    return made or Problem(name, "no claim line comes of it: its drug or its dose is not clear")
