"""ISA to IEA: widths, numbers and counts, and that they close."""

import re

from mappings.writing.checks.fault import Fault, element
from mappings.writing.x12.reading import ISA_WIDTHS
from mappings.writing.x12.segments import Segment

PROFESSIONAL = frozenset({"005010X222", "005010X222A1", "005010X222A2"})
INSTITUTIONAL = frozenset({"005010X223", "005010X223A1", "005010X223A2", "005010X223A3"})
_CONTROL = {"ISA": 13, "GS": 6, "ST": 2}
_CLOSING = {"SE": "ST", "GE": "GS", "IEA": "ISA"}
_WITHIN = {"GS": "ISA", "ST": "GS"}
ENVELOPE = frozenset({*_CONTROL, *_CLOSING})
_CARRIED = re.compile(r"[\x20-\x7e\x1f]*")


class Envelopes:
    """What is open, and the numbers that were there."""

    def __init__(self) -> None:
        self._open: list[tuple[Segment, int, int]] = []
        self._seen: set[tuple[str, str, str]] = set()

    def of(self, number: int, row: Segment) -> list[Fault]:
        """What is wrong with an envelope's segment."""
        found = self._opens(number, row) if row[0] in _CONTROL else self._closes(number, row)
        return [Fault(says, None, None, row[0], number) for says in found]

    @property
    def open(self) -> bool:
        return bool(self._open)

    def cut(self) -> Fault:
        """A file that ends within an interchange."""
        row, number, _ = self._open[-1]
        return Fault(f"{row[0]} is not closed: the file is cut", None, None, row[0], number)

    def _opens(self, number: int, row: Segment) -> list[str]:
        found = []
        inside = self._open[-1][0][0] if self._open else None
        if inside != _WITHIN.get(row[0]):
            found.append(f"{row[0]} stands {f'within {inside}' if inside else 'by itself'}")
            self._open = [one for one in self._open if one[0][0] != row[0]]
        elif self._open:
            outer, start, held = self._open[-1]
            self._open[-1] = (outer, start, held + 1)
        self._open.append((row, number, 0))
        found += self._own(row)
        return found + self._numbered(row)

    def _own(self, row: Segment) -> list[str]:
        if row[0] == "ISA":
            return _isa(row)
        if row[0] == "GS":
            return _group(row)
        group = self._open[-2][0] if len(self._open) > 1 else ()
        return [] if element(group, 1) not in ("", "HC") else _set(row)

    def _numbered(self, row: Segment) -> list[str]:
        """A control number stands once, with the same sender."""
        control = element(row, _CONTROL[row[0]])
        scope = self._open[-2][0] if row[0] == "ST" and len(self._open) > 1 else ()
        key = (row[0], control, element(row, 6) if row[0] == "ISA" else element(scope, 6))
        again = key in self._seen
        self._seen.add(key)
        return [f"the control number {control} stood on another {row[0]} before"] if again else []

    def _closes(self, number: int, row: Segment) -> list[str]:
        if not self._open or self._open[-1][0][0] != _CLOSING[row[0]]:
            return [f"{row[0]} closes no {_CLOSING[row[0]]}"]
        opening, start, held = self._open.pop()
        found = []
        control = element(opening, _CONTROL[opening[0]])
        if element(row, 2) != control:
            found.append(f"{row[0]}02 {element(row, 2)} is not the control number {control}")
        count = number - start + 1 if row[0] == "SE" else held
        if element(row, 1).lstrip("0") != str(count):
            found.append(f"{row[0]}01 says {element(row, 1) or 'nothing'}, there are {count}")
        return found


def _isa(row: Segment) -> list[str]:
    found = [
        f"ISA{place:02} has {len(value)} characters, {width} stand there"
        for place, (value, width) in enumerate(zip(row[1:], ISA_WIDTHS, strict=True), 1)
        if len(value) != width
    ]
    if element(row, 15) not in ("T", "P"):
        found.append("ISA15 is neither T nor P")
    if element(row, 12).strip() != "00501":
        found.append(f"ISA12 is {element(row, 12)}, where HIPAA's claims are 00501")
    if not re.fullmatch(r"\d{9}", element(row, 13), re.ASCII):
        found.append("ISA13 is not a number of nine digits")
    return found


def _group(row: Segment) -> list[str]:
    if element(row, 1) != "HC":
        return [f"GS01 is {element(row, 1)}: the group holds no claims (HC), and is not looked at"]
    if element(row, 8) not in PROFESSIONAL | INSTITUTIONAL:
        return [f"GS08 {element(row, 8)} is neither an 837P nor an 837I of version 5010"]
    return []


def _set(row: Segment) -> list[str]:
    return [] if element(row, 1) == "837" else [f"ST01 is {element(row, 1)}, not 837"]


def uncarried(row: Segment) -> str | None:
    """Letters that X12's character set does not have."""
    for place, value in enumerate(row[1:], 1):
        if not (value.isascii() and _CARRIED.fullmatch(value)):
            return f"{row[0]}{place:02} holds a character that X12 can't carry"
    return None
