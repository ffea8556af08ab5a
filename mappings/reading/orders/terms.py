"""What an order asks beyond its next dose. No rule reads it; requests for authorization do.

Held by tests/unit/test_planning.py.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain

from msgspec.structs import replace

from mappings.reading import people
from mappings.reading.bundles import inside
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.amounts import amount
from mappings.reading.fhir import elements, timings
from mappings.reading.fhir.elements import Resource
from mappings.reading.orders.instructions import quantities, together
from mappings.record import Order, OrderedDoses, OrderTerms, PatientRecord


def with_terms(record: PatientRecord, collection: Collection) -> PatientRecord:
    """The record with the terms of its orders. COLLECTION: what it was read from."""
    return replace(record, orders=tuple(_with_terms(order, collection) for order in record.orders))


def _with_terms(order: Order, collection: Collection) -> Order:
    found = inside.whole(order.source.resource, "MedicationRequest", collection.get)
    return replace(order, terms=terms(found, collection)) if found else order


def terms(resource: Resource, collection: Collection) -> OrderTerms:
    """Of a MedicationRequest."""
    instructions = elements.items(resource.get("dosageInstruction"))
    asked, each = timings.stated(instructions), tuple(_each(instructions))
    return OrderTerms(
        doses=together(instructions, [one.doses for one in each]),
        instructions=each,
        days_apart=_one(map(timings.days_apart, asked)),
        dates=tuple(chain.from_iterable(map(timings.dates, asked))),
        part_of=tuple(collection.keys(resource.get("basedOn"))),
        replaces=collection.key(resource.get("priorPrescription")),
        requester=people.requester(resource, collection),
    )


def _each(instructions: list[Resource]) -> Iterator[OrderedDoses]:
    """In their sequence, as far as all have a place in it. A range of doses is no dose."""
    places = [elements.decimal(one.get("sequence")) for one in instructions]
    if None not in places:
        order = sorted(range(len(places)), key=lambda place: places[place] or 0)
        instructions = [instructions[place] for place in order]
    for one, timing in zip(instructions, timings.stated(instructions), strict=True):
        said = quantities([one])
        yield OrderedDoses(amount(next(said, None)), timings.doses(timing))


def _one(said: Iterable[Decimal | None]) -> Decimal | None:
    """What all of them say."""
    found = set(said)
    return found.pop() if len(found) == 1 else None
