"""ISA to IEA: widths, numbers and counts, and that they close.

Held by tests/unit/test_claim_checks.py.
"""

import re

from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import Fault, element
from mappings.writing.checks.frame.elements import element_faults
from mappings.writing.x12.reading import ISA_WIDTHS
from mappings.writing.x12.segments import Segment

PROFESSIONAL = frozenset({"005010X222", "005010X222A1", "005010X222A2"})
INSTITUTIONAL = frozenset({"005010X223", "005010X223A1", "005010X223A2", "005010X223A3"})
_CONTROL = {"ISA": 13, "GS": 6, "ST": 2}
_CLOSING = {"SE": "ST", "GE": "GS", "IEA": "ISA"}
_INSIDE = {"ISA": ("GS", "ST"), "GS": ("ST",), "ST": ()}
_WITHIN = {"GS": "ISA", "ST": "GS"}
ENVELOPE = frozenset({*_CONTROL, *_CLOSING})
_OUTSIDE = ENVELOPE | {"TA1"}
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d", re.ASCII)
_CARRIED = re.compile(r"[\x20-\x7e\x1f]*")


class Envelopes:
    """What is open, and the numbers that were there."""

    def __init__(self) -> None:
        self._open: list[tuple[Segment, int, int]] = []
        self._seen: dict[str, set[tuple[str, str]]] = {name: set() for name in _CONTROL}
        self._stray = False

    def of(self, number: int, segment: Segment) -> list[Fault]:
        """What is wrong with an envelope's segment."""
        found = (
            self._opens(number, segment)
            if segment[0] in _CONTROL
            else self._closes(number, segment)
        )
        return [Fault(says, None, None, segment[0], number) for says in found]

    @property
    def in_set(self) -> bool:
        return bool(self._open) and self._open[-1][0][0] == "ST"

    def outside(self, number: int, segment: Segment) -> list[Fault]:
        """Told of the first segment that stands in no transaction set, and of no other behind
        it."""
        stray = segment[0] not in _OUTSIDE
        first, self._stray = stray and not self._stray, stray
        says = f"{segment[0]} stands in no transaction set (ST to SE)"
        return [Fault(says, None, None, segment[0], number)] if first else []

    @property
    def open(self) -> bool:
        return bool(self._open)

    def cut(self) -> Fault:
        """A file that ends within an interchange."""
        segment, number, _ = self._open[-1]
        return Fault(f"{segment[0]} is not closed: the file is cut", None, None, segment[0], number)

    def _opens(self, number: int, segment: Segment) -> list[str]:
        found = []
        inside = self._open[-1][0][0] if self._open else None
        if inside != _WITHIN.get(segment[0]):
            found.append(f"{segment[0]} stands {f'within {inside}' if inside else 'by itself'}")
            left = {segment[0], *_INSIDE[segment[0]]}
            self._open = [one for one in self._open if one[0][0] not in left]
        elif self._open:
            outer, start, held = self._open[-1]
            self._open[-1] = (outer, start, held + 1)
        self._open.append((segment, number, 0))
        found += self._own(segment)
        return found + self._numbered(segment)

    def _own(self, segment: Segment) -> list[str]:
        if segment[0] == "ISA":
            return _isa(segment)
        if segment[0] == "GS":
            return _group(segment)
        group = self._open[-2][0] if len(self._open) > 1 else ()
        return [] if element(group, 1) not in ("", "HC") else _set(segment)

    def _numbered(self, segment: Segment) -> list[str]:
        """A control number stands once: an interchange's of its sender, a group's in its
        interchange, a set's in its group."""
        control = element(segment, _CONTROL[segment[0]])
        key = control, element(segment, 6) if segment[0] == "ISA" else ""
        again = key in self._seen[segment[0]]
        self._seen[segment[0]].add(key)
        for within in _INSIDE[segment[0]]:
            self._seen[within].clear()
        return (
            [f"the control number {control} stood on another {segment[0]} before"] if again else []
        )

    def _closes(self, number: int, segment: Segment) -> list[str]:
        if not self._open or self._open[-1][0][0] != _CLOSING[segment[0]]:
            return [f"{segment[0]} closes no {_CLOSING[segment[0]]}"]
        opening, start, held = self._open.pop()
        found = []
        control = element(opening, _CONTROL[opening[0]])
        if element(segment, 2) != control:
            found.append(
                f"{segment[0]}02 {element(segment, 2)} is not the control number {control}"
            )
        count = number - start + 1 if segment[0] == "SE" else held
        said = element(segment, 1)
        if not (said.isascii() and said.isdigit() and int(said[:9]) == count):
            found.append(f"{segment[0]}01 says {said or 'nothing'}, there are {count}")
        return found


def _isa(segment: Segment) -> list[str]:
    found = [
        f"ISA{place:02} has {len(value)} characters, {width} stand there"
        for place, (value, width) in enumerate(zip(segment[1:], ISA_WIDTHS, strict=True), 1)
        if len(value) != width
    ]
    if element(segment, 15) not in ("T", "P"):
        found.append("ISA15 is neither T nor P")
    if element(segment, 12).strip() != "00501":
        found.append(f"ISA12 is {element(segment, 12)}, where HIPAA's claims are 00501")
    if not re.fullmatch(r"\d{9}", element(segment, 13), re.ASCII):
        found.append("ISA13 is not a number of nine digits")
    if day(f"20{element(segment, 9)}") is None:
        found.append("ISA09 is not a date")
    if not _TIME.fullmatch(element(segment, 10)):
        found.append("ISA10 is not a time")
    return [*found, *element_faults(segment)]


def _group(segment: Segment) -> list[str]:
    if element(segment, 1) != "HC":
        return [
            f"GS01 is {element(segment, 1)}: the group holds no claims (HC), and is not looked at"
        ]
    if element(segment, 8) not in PROFESSIONAL | INSTITUTIONAL:
        return [f"GS08 {element(segment, 8)} is neither an 837P nor an 837I of version 5010"]
    return list(element_faults(segment))


def _set(segment: Segment) -> list[str]:
    if element(segment, 1) != "837":
        return [f"ST01 is {element(segment, 1)}, not 837"]
    return list(element_faults(segment))


def uncarried(segment: Segment) -> str | None:
    """Letters that X12's character set does not have."""
    for place, value in enumerate(segment[1:], 1):
        if not (value.isascii() and _CARRIED.fullmatch(value)):
            return f"{segment[0]}{place:02} holds a character that X12 can't carry"
    return None
