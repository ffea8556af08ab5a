"""A file of answers, whatever it holds: TA1, 999, 997, 277CA, 835, in any delimiters.

Held by tests/unit/test_answers.py.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import BinaryIO, Protocol

from msgspec import structs

from mappings.record import Problem
from mappings.writing.answers.acknowledgments import Acknowledgment, interchange
from mappings.writing.answers.answer import Answer, ClaimAnswer
from mappings.writing.answers.claim_status import GUIDE, ClaimStatus
from mappings.writing.answers.remittance import Remittance
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import element
from mappings.writing.x12.reading import NotX12, segments
from mappings.writing.x12.segments import Segment


class AnswerReader(Protocol):
    """Of one transaction set."""

    def take(self, number: int, segment: Segment) -> Iterator[Answer]: ...

    def end(self) -> Iterator[Answer]:
        """What was open where the set ends (SE)."""
        ...


Kinds = Mapping[str, Callable[[], AnswerReader]]
_STATUS = "277"
_REMITTANCES: Kinds = {"835": Remittance}
_ANSWERS: Kinds = {
    "TA1": Acknowledgment,
    "997": Acknowledgment,
    "999": Acknowledgment,
    _STATUS: ClaimStatus,
    **_REMITTANCES,
}
_NOTHING = "\x00"  # what some fill their records with; no database keeps it
_BEGINNINGS = frozenset({"ISA", "GS", "ST"})
_ENDS = frozenset({"SE", "GE", "IEA"})
_PASSED_OVER = {
    "CLP": "its claim was passed over",
    "SVC": "its service was passed over",
    "DTM": "its day is not known",
    "CAS": "its service was passed over",
    "BPR": "what was paid altogether is not known",
    "PLB": "what else was taken off is not known",
}


def answers(stream: BinaryIO) -> Iterator[Answer | Problem]:
    """All that a file says; NotX12 where it is no file of answers. What can't be read is named by
    the segment, and the others go on."""
    return _read(stream, _ANSWERS)


def remitted(stream: BinaryIO) -> Iterator[ClaimAnswer | Problem]:
    """The claims of every 835 of a file; NotX12 where there is none."""
    for one in _read(stream, _REMITTANCES):
        if isinstance(one, ClaimAnswer | Problem):
            yield one


def _read(stream: BinaryIO, kinds: Kinds) -> Iterator[Answer | Problem]:
    reading = _Reading(kinds)
    for number, raw in segments(stream):
        segment = _without_nothing(raw)
        kind = segment[0]
        try:
            yield from reading.take(number, segment)
        except (ValueError, IndexError):
            why = _PASSED_OVER.get(kind, "what it says was passed over")
            yield Problem(f"segment {number}", f"{kind} can't be read, so {why}")
    yield from reading.cut()
    if not reading.found:
        raise NotX12(reading.why)


def _without_nothing(segment: Segment) -> Segment:
    if _NOTHING not in "".join(segment):
        return segment
    return tuple(text.replace(_NOTHING, "") for text in segment)


class _Reading:
    """Where in a file we are. `found`: whether there is anything of these KINDS."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._reader: AnswerReader | None = None
        self._code = self._guide = ""
        self._is_test = self.found = False
        self._written: date | None = None
        self._number = 0

    def take(self, number: int, segment: Segment) -> Iterator[Answer | Problem]:
        kind = segment[0]
        if kind in _BEGINNINGS:
            yield from self.cut()
        self._number = number
        if kind == "ISA":
            self._is_test = element(segment, 15) == "T"
            self._written = day(f"20{element(segment, 9)}")
        elif kind == "GS":
            self._guide = element(segment, 8)
        elif kind == "ST":
            self._begin(segment)
        elif kind == "TA1" and kind in self._kinds:
            self.found = True
            yield self._marked(interchange(number, segment))
        if self._reader and kind in _ENDS:
            reader, self._reader = self._reader, None
            yield from map(self._marked, reader.end())
        elif self._reader:
            yield from map(self._marked, self._reader.take(number, segment))

    def cut(self) -> Iterator[Problem]:
        """Where a transaction does not end: its last claim may be half of one."""
        if self._reader:
            self._reader = None
            why = "nothing follows, as if the file were cut off: what began last was passed over"
            yield Problem(f"segment {self._number}", why)

    def _marked(self, one: Answer) -> Answer:
        """With what its interchange says: whether it is a test; and the day, where nothing within
        does."""
        return structs.replace(one, is_test=self._is_test, day=one.day or self._written)

    def _begin(self, segment: Segment) -> None:
        """Nothing is read of what is no answer to claims, such as a 277 that asks for documents."""
        self._code = element(segment, 1)
        guide = element(segment, 3) or self._guide
        is_other = self._code == _STATUS and not guide.startswith(GUIDE)
        if self._code in self._kinds and not is_other:
            self._reader, self.found = self._kinds[self._code](), True

    @property
    def why(self) -> str:
        if self._code == "837":
            return "it is a claim file (837): `ferroclaim claims check` looks at those"
        if self._code == _STATUS and _STATUS in self._kinds:
            return f"its 277 is of another guide than {GUIDE} (277CA)"
        return "none of its transactions is one"
