"""R1: dates and times as written, the zone that makes a day of them, and what can't be said."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.values import moment
from tests import builders

NEW_YORK, HONOLULU = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Honolulu")


def read(text: str) -> moment.Moment:
    found = moment.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_partial_date_is_a_span_and_no_day(text: str, first: date, last: date) -> None:
    found = read(text)
    assert found.partial
    assert found.days(NEW_YORK) == (first, last)
    assert found.day(None) is None


@pytest.mark.parametrize("zone", [None, NEW_YORK, HONOLULU])
def test_a_date_is_that_day_in_every_zone(zone: ZoneInfo | None) -> None:
    assert read("2026-11-01").day(zone) == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-11-01T23:59:59-05:00", None, date(2026, 11, 1)),
        ("2026-11-01T23:59:59.999999999-05:00", None, date(2026, 11, 1)),
        ("2026-11-01T23:59:59-05:00", HONOLULU, date(2026, 11, 1)),
        ("2026-11-02T00:00:00-05:00", HONOLULU, date(2026, 11, 1)),
        ("2026-11-02T04:59:59Z", NEW_YORK, date(2026, 11, 1)),
        ("2026-11-02T05:00:00Z", NEW_YORK, date(2026, 11, 2)),
        # The clocks go back on November 1, 2026: the night has an hour more.
        ("2026-11-01T03:59:59Z", NEW_YORK, date(2026, 10, 31)),
        ("2026-11-01T04:00:00Z", NEW_YORK, date(2026, 11, 1)),
        ("2026-11-01T09:59:59Z", None, None),
        ("2026-11-01T10:00:00Z", None, date(2026, 11, 1)),
        ("2026-11-02T03:59:59Z", None, date(2026, 11, 1)),
        ("2026-11-02T04:00:00Z", None, None),
        ("2026-11-02T04:00:00+00:00", None, None),
        ("2026-11-02T04:00:00-00:00", None, None),
    ],
)
def test_the_day_of_an_instant(text: str, zone: ZoneInfo | None, day: date | None) -> None:
    assert read(text).day(zone) == day


def test_a_time_without_an_offset_says_its_own_day_but_is_no_instant_that_compares() -> None:
    found = read("2026-11-01T23:00:00")
    assert found.floating
    assert found.day(HONOLULU) == date(2026, 11, 1)


@pytest.mark.parametrize(
    "text",
    [
        "", "1 November 2026", "11/01/2026", "2026-13", "2026-02-30", "2026-11-1", "20261101",
        "2026-11-01T", "2026-11-01T25:00:00Z",
        "2026-11-01T23:60:00Z", "2026-11-01T12:60Z", "2026-11-01T23:59:61Z",
        "2026-11-01T09", "2026-11-01 09:00:00", "2026-11-01T09:00:00+25:00", "0000-01-01",
        "0001-01-01T00:00:00Z", "9999-12-31",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert moment.parse(text) is None


@pytest.mark.parametrize("value", [None, 2026, True, 1.5])
def test_what_is_no_text(value: object) -> None:
    assert moment.parse(value) is None


@given(st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1)), st.integers(-12 * 60, 14 * 60))  # noqa: DTZ001 - an offset is added
def test_without_a_zone_the_written_offset_decides(local: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    found = read(local.replace(tzinfo=zone).isoformat())
    expected = local.date()
    if minutes == 0:
        days = {(local + timedelta(hours=hours)).date() for hours in range(-10, -3)}
        assert set(found.days(None)) <= days
        assert (found.day(None) is None) == (len(days) > 1)
    else:
        assert found.day(None) == expected
    assert found.day(NEW_YORK) == local.replace(tzinfo=zone).astimezone(NEW_YORK).date()


@given(st.text(alphabet="0123456789-:TZ+. ", max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    found = moment.parse(text)
    assert found is None or found.days(None)[0] <= found.days(None)[1]


@pytest.mark.parametrize(
    ("year", "known"), [(1849, False), (1850, True), (2999, True), (3000, False)]
)
def test_years_that_are_placeholders(year: int, known: bool) -> None:
    assert (moment.parse(f"{year}-06-01") is not None) is known
    assert moment.is_placeholder(f"{year}-06-01") is not known


@pytest.mark.parametrize(
    ("first", "second", "zone", "before"),
    [
        ("2026-11-01T09:00:00-05:00", "2026-11-01T09:00:00-05:00", None, True),
        ("2026-11-01T09:00:00-05:00", "2026-11-01T14:00:00Z", None, True),
        ("2026-11-01T09:00:01-05:00", "2026-11-01T14:00:00Z", None, False),
        ("2026-11-01T10:00:00-05:00", "2026-11-01T09:30:00-06:00", None, True),
        # One of them a day: by days, and the same day counts.
        ("2026-11-01", "2026-11-01T00:00:00-05:00", None, True),
        ("2026-11-01T23:00:00-05:00", "2026-11-01", None, True),
        ("2026-11-02", "2026-11-01T23:59:59-05:00", None, False),
        ("2026-11", "2026-11-01", None, True),
        ("2026-11-02T04:30:00Z", "2026-11-01", NEW_YORK, True),
        ("2026-11-02T04:30:00Z", "2026-11-01", ZoneInfo("UTC"), False),
        # A time without an offset is no better than its day.
        ("2026-11-01T23:00:00", "2026-11-01T09:00:00-05:00", None, True),
        ("2026-11-02T00:00:00", "2026-11-01T23:00:00-05:00", None, False),
    ],
)
def test_before_or_at_the_same_time(
    first: str, second: str, zone: ZoneInfo | None, before: bool
) -> None:
    assert read(first).before_or_same(read(second), zone) is before


def test_moments_in_order() -> None:
    texts = [
        "2026-10-31T23:00:00-05:00",
        "2026-11-01",
        "2026-11-01T09:00:00-05:00",
        "2026-11-01T14:00:01Z",
        "2026-11",
    ]
    shuffled = [texts[3], texts[0], texts[4], texts[2], texts[1]]
    assert sorted(shuffled, key=lambda text: read(text).order) == texts


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        # Written on a later date, and yet an hour earlier.
        ("2026-10-13T01:00:00Z", "2026-10-12T22:00:00-04:00"),
        ("2026-10-12T22:00:00-04:00", "2026-10-12T19:00:01-07:00"),
        # A day alone, beside times of the days around it.
        ("2026-10-12T23:59:59-10:00", "2026-10-13"),
        ("2026-10-13", "2026-10-13T09:00:00-05:00"),
        ("2026-10-13", "2026-10-13T00:00:01"),
        ("2026-10-12T23:59:59", "2026-10-13"),
        ("2026-10-13T09:00:00", "2026-10-13T10:00:00"),
        ("2026-10-13", "2026-10-14"),
        ("2026-10-30", "2026-10"),
    ],
)
def test_the_later_moment_sorts_behind(earlier: str, later: str) -> None:
    assert read(earlier).order < read(later).order


def test_the_newest_result_is_the_one_of_the_later_instant() -> None:
    results = [
        builders.ferritin(501, on="2026-10-13T01:00:00Z"),
        builders.ferritin(400, on="2026-10-12T22:00:00-04:00"),
    ]
    found = builders.assessed(builders.commercial(), *results, without=["ferritin"])
    assert [
        requirement.value
        for requirement in found.requirements
        if requirement.requirement == "ferritin"
    ] == ["400"]


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-11-01", NEW_YORK, None),
        ("2026-11-02T09:00:00", None, None),
        ("2026-11-02T09:00:00", NEW_YORK, datetime(2026, 11, 2, 14, tzinfo=UTC)),
        ("2026-11-02T09:00:00-06:00", NEW_YORK, datetime(2026, 11, 2, 15, tzinfo=UTC)),
        ("2026-11-02T09:00:00-06:00", None, datetime(2026, 11, 2, 15, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_placed_in_the_zone(
    text: str, zone: ZoneInfo | None, instant: datetime | None
) -> None:
    assert read(text).at(zone) == instant


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(ValueError, match="America/New_Yrok"):
        moment.zone("America/New_Yrok")


def test_the_end_of_a_day() -> None:
    assert (
        moment.end_of_day(date(2026, 11, 23), NEW_YORK).isoformat()
        == "2026-11-23T23:59:59.999999-05:00"
    )
    # Without a zone no US dose of that day may be later.
    assert moment.end_of_day(date(2026, 11, 23), None) == datetime(
        2026, 11, 24, 9, 59, 59, 999999, tzinfo=UTC
    )


def test_a_dose_in_the_last_second_of_the_day_does_not_wait() -> None:
    end = moment.end_of_day(date(2026, 11, 1), NEW_YORK)
    document = builders.document_of(
        builders.chart(builders.administration(on="2026-11-01T23:59:59.500-05:00")), end
    )
    assert ([builders.shown(patient) for patient in document.patients], document.as_of) == (
        [["J1756 JZ × 200 ready"]],
        "2026-11-01T23:59:59-05:00",
    )


def test_a_leap_second_is_read() -> None:
    assert read("2026-11-01T23:59:60-05:00") == read("2026-11-01T23:59:59-05:00")
    assert read("2026-11-01T23:59:60.5Z") == read("2026-11-01T23:59:59.5Z")


@pytest.mark.parametrize(
    ("text", "zone", "says"),
    [
        ("2026-10-12", None, "on Oct 12, 2026"),
        ("2026-10", None, "in Oct 2026"),
        ("2024-02", NEW_YORK, "in Feb 2024"),
        ("2026", None, "in 2026"),
        ("2026-11-01T14:00:00Z", None, "on Nov 1, 2026"),
        ("2026-11-02T05:00:00Z", None, "on Nov 1, 2026 or Nov 2, 2026"),
        ("2026-11-02T03:00:00Z", NEW_YORK, "on Nov 1, 2026"),
    ],
)
def test_a_date_is_shown_as_far_as_it_is_known(text: str, zone: ZoneInfo | None, says: str) -> None:
    assert read(text).span(zone).on == says


def test_days_that_are_no_month_are_shown_by_both_ends() -> None:
    assert moment.Span(date(2026, 10, 1), date(2026, 11, 30)).text == "2026-10-01 to 2026-11-30"


WRITTEN = [
    "2026-10-12", "2026-10-12T13:30:00Z", "2026-10-12T13:30:00-05:00", "2026-10-12T13:30:00+00:00",
    "2026-10-12T13:30:00-00:00", "2026-10-12T23:59:60Z", "2026-02-30", "0001-01-01", "2026-W01-1",
    "9999-12-31T00:00:00Z", "2026-10-12T24:00:00Z", "2026-10-12T13:30:00+24:00", "2026-10-1２",
]  # fmt: skip


@given(st.sampled_from(WRITTEN), st.integers(0, 24), st.sampled_from(["", *"059-:TZ+.W \n"]))
def test_what_is_read_at_once_is_read_so_in_parts(text: str, place: int, mark: str) -> None:
    bent = text[:place] + mark + text[place + len(mark) :]
    try:
        at_once = moment._plain(bent)
    except ValueError:
        at_once = None
    if at_once:
        assert at_once == moment._any(bent)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, True), ("2026-11", None, True), ("2026-11-03", None, False),
        (None, "2026-11-01", True), (None, "2026-10-31", False), ("2026-10", "2026-11", True),
    ],
)  # fmt: skip
def test_a_period_that_may_hold_a_day(start: str | None, end: str | None, expected: bool) -> None:
    days = (date(2026, 11, 1), date(2026, 11, 2))
    assert moment.may_span(moment.parse(start), moment.parse(end), days, None) is expected
