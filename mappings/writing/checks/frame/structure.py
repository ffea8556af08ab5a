"""Segments in their loops, as the implementation guides have them.

Held by tests/unit/test_claim_structure.py.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from mappings.codes.claim_segments import HEADER, MANY, Inner, Loop, SegmentRow, loops
from mappings.writing.checks.fault import Fault, element
from mappings.writing.checks.frame.elements import element_faults
from mappings.writing.x12.segments import Segment


@dataclass
class _Open:
    """A loop that is open: how far in it we are, and what stood in it."""

    loop: Loop
    first: Segment
    number: int
    at: int = 0
    inside: int = -1
    seen: Counter[SegmentRow | Inner] = field(default_factory=Counter)

    def row(self, segment: Segment) -> SegmentRow | Inner | None:
        """Where a segment may stand here from now on."""
        if self.inside < 0:
            for row in self.loop.holds.get(segment[0], ()):
                if row.at >= self.at and row.takes(segment):
                    return row
        for inner in self.loop.inside.get(segment[0], ()):
            if inner.at >= self.inside and inner.begins.takes(segment):
                return inner
        return None

    def late(self, segment: Segment) -> bool:
        """Whether it belongs here and stands behind what it comes before."""
        return any(row.takes(segment) for row in self.loop.holds.get(segment[0], ()))

    def lacks(self) -> Iterator[str]:
        for one in self.loop.needed:
            if not self.seen[one]:
                yield one.begins.title if isinstance(one, Inner) else one.title


class Structure:
    """Where in a transaction set we are: the loops that are open, the outermost first."""

    def __init__(self, kind: str, first: Segment, number: int) -> None:
        self._loops = loops(kind)
        self._open = [_Open(self._loops[HEADER], first, number)]
        self._astray = False

    def of(self, number: int, segment: Segment) -> Iterator[Fault]:
        """What is wrong with where a segment stands, and with its elements. Of several behind each
        other that have no place the first is told."""
        for depth in range(len(self._open) - 1, -1, -1):
            row = self._open[depth].row(segment)
            if row is not None:
                yield from self._closed(depth + 1)
                yield from self._stands(row, number, segment)
                self._astray = False
                break
        else:
            if not self._astray:
                late = any(place.late(segment) for place in self._open)
                says = "stands too late in its loop" if late else "has no place here"
                yield self._fault(f"{_title(segment)} {says}", number, segment)
            self._astray = True
            return
        for says in element_faults(segment):
            yield self._fault(says, number, segment)

    def ended(self) -> Iterator[Fault]:
        yield from self._closed(0)

    def _stands(self, row: SegmentRow | Inner, number: int, segment: Segment) -> Iterator[Fault]:
        place = self._open[-1]
        place.seen[row] += 1
        if isinstance(row, SegmentRow):
            place.at = row.at
        else:
            place.inside = row.at
            self._open.append(_Open(self._loops[row.loop], segment, number))
        if row.most != MANY and place.seen[row] > row.most:
            times = "once" if row.most == 1 else f"{row.most} times"
            says = f"{_title(segment)} stands {place.seen[row]} times in its loop, at most {times}"
            yield self._fault(says, number, segment)

    def _closed(self, depth: int) -> Iterator[Fault]:
        """Closes what is open from that depth on, the innermost first."""
        while len(self._open) > depth:
            place = self._open[-1]
            for name in place.lacks():
                says = f"the loop that begins with {_title(place.first)} has no {name}"
                yield self._fault(says, place.number, place.first)
            self._open.pop()

    def _fault(self, says: str, number: int, segment: Segment) -> Fault:
        claim = line = None
        for place in self._open:
            if place.first[0] == "CLM":
                claim = element(place.first, 1)
            elif place.first[0] == "LX":
                line = element(place.first, 1)
        return Fault(says, claim, line, segment[0], number)


def alone(number: int, segment: Segment) -> Iterator[Fault]:
    """What is wrong with the elements of a segment of a file that is being written."""
    yield from (Fault(says, None, None, segment[0], number) for says in element_faults(segment))


def _title(segment: Segment) -> str:
    """NM1*85; what a code can't be is left out."""
    if not segment[0]:
        return "an empty segment"
    said = element(segment, 1)
    told = segment[0] in ("NM1", "REF", "DTP") and re.fullmatch(r"[A-Z0-9]{2,3}", said)
    return f"{segment[0]}*{said}" if told else segment[0]
