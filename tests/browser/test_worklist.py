"""The biller's list in a real browser: keys, sums, a line beside the list."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from integration.store import assessments, failures, patients, worklist
from integration.store.failures import Failure
from integration.store.worklist import Filters
from tests import builders
from tests.browser.conftest import Window
from tests.browser.looking import axe, wrong
from tests.browser.test_chart_page import PHONE, serious
from tests.fakes.stage import Stage, refused, seed_sent, seed_worklist


@pytest.fixture
def office(clinic: Stage) -> Stage:
    seed_worklist(clinic.store)
    clinic.launcher.context = {}
    return clinic


def opened(office: Stage, page: Page, view: str = "ready") -> Page:
    page.goto(f"{office.url}/sign-in?with=general")
    page.goto(f"{office.url}/worklist?view={view}")
    return page


def test_keys_move_select_and_release(office: Stage, window: Window) -> None:
    page = opened(office, window())
    bar = page.locator("[data-sum]")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_have_text("2 selected, $66.90")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(bar).to_have_text("1 selected, $22.30")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("1 line released, $22.30.")
    expect(page.locator("[data-row]")).to_have_count(6)


def test_a_line_opens_beside_the_list_and_closes_again(office: Stage, window: Window) -> None:
    page = opened(office, window(viewport={"width": 1440, "height": 900}), "held-clinician")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("aside.beside")).to_contain_text("What it waits for")
    expect(page.locator("#story")).to_be_focused()
    expect(page.locator("[data-row]")).to_have_count(8)
    assert "open=" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("aside.beside")).to_have_count(0)
    expect(page.locator("a.open").first).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.go_back()
    expect(page.locator("aside.beside")).to_have_count(1)


def test_filters_go_into_the_address(office: Stage, window: Window) -> None:
    page = opened(office, window(), "all")
    page.get_by_text("Filters").click()
    page.get_by_label("Held by").select_option("transferrin-saturation")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-row]")).to_have_count(3)
    assert "requirement=transferrin-saturation" in page.url
    expect(page.get_by_text("Filters (1)")).to_be_visible()
    page.get_by_text("Held by: Transferrin saturation ×").click()
    expect(page.get_by_text("Filters", exact=True)).to_be_visible()
    assert "requirement" not in page.url


def test_release_without_script(office: Stage, window: Window) -> None:
    page = opened(office, window(java_script_enabled=False))
    page.locator("[data-row] input[type=checkbox]").first.check()
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("status").first).to_contain_text("1 line released")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(office: Stage, window: Window, scheme: str) -> None:
    page = opened(
        office,
        window(color_scheme=scheme, viewport={"width": 1440, "height": 900}),
        "held-clinician",
    )
    page.locator("a.open").first.click()
    expect(page.locator("aside.beside")).to_be_visible()
    assert serious(page) == []
    page.goto(f"{office.url}/figures")
    assert serious(page) == []


def test_on_a_phone_nothing_runs_off_the_screen(office: Stage, window: Window) -> None:
    page = opened(office, window(**PHONE), "held-clinician")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    page.locator("a.open").first.click()
    expect(page.locator("aside.beside")).to_be_visible()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def end_sessions(office: Stage) -> None:
    with office.store.transaction() as db:
        db.execute("update web_session set seen = now() - interval '1 day'")


def test_what_was_entered_outlives_the_session(office: Stage, window: Window) -> None:
    """Whoever signs in again in another tab sends the same form."""
    page = opened(office, window())
    page.locator("a.open").first.click()
    page.get_by_label("Add a note").fill("Called the payer")
    end_sessions(office)
    page.get_by_role("button", name="Add", exact=True).click()
    told = page.get_by_role("dialog", name="Not done")
    expect(told).to_contain_text("Your session has ended")
    with page.context.expect_page() as other:
        told.get_by_role("link", name="Sign in at general").click()
    expect(other.value.locator("#desk")).to_be_visible()
    with page.expect_response("**/session"):
        told.get_by_role("button", name="Back to it").click()
    expect(page.get_by_label("Add a note")).to_have_value("Called the payer")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("A note was added")
    page.complaints.clear()  # type: ignore[attr-defined]


def test_a_line_that_cannot_be_opened_says_why(office: Stage, window: Window) -> None:
    page = opened(office, window())
    end_sessions(office)
    page.locator("a.open").first.click()
    expect(page.locator("h1")).to_have_text("Please sign in again")
    page.complaints.clear()  # type: ignore[attr-defined]


@pytest.fixture
def denied(office: Stage) -> Stage:
    """An office whose claims left; the first answers are still to be read."""
    with office.store.transaction() as db:
        db.execute("delete from claim_files")
    seed_sent(office.store)
    return office


def hands_in(page: Page, office: Stage) -> None:
    with office.store.transaction() as db:
        rows = worklist.rows(db, Filters(view="sent"), ["general"], [])
    content = refused(rows, "252", "50")
    files = [{"name": "a.835", "mimeType": "text/plain", "buffer": content}]
    page.get_by_label("Answers of payers").set_input_files(files)  # type: ignore[arg-type]
    page.get_by_role("button", name="Read answers").click()
    expect(page.get_by_role("status").first).to_contain_text("Answers to our claims")


@pytest.mark.parametrize("script", [True, False])
def test_a_denied_line_is_written_off_and_reopened(
    denied: Stage, window: Window, script: bool
) -> None:
    page = opened(denied, window(java_script_enabled=script), "sent")
    hands_in(page, denied)
    said = page.get_by_role("status").first
    expect(said).to_contain_text("$10.00 taken off: overpayment recovered (WO, ICN7)")
    page.goto(f"{denied.url}/worklist?view=denied")
    page.locator("a.open").first.click()
    beside = page.locator("aside.beside")
    expect(beside).to_contain_text("If nobody will pursue it")
    beside.get_by_label("Write off, because").select_option("small-balance")
    beside.get_by_label("Note").first.fill("eight dollars")
    beside.get_by_role("button", name="Write off").click()
    expect(said).to_contain_text("1 line written off")
    expect(beside).to_contain_text("Small balance (eight dollars), by")
    page.goto(f"{denied.url}/worklist?view=written-off")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row] .status")).to_contain_text("written off")
    page.locator("[data-row] input[type=checkbox]").first.check()
    page.get_by_role("button", name="Reopen").click()
    expect(said).to_contain_text("1 line reopened.")
    expect(page.locator("[data-row]")).to_have_count(0)


def test_several_are_written_off_together(denied: Stage, window: Window) -> None:
    page = opened(denied, window(), "sent")
    hands_in(page, denied)
    page.goto(f"{denied.url}/worklist?view=denied")
    page.get_by_label("Select all").check()
    page.locator("summary", has_text="Write off").click()
    page.get_by_role("button", name="Write off").click()
    told = page.get_by_role("dialog", name="Not done")
    expect(told).to_contain_text("choose a reason")
    told.get_by_role("button", name="Back to it").click()  # what was selected is so still
    page.get_by_label("Because").select_option("too-late")
    page.get_by_role("button", name="Write off").click()
    expect(page.get_by_role("status").first).to_contain_text("lines written off, $")
    page.goto(f"{denied.url}/figures")
    expect(page.locator("section[aria-labelledby=written-off]")).to_contain_text("CARC 252")
    page.complaints.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [{}, PHONE])
def test_an_authorization_that_came_is_entered_beside_its_line(
    office: Stage, window: Window, size: dict[str, Any]
) -> None:
    plan = builders.coverage("111", "Sunrise Medicare Advantage")
    found = builders.document_of(builders.chart(plan)).patients[0]
    failure = Failure("general", "assess", "k", None, {}, "Refused", "It was refused.", 3)
    with office.store.transaction() as db:
        known = patients.known(db, "general", "p1")
        assessments.keep(db, known, found, datetime.now(UTC), "sweep")
        failures.add(db, failure)
    page = opened(office, window(**size), "held-us&find=p1")
    page.locator("a.open").first.click()
    form = page.locator("section", has_text="The authorization came").last
    form.get_by_label("Number").fill("PA7")
    form.get_by_label("First day").fill("2026-12-01")
    form.get_by_label("Last day").fill("2026-10-01")
    assert [*wrong(page), *axe(page)] == []
    form.get_by_role("button", name="Record").click()
    told = page.get_by_role("dialog", name="Not done")
    expect(told).to_contain_text("It ends before it begins")
    told.get_by_role("button", name="Back to it").click()
    expect(form.get_by_label("Number")).to_have_value("PA7")
    form.get_by_label("Last day").fill("2027-10-01")
    form.get_by_role("button", name="Record").click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded. 1 patient")
    page.complaints.clear()  # type: ignore[attr-defined]
    with office.store.transaction() as db:
        db.execute("delete from failures")
