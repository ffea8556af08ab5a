"""The dosage instructions of an order, taken together.

Held by tests/scenarios/orders_notes.yaml.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from mappings import codes
from mappings.reading.drugs.amounts import amount
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Amount
from mappings.values.stated import only


def dose(instructions: list[Resource]) -> Amount:
    """The first amount that is stated; of ranges alone the upper end."""
    spans = (elements.mapping(part.get("doseRange")) for part in _parts(instructions))
    highs = filter(None, (span.get("high") for span in spans))
    return amount(next(chain(quantities(instructions), highs), None))


def quantities(instructions: list[Resource]) -> Iterator[object]:
    """The amounts that are stated as one."""
    said = (part.get("doseQuantity") for part in _parts(instructions))
    return (quantity for quantity in said if quantity is not None)


def ranges(instructions: list[Resource]) -> Iterator[object]:
    """The ends of those that are stated as a range."""
    for part in _parts(instructions):
        span = elements.mapping(part.get("doseRange"))
        yield from (span[end] for end in ("low", "high") if span.get(end) is not None)


def _parts(instructions: list[Resource]) -> Iterator[Resource]:
    """Before R4 the dose stood in the instruction itself."""
    for instruction in instructions:
        yield from elements.items(instruction.get("doseAndRate"))
        yield instruction


def in_sequence(resource: Resource) -> list[Resource]:
    """Those of an order, in their sequence as far as all have a place in it."""
    listed = elements.items(resource.get("dosageInstruction"))
    places = [elements.decimal(one.get("sequence")) for one in listed]
    if None in places:
        return listed
    order = sorted(range(len(places)), key=lambda place: places[place] or 0)
    return [listed[place] for place in order]


def counted(instruction: Resource) -> int | None:
    """How many doses its words say: "x5 doses", "for 5 infusions"."""
    words = "|".join(codes.giving().counted.names)
    count = re.compile(rf"(?:\bx|×|\bfor|\btotal of)\s*(\d{{1,3}})\s*(?:{words})\b", re.IGNORECASE)
    said = (elements.text(instruction.get(name)) for name in ("text", "patientInstruction"))
    found = {int(number) for text in said for number in count.findall(text)}
    return only(found)


def together(instructions: list[Resource], each: Iterable[int | None]) -> int | None:
    """What EACH says of all instructions together, where each does and of the same dose; else
    None."""
    counts = list(each)
    if not counts or None in counts:
        return None
    is_one = len(instructions) == 1 or len({dose([one]) for one in instructions}) == 1
    return sum(filter(None, counts)) if is_one else None
