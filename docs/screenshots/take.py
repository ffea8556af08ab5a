"""Takes the screenshots of this folder anew: `.venv/bin/python docs/screenshots/take.py`."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from integration.authorizing.charts import from_files  # noqa: E402
from integration.authorizing.page import page  # noqa: E402
from integration.authorizing.planned import Asking  # noqa: E402
from integration.configuration import settings as configuration  # noqa: E402
from integration.configuration.settings import Settings  # noqa: E402
from integration.store import Store  # noqa: E402
from mappings.policy import choosing  # noqa: E402
from tests import authorizations  # noqa: E402
from tests.browser.conftest import ARGUMENTS  # noqa: E402
from tests.builders import commercial, ferritin, tsat  # noqa: E402
from tests.fakes.stage import Stage, seed_worklist, stage, telling_chart  # noqa: E402

WIDE: dict[str, Any] = {"viewport": {"width": 1180, "height": 900}}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
DARK: dict[str, Any] = {"color_scheme": "dark"}


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Store.open(Settings(data_dir=Path(folder))) as store,
        stage(
            Path(folder), store, chart_link="https://ehr.example.com/{patient}/{type}/{id}"
        ) as clinic,
        sync_playwright() as playwright,
    ):
        clinic.ehr.load(telling_chart())  # type: ignore[union-attr]
        seed_worklist(store)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        charts(browser, clinic)
        worklists(browser, clinic)
        sheet(browser, Path(folder))
        browser.close()


def charts(browser: Browser, clinic: Stage) -> None:
    for name, options in {
        "chart": WIDE,
        "chart-dark": {**WIDE, **DARK},
        "chart-phone": PHONE,
    }.items():
        with window(browser, options) as page:
            page.goto(clinic.launch_url(patient="p1"))
            shoot(page, name)
    with window(browser, WIDE) as page:
        page.goto(clinic.launch_url(patient="p1"))
        page.get_by_text("Not needed, because …").first.click()
        page.locator(".doses details summary").nth(1).click()
        shoot(page, "chart-open")
        page.pdf(path=HERE / "chart-print.pdf", format="Letter")
    clinic.ehr.load(
        [
            commercial(id="coverage"),
            ferritin(820, on="2026-11-08", id="high"),
            tsat(52, on="2026-11-08", id="high-tsat"),
        ]
    )  # type: ignore[union-attr]
    with window(browser, WIDE) as page:
        page.goto(clinic.launch_url(patient="p1"))
        shoot(page, "chart-limits")
    with window(browser, WIDE) as page:
        page.goto(f"{clinic.url}/launch?iss=https://elsewhere.example.com&launch=x")
        shoot(page, "refused")


def worklists(browser: Browser, clinic: Stage) -> None:
    clinic.launcher.context = {}
    for name, options in {
        "worklist": DESK,
        "worklist-dark": {**DESK, **DARK},
        "worklist-phone": PHONE,
    }.items():
        with window(browser, options) as page:
            page.goto(f"{clinic.url}/sign-in?with=general")
            if "dark" not in name:
                shoot(page, name)
            if "phone" in name:
                continue
            page.goto(f"{clinic.url}/worklist?view=held-clinician")
            page.locator("a.open").first.click()
            page.wait_for_selector("aside.beside")
            shoot(page, f"{name}-open")
            if name == "worklist":
                page.goto(f"{clinic.url}/figures")
                shoot(page, "figures")


def sheet(browser: Browser, folder: Path) -> None:
    """A request for authorization of an order, with a result that is missing."""
    chart = authorizations.chart(without=("administration", "tsat"))
    site = configuration.load(authorizations.configuration(folder)).site("main").facts()
    asking = Asking(datetime.fromisoformat(authorizations.AS_OF), place="11")
    found = from_files(str(authorizations.file(folder, chart)), site, choosing.built_in(), asking)
    with window(browser, {"viewport": {"width": 900, "height": 900}}) as opened:
        opened.set_content(page(found))
        shoot(opened, "authorization")


@contextmanager
def window(browser: Browser, options: dict[str, Any]) -> Iterator[Page]:
    context = browser.new_context(**options)
    yield context.new_page()
    context.close()


def shoot(page: Page, name: str) -> None:
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=HERE / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
