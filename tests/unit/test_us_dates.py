"""Days and times for people as they are read in the US, in every sentence; ISO in every value."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from integration.wording import words
from mappings.values.moment import Span, parse, shown
from mappings.values.sentences import SENTENCES, amounts
from mappings.values.us_dates import us_time
from tests import equality

ISO_IN_A_SENTENCE = re.compile(r"(?<![\w/-])(?:19|20)\d\d-\d\d(?:-\d\d)?(?![\w-])")
# What a chart says stays as it is written there; a version and a source are names.
QUOTED = re.compile(r'"[^"]*"|version \d{4}-\d\d-\d\d')


def span(text: str) -> Span:
    moment = parse(text)
    assert moment
    return moment.span(None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 11, 1), "Nov 1, 2026"),
        (date(2026, 5, 31), "May 31, 2026"),
        (span("2026-11-01"), "Nov 1, 2026"),
        (span("2026-10"), "Oct 2026"),
        (span("2026"), "2026"),
        ("2026-11-01", "Nov 1, 2026"),
        ("2026-10", "Oct 2026"),
        ("2026", "2026"),
        ("2026-10-31 or 2026-11-01", "Oct 31, 2026 or Nov 1, 2026"),
        ("2026-10-30 to 2026-11-01", "Oct 30, 2026 to Nov 1, 2026"),
        ("birth date not in the chart", "birth date not in the chart"),
        (None, "no date"),
    ],
)
def test_a_day_is_said_as_far_as_it_is_known(value: date | Span | str | None, said: str) -> None:
    assert words.day(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(date(2026, 11, 1), "Nov 1"), (span("2026-11-01"), "Nov 1"), (span("2026-10"), "Oct 2026")],
)
def test_without_its_year_where_that_is_plain(value: date | Span, said: str) -> None:
    assert words.day(value, year=False) == said


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [(0, 5, "12:05 AM"), (9, 0, "9:00 AM"), (12, 0, "12:00 PM"), (14, 2, "2:02 PM")],
)
def test_the_clock_has_twelve_hours(hour: int, minute: int, said: str) -> None:
    assert us_time(datetime(2026, 11, 1, hour, minute, tzinfo=UTC)) == said


def test_a_moment_is_said_in_the_zone_of_the_site() -> None:
    early = datetime(2026, 11, 2, 3, 2, tzinfo=UTC)
    assert words.at(early, "America/New_York") == "Nov 1, 2026, 10:02 PM"
    assert words.at(early, None) == "Nov 2, 2026, 3:02 AM"


@pytest.mark.parametrize("text", ["2026-10-31 or 2026-11-01", "2026-10", "2026"])
def test_what_is_shown_is_the_span_that_was_meant(text: str) -> None:
    days = [span(end) for end in text.split(" or ")]
    assert shown(text) == Span(days[0].first, days[-1].last).shown


def test_another_month_is_another_amount() -> None:
    """What is compared of a sentence, so that new words alone write nothing into a chart."""
    assert amounts("the order ended before Nov 1, 2026") != amounts(
        "the order ended before Oct 1, 2026"
    )


def sentences(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from sentences(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from sentences(inner, name)
    elif isinstance(value, str) and name in {*SENTENCES, "note"}:
        yield value


@pytest.mark.slow
def test_no_sentence_of_a_sample_or_scenario_has_an_iso_date() -> None:
    """Of every fifth."""
    found = set()
    for text in equality.documents(equality.ROOT, list(equality.charts())[::5]):
        found |= {
            sentence
            for sentence in sentences(json.loads(text))
            if ISO_IN_A_SENTENCE.search(QUOTED.sub("", sentence))
        }
    assert found == set()
