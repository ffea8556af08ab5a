"""Debian's Chromium, driven by Playwright. Where it is missing the tests are skipped, but fail
where all must run."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from integration.store import Store
from tests.fakes.stage import Stage, stage, telling_chart

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Window = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ended with its module: Playwright keeps an event loop running, beside which no other test
    could run one."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true" or os.environ.get("FERROCLAIM_ALL_TESTS"):
            pytest.fail("Chromium is missing; on Debian: apt-get install chromium", pytrace=False)
        pytest.skip("Chromium is missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[Window]:
    """Opens a page in a profile of its own; what the page complains of fails the test."""
    with ExitStack() as stack:
        complaints: list[str] = []

        def make(**options: Any) -> Page:
            context: BrowserContext = chromium.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(60000)
            page.on(
                "console",
                lambda message: (
                    complaints.append(message.text) if message.type == "error" else None
                ),
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.complaints = complaints  # type: ignore[attr-defined]
            return page

        yield make
        assert complaints == []


@pytest.fixture
def clinic(pages_store: Store, tmp_path: Path) -> Iterator[Stage]:
    """A hospital with the telling chart, and our service on 127.0.0.1; the EHR's own pages are on
    localhost, another site."""
    with pages_store.transaction() as db:
        db.execute("delete from patients")
    with stage(
        tmp_path, pages_store, chart_link="http://localhost:9/{patient}/{type}/{id}"
    ) as opened:
        opened.ehr.load(telling_chart())  # type: ignore[union-attr]
        yield opened
