"""What is done about each kind of failure."""

import pytest

from integration.errors import (
    BadAnswer,
    BrokenOff,
    ConfigurationError,
    Conflict,
    Forbidden,
    NotConnected,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unauthorized,
    Unreachable,
)
from integration.work.retries import LONGEST_SECONDS, decide
from integration.work.workflow import Unsettled


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("s", "it is down"),
        Unreachable("s", "it has enough", status=429),
        Unreachable("s", "it is being served", status=503),
        Unauthorized("s", "who are you", status=401),
        Forbidden("s", "no", status=403),
        ConfigurationError("its certificate"),
    ],
)
def test_trouble_of_the_whole_site_lets_it_rest_and_never_gives_up(error: Exception) -> None:
    assert decide(error, 99, 999, 24).then == "site rests"


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (Forbidden("s", "no", status=403), "given up"),
        (Unauthorized("s", "who are you", status=401), "given up"),
        (Unreachable("s", "it did not answer in time"), "again"),
        (BrokenOff("s", "it broke off"), "again"),
        (NotConnected("s", "it is down"), "site rests"),
        (Unreachable("s", "it has enough", status=429), "site rests"),
        (Unreachable("s", "it is being served", status=503), "site rests"),
        (ConfigurationError("its certificate"), "site rests"),
    ],
)
def test_what_one_meets_alone_is_not_the_site_s(error: Exception, then: str) -> None:
    assert decide(error, 0, 0, 24).then == "site rests"
    assert decide(error, 0, 0, 24, alone=True).then == then


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("s", "it broke", status=500),
        OutcomeUnknown("s", "who knows"),
        Unsettled("later"),
    ],
)
def test_what_passes_is_tried_again_until_it_is_too_long(error: Exception) -> None:
    assert decide(error, 0, 0, 24).then == "again"
    assert decide(error, 50, 23.9, 24).then == "again"
    assert decide(error, 50, 24.1, 24).then == "given up"


@pytest.mark.parametrize(
    "error",
    [
        BadAnswer("s", "a page of a proxy"),
        NotFound("s", "no such patient"),
        Conflict("s", "somebody has it open"),
        KeyError("a bug of ours"),
    ],
)
def test_what_should_not_help_is_tried_three_times(error: Exception) -> None:
    assert [decide(error, attempt, 0, 24).then for attempt in range(4)] == [
        "again",
        "again",
        "given up",
        "given up",
    ]


def test_a_refusal_needs_a_person_at_once() -> None:
    assert decide(Refused("s", "not that"), 0, 0, 24).then == "given up"


def test_waits_grow_and_end_growing() -> None:
    waits = [decide(Unsettled("later"), attempt, 0, 24).seconds for attempt in range(12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (5, LONGEST_SECONDS)
