"""Claims of a file beside each other: numbers, months of dialysis, and the same claim twice.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Sequence

from mappings.writing.checks.claims import frequency_of
from mappings.writing.checks.fault import Findings, Found, element, first_of
from mappings.writing.x12.segments import COMPONENT, Segment

_DIALYSIS = "72"
_SAID = frozenset({"SV1", "SV2", "LIN", "CTP"})
_SAID_ALSO = frozenset({("DTP", "472"), ("NM1", "82")})
_ABOUT_ANOTHER = frozenset({"7", "8"})


class Across:
    """What claims before said, no more than their numbers and digests."""

    def __init__(self) -> None:
        self._numbers: set[str] = set()
        self._months: dict[tuple[str, ...], str] = {}
        self._said: dict[int, str] = {}

    def of(
        self, segments: Sequence[Segment], patient: tuple[str, ...], *, institutional: bool
    ) -> Findings:
        """`patient`: number and names, and to whom and by whom it is billed."""
        if frequency_of(segments[0]) in _ABOUT_ANOTHER:
            return
        number = element(segments[0], 1)
        if number in self._numbers:
            yield Found(f"CLM01 {number} is on another claim as well", 0)
        self._numbers.add(number)
        place, *_ = element(segments[0], 5).split(COMPONENT)
        if institutional and place == _DIALYSIS:
            yield from self._one_a_month(segments, patient, number)
        else:
            yield from self._once(segments, patient, number)

    def _one_a_month(
        self, segments: Sequence[Segment], patient: tuple[str, ...], number: str
    ) -> Findings:
        period = element(first_of(segments, "DTP", "434"), 3)[:6]
        other = self._months.setdefault((*patient, period), number)
        if other != number:
            yield Found(f"a second dialysis claim of the month, beside claim {other}", 0)

    def _once(self, segments: Sequence[Segment], patient: tuple[str, ...], number: str) -> Findings:
        """A payer takes the second of two claims that say the same for a duplicate."""
        said = [segment for segment in segments if segment[0] in _SAID or segment[:2] in _SAID_ALSO]
        other = self._said.setdefault(hash((patient, *said)), number)
        if other != number and said:
            yield Found(f"the claim says of the patient what claim {other} says", 0)
