"""HL: numbers from 1 in each transaction, parents first, and a claim at each end.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mappings.writing.checks.fault import Fault, element
from mappings.writing.x12.segments import Segment

_BILLER = "20"


@dataclass
class _Level:
    """`says`: HL04; `below`: how many levels or claims are below it."""

    kind: str
    says: str
    at: int
    children: bool = False
    claims: bool = False


class Levels:
    """The levels of one transaction."""

    def __init__(self) -> None:
        self._known: dict[str, _Level] = {}
        self._last = ""

    def of(self, number: int, segment: Segment) -> Iterator[Fault]:
        """What is wrong with an HL."""
        own, parent = element(segment, 1), element(segment, 2)
        place = len(self._known) + 1
        if own != str(place):
            yield _fault(f"HL {own} is the {place}. of its transaction", number)
        if parent in self._known:
            self._known[parent].children = True
        elif parent:
            yield _fault(f"HL {own} has no parent {parent}", number)
        self._known[own] = _Level(element(segment, 3), element(segment, 4), number)
        self._last = own

    def claim(self) -> None:
        """A claim stands below the last level."""
        if self._last:
            self._known[self._last].claims = True

    def ended(self) -> Iterator[Fault]:
        for own, level in self._known.items():
            if level.says != str(int(level.children)):
                yield _fault(f"HL {own} is wrong about its children", level.at)
            elif not level.children and not level.claims:
                yield _fault(f"HL {own} has no claim", level.at)
            elif level.kind == _BILLER and not level.children:
                yield _fault(f"HL {own} has no subscriber", level.at)


def _fault(says: str, number: int) -> Fault:
    return Fault(says, None, None, "HL", number)
