"""The one sentence on top: what a clinician knows who reads nothing else."""

from datetime import date

import pytest

from integration.web.chart.page import _sentence
from integration.web.chart.views import DoseView

TODAY = date(2026, 11, 23)


def doses(*statuses: str) -> list[DoseView]:
    return [
        DoseView(f"ma{n}", date(2026, 10, 1), "Venofer", "200 mg", status, "", "", (), (), None)
        for n, status in enumerate(statuses)
    ]


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
                "0 of 1 iron dose since 1 Oct can be billed. It waits for one thing you can settle"
                " here."
            ),
        ),
        (
            "ready ready held held held",
            2,
            1,
            (
                "2 of 5 iron doses since 1 Oct can be billed. 3 wait for two things you can settle"
                " here."
            ),
        ),
        (
            "ready held",
            0,
            1,
            (
                "1 of 2 iron doses since 1 Oct can be billed. 1 waits for the billing office."
                " Nothing for you here."
            ),
        ),
        (
            "ready held",
            0,
            0,
            (
                "1 of 2 iron doses since 1 Oct can be billed. 1 waits for the biller's release of"
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
    found = _sentence(doses(*statuses.split()), [object()] * yours, [object()] * elsewhere, TODAY)  # type: ignore[list-item]
    assert "".join(found) == says
