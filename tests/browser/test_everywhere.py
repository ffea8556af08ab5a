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

SIZES = {
    "office": (1440, 900),
    "laptop": (1280, 720),
    "enlarged": (720, 450),  # the office at 200 %
    "phone": (390, 844),
    "small": (320, 600),
}
LOOKS = [
    *((size, scheme) for size in ("office", "laptop", "phone") for scheme in ("light", "dark")),
    ("enlarged", "light"),
    ("small", "light"),
]
# With hundreds of lines axe takes seconds: each size and each scheme once.
AXED = [(1440, False), (1280, True), (390, True)]


def crowded_chart() -> list[Resource]:
    """A patient with limits, close results, high values, a dose without a day and one of an
    unreadable amount, and nothing on oral iron."""
    begin = date(2026, 8, 29)
    resources = [
        resource
        for resource in telling_chart()
        if resource["resourceType"] not in ("Condition", "AllergyIntolerance")
    ]
    resources += [commercial(), condition("D50.9")]
    for week in range(8):
        day = begin + timedelta(days=7 * week)
        resources.append(administration(f"w{week}", dose="1000 mg", on=f"{day}T09:00:00-04:00"))
        resources.append(ferritin(30 + 40 * (week % 3), on=str(day), id=f"f{week}"))
        resources.append(tsat(19 + week % 4, on=str(day + timedelta(days=1)), id=f"t{week}"))
    resources.append(administration("month", on="2026-10"))
    resources.append(administration("unread", dose=None, on="2026-10-30T09:00:00-04:00"))
    return [of_patient(resource, "p2") | {"id": _id(resource)} for resource in resources]


def _id(resource: Resource) -> str:
    return "p2" if resource["resourceType"] == "Patient" else f"p2-{resource['id']}"


@pytest.fixture(scope="module")
def scene(pages_store: Store) -> Iterator[Stage]:
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
        page.set_default_timeout(60000)
        yield page


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=" ".join)
def test_the_chart_page(scene: Stage, look: Page) -> None:
    for patient in ("p2", "p1"):
        look.goto(scene.launch_url(patient=patient))
        expect(look.locator("h1")).to_contain_text("can be billed")
        assert wrong(look) == []
        look.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        assert wrong(look) == []
    if is_axed(look):
        assert axe(look) == []


@pytest.mark.parametrize("look", [("office", "light")], indirect=True)
def test_what_has_no_button_is_not_called_settled_here(scene: Stage, look: Page) -> None:
    look.goto(scene.launch_url(patient="p2"))
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


def is_axed(page: Page) -> bool:
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    return (page.evaluate("innerWidth"), dark) in AXED


def desk(scene: Stage, page: Page, view: str) -> None:
    scene.launcher.context = {}
    page.goto(f"{scene.url}/sign-in?with=general")
    page.goto(f"{scene.url}/worklist?view={view}")


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=" ".join)
def test_the_worklist(scene: Stage, look: Page) -> None:
    desk(scene, look, "held-clinician")
    assert wrong(look) == []
    look.locator("a.open").nth(5).click()
    expect(look.locator("#story")).to_be_focused()
    assert wrong(look) == []
    if is_axed(look):
        assert axe(look) == []
    row = look.locator("[data-row][aria-selected=true]")
    row.scroll_into_view_if_needed()
    expect(row.locator(".money")).to_be_in_viewport()
    expect(look.get_by_role("link", name="Close")).to_be_in_viewport()
    look.goto(f"{scene.url}/worklist?view=all")
    look.locator("[data-row] input").first.check()
    look.get_by_text("Filters", exact=True).click()
    assert wrong(look) == []
    look.goto(f"{scene.url}/worklist?view=denied")
    expect(look.get_by_label("Answers of payers")).to_be_visible()
    assert wrong(look) == []
    if is_axed(look):
        assert axe(look) == []


@pytest.mark.parametrize("look", [("laptop", "light")], indirect=True)
def test_a_laptop_shows_a_dozen_rows_with_their_money_beside_an_open_line(
    scene: Stage, look: Page
) -> None:
    desk(scene, look, "held-clinician")
    look.locator("a.open").first.click()
    expect(look.locator("#story")).to_be_visible()
    seen = look.evaluate(
        """() => [...document.querySelectorAll("[data-row] .money")].filter((cell) => {
          const box = cell.getBoundingClientRect();
          const at = document.elementFromPoint(box.right - 10, box.top + box.height / 2);
          return box.bottom <= innerHeight && cell.contains(at) && /\\$/.test(cell.textContent);
        }).length"""
    )
    assert seen >= 12
    filters = look.locator(".filters")
    assert filters.bounding_box()["height"] < 48  # type: ignore[index]


@pytest.mark.parametrize("look", [("laptop", "light")], indirect=True)
def test_a_narrow_window_keeps_list_and_line_in_reach(scene: Stage, look: Page) -> None:
    look.set_viewport_size({"width": 1000, "height": 720})
    desk(scene, look, "held-clinician")
    look.locator("a.open").first.click()
    expect(look.locator("#story")).to_be_focused()
    expect(look.locator("#story")).to_be_in_viewport()
    look.locator("[data-row]").nth(20).scroll_into_view_if_needed()
    expect(look.locator("[data-row]").nth(20)).to_be_in_viewport()
    expect(look.locator("#story")).to_be_in_viewport()
    look.keyboard.press("Escape")
    expect(look.locator("aside.beside")).to_have_count(0)
    expect(look.locator("a.open").first).to_be_focused()


@pytest.mark.parametrize("look", [("office", "light"), ("laptop", "light")], indirect=True)
def test_a_line_opens_and_closes_where_the_list_stands(scene: Stage, look: Page) -> None:
    desk(scene, look, "held-clinician")
    row = look.locator("a.open").nth(40)
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    row.click()
    expect(look.locator("#story")).to_be_focused()
    assert row.bounding_box()["y"] == before["y"]  # type: ignore[index]
    look.keyboard.press("Escape")
    expect(row).to_be_focused()
    assert row.bounding_box()["y"] == before["y"]  # type: ignore[index]


@pytest.mark.parametrize("look", [("enlarged", "light")], indirect=True)
def test_an_enlarged_list_names_patients_and_what_they_wait_for(scene: Stage, look: Page) -> None:
    desk(scene, look, "held-clinician")
    name = look.locator("a.open").first
    assert name.evaluate("(link) => link.scrollWidth <= link.parentElement.clientWidth")
    expect(look.locator("[data-row] .chip").first).to_be_visible()


@pytest.mark.parametrize("look", [("phone", "light"), ("laptop", "light")], indirect=True)
def test_a_long_name_breaks(scene: Stage, look: Page) -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff" * 2
    known = next(one for one in scene.ehr.of("Patient") if one["id"] == "p1")  # type: ignore[union-attr]
    number = [{"type": {"coding": [{"code": "MR"}]}, "value": "0" * 60}]
    scene.ehr.load([known | {"name": [{"family": long}], "identifier": number}])  # type: ignore[union-attr]
    try:
        look.goto(scene.launch_url(patient="p1"))
        expect(look.locator(".name")).to_contain_text(long)
        assert wrong(look) == []
    finally:
        scene.ehr.load([known])  # type: ignore[union-attr]


@pytest.mark.parametrize("look", [("laptop", "light")], indirect=True)
def test_the_bar_stands_there_with_a_selection_and_offers_what_will_be_done(
    scene: Stage, look: Page
) -> None:
    desk(scene, look, "all&sort=date")
    bar = look.locator("[data-bulk]")
    expect(bar).to_be_hidden()
    free = look.locator("[data-row] [type=checkbox][data-releasable]")
    held = look.locator("[data-row] [type=checkbox]:not([data-releasable])")
    held.first.check()
    expect(bar).to_be_visible()
    expect(bar.locator("[data-release]")).to_be_hidden()
    free.first.check()
    expect(bar.locator("[data-release]")).to_have_text(re.compile(r"Release \d of \d"))
    held.first.uncheck()
    free.first.uncheck()
    expect(bar).to_be_hidden()


@pytest.mark.parametrize("look", [("laptop", "light")], indirect=True)
def test_a_long_id_pushes_nothing_aside(scene: Stage, look: Page) -> None:
    with scene.store.transaction() as db:
        query = "select id, name, fhir_id from patients where fhir_id = 'w4'"
        ((key, name, identity),) = db.execute(query).fetchall()
        long = f"e{'Zq7' * 20}.{identity}"
        db.execute("update patients set name = null, fhir_id = %s where id = %s", [long, key])
    try:
        desk(scene, look, f"all&find={long}")
        assert wrong(look) == []
        look.locator("a.open").first.click()
        expect(look.locator("#story")).to_be_visible()
        assert wrong(look) == []
    finally:
        with scene.store.transaction() as db:
            restored = "update patients set name = %s, fhir_id = %s where id = %s"
            db.execute(restored, [name, identity, key])


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=" ".join)
def test_the_figures_at_any_amount(scene: Stage, look: Page) -> None:
    desk(scene, look, "ready")
    with scene.store.transaction() as db:
        db.execute("update lines set value = value * 100000")
    try:
        look.goto(f"{scene.url}/figures?period=365")
        assert wrong(look) == []
        assert "$0.00" not in look.content()
        covered = look.evaluate(
            """() => [...document.querySelectorAll(".bars .label, .bars .value")].filter((text) => {
              const box = text.getBoundingClientRect();
              return box.right > innerWidth || text.scrollWidth > text.clientWidth + 1;
            }).map((text) => text.textContent)"""
        )
        assert covered == []
        right = look.locator(".figures").bounding_box()
        assert right
        assert right["x"] + right["width"] > look.viewport_size["width"] - 40  # type: ignore[index]
        assert axe(look) == []
    finally:
        with scene.store.transaction() as db:
            db.execute("update lines set value = value / 100000")
    look.get_by_label("Payer").select_option(index=1)
    look.wait_for_url("**policy=**")
    assert "period=365" in look.url


@pytest.mark.parametrize("look", [("office", "light"), ("phone", "dark")], indirect=True)
def test_the_other_pages(scene: Stage, look: Page) -> None:
    look.goto(scene.launch_url(patient="p2"))
    look.locator(".fine a").first.click()
    expect(look.locator("h1")).to_contain_text("asks")
    assert [*wrong(look), *axe(look)] == []
    desk(scene, look, "ready")
    for path in ("/docs", "/nowhere", "/launch?iss=https://elsewhere.example.com&launch=x"):
        look.goto(f"{scene.url}{path}")
        assert [*wrong(look), *axe(look)] == []
        assert "`" not in look.locator("main").inner_text()
