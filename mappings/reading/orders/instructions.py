"""The dosage instructions of an order, taken together.

Held by tests/scenarios/orders_notes.yaml.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from mappings.reading.drugs.amounts import amount
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Amount


def dose(instructions: list[Resource]) -> Amount:
    """The first amount that is stated; of ranges alone the upper end."""
    ranges = (elements.mapping(part.get("doseRange")) for part in _parts(instructions))
    highs = filter(None, (span.get("high") for span in ranges))
    return amount(next(chain(quantities(instructions), highs), None))


def quantities(instructions: list[Resource]) -> Iterator[object]:
    """The amounts that are stated as one."""
    said = (part.get("doseQuantity") for part in _parts(instructions))
    return (quantity for quantity in said if quantity is not None)


def _parts(instructions: list[Resource]) -> Iterator[Resource]:
    for instruction in instructions:
        yield from elements.items(instruction.get("doseAndRate"))


def together(instructions: list[Resource], each: Iterable[int | None]) -> int | None:
    """What EACH says of all instructions together, where each does and of the same dose; else
    None."""
    counts = list(each)
    if not counts or None in counts:
        return None
    is_one = len(instructions) == 1 or len({dose([one]) for one in instructions}) == 1
    return sum(filter(None, counts)) if is_one else None
