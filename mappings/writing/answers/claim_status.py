"""What a payer's front end says of each claim before it is decided: a 277CA (X12 005010X214).

Held by tests/unit/test_answers.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from mappings.writing.answers.answer import (
    Answer,
    BatchAnswer,
    ClaimAnswer,
    ClaimSays,
    digest,
)
from mappings.writing.answers.codes import answer_codes
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import element
from mappings.writing.x12.segments import COMPONENT, Segment

GUIDE = "005010X214"
_RECEIVER, _BILLER, _PATIENT = "21", "19", "PT"
# STC01, STC10 and STC11: up to three statuses.
_STATUSES = (1, 10, 11)
_STATUS_DAY, _STATUS_NOTE = 2, 12
_ICN, _NPI = "1K", "XX"


class ClaimStatus:
    """Reads the segments of one transaction set."""

    def __init__(self) -> None:
        self._level = self._set = self._biller = ""
        self._segments: list[tuple[int, Segment]] = []

    def take(self, number: int, segment: Segment) -> Iterator[Answer]:
        """What ends here."""
        if segment[0] == "HL":
            yield from self.end()
            self._level, self._segments = element(segment, 3), []
        elif segment[0] == "TRN" and self._level == _PATIENT and self._trace:
            yield from self.end()  # another claim of the same patient
        self._segments.append((number, segment))
        if segment[0] == "TRN" and self._level == _RECEIVER:
            self._set = element(segment, 2)
        if segment[:2] == ("NM1", "85"):
            self._biller = element(segment, 9) if element(segment, 8) == _NPI else ""

    def end(self) -> Iterator[Answer]:
        own, self._segments = self._segments, []
        found = _statuses(segment for _, segment in own)
        if self._level == _PATIENT:
            trace = next(((at, one) for at, one in own if one[0] == "TRN"), None)
            if trace and found:
                yield self._claim(*trace, [segment for _, segment in own], found)
            # A next claim of this patient has no HL of its own.
            self._segments = [pair for pair in own if pair[1][0] in ("HL", "NM1")]
        elif self._level in (_RECEIVER, _BILLER) and answer_codes().says(found) == "rejected":
            yield BatchAnswer(
                kind="277CA",
                says="rejected",
                segment=own[0][0],
                said=digest(segment for _, segment in own),
                set=self._set,
                biller=self._biller if self._level == _BILLER else "",
                codes=found,
                notes=_notes(segment for _, segment in own),
            )

    @property
    def _trace(self) -> bool:
        return any(segment[0] == "TRN" for _, segment in self._segments)

    def _claim(
        self, number: int, trace: Segment, own: list[Segment], found: tuple[str, ...]
    ) -> ClaimAnswer:
        says: ClaimSays = answer_codes().says(found)
        return ClaimAnswer(
            kind="277CA",
            number=element(trace, 2),
            says=says,
            segment=number,
            said=digest([("TRN", self._set, self._biller), *own[1:]]),
            codes=found,
            payer_number=next((element(one, 2) for one in own if one[:2] == ("REF", _ICN)), ""),
            day=_day(own),
            set=self._set,
            biller=self._biller,
            notes=_notes(own),
        )


def _day(segments: Sequence[Segment]) -> date | None:
    """Of the latest status that has one."""
    given = (element(one, _STATUS_DAY) for one in segments if one[0] == "STC")
    return max(filter(None, map(day, given)), default=None)


def _notes(segments: Iterable[Segment]) -> tuple[str, ...]:
    found = (element(one, _STATUS_NOTE).strip() for one in segments if one[0] == "STC")
    return tuple(dict.fromkeys(filter(None, found)))


def _statuses(segments: Iterator[Segment]) -> tuple[str, ...]:
    """Each as it stands: category, code and entity."""
    found = (
        element(segment, at) for segment in segments if segment[0] == "STC" for at in _STATUSES
    )
    return tuple(dict.fromkeys(code.rstrip(COMPONENT) for code in found if code))
