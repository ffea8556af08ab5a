"""Ways in and out: from a chart, by itself, and back from the authorization server.

Held by tests/contract/test_launch.py.
"""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from integration.ehr.transport.keys import KnownKeys, jwks_of
from integration.smart.launch import CALLBACK, Away
from integration.smart.refusal import NOBODY_YET, Refusal, SignInAgain
from integration.store import audit
from integration.web import gate
from integration.web.gate import (
    BACK_COOKIE,
    SESSION_COOKIE,
    FromOurPage,
    OfPages,
    PageContext,
    SignedIn,
    launch_cookie,
    own_list,
    set_cookie,
)
from integration.web.pages import PageRoute, page, security_headers
from integration.web.problems import ApiProblem

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PENDING_SECONDS = 600
JWKS_SECONDS = 3600


@router.get("/")
def home(request: Request) -> Response:
    """Where somebody comes who has the address alone."""
    demo = getattr(request.app.state, "demo", False)
    return RedirectResponse("/demo" if demo else "/worklist", 303)


@router.get("/launch")
def launch(
    request: Request,
    here: OfPages,
    iss: str = "",
    launch: str = "",
) -> Response:
    """The EHR opens us here."""
    return _sent_away(
        here, here.launches.from_chart(iss, launch, gate.address(request, here.settings))
    )


@router.get("/sign-in")
def sign_in(
    request: Request,
    here: OfPages,
    with_: Annotated[str, Query(alias="with", max_length=80)] = "",
    chart: bool = False,
    to: Annotated[str, Query(max_length=1100)] = "",
) -> Response:
    """People who come without a chart; TO: the list that they were at."""
    who = gate.local_identity(request, here.settings)
    if who is not None:
        secret = here.sessions.sign_in(
            who, ["clinician", "biller", "admin"], request.cookies.get(SESSION_COOKIE)
        )
        _note(here, who.label, "signed in", LOCAL_ROLE, None)
        return _entered(here, own_list(to), secret)
    if with_:
        response = _sent_away(
            here, here.launches.standalone(with_, gate.address(request, here.settings), chart=chart)
        )
        if to:
            set_cookie(response, BACK_COOKIE, quote(own_list(to)), PENDING_SECONDS)
        return response
    raise SignInAgain("You are not signed in.", NOBODY_YET)


@router.get("/callback")
@router.get("/callback/{site}")
def callback(request: Request, here: OfPages, site: str = "") -> Response:
    """The authorization server of SITE sends people back here; its parameters are never kept in an
    address or a log."""
    answer = dict(request.query_params)
    cookie = launch_cookie(answer.get("state", ""))
    address = CALLBACK + (f"/{site}" if site else "")
    base = gate.address(request, here.settings)
    arrived = here.launches.arrived(answer, request.cookies.get(cookie), base, address)
    if arrived.from_chart and arrived.grant.patient is None:
        raise Refusal(
            "The EHR did not say which patient is open",
            "Without that no chart is shown; nothing is guessed. Open a patient's chart first, then"
            " this app.",
            f"{arrived.client.name}: its token response has no usable `patient`. Allow the scope"
            " `launch` for this app.",
        )
    secret = here.sessions.sign_in(
        arrived.who, sorted(arrived.roles), request.cookies.get(SESSION_COOKIE)
    )
    target = own_list(unquote(request.cookies.get(BACK_COOKIE, "")))
    if arrived.grant.patient is not None and "clinician" in arrived.roles:
        target = f"/chart/{here.sessions.open_chart(secret, arrived.client.name, arrived.grant)}"
    _note(
        here,
        arrived.who.fhir_user or arrived.who.label,
        "signed in",
        ", ".join(sorted(arrived.roles)),
        arrived.client.name,
    )
    response = _entered(here, target, secret)
    set_cookie(response, cookie, "", max_age=0)
    if BACK_COOKIE in request.cookies:
        set_cookie(response, BACK_COOKIE, "", max_age=0)
    return response


@router.get("/session")
def session(session: SignedIn) -> JSONResponse:
    """Who is signed in, for a page that stood open while that changed; `csrf` as its forms send
    it."""
    return JSONResponse({"user": session.who.label, "csrf": session.csrf})


@router.post("/sign-out", dependencies=[FromOurPage])
def sign_out(request: Request, here: OfPages) -> Response:
    here.sessions.sign_out(request.cookies.get(SESSION_COOKIE, ""))
    response = page(
        request,
        "message.html",
        title="You are signed out",
        what="You can close this window.",
        administrator="",
        links=[("/sign-in", "Sign in")],
    )
    set_cookie(response, SESSION_COOKIE, "", max_age=0)
    return response


@router.get("/.well-known/jwks.json")
def jwks(request: Request) -> JSONResponse:
    """The public parts of every key that we sign with."""
    keys: KnownKeys = request.app.state.keys
    rings = keys.rings()
    if not rings and request.app.state.settings.key_files:
        raise ApiProblem(503, "The keys cannot be read now.")
    return JSONResponse(
        jwks_of(rings), headers={"Cache-Control": f"public, max-age={JWKS_SECONDS}"}
    )


LOCAL_ROLE = "local"


def _sent_away(here: PageContext, away: Away) -> Response:
    response = RedirectResponse(away.url, 303, security_headers(here.settings))
    set_cookie(response, launch_cookie(away.state), away.browser, PENDING_SECONDS)
    return response


def _entered(here: PageContext, target: str, secret: str) -> Response:
    """TARGET is one of our own paths, never something from outside."""
    response = RedirectResponse(target, 303, security_headers(here.settings))
    set_cookie(response, SESSION_COOKIE, secret)
    return response


def _note(here: PageContext, actor: str, action: str, role: str, site: str | None) -> None:
    with here.store.transaction() as db:
        audit.note(db, actor, action, role=role, site=site)
