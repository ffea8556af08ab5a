"""Something wrong with a file of claims, and where.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.writing.x12.segments import COMPONENT, Segment

_NOTE_MOST = 80
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?|\.\d{1,2}", re.ASCII)


class Fault(Struct, frozen=True):
    """`segment`: its name and number in the file, from 1; `claim`: CLM01; `line`: LX01."""

    says: str
    claim: str | None = None
    line: str | None = None
    segment: str | None = None
    number: int | None = None

    @property
    def brief(self) -> str:
        """Without the places in a file that does not stand yet."""
        return f"{self.segment}: {self.says}" if self.segment else self.says

    @property
    def sentence(self) -> str:
        where = [f"claim {self.claim}"] if self.claim is not None else []
        where += [f"line {self.line}"] if self.line is not None else []
        if self.segment is not None:
            number = f" {self.number}" if self.number else ""
            where.append(f"segment{number} {self.segment}".rstrip())
        return f"{', '.join(where)}: {self.says}" if where else self.says


class Found(Struct, frozen=True):
    """A fault before it is placed: `at` is the place of its segment among those looked at."""

    says: str
    at: int
    line: str | None = None


Findings = Iterator[Found]


def element(segment: Segment, place: int) -> str:
    """An element by its place from 1; empty where there is none."""
    return segment[place] if len(segment) > place else ""


def first_of(segments: Sequence[Segment], *start: str) -> Segment:
    """The first segment that begins so, such as `NM1`, `85`; empty where there is none."""
    found = (segment for segment in segments if segment[: len(start)] == start)
    return next(found, ())


def is_long_note(segment: Segment) -> bool:
    """Whether an NTE has more than the 80 characters that it may."""
    return segment[0] == "NTE" and len(element(segment, 2)) > _NOTE_MOST


LONG_NOTE = f"a note has at most {_NOTE_MOST} characters"


def amount(text: str) -> Decimal | None:
    """Dollars and cents, of which X12 suppresses a leading zero (`.5`); None where it is none."""
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def is_placeholder(value: str) -> bool:
    """Whether nothing stands there, or what people write where they do not know."""
    return not value.strip() or value.upper() in codes.claim_forms().lists.placeholders


def loops(segments: Sequence[Segment], name: str) -> list[tuple[int, Sequence[Segment]]]:
    """Each part that begins with a segment of that name, with its place."""
    starts = [place for place, segment in enumerate(segments) if segment[0] == name]
    ends = [*starts[1:], len(segments)]
    return [(start, segments[start:end]) for start, end in zip(starts, ends, strict=False)]


def coded(head: Sequence[Segment]) -> Iterator[tuple[int, list[str]]]:
    """Of each code of HI where it stands, and its parts: kind, code, the form of a day, day and
    amount; empty where it lacks them."""
    for at, segment in enumerate(head):
        for said in segment[1:] if segment[0] == "HI" else ():
            yield at, [*said.split(COMPONENT), "", "", "", ""][:5]
