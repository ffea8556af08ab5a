"""Orders of IV iron as if their next dose were given: then the rules say what a payer would miss.

Held by tests/unit/test_planning.py.
"""

from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from mappings.codes.conversions import mg
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.orders.forms import Chart, drug_orders
from mappings.reading.orders.instructions import in_sequence, quantities
from mappings.reading.sifting.screening import NAMING
from mappings.record import Administration, Amount, Order, PatientRecord
from mappings.values.moment import parse
from mappings.values.systems import PLACE_OF_SERVICE

# A planned dose is assessed so long after it.
A_MOMENT = timedelta(minutes=1)
# Nobody orders more amounts at once.
_MOST_AMOUNTS = 9
_OFF = ("cancelled", "entered-in-error", "stopped", "revoked")


class OrderedIron(Struct, frozen=True):
    """An order of an IV iron as a MedicationRequest, and how it calls the drug. `draft`: the order
    itself, where it is one (Type/id)."""

    order: Resource
    says: str
    draft: str | None = None


def irons(
    orders: Iterable[Resource], collection: Collection, finder: ProductFinder
) -> Iterator[OrderedIron]:
    """The IV irons that are to be given, among ORDERS; COLLECTION has the medications that they
    name."""
    chart = Chart(collection, finder)
    for resource in orders:
        if not _is_off(resource):
            for order in drug_orders(resource, chart):
                medication = drug(order, collection, finder)
                if medication.concerns_us and not _is_off(order):
                    says = medication.says or "intravenous iron"
                    yield OrderedIron(order, says, _itself(resource, order))


def _itself(resource: Resource, order: Resource) -> str | None:
    return f"MedicationRequest/{order['id']}" if resource is order else None


def _is_off(order: Resource) -> bool:
    """Whether nothing is to be given by it."""
    status = elements.text(order.get("status"))
    return status in _OFF or elements.flag(order.get("doNotPerform"), "") is True


def as_given(order: Resource, patient: str, identity: str, when: datetime) -> Resource:
    """The MedicationAdministration of its first dose. PATIENT: `Patient/id`; `when` is aware."""
    dose = next(quantities(in_sequence(order)), None)
    given: Resource = {
        "resourceType": "MedicationAdministration",
        "id": identity,
        "status": "completed",
        **{key: order[key] for key in NAMING if key in order},
        "subject": {"reference": patient},
        "effectiveDateTime": when.isoformat(timespec="seconds"),
        "request": {"reference": f"MedicationRequest/{order['id']}"},
    }
    return given | ({"dosage": {"dose": dose}} if isinstance(dose, dict) else {})


def of_amount(dose: Administration, amount: Amount) -> Administration:
    """A planned dose of another amount."""
    return dose if dose.dose == amount else replace(dose, dose=amount)


def other_amounts(order: Order, own: Amount) -> list[Amount]:
    """What a dose of ORDER may be beside its OWN amount; the largest, where it says many."""
    said = chain.from_iterable(one.amounts for one in order.terms.instructions)
    found = [one for one in dict.fromkeys(said) if one != own and one.problem is None]
    if len(found) > _MOST_AMOUNTS:
        found.sort(key=lambda one: mg(one) or 0, reverse=True)
    return found[:_MOST_AMOUNTS]


def begins(order: Order | None, now: datetime, zone: tzinfo | None) -> datetime:
    """Now, or when the order begins, where that is later."""
    day = order.start.day(zone) if order and order.start else None
    return max(datetime.combine(day, time(12), zone or UTC), now) if day else now


def on_a_free_day(when: datetime, record: PatientRecord, zone: tzinfo | None) -> datetime:
    """WHEN, or the next day on which no iron was given: what was given is no dose to come."""
    given = (one.start for one in record.administrations if one.was_given and one.start)
    days = {start.day(zone) for start in given}
    while when.astimezone(zone or UTC).date() in days:
        when += timedelta(days=1)
    return when


def without(record: PatientRecord, planned: Container[str]) -> PatientRecord:
    """Without what is only planned. PLANNED: its names."""
    kept = [one for one in record.administrations if one.source.resource not in planned]
    return replace(record, administrations=tuple(kept))


def moved(dose: Administration, when: datetime) -> Administration:
    """A planned dose, given at another time."""
    return replace(dose, start=parse(when.isoformat(timespec="seconds")), end=None)


def visit_at(given: Resource, place_of_service: str) -> Iterator[Resource]:
    """A planned dose within a visit, the visit, and where that is: a place of service of CMS."""
    identity, when = given["id"], given["effectiveDateTime"]
    yield {**given, "context": {"reference": f"Encounter/{identity}"}}
    yield {
        "resourceType": "Encounter",
        "id": identity,
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": given["subject"],
        "period": {"start": when, "end": when},
        "location": [{"location": {"reference": f"Location/{identity}"}}],
    }
    yield {
        "resourceType": "Location",
        "id": identity,
        "type": [{"coding": [{"system": PLACE_OF_SERVICE, "code": place_of_service}]}],
    }
