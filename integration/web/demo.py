"""The demo's own page: the sample patients, and a way into each chart without an EHR's launch.

Held by tests/contract/test_demo_pages.py.
"""

from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from integration import samples
from integration.smart.grants import Grant
from integration.smart.refusal import Refusal, SignInAgain
from integration.store import assessments, audit
from integration.web import gate
from integration.web.gate import SESSION_COOKIE, OfPages, PageContext, set_cookie
from integration.web.pages import PageRoute, page, security_headers
from integration.wording import people
from mappings.assessment import LineStatus

router = APIRouter(prefix="/demo", route_class=PageRoute, include_in_schema=False)
SITE = "demo"
ROLES = ["clinician", "biller", "admin"]
DAY_SECONDS = 86_400.0
STATES: tuple[LineStatus, ...] = get_args(LineStatus)


@router.get("")
def patients(request: Request, here: OfPages) -> Response:
    """Whose chart to open."""
    found = [
        (person["id"], people.in_lists(person), _lines(here, person["id"])) for person in _people()
    ]
    return page(request, "demo.html", rows=[person for person in found if person[2]])


@router.get("/charts/{patient}")
def chart(request: Request, here: OfPages, patient: str) -> Response:
    """Opens a chart as an EHR would, for the person of this browser."""
    if patient not in {person["id"] for person in _people()}:
        raise Refusal("Not found", "There is no such sample patient.", status=404)
    who = gate.local_identity(request, here.settings)
    if who is None:
        raise SignInAgain("The demo is opened at the address that it prints.")
    cookie = request.cookies.get(SESSION_COOKIE)
    known = here.sessions.session(cookie) if cookie else None
    secret = cookie if cookie and known else here.sessions.sign_in(who, ROLES)
    grant = Grant("demo", DAY_SECONDS, frozenset(), patient=patient)
    identity = here.sessions.open_chart(secret, SITE, grant)
    with here.store.transaction() as db:
        audit.note(db, who.label, "signed in", role="local", site=SITE)
    response = RedirectResponse(f"/chart/{identity}", 303, security_headers(here.settings))
    set_cookie(response, SESSION_COOKIE, secret)
    return response


def _people() -> list[dict[str, object]]:
    return [resource for resource in samples.resources() if resource["resourceType"] == "Patient"]


def _lines(here: PageContext, patient: object) -> list[tuple[str, int]]:
    """How many claim lines there are in each state; empty where the patient is none of ours."""
    with here.store.transaction() as db:
        kept = assessments.current(db, SITE, str(patient))
    lines = kept.assessment.lines if kept else ()
    counts = [(state, sum(line.status == state for line in lines)) for state in STATES]
    return [(state, count) for state, count in counts if count]
