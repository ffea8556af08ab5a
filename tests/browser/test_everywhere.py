"""Every page at the sizes of an office, a laptop and a phone, light and dark, with hundreds of
lines: nothing covered, nothing cut, nothing that axe finds."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.store import Store
from tests.browser.looking import axe, wrong
from tests.builders import Resource, administration, commercial, condition, ferritin, tsat
from tests.fakes.stage import Stage, of_patient, seed_worklist, stage, telling_chart

SIZES = {"office": (1440, 900), "laptop": (1280, 720), "phone": (390, 844)}
LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


def crowded_chart() -> list[Resource]:
    """A patient with limits, close results, high values, a dose without a day and one of an
    unreadable amount."""
    begin = date(2026, 8, 29)
    rows = [row for row in telling_chart() if row["resourceType"] != "Condition"]
    rows += [commercial(), condition("D50.9")]
    for week in range(8):
        day = begin + timedelta(days=7 * week)
        rows.append(administration(f"w{week}", dose="1000 mg", on=f"{day}T09:00:00-04:00"))
        rows.append(ferritin(30 + 40 * (week % 3), on=str(day), id=f"f{week}"))
        rows.append(tsat(19 + week % 4, on=str(day + timedelta(days=1)), id=f"t{week}"))
    rows.append(administration("month", on="2026-10"))
    rows.append(administration("unread", dose=None, on="2026-10-30T09:00:00-04:00"))
    return [of_patient(row, "p2") | {"id": _id(row)} for row in rows]


def _id(row: Resource) -> str:
    return "p2" if row["resourceType"] == "Patient" else f"p2-{row['id']}"


@pytest.fixture(scope="module")
def house(pages_store: Store) -> Iterator[Stage]:
    with pages_store.transaction() as db:
        db.execute("delete from patients")
    link = "http://localhost:9/{patient}/{type}/{id}"
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        stage(Path(folder), pages_store, chart_link=link) as opened,
    ):
        opened.ehr.load([*telling_chart(), *crowded_chart()])  # type: ignore[union-attr]
        seed_worklist(pages_store, count=120)
        yield opened


@pytest.fixture
def look(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    size, scheme = request.param
    width, height = SIZES[size]
    options: dict[str, Any] = {"viewport": {"width": width, "height": height}}
    with ExitStack() as stack:
        context = chromium.new_context(color_scheme=scheme, **options)
        stack.callback(context.close)
        page = context.new_page()
        page.set_default_timeout(15000)
        yield page


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=" ".join)
def test_the_chart_page(house: Stage, look: Page) -> None:
    for patient in ("p2", "p1"):
        look.goto(house.launch_url(patient=patient))
        expect(look.locator("h1")).to_contain_text("can be billed")
        assert wrong(look) == []
        look.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        assert wrong(look) == []
    assert axe(look) == []


@pytest.mark.parametrize("look", [("office", "light")], indirect=True)
def test_what_has_no_button_is_not_called_settled_here(house: Stage, look: Page) -> None:
    look.goto(house.launch_url(patient="p2"))
    sentence = look.locator("h1").inner_text()
    cards = look.locator("#safety ~ .cards article, #missing ~ .cards article")
    with_button = [card for card in cards.all() if card.locator("form.in").count()]
    without = cards.count() - len(with_button)
    assert with_button
    assert without
    assert words_of(len(with_button)) in sentence
    assert "to correct in the chart" in sentence
    for card in cards.all():
        evidence = card.locator("dd").nth(1).inner_text()
        assert evidence == "Nothing was found." or re.search(r"\d", evidence)


def words_of(count: int) -> str:
    numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    return f"{numbers[count]} {'thing' if count == 1 else 'things'} you can settle here"
