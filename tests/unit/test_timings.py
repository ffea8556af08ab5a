"""FHIR Timing: whether it says how often, and from when until when it runs."""

from decimal import Decimal
from typing import Any

import pytest

from mappings.reading.fhir import timings
from mappings.values import moment

ORDERED = moment.parse("2026-09-01")


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ({}, False),
        ({"repeat": {}}, False),
        ({"repeat": {"boundsPeriod": {"start": "2026-09-01"}}}, False),
        ({"repeat": {"frequency": 1}}, True),
        ({"repeat": {"count": 5}}, True),
        ({"repeat": {"period": 1}}, True),
        ({"repeat": {"dayOfWeek": ["mon"]}}, True),
        ({"repeat": {"timeOfDay": ["09:00:00"]}}, True),
        ({"repeat": {"when": ["PCM"]}}, True),
        ({"code": {"text": "weekly"}}, True),
        (
            {
                "code": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation",
                            "code": "QD",
                        }
                    ]
                }
            },
            True,
        ),
        ({"code": {}}, False),
        ({"event": ["2026-09-01"]}, True),
        ({"event": []}, False),
        # Stated and not read.
        ({"repeat": {"frequency": "some", "period": 1, "periodUnit": "wk"}}, False),
        ({"repeat": {"frequency": 1, "period": "now and then"}}, False),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "course"}}, False),
        ({"repeat": {"when": "PCM"}}, False),
    ],
)
def test_whether_it_says_how_often(timing: dict[str, Any], expected: bool) -> None:
    assert timings.has_frequency(timing) is expected


def repeat(**elements: Any) -> dict[str, Any]:
    return {"repeat": elements}


@pytest.mark.parametrize(
    ("timing", "a_day"),
    [
        ({}, None),
        (repeat(frequency=2, period=1, periodUnit="d"), 2),
        (repeat(frequency=1, frequencyMax=3, period=1, periodUnit="d"), 3),
        (repeat(frequency=1, period=8, periodUnit="h"), 3),
        (repeat(period=90, periodUnit="min"), 16),
        (repeat(period=1, periodUnit="s"), 48),
        (repeat(frequency=3, period=1, periodUnit="wk"), 1),
        (repeat(frequency=1, period=24, periodUnit="H"), 1),
        (repeat(frequency=2, period=0, periodUnit="d"), None),
        (repeat(frequency=-1, period=1, periodUnit="d"), None),
        (repeat(frequency=2, period=1), None),
        (repeat(timeOfDay=["09:00:00", "21:00:00"]), 2),
        (repeat(when=["PCM", "PCD", "PCV"]), 3),
        ({"event": ["2026-11-01T09:00:00Z", "2026-11-01T21:00:00Z", "2026-11-08"]}, 2),
        # A single dose, or one on each day of the week that is named.
        (repeat(count=1), 1),
        (repeat(countMax=1), 1),
        (repeat(count=1, countMax=2), None),
        (repeat(count=2), None),
        (repeat(dayOfWeek=["mon", "wed"]), 1),
        # By its code or words, where all of them say the same.
        ({"code": {"text": "twice daily"}}, 2),
        ({"code": {"coding": [{"code": "BID"}], "text": "BID"}}, 2),
        ({"code": {"coding": [{"code": "TID"}], "text": "twice daily"}}, None),
        ({"code": {"text": "as the clinic sees fit"}}, None),
    ],
)
def test_how_many_doses_a_day(timing: dict[str, Any], a_day: int | None) -> None:
    assert timings.doses_a_day(timing) == a_day


@pytest.mark.parametrize(
    ("timing", "once"),
    [
        ({}, False),
        (repeat(count=1), True),
        (repeat(countMax=1), True),
        (repeat(count=1, countMax=3), False),
        (repeat(count=2), False),
        (repeat(dayOfWeek=["mon"]), False),
        ({"event": ["2026-11-01"]}, True),
        ({"event": ["2026-11-01", "2026-11-08"], "repeat": {"count": 1}}, False),
        ({"code": {"text": "Single dose"}}, True),
        ({"code": {"coding": [{"code": "x1"}]}}, True),
        ({"code": {"text": "STAT"}}, True),
        ({"code": {"text": "weekly"}}, False),
        ({"event": ["2026-11-01", "2026-11-08"], "code": {"text": "once"}}, False),
    ],
)
def test_a_single_dose(timing: dict[str, Any], once: bool) -> None:
    assert timings.is_once(timing) is once


def bounds(**period: str) -> dict[str, Any]:
    return repeat(boundsPeriod=period)


def weeks(value: Any, unit: str = "wk") -> dict[str, Any]:
    return repeat(boundsDuration={"value": value, "code": unit})


@pytest.mark.parametrize(
    ("timing", "first", "last"),
    [
        ({"event": ["2026-08-01"]}, "2026-08-01", "2026-08-01"),
        ({"event": ["2026-08-15", "2026-08-01", "2026-08-08"]}, "2026-08-01", "2026-08-15"),
        ({"event": ["soon"]}, "2026-09-01", None),
        (bounds(start="2026-08-01", end="2026-08-31"), "2026-08-01", "2026-08-31"),
        (bounds(end="2026-08-31"), None, "2026-08-31"),
        (bounds(start="2026-08-01"), "2026-08-01", None),
        (weeks(5), "2026-09-01", "2026-10-05"),
        (weeks(1, "d"), "2026-09-01", "2026-09-01"),
        (weeks(Decimal("1.5")), "2026-09-01", "2026-09-11"),
        (weeks(1, "mo"), "2026-09-01", "2026-09-30"),
        (weeks(0), "2026-09-01", None),
        (weeks(3660, "d"), "2026-09-01", None),
        (weeks(3659, "d"), "2026-09-01", "2036-09-06"),
        (weeks(5, "fortnight"), "2026-09-01", None),
        (repeat(count=5, period=1, periodUnit="wk"), "2026-09-01", "2026-10-05"),
        (repeat(count=5, frequency=2, period=1, periodUnit="wk"), "2026-09-01", "2026-09-21"),
        (repeat(count=4, frequency=2, period=1, periodUnit="wk"), "2026-09-01", "2026-09-14"),
        (repeat(count=5, period=2, periodUnit="d"), "2026-09-01", "2026-09-10"),
        (
            repeat(count=3, countMax=5, period=1, periodMax=2, periodUnit="d"),
            "2026-09-01",
            "2026-09-10",
        ),
        (
            repeat(count=5, period=1, periodUnit="wk", boundsPeriod={"start": "2026-08-01"}),
            "2026-08-01",
            "2026-09-04",
        ),
        (repeat(count=5), "2026-09-01", None),
        (repeat(frequency=1, period=1, periodUnit="wk"), "2026-09-01", None),
    ],
)
def test_from_when_until_when(timing: dict[str, Any], first: str | None, last: str | None) -> None:
    begin, end = timings.span(timing, ORDERED)
    assert end == (last and moment.parse(last))
    assert begin in (first and moment.parse(first), None)


def test_a_count_of_doses_may_begin_later_and_a_length_does_not() -> None:
    week = {"count": 2, "frequency": 2, "period": 1, "periodUnit": "wk"}
    assert timings.span(repeat(**week), ORDERED, 30)[1] == moment.parse("2026-10-07")
    assert timings.span(weeks(1), ORDERED, 30)[1] == moment.parse("2026-09-07")
    started = repeat(**week, boundsPeriod={"start": "2026-08-01"})
    assert timings.span(started, ORDERED, 30)[1] == moment.parse("2026-08-07")
    assert timings.span(repeat(count=1, period=1, periodUnit="wk"), ORDERED, 30)[1] is None


def test_several_are_open_where_one_is() -> None:
    one, two, three = map(moment.parse, ("2026-08-01", "2026-08-31", "2026-09-30"))
    assert timings.whole([(one, two), (two, three)]) == (one, three)
    assert timings.whole([(two, three), (one, two)]) == (one, three)
    assert timings.whole([(one, None), (two, three)]) == (one, None)
    assert timings.whole([(None, two), (two, three)]) == (None, three)
    assert timings.whole([]) == (None, None)


@pytest.mark.parametrize(
    "duration",
    [
        None,
        {},
        {"value": "5", "code": "wk"},
        {"code": "wk"},
        {"value": -1, "code": "d"},
        {"value": 5},
    ],
)
def test_a_duration_that_cannot_be_read(duration: object) -> None:
    assert timings.days(duration) is None


def test_a_duration_by_its_unit_as_text() -> None:
    assert timings.days({"value": 2, "unit": "Weeks"}) == 14
    assert timings.days({"value": 2, "code": "d", "unit": "Weeks"}) == 2
