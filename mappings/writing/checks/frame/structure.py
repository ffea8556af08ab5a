"""Segments in their loops, and elements in their widths, as the implementation guides have them.

Held by tests/unit/test_claim_structure.py.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mappings.codes.claim_segments import (
    HEADER,
    MANY,
    Element,
    Inner,
    Loop,
    SegmentRow,
    elements,
    loops,
    together,
)
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import Fault, element
from mappings.writing.x12.segments import COMPONENT, Segment

_SHOWN = 8  # codes of an element in one sentence
_FORMS = {
    "R": re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII),
    "N": re.compile(r"-?\d+", re.ASCII),
    "T": re.compile(r"([01]\d|2[0-3])[0-5]\d(\d\d)*", re.ASCII),
}


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
    said = element(segment, 1)
    told = segment[0] in ("NM1", "REF", "DTP") and re.fullmatch(r"[A-Z0-9]{2,3}", said)
    return f"{segment[0]}*{said}" if told else segment[0]


def element_faults(segment: Segment) -> Iterator[str]:
    """What is wrong with the elements of a segment, each by itself; no value is shown."""
    known = elements().get(segment[0], ())
    for place, (value, row) in enumerate(zip(segment[1:], known, strict=False), 1):
        says = _of_value(value, row) if value or row.needed else ""
        if says:
            yield f"{segment[0]}{place:02} {says}"
    for place in range(len(segment), len(known) + 1):
        if known[place - 1].needed:
            yield f"{segment[0]}{place:02} is empty"
    for places in together().get(segment[0], ()):
        there = {bool(element(segment, place)) for place in places}
        if len(there) > 1:
            names = (f"{segment[0]}{place:02}" for place in places)
            yield f"{' and '.join(names)} stand together or not at all"
    if len(segment) > len(known) + 1 > 1 and any(segment[len(known) + 1 :]):
        yield f"{segment[0]} has more than {len(known)} elements"


def _of_value(value: str, row: Element) -> str:
    if not value or value.isspace():
        return "is empty"
    if not row.most:
        return "is not used"
    parts = value.count(COMPONENT) + 1
    if parts > row.parts:
        return f"has {parts} parts (ISA16), of which {row.parts} fit"
    if row.codes:
        known = value.partition(COMPONENT)[0] in row.codes
        return "" if known else _none_of(sorted(row.codes))
    return _of_form(value, row) if row.parts == 1 else ""


def _none_of(known: Sequence[str]) -> str:
    return f"is none of {', '.join(known)}" if len(known) <= _SHOWN else "is no code of its list"


def _of_form(value: str, row: Element) -> str:
    if row.kind == "D":
        return "" if day(value) else "is not a date"
    size = len(value.strip("-").replace(".", "", 1)) if row.kind in ("R", "N") else len(value)
    if not row.least <= size <= row.most:
        fits = row.most if row.least == row.most else f"{row.least} to {row.most}"
        return f"has {size} characters, {fits} fit"
    if row.kind and not _FORMS[row.kind].fullmatch(value):
        return "is not a time" if row.kind == "T" else "is not a number"
    return ""
