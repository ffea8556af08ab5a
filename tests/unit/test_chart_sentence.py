"""The one sentence on top: what a clinician knows who reads nothing else."""

from datetime import date

import pytest

from integration.web.chart.sentence import sentence
from integration.web.chart.views import DoseView
from mappings.values.moment import parse

TODAY = date(2026, 11, 23)


def doses(*statuses: str) -> list[DoseView]:
    return [dose(status, "2026-10-01", f"ma{number}") for number, status in enumerate(statuses)]


def dose(status: str, on: str, name: str = "ma") -> DoseView:
    moment = parse(on)
    assert moment
    return DoseView(name, moment.span(None), "Venofer", "200 mg", status, "", "", (), (), None)


def said(statuses: str, safety: int, yours: int, elsewhere: int) -> str:
    cards = [[object()] * count for count in (safety, yours, elsewhere)]
    return str(sentence(doses(*statuses.split()), cards[0], cards[1], cards[2], TODAY))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statuses", "yours", "elsewhere", "says"),
    [
        ("", 0, 0, "No intravenous iron is on record for this patient. Nothing for you here."),
        (
            "ready ready ready ready ready",
            0,
            0,
            "All 5 doses are documented. Nothing for you here.",
        ),
        ("ready", 0, 0, "The dose is documented. Nothing for you here."),
        (
            "held",
            1,
            0,
            (
                "0 of 1 iron dose since Oct 1 can be billed. It waits for one thing you can settle"
                " here."
            ),
        ),
        (
            "ready ready held held held",
            2,
            1,
            (
                "2 of 5 iron doses since Oct 1 can be billed. 3 wait for two things you can settle"
                " here."
            ),
        ),
        (
            "ready held",
            0,
            1,
            (
                "1 of 2 iron doses since Oct 1 can be billed. 1 waits for the billing office."
                " Nothing for you here."
            ),
        ),
        (
            "ready held",
            0,
            0,
            (
                "1 of 2 iron doses since Oct 1 can be billed. 1 waits for the biller's release of"
                " what was waived. Nothing for you here."
            ),
        ),
        (
            "pending",
            0,
            0,
            "1 iron dose on record, none of them to be billed now. Nothing for you here.",
        ),
        ("ready not-billable pending", 0, 0, "The dose is documented. Nothing for you here."),
    ],
)
def test_the_sentence(statuses: str, yours: int, elsewhere: int, says: str) -> None:
    assert said(statuses, 0, yours, elsewhere) == says


@pytest.mark.parametrize(
    ("statuses", "safety", "yours", "elsewhere", "says"),
    [
        (
            "ready ready",
            2,
            0,
            0,
            "Look at two safety items before the next dose. All 2 doses are documented.",
        ),
        ("ready", 1, 0, 0, "Look at one safety item before the next dose. The dose is documented."),
        (
            "ready held",
            1,
            2,
            0,
            (
                "Look at one safety item before the next dose. 1 of 2 iron doses since Oct 1 can be"
                " billed. 1 waits for two things you can settle here."
            ),
        ),
    ],
)
def test_safety_comes_first(
    statuses: str, safety: int, yours: int, elsewhere: int, says: str
) -> None:
    assert said(statuses, safety, yours, elsewhere) == says


@pytest.mark.parametrize(
    "statuses", ["", "ready", "held", "pending", "not-billable", "ready held", "reversed"]
)
@pytest.mark.parametrize("yours", [0, 1])
@pytest.mark.parametrize("elsewhere", [0, 1])
def test_nothing_for_you_is_never_said_above_a_safety_card(
    statuses: str, yours: int, elsewhere: int
) -> None:
    text = said(statuses, 1, yours, elsewhere)
    assert text.startswith("Look at one safety item")
    assert "Nothing for you" not in text


@pytest.mark.parametrize(
    ("dates", "since"),
    [
        (["2026-10", "2026-11-02"], "since Oct 2026 can"),
        (["2026-10-05", "2026-11"], "since Oct 5 can"),
        (["2025", "2026-11-02"], "since 2025 can"),
        (["2025-12-30"], "since Dec 30, 2025 can"),
    ],
)
def test_a_day_that_nobody_wrote_is_not_said(dates: list[str], since: str) -> None:
    assert since in str(sentence([dose("held", on) for on in dates], [], [], [], TODAY))
