"""The request for authorization of a line that waits for one, on the worklist."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from integration.configuration.site import Site
from tests import authorizations, builders
from tests.office import site
from tests.service import Running

Make = Callable[..., Running]


def visitor(service: Running) -> TestClient:
    """On the service's own machine."""
    return TestClient(service.web.app, "https://127.0.0.1", client=("127.0.0.1", 1))


@pytest.fixture
def desk(running: Make, tmp_path: Path) -> Callable[..., tuple[TestClient, Running, str]]:
    """A biller before one line of a dose that was given without an authorization, and its key."""

    def make(*changes: dict[str, Any], **extra: Any) -> tuple[TestClient, Running, str]:
        given = builders.administration(dose="200 mg", ndc=builders.VENOFER_200)
        resources = authorizations.chart(authorizations.order(count=3), given, *changes, without=())
        service = running(
            resources=resources, site=site(tmp_path, **extra), web={"local_user": "Ada"}
        )
        service.assess()
        service.work()
        browser = visitor(service)
        browser.get("/sign-in")
        listed = browser.get("/worklist?view=all").text
        key = re.search(r'name="line" value="([^"]+)" data-value', listed)
        assert key, listed
        return browser, service, key[1]

    return make


def test_an_opened_line_leads_to_its_sheet(desk: Any) -> None:
    browser, service, key = desk()
    opened = browser.get(f"/worklist?view=all&open={key}").text
    address = re.search(r'href="(/worklist/authorizations/[^"]+)"', opened)
    assert address
    page = browser.get(address[1])
    assert page.status_code == 200
    for said in ("Ada Sampleton", "W123", "NPI 1598765430", "200 (1 × 200)", "400 (2 × 200)"):
        assert said in page.text, said
    (noted,) = service.rows("select actor, resource from audit where action = 'drew up'")
    assert noted == ("Ada", f"ClaimLine/{key.partition(':')[2]}")
    assert (
        "drew up a request for authorization" in browser.get(f"/worklist?view=all&open={key}").text
    )


def test_what_lacks_nothing_is_there_as_a_bundle_too(desk: Any) -> None:
    browser, _, key = desk()
    answer = browser.get(f"/worklist/authorizations/{key}?form=fhir")
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    bundles = [json.loads(line) for line in answer.text.splitlines()]
    units = [bundle["entry"][0]["resource"]["item"][0]["quantity"]["value"] for bundle in bundles]
    assert units == [200, 400]


def test_how_many_doses_is_asked_where_the_order_does_not_say(desk: Any) -> None:
    browser, service, key = desk()
    address = f"/worklist/authorizations/{key}"
    assert "How many doses" not in browser.get(address).text
    service.fake.load([authorizations.order(count=None)])
    page = browser.get(address).text
    assert "how many doses" in page
    assert "How many doses" in page
    page = browser.get(f"{address}?doses=4").text
    assert "600 (3 × 200)" in page  # one was given
    assert f"{address}?form=fhir&amp;doses=4" in page.replace("%3A", ":")
    assert browser.get(f"{address}?doses=0").status_code == 422


def test_without_who_bills_there_is_a_sheet_and_no_bundle(desk: Any) -> None:
    browser, _, key = desk(billing_provider=None)
    page = browser.get(f"/worklist/authorizations/{key}")
    assert "The request still lacks" in page.text
    assert "Da Vinci PAS" not in page.text
    refused = browser.get(f"/worklist/authorizations/{key}?form=fhir")
    assert refused.status_code == 409
    assert "The request is not complete." in refused.text


def test_what_is_authorized_meanwhile_waits_no_more(desk: Any) -> None:
    browser, service, key = desk()
    service.fake.load([builders.authorization()])
    page = browser.get(f"/worklist/authorizations/{key}")
    assert "No order and no dose here waits for a prior authorization." in page.text


@pytest.mark.parametrize("key", ["0:nix", "nix", "999999:0"])
def test_a_line_that_is_not_there(key: str, desk: Any) -> None:
    browser, _, _ = desk()
    assert browser.get(f"/worklist/authorizations/{key}").status_code == 404


def test_an_ehr_that_does_not_answer_is_said(desk: Any) -> None:
    browser, service, key = desk()
    service.fake.fail("^Patient", 503)
    page = browser.get(f"/worklist/authorizations/{key}")
    assert page.status_code >= 500
    assert "Traceback" not in page.text


def test_where_only_people_read_charts_none_is_drawn_up(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, service, key = desk()
    monkeypatch.setattr(Site, "only_people_read", True)
    service.fake.requests.clear()
    assert "/worklist/authorizations/" not in browser.get(f"/worklist?view=all&open={key}").text
    page = browser.get(f"/worklist/authorizations/{key}")
    assert page.status_code == 409
    assert "Only people may read the charts of general" in page.text
    assert service.fake.requests == []


def test_nobody_else_sees_it(desk: Any) -> None:
    _, service, key = desk()
    page = visitor(service).get(f"/worklist/authorizations/{key}")
    assert page.status_code == 401
    assert "Sampleton" not in page.text
