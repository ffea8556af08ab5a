"""A date of which only the month is known is shown so, in everything that people and programs
read."""

import io
import re

import pytest
from rich.console import Console

from integration.terminal import tables
from integration.terminal.explanation import explain_administration
from mappings.document import to_json
from mappings.writing.table import csv
from tests.builders import administration, chart, document_of, ferritin

DOCUMENT = document_of(
    chart(administration(on="2026-10"), ferritin(42, on="2026-09"), without=["ferritin"])
)
INVENTED = re.compile(r"2026-(09|10)-\d\d|\b(Sep|Oct) \d+,")


def terminal() -> str:
    console = Console(file=io.StringIO(), width=160)
    tables.show(DOCUMENT, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def explained() -> str:
    console = Console(file=io.StringIO(), width=160)
    explain_administration(DOCUMENT.patients[0], "MedicationAdministration/ma1", console)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("shown", "month"),
    [
        (terminal(), "Oct 2026"),
        (explained(), "Oct 2026"),
        (csv(DOCUMENT), ",2026-10,"),
        (to_json(DOCUMENT).decode(), '"partialDate": "2026-10"'),
    ],
    ids=["terminal", "explain", "csv", "json"],
)
def test_it_is_shown_as_it_is(shown: str, month: str) -> None:
    assert month in shown
    assert not INVENTED.search(shown)


def test_a_laboratory_result_of_a_month_is_of_that_month() -> None:
    document = document_of(chart(ferritin(42, on="2026-09"), without=["ferritin"]))
    assert "ferritin 42 ng/mL in Sep 2026" in csv(document)
    assert "2026-09-" not in to_json(document).decode()
