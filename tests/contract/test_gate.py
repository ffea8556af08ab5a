"""Who gets through: nobody without a session, nobody without the role, and no form that our own
page did not send. Of every address that there is, so that none is forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from integration.serving.app import routers
from integration.web.pages import PageRoute
from tests.fakes.browser import Browser
from tests.fakes.stage import telling_chart
from tests.plugins.pages import Clinic, Open

# Ways in, and what other programs ask with proofs of their own.
OPEN = ("/", "/launch", "/callback", "/callback/{site}", "/.well-known/jwks.json", "/healthz")
OTHERS = ("/cds-services", "/readyz")


def routes(method: str) -> Iterator[APIRoute]:
    for part in routers():
        for route in part.routes:
            assert isinstance(route, APIRoute)
            if method in (route.methods or ()) and not route.path.startswith(OTHERS):
                yield route


def address(route: APIRoute, **known: str) -> str:
    """With something in each place of the path."""
    path = route.path
    for name in route.param_convertors:
        path = path.replace(f"{{{name}}}", known.get(name, "x"))
    return path


@pytest.fixture
def hospital(clinic: Open) -> Clinic:
    made = clinic(web={"roles": {"clinician": ["*"], "biller": ["Practitioner/dr-1"]}})
    made.ehr.load(telling_chart())
    return made


def charted(hospital: Clinic) -> tuple[Browser, str]:
    """A browser with a chart open, and the id of the chart."""
    browser = hospital.browser()
    browser.get(hospital.launch_path(patient="p1"))
    return browser, browser.visited[-1].rpartition("/")[2]


def test_nobody_sees_anything_without_a_session(hospital: Clinic) -> None:
    asked = [route for route in routes("GET") if route.path not in OPEN]
    assert {"/worklist", "/chart/{launch}", "/api/figures", "/claims/{name}"} <= {
        route.path for route in asked
    }
    answers = {
        route.path: hospital.browser().client.get(address(route)).status_code for route in asked
    }
    assert {path: status for path, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize("forged", [{}, {"sec-fetch-site": "cross-site"}])
def test_no_form_is_taken_that_our_page_did_not_send(
    hospital: Clinic, forged: dict[str, str]
) -> None:
    """Without its token, and with it from another site's page."""
    browser, launch = charted(hospital)
    csrf = browser.client.get("/session").json()["csrf"]
    forms = [route for route in routes("POST") if isinstance(route, PageRoute)]
    assert {"/worklist", "/chart/{launch}/waive", "/sign-out"} <= {form.path for form in forms}
    answers: dict[str, Any] = {
        form.path: browser.client.post(
            address(form, launch=launch),
            data={"csrf": csrf if forged else "0" * 64},
            headers=forged,
        )
        for form in forms
    }
    assert {path: one.status_code for path, one in answers.items() if one.status_code != 403} == {}
    assert all("was not sent from ferroclaim" in one.text for one in answers.values())
    assert browser.client.get("/session").status_code == 200


def test_each_role_has_its_own_pages(hospital: Clinic) -> None:
    """A chart is its clinician's, a list the office's, at whatever address somebody sits."""
    hospital.settings.web.roles["biller"] = ["Practitioner/other"]
    browser, launch = charted(hospital)
    chart = [route for route in routes("GET") if route.path.startswith("/chart/")]
    rest = [
        route
        for route in routes("GET")
        if route.path not in (*OPEN, "/session", "/sign-in") and route not in chart
    ]
    for route in rest:
        assert browser.client.get(address(route)).status_code == 403, route.path
    hospital.settings.web.roles["clinician"] = []
    hospital.settings.web.roles["biller"] = ["Practitioner/dr-1"]
    office, _ = charted(hospital)
    for route in chart:
        assert office.client.get(address(route, launch=launch)).status_code == 403, route.path
