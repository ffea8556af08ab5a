"""Whether a file was taken at all: TA1 (X12.5) of its interchange, 999 (X12 005010X231A1) or 997
of its transaction sets.

Held by tests/unit/test_answers.py.
"""

from collections.abc import Iterator

from mappings.writing.answers.answer import BatchAnswer, ClaimSays, SegmentFault, digest
from mappings.writing.answers.codes import answer_codes
from mappings.writing.checks.fault import element
from mappings.writing.x12.segments import COMPONENT, Segment

# Segments of a 997 by the names that a 999 has for them.
_RENAMED = {"AK3": "IK3", "AK4": "IK4", "AK5": "IK5"}
_TAKEN = frozenset({"A", "E", "P"})  # accepted, with errors noted, partly (a group alone)
_CLAIMS = "837"
_ELEMENTS_WRONG = "8"  # IK304


def interchange(number: int, segment: Segment) -> BatchAnswer:
    """Of a TA1; ValueError or IndexError where it can't be read."""
    noted = segment[5]
    says = answer_codes().interchange.get(noted, "") if int(noted or "0") else ""
    return BatchAnswer(
        kind="TA1",
        says=_says(segment[4]),
        segment=number,
        said=digest([segment]),
        control=int(segment[1]),
        written=segment[2],
        codes=tuple(filter(None, (segment[4], noted))),
        faults=(SegmentFault("ISA", 1, says),) if says else (),
    )


class Acknowledgment:
    """Reads the segments of one transaction set."""

    def __init__(self) -> None:
        self._control: int | None = None
        self._group: Segment = ()
        self._set = ""
        self._sets = self._taken = 0
        self._segment: Segment = ()
        self._faults: list[SegmentFault] = []
        self._said: list[Segment] = []

    def take(self, number: int, segment: Segment) -> Iterator[BatchAnswer]:
        """What ends here."""
        kind = _RENAMED.get(segment[0], segment[0])
        if kind == "AK1":
            self._control, self._group = int(segment[2]), segment
            self._sets = self._taken = 0
        elif kind == "AK2":
            self._set = element(segment, 2) if element(segment, 1) == _CLAIMS else ""
            self._faults, self._said = [], [self._group, segment]
            self._sets += 1
        elif kind == "IK3":
            self._add(segment)
        elif kind == "IK4":
            self._refine(segment)
        elif kind == "IK5" and self._set:
            self._taken += segment[1] in _TAKEN
            yield self._answer(number, segment, answer_codes().sets)
            self._faults, self._said, self._set = [], [], ""
        elif kind == "AK9" and self._control is not None and self._is_of_all(segment):
            self._faults, self._said, self._set = [], [self._group], ""
            yield self._answer(number, segment, answer_codes().groups, last=4)

    def end(self) -> Iterator[BatchAnswer]:
        return iter(())

    def _is_of_all(self, group: Segment) -> bool:
        """Whether the end of a group says more than its sets: none was named, or the whole is
        rejected with sets that were not."""
        if not self._sets:
            return True
        unnamed = int(element(group, 2) or "0") > self._sets
        return _says(group[1]) == "rejected" and bool(self._taken or unnamed)

    def _add(self, segment: Segment) -> None:
        self._segment = segment
        self._said.append(segment)
        says = answer_codes().segments.get(element(segment, 4), _other(element(segment, 4)))
        self._faults.append(SegmentFault(segment[1], int(segment[2] or "0"), says))

    def _refine(self, segment: Segment) -> None:
        """An element of the segment that was named last: instead of that there are such."""
        self._said.append(segment)
        at, reference = element(segment, 1).replace(COMPONENT, "-"), element(segment, 2)
        says = answer_codes().elements.get(element(segment, 3), _other(element(segment, 3)))
        last = self._faults[-1]
        if not last.element and element(self._segment, 4) == _ELEMENTS_WRONG:
            self._faults.pop()
        where = f"{at} ({reference})" if at and reference else at or reference
        self._faults.append(SegmentFault(last.segment, last.position, says, where))

    def _answer(
        self, number: int, segment: Segment, words: dict[str, str], last: int = 1
    ) -> BatchAnswer:
        noted = [code for code in segment[last + 1 :] if code]
        told = (SegmentFault("ST", 1, words.get(code, _other(code))) for code in noted)
        faults = tuple(self._faults) or tuple(told)
        return BatchAnswer(
            kind="999",
            says=_says(segment[1]),
            segment=number,
            said=digest([*self._said, segment]),
            control=self._control,
            set=self._set,
            codes=(segment[1], *noted),
            faults=faults,
        )


def _says(code: str) -> ClaimSays:
    """That a file is taken says nothing of its claims yet."""
    return "received" if code in _TAKEN else "rejected"


def _other(code: str) -> str:
    return f"code {code}" if code else "no reason is given"
