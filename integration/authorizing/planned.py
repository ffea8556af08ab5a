"""Orders whose doses are to come, each with its next dose as if it were given: the rules then say
what the payer would miss.

Held by tests/contract/test_prior_auth.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from msgspec.structs import replace

from integration.assessing import planning
from mappings import codes
from mappings.assess import assess
from mappings.authorizing.request import AuthorizationRequest, of_given, of_order
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir.elements import Resource
from mappings.reading.orders import order as read_order
from mappings.record import Order, PatientRecord, Problem
from mappings.site import Site as Facts

_OPEN = frozenset({"active", "draft", "on-hold"})
_NO_LINE = "no claim line comes of it: its drug or its dose is not clear"
_A_MOMENT = timedelta(minutes=1)


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


def plan(collection: Collection, facts: Facts, asking: Asking) -> list[PlannedDose]:
    """The next dose of each order that is open, added to COLLECTION."""
    with codes.using(facts.codes):
        finder = ProductFinder(facts.drug_aliases)
        orders = list(collection.shared("MedicationRequest"))
        found = []
        for number, iron in enumerate(planning.irons(orders, collection, finder), 1):
            read, patient = read_order(iron.order, collection, finder), _patient(iron, collection)
            if read is None or patient is None or not _is_asked(iron.order, read, facts, asking):
                continue
            when = _when(read, facts, asking.as_of)
            given = planning.as_given(iron.order, patient, f"planned-{number}", when)
            parts = [given]
            if asking.place:
                parts = list(planning.visit_at(given, asking.place))
            for part in parts:
                collection.add(part, "the plan")
            found.append(
                PlannedDose(read.source.resource, f"MedicationAdministration/{given['id']}", when)
            )
        return found


def _patient(iron: planning.OrderedIron, collection: Collection) -> str | None:
    return collection.patient(iron.order.get("subject"))


def _is_asked(order: Resource, read: Order, facts: Facts, asking: Asking) -> bool:
    if asking.orders:
        return read.source.resource in asking.orders
    today = asking.as_of.astimezone(facts.zone or UTC).date()
    late = timedelta(days=codes.windows().days("single-order") if read.once else 0)
    return order.get("status") in _OPEN and (
        read.end is None or read.end.days(facts.zone)[1] + late >= today
    )


def _when(order: Order, facts: Facts, as_of: datetime) -> datetime:
    """Now, or when the order begins, where that is later."""
    day = order.start.day(facts.zone) if order.start else None
    if day is None:
        return as_of
    begins = datetime.combine(day, time(12), facts.zone or UTC)
    return max(begins, as_of)


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
    if not asking.orders:
        given = _with(record, doses, None)
        found = assess(given, policies, asking.as_of, facts, trace=False)
        yield from of_given(found, given, facts)
    for dose in doses.values():
        one = _with(record, doses, dose.administration)
        assessed = assess(one, policies, dose.when + _A_MOMENT, facts, trace=False)
        order = next(order for order in one.orders if order.source.resource == dose.order)
        made = of_order(_counted(order, asking), dose.administration, assessed, one, facts)
        yield made or Problem(
            dose.order, "no claim line comes of it: its drug or dose is not clear"
        )


def _with(
    record: PatientRecord, planned: Mapping[str, PlannedDose], wanted: str | None
) -> PatientRecord:
    """The record with no planned dose but the wanted one."""
    kept = (
        one
        for one in record.administrations
        if one.source.resource not in planned or one.source.resource == wanted
    )
    return replace(record, administrations=tuple(kept))


def _counted(order: Order, asking: Asking) -> Order:
    return replace(order, doses=asking.doses) if asking.doses is not None else order
