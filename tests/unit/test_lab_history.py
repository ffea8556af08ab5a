"""Results put in order once say what a look through all of them says."""

import cProfile
import pstats
from datetime import date, timedelta, tzinfo
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis import given

from mappings.assessment import State
from mappings.circumstances import labs
from mappings.circumstances.lab_history import LabHistory
from mappings.policy.conditions import LabState
from mappings.record import LabResult, Source
from mappings.values.moment import Moment, parse
from mappings.values.stated import Unread

DAY = date(2026, 10, 20)
_DAYS = [str(DAY + timedelta(days=days)) for days in (-400, -90, -61, -60, -2, -1, 0, 1, 2)]
_TIMES = [
    f"{day}T{time}"
    for day in _DAYS[-5:]
    for time in ("00:30:00Z", "23:30:00-05:00", "12:00:00+14:00", "04:00:00Z", "08:00:00")
]
MOMENTS = st.sampled_from([*_DAYS, *_TIMES, "2026-10", "2026-08", "2026", None]).map(parse)


def _result(when: Moment | None, number: int, kind: str) -> LabResult:
    unread = Unread("effectiveDateTime" if when is None else "valueQuantity", "?")
    return LabResult(
        source=Source(f"Observation/{number}"),
        analyte="ferritin",
        when=when,
        low=None,
        high=None,
        problem=None if kind == "read" else "that can't be used",
        unread=unread if kind == "unread" else None,
        parts=(Source("Observation/part"),) if number % 2 else (),
    )


RESULTS = st.lists(
    st.builds(_result, MOMENTS, st.integers(0, 3), st.sampled_from(["read", "broken", "unread"])),
    max_size=6,
)


def _is_before(one: LabResult, other: LabResult, zone: tzinfo | None) -> bool:
    assert one.when
    assert other.when
    mine, theirs = one.when.at(zone), other.when.at(zone)
    if mine and theirs:
        return mine < theirs
    return one.when.days(zone)[1] < other.when.days(zone)[0]


def _newest(results: list[LabResult], zone: tzinfo | None) -> LabResult | None:
    """Of those than which none is certainly newer, a measured one first."""
    timed = [result for result in results if result.when]
    last = [one for one in timed if not any(_is_before(one, other, zone) for other in timed)]
    return max(
        [one for one in last if not one.derived] or last,
        key=lambda result: (
            result.when.order if result.when else (),
            not result.derived,
            result.source,
        ),
        default=None,
    )


@given(
    RESULTS,
    st.sampled_from([text for text in (*_DAYS, *_TIMES) if text[:10] == str(DAY)]).map(parse),
    st.sampled_from([0, 30, 60, 90]),
    st.sampled_from([None, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati")]),
)
def test_the_newest_within_a_window(
    results: list[LabResult], dose: Moment, days: int, zone: tzinfo | None
) -> None:
    found_at = LabHistory(tuple(results), zone).at(dose, DAY)
    before = [result for result in results if labs.is_before(result, dose, DAY, zone)]
    usable = [result for result in before if result.problem is None]
    found = _newest(labs.within(usable, DAY, days, zone), zone)
    unread = [result for result in before if result.unread]
    undated = [result for result in results if result.when is None and result.unread]
    doubt = labs.unread_after(found, labs.within(unread, DAY, days, zone) + undated)
    older: State = "expired" if usable else "missing"
    state: State = "met" if found else older
    assert found_at.state("ferritin", days) == LabState(state, found, doubt)
    assert found_at.newest("ferritin") is _newest(usable, zone)
    newer = labs.unread_after(_newest(usable, zone), unread + undated)
    assert found_at.unread_after_newest("ferritin") is newer


def test_results_of_one_day_are_compared_once_each() -> None:
    def calls(number: int) -> int:
        results = tuple(_result(parse(str(DAY)), one, "read") for one in range(number))
        dose = LabHistory(results, None).at(None, DAY)
        profiler = cProfile.Profile()
        profiler.runcall(dose.state, "ferritin", 60)
        made: int = pstats.Stats(profiler).total_calls  # type: ignore[attr-defined]
        return made

    assert calls(80) < 2.2 * calls(40)
