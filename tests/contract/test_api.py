"""The interface as it describes itself: schemathesis sends what fits and what does not; nothing
breaks, nothing leaks."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from joserfc.jwk import KeySet
from pytest_httpserver import HTTPServer

from integration.store import Store
from tests.contract.test_cds import EHR_KEY, ISSUER, token
from tests.fakes.stage import seed_worklist
from tests.plugins.pages import Clinic


@pytest.fixture(scope="module")
def office(
    pages_store: Store, pages_server: HTTPServer, tmp_path_factory: pytest.TempPathFactory
) -> Clinic:
    pages_server.clear()
    with pages_store.transaction() as db:
        db.execute("delete from patients")
    roles = {
        "web": {"roles": {"biller": ["Practitioner/dr-1"]}},
        "data_dir": tmp_path_factory.mktemp("api"),
    }
    keys = pages_server.url_for("/ehr-keys")
    made = Clinic(
        pages_server, pages_store, roles, {"cds": [{"issuer": ISSUER, "jwks_url": keys}]}, {}
    )
    pages_server.expect_request("/ehr-keys").respond_with_json(
        KeySet([EHR_KEY]).as_dict(private=False)
    )
    made.launcher.context = {}
    seed_worklist(pages_store)
    return made


@pytest.fixture(scope="module")
def cookie(office: Clinic) -> str:
    browser = office.browser()
    assert browser.get("/sign-in?with=general").status_code == 200
    return str(browser.client.cookies["__Host-ferroclaim"])


def operations(office: Clinic, cookie: str) -> Iterator[Any]:
    """Every operation of our interface; the hooks have tests of their own."""
    headers = {"Cookie": f"__Host-ferroclaim={cookie}"}
    schema: Any = schemathesis.openapi.from_asgi(
        "/openapi.json", office.app, headers=headers
    ).include(path_regex="^/(api|cds-services)")
    # U+0000 is refused for every address: tests/contract/test_broken_text.py.
    schema.config.generation.update(allow_x00=False)
    yield from (result.ok() for result in schema.get_all_operations())


@pytest.mark.slow
def test_the_interface_keeps_its_word(office: Clinic, cookie: str) -> None:
    checked = []
    for operation in operations(office, cookie):

        @given(case=operation.as_strategy())
        @settings(
            max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        def check(case: Any) -> None:
            headers = {"Cookie": f"__Host-ferroclaim={cookie}"}
            if case.path.startswith("/cds-services"):
                headers["Authorization"] = f"Bearer {token(case.formatted_path)}"
            case.call_and_validate(headers=headers)

        check()
        checked.append(operation.label)
    assert {
        "GET /api/worklist",
        "GET /api/worklist/{key}",
        "GET /api/figures",
        "POST /cds-services/{service}",
    } <= set(checked)


@pytest.mark.parametrize(
    "path",
    [
        "/api/worklist",
        "/api/worklist/1:x",
        "/api/figures",
        "/docs",
        "/openapi.json",
        "/figures",
        "/worklist.csv",
    ],
)
def test_nothing_without_signing_in(office: Clinic, path: str) -> None:
    answer = office.browser().client.get(path)
    assert answer.status_code == 401
    assert "Abbott" not in answer.text


def test_lines_and_figures(office: Clinic, cookie: str) -> None:
    client = office.browser().client
    client.cookies.set("__Host-ferroclaim", cookie)
    found = client.get("/api/worklist?view=ready").json()
    assert (found["count"], found["money"], len(found["lines"])) == (7, "223.00", 7)
    assert client.get(f"/api/worklist/{found['lines'][0]['key']}").json()["line"]["code"] == "J1756"
    assert client.get("/api/worklist/1:none").json()["error"]["code"] == "not-found"
    assert [row["name"] for row in client.get("/api/figures").json()] == [
        "held",
        "time-to-complete",
        "clean-at-first-assessment",
        "denials",
        "written-off",
        "waste",
    ]
    assert client.get("/figures/held.csv").text.splitlines()[1] == "Coverage,7,289.90,0"
    assert client.get("/figures/none.csv").status_code == 404


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("worklist?view=nix", "query.view (one of 'ready', 'held-clinician'"),
        ("worklist?sort=nix", "query.sort (one of 'worth', 'due'"),
        ("worklist?since=2026-11-31", "query.since"),
        ("worklist?changed=maybe", "query.changed"),
        ("worklist?page=0", "query.page"),
        ("worklist?limit=5", "query.limit (there is no such parameter)"),
        ("figures?name=nix", "query.name (one of 'held'"),
        ("figures?period=31", "query.period (one of '', '30'"),
        ("figures?since=2026-01-01", "query.since (there is no such parameter)"),
    ],
)
def test_what_cannot_be_read_is_refused(office: Clinic, cookie: str, asked: str, says: str) -> None:
    """A program that misspells a view must not take what is ready for it."""
    client = office.browser().client
    client.cookies.set("__Host-ferroclaim", cookie)
    answer = client.get(f"/api/{asked}")
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


def test_a_list_says_how_many_pages_it_has(office: Clinic, cookie: str) -> None:
    client = office.browser().client
    client.cookies.set("__Host-ferroclaim", cookie)
    first = client.get("/api/worklist?view=ready").json()
    assert (first["page"], first["pages"]) == (1, 1)
    beyond = client.get("/api/worklist?view=ready&page=2").json()
    assert (beyond["page"], beyond["lines"], beyond["count"]) == (2, [], 7)
    same = client.get("/api/worklist?view=ready&changed=true&site=general&since=2020-01-01").json()
    assert same["count"] == 7
    assert client.get("/api/worklist?site=elsewhere").status_code == 404
    assert client.get("/api/worklist?view=ready&changed=0").json()["count"] == 7
