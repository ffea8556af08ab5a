"""The one sentence on top: what a clinician knows who reads nothing else."""

from datetime import date

import pytest

from integration.web.chart.sentence import sentence
from integration.web.chart.views import Affected, Card, DoseView
from integration.wording.amounts import NOTHING
from integration.wording.words import day
from mappings.values.moment import parse

TODAY = date(2026, 11, 23)
OCT_1 = day(date(2026, 10, 1), year=False)


def doses(*statuses: str) -> list[DoseView]:
    return [dose(status, "2026-10-01", f"ma{number}") for number, status in enumerate(statuses)]


def dose(status: str, on: str, name: str = "ma", why: tuple[str, ...] = ()) -> DoseView:
    moment = parse(on)
    assert moment
    return DoseView(name, moment.span(None), "Venofer", "200 mg", status, "", "", (), why, None)


def card(requirement: str, *about: str, waivable: bool = True, owner: str = "clinician") -> Card:
    """A card about doses `ma0`, `ma1` …"""
    return Card(
        requirements=(requirement,),
        gaps=(requirement,),
        finding="",
        alike=True,
        asks="",
        of_payer=True,
        source=None,
        verified=True,
        policy=None,
        found=(),
        fix=None,
        doses=tuple(Affected(name, name, (), (), ()) for name in about),
        worth=NOTHING,
        blocking=True,
        waivable=waivable,
        orderable=(),
        ordered=None,
        owner=owner,  # type: ignore[arg-type]
        safety=False,
        denial=None,
        waived=None,
    )


FERRITIN = card("ferritin", "ma2", "ma3", "ma4")
DISCARD = card("discarded-amount", "ma3", waivable=False)
PRODUCT = card("product", "ma2", waivable=False)
COVERAGE = card("coverage", "ma1", owner="billing")


@pytest.mark.parametrize(
    ("statuses", "yours", "elsewhere", "says"),
    [
        ("", [], [], "No intravenous iron is on record for this patient. Nothing for you here."),
        (
            "ready ready ready ready ready",
            [],
            [],
            "All 5 doses are documented. Nothing for you here.",
        ),
        ("ready ready", [], [], "Both doses are documented. Nothing for you here."),
        ("ready", [], [], "The dose is documented. Nothing for you here."),
        (
            "held",
            [card("ferritin", "ma0")],
            [],
            (
                f"The iron dose of {OCT_1} cannot be billed yet. It waits for one thing you can"
                " settle here."
            ),
        ),
        (
            "ready ready held held held",
            [FERRITIN, DISCARD],
            [COVERAGE],
            (
                f"2 of 5 iron doses since {OCT_1} can be billed. 3 wait for two things you can"
                " settle here."
            ),
        ),
        (
            "ready held held held",
            [DISCARD, PRODUCT],
            [COVERAGE],
            (
                f"1 of 4 iron doses since {OCT_1} can be billed. 1 waits for one thing you can"
                " settle here, 1 for one entry to correct in the chart, 1 for the billing office."
            ),
        ),
        (
            "ready held held",
            [card("discarded-amount", "ma1", "ma2"), card("product", "ma2", waivable=False)],
            [],
            (
                f"1 of 3 iron doses since {OCT_1} can be billed. 2 wait for one thing you can"
                " settle here, 1 also for one entry to correct in the chart."
            ),
        ),
        (
            "ready ready held",
            [PRODUCT, card("dose", "ma2", waivable=False)],
            [],
            (
                f"2 of 3 iron doses since {OCT_1} can be billed. 1 waits for two entries to correct"
                " in the chart."
            ),
        ),
        (
            "ready held",
            [],
            [COVERAGE],
            (
                f"1 of 2 iron doses since {OCT_1} can be billed. 1 waits for the billing office."
                " Nothing for you here."
            ),
        ),
        (
            "ready held",
            [],
            [],
            (
                f"1 of 2 iron doses since {OCT_1} can be billed. 1 waits for the biller's release"
                " of what was waived. Nothing for you here."
            ),
        ),
        ("pending", [], [], "The iron dose is not finished. Nothing for you here."),
        (
            "ready not-billable pending",
            [],
            [],
            (
                "The dose is documented. 1 more is not billed. 1 more is not finished. Nothing for"
                " you here."
            ),
        ),
    ],
)
def test_the_sentence(statuses: str, yours: list[Card], elsewhere: list[Card], says: str) -> None:
    assert str(sentence(doses(*statuses.split()), [], yours, elsewhere, TODAY)) == says


def test_why_a_dose_is_not_billed_is_said() -> None:
    found = sentence([dose("not-billable", "2026-10-01", why=("Inpatient",))], [], [], [], TODAY)
    assert str(found) == "The iron dose is not billed: inpatient. Nothing for you here."


@pytest.mark.parametrize(
    ("statuses", "safety", "yours", "says"),
    [
        (
            "ready ready",
            2,
            [],
            "Look at two safety items before the next dose. Both doses are documented.",
        ),
        (
            "ready",
            1,
            [],
            "Look at one safety item before the next dose. The dose is documented.",
        ),
        (
            "ready held",
            1,
            [card("ferritin", "ma1"), card("dosing", "ma1")],
            (
                "Look at one safety item before the next dose."
                f" 1 of 2 iron doses since {OCT_1} can be billed. 1 waits for two things you can"
                " settle here."
            ),
        ),
    ],
)
def test_safety_comes_first(statuses: str, safety: int, yours: list[Card], says: str) -> None:
    above = [card("iron-overload")] * safety
    assert str(sentence(doses(*statuses.split()), above, yours, [], TODAY)) == says


@pytest.mark.parametrize(
    "statuses", ["", "ready", "held", "pending", "not-billable", "ready held", "reversed"]
)
@pytest.mark.parametrize("yours", [[], [card("ferritin", "ma0")]])
@pytest.mark.parametrize("elsewhere", [[], [card("coverage", "ma0", owner="billing")]])
def test_nothing_for_you_is_never_said_above_a_card_of_yours(
    statuses: str, yours: list[Card], elsewhere: list[Card]
) -> None:
    known = doses(*statuses.split())
    above = str(sentence(known, [card("iron-overload")], yours, elsewhere, TODAY))
    assert above.startswith("Look at one safety item")
    assert "Nothing for you" not in above
    if yours:
        assert "Nothing for you" not in str(sentence(known, [], yours, elsewhere, TODAY))


@pytest.mark.parametrize(
    ("dates", "since"),
    [
        (["2026-10", "2026-11-02"], "since Oct 2026 can"),
        (["2026-10-05", "2026-11"], f"since {day(date(2026, 10, 5), year=False)} can"),
        (["2025", "2026-11-02"], "since 2025 can"),
        (["2025-12-30"], f"of {day(date(2025, 12, 30))} cannot"),
    ],
)
def test_a_day_that_nobody_wrote_is_not_said(dates: list[str], since: str) -> None:
    assert since in str(sentence([dose("held", on) for on in dates], [], [], [], TODAY))
