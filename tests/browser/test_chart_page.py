"""The clinician's page in a real browser: framed, by keyboard, on a phone, without script, on
paper."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from werkzeug import Response

from tests.browser.conftest import Window
from tests.fakes.stage import Stage

HEAD = '<!doctype html><title>EHR</title><link rel="icon" href="data:,">'
PHONE = {"viewport": {"width": 390, "height": 844}}


def launched(clinic: Stage, page: Page) -> Page:
    page.goto(clinic.launch_url(patient="p1"))
    expect(page.locator("h1")).to_contain_text("2 of 5 iron doses")
    return page


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{row['id']}: {row['nodes'][0]['html'][:120]}"
        for row in found
        if row["impact"] in ("serious", "critical")
    ]


def test_launch_waive_and_the_sentence_changes(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window())
    expect(page.locator("h1")).to_contain_text("two things you can settle here")
    card = page.locator("article.card").first
    card.get_by_text("Not needed, because …").click()
    card.get_by_label("Reason").fill("Drawn at another hospital")
    card.get_by_role("button", name="Waive").click()
    expect(page.locator("h1")).to_contain_text("one thing you can settle here")
    expect(page.get_by_role("status")).to_contain_text("Waived")
    assert "did=" not in page.url  # swapped in place


def test_a_reason_outlives_an_ehr_that_does_not_answer(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window())
    card = page.locator("article.card").first
    card.get_by_text("Not needed, because …").click()
    card.get_by_label("Reason").fill("Drawn at another hospital")
    clinic.ehr.inject(Response("", 503), "POST", times=9)  # type: ignore[union-attr]
    card.get_by_role("button", name="Waive").click()
    told = page.get_by_role("dialog", name="Not done")
    expect(told).to_contain_text("The chart cannot be read now")
    told.get_by_role("button", name="Back to it").click()
    expect(card.get_by_label("Reason")).to_have_value("Drawn at another hospital")
    page.complaints.clear()  # type: ignore[attr-defined]


def test_opening_one_button_moves_no_other(clinic: Stage, window: Window) -> None:
    """A second click meant for the same button would meet another."""
    page = launched(clinic, window())
    buttons = page.locator("article.card .actions").first.locator("summary")
    count = buttons.count()
    assert count > 1
    before = [buttons.nth(number).bounding_box() for number in range(count)]
    for number in range(count):
        buttons.nth(number).click()
        assert [buttons.nth(place).bounding_box() for place in range(count)] == before
    expect(page.locator("article.card .actions").first.locator("form").first).to_be_visible()


def test_in_the_ehrs_frame_only_with_its_own_cookie(clinic: Stage, window: Window) -> None:
    """The EHR's page is on localhost, we are on 127.0.0.1: another site, so only a partitioned
    cookie is sent."""
    frame = (
        '<iframe id="app" width="900" height="700"'
        f' src="{clinic.launch_url(patient="p1")}"></iframe>'
    )
    server = clinic.launcher.server
    server.expect_request("/ehr").respond_with_data(
        HEAD + frame.replace("&", "&amp;"), content_type="text/html"
    )
    page = window()
    page.goto(server.url_for("/ehr"))
    inside = page.frame_locator("#app")
    expect(inside.locator("h1")).to_contain_text("2 of 5 iron doses")
    inside.get_by_text("Record what was discarded").click()
    inside.get_by_role("spinbutton").fill("50")
    inside.get_by_role("button", name="Record", exact=True).click()
    expect(inside.locator("h1")).to_contain_text("one thing")
    (cookie,) = [found for found in page.context.cookies() if found["name"] == "__Host-ferroclaim"]
    assert cookie["sameSite"] == "None"
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert str(cookie.get("partitionKey", "")).startswith("http://localhost")


def test_no_other_page_may_frame_us(clinic: Stage, window: Window) -> None:
    url = clinic.launch_url(patient="p1")
    server = clinic.launcher.server
    page = window()
    frame = f'{HEAD}<iframe src="{url.replace("&", "&amp;")}"></iframe>'
    server.expect_request("/evil").respond_with_data(frame, content_type="text/html")
    page.goto(server.url_for("/evil").replace("localhost", "127.0.0.1"))
    page.wait_for_timeout(500)
    assert any("frame-ancestors" in text for text in page.complaints)  # type: ignore[attr-defined]
    page.complaints.clear()  # type: ignore[attr-defined]
    assert all(
        "Example" not in frame.content()
        for frame in page.frames
        if frame.url.startswith(clinic.url)
    )


def test_by_keyboard_alone(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window())
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Not needed"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Refused by the patient")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("one thing you can settle here")
    expect(page.locator("h1")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(clinic: Stage, window: Window, scheme: str) -> None:
    page = launched(clinic, window(color_scheme=scheme))
    for summary in page.locator("summary").all():
        summary.click()
    assert serious(page) == []


def test_on_a_phone_nothing_runs_off_the_screen(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window(**PHONE))
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    assert serious(page) == []


def test_without_script(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window(java_script_enabled=False))
    card = page.locator("article.card").first
    card.get_by_text("Not needed, because …").click()
    card.get_by_label("Reason").fill("Drawn at another hospital")
    card.get_by_role("button", name="Waive").click()
    expect(page.locator("h1")).to_contain_text("one thing you can settle here")


def test_prints_on_one_sheet(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window())
    sheets = len(
        re.findall(rb"/Type\s*/Page\b", page.pdf(format="Letter", prefer_css_page_size=False))
    )
    assert sheets == 1


def test_a_dose_opens_to_its_chain_and_the_plot_has_a_table(clinic: Stage, window: Window) -> None:
    page = launched(clinic, window())
    page.locator(".doses details summary").nth(1).click()
    expect(page.locator(".doses details[open] .chain")).to_contain_text("J1756")
    page.get_by_text("The same as a table").click()
    expect(page.locator("figure table tbody tr")).to_have_count(13)
