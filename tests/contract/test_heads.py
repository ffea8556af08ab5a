"""What holds of every answer: no cache keeps it, no browser guesses its type, HEAD is answered."""

from typing import Any

import pytest

from tests.fakes.stage import seed_worklist
from tests.plugins.pages import Clinic, Open

PAGE = {"Accept": "text/html"}


@pytest.fixture
def office(clinic: Open, pages_store: Any) -> Clinic:
    made = clinic(web={"roles": {"biller": ["Practitioner/dr-1"]}})
    made.launcher.context = {}
    seed_worklist(pages_store)
    return made


def test_no_cache_keeps_what_may_be_about_a_patient(office: Clinic) -> None:
    browser = office.browser()
    browser.get("/sign-in?with=general")
    for path in (
        "/api/worklist",
        "/api/worklist/1:none",
        "/api/figures",
        "/worklist",
        "/worklist.csv",
        "/session",
        "/nowhere",
        "/cds-services",
        "/healthz",
    ):
        answer = browser.client.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        assert answer.headers["x-content-type-options"] == "nosniff", path
    assert "public" in browser.client.get("/.well-known/jwks.json").headers["cache-control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/worklist", "/worklist", "/nowhere"])
def test_head_is_answered_as_get_without_a_body(office: Clinic, path: str) -> None:
    browser = office.browser()
    browser.get("/sign-in?with=general")
    got, asked = browser.client.get(path), browser.client.head(path)
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", ["/worklist/decisions", "/worklist/failed", "/sign-out"])
def test_the_address_of_a_form_is_a_page_in_a_browser(office: Clinic, path: str) -> None:
    answer = office.browser().client.get(path, headers=PAGE)
    assert answer.status_code == 405
    assert "Nothing was changed" in answer.text
    assert office.browser().client.get(path).json()["error"]["code"] == "method-not-allowed"


def test_what_is_refused_is_never_called_missing(office: Clinic) -> None:
    browser = office.browser()
    browser.get("/sign-in?with=general")
    answer = browser.client.post("/worklist", data={"line": ["1:x"] * 2000})
    assert answer.status_code == 400
    assert "Not found" not in answer.text
    assert "Too many fields" in answer.text
