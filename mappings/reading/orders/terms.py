"""What an order asks beyond its next dose. No rule reads it; requests for authorization do.

Held by tests/unit/test_planning.py.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import chain

from msgspec.structs import replace

from mappings.codes.conversions import mg
from mappings.reading import people
from mappings.reading.bundles import inside
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.amounts import amount_at, per_kg
from mappings.reading.fhir import elements, timings
from mappings.reading.fhir.elements import Resource
from mappings.reading.orders.instructions import counted, in_sequence, quantities, ranges, together
from mappings.record import Amount, Order, OrderedDoses, OrderTerms, PatientRecord
from mappings.values.stated import only

_MOST = "maxDosePerAdministration"


def with_terms(
    record: PatientRecord, collection: Collection, kg: Decimal | None = None
) -> PatientRecord:
    """The record with the terms of its orders. COLLECTION: what it was read from; KG: what the
    patient weighs, as far as that is known."""
    orders = tuple(_with_terms(order, collection, kg) for order in record.orders)
    return replace(record, orders=orders)


def _with_terms(order: Order, collection: Collection, kg: Decimal | None) -> Order:
    found = inside.whole(order.source.resource, "MedicationRequest", collection.get)
    return replace(order, terms=terms(found, collection, kg)) if found else order


def terms(resource: Resource, collection: Collection, kg: Decimal | None = None) -> OrderTerms:
    """Of a MedicationRequest."""
    instructions = in_sequence(resource)
    asked = timings.stated(instructions)
    each = tuple(_doses(one, kg) for one in instructions)
    return OrderTerms(
        doses=together(instructions, [one.doses for one in each]),
        instructions=each,
        days_apart=_one(map(timings.days_apart, asked)),
        dates=tuple(chain.from_iterable(map(timings.dates, asked))),
        part_of=tuple(collection.keys(resource.get("basedOn"))),
        replaces=collection.key(resource.get("priorPrescription")),
        requester=people.requester(resource, collection),
    )


def _doses(instruction: Resource, kg: Decimal | None) -> OrderedDoses:
    """A range of doses is no dose, nor is the most that a dose may be."""
    said, most = next(quantities([instruction]), None), instruction.get(_MOST)
    ends = [] if said is not None else list(ranges([instruction]))
    if said is None and not ends and most is not None:
        ends = [most]
    dose, *limits = (_at_most(one, most, kg, one in ends) for one in (said, *ends))
    return OrderedDoses(
        dose=dose,
        doses=_many(instruction),
        limits=tuple(one for one in limits if one.problem is None),
        by_weight=kg is not None and any(per_kg(elements.mapping(one)) for one in (said, *ends)),
    )


def _at_most(said: object, most: object, kg: Decimal | None, is_end: bool) -> Amount:
    """An amount by weight, or the end of a range, is no more than the most that a dose may be. One
    that is stated stays, also where it is above that: nobody knows which of the two is meant."""
    found, limit = amount_at(said, kg), amount_at(most, kg)
    if not (is_end or per_kg(elements.mapping(said))) or found.problem or limit.problem:
        return found
    asked, allowed = mg(found), mg(limit)
    if asked is None or allowed is None or asked <= allowed:
        return found
    return replace(limit, says=f"{found.says}, at most {limit.says}")


def _many(instruction: Resource) -> int | None:
    """By its timing, or its words; None where the two count differently."""
    timing, said = elements.mapping(instruction.get("timing")), counted(instruction)
    if said is None:
        return timings.doses(timing)
    return only({said, timings.doses(timing)}) if timings.is_counted(timing) else said


def _one(said: Iterable[Decimal | None]) -> Decimal | None:
    """What all of them say."""
    found = set(said)
    return found.pop() if len(found) == 1 else None
