"""Who is asking: the cookie, the session behind it, the roles; and that a form was sent from our
own page.

Held by tests/contract/test_gate.py.
"""

import hmac
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from integration.configuration.section import is_loopback
from integration.configuration.settings import Role, Settings
from integration.smart.identity import Identity
from integration.smart.launch import Launches
from integration.smart.refusal import NOBODY_YET, Refusal, SignInAgain
from integration.smart.server import Directory
from integration.smart.sessions import Launch, Session, Sessions, hashed
from integration.smart.vault import Vault
from integration.store import Store
from integration.work.queue import Queue

SESSION_COOKIE = "__Host-ferroclaim"
BACK_COOKIE = "__Host-fc-back"
LAUNCH_COOKIE = (  # with part of the state's hash: several launches may be on their way at once
    "__Host-fc-"
)
LOCAL = "local"


@dataclass(frozen=True)
class PageContext:
    """What the pages share in one process."""

    settings: Settings
    store: Store
    queue: Queue
    sessions: Sessions
    directory: Directory
    launches: Launches


def page_context(request: Request) -> PageContext:
    """Made at the first request that needs it."""
    state = request.app.state
    if not hasattr(state, "page_context"):
        web = state.settings.web
        sessions = Sessions(
            state.store,
            Vault.in_folder(state.settings.data_dir),
            web.session_hours,
            web.idle_minutes,
        )
        directory = Directory()
        state.page_context = PageContext(
            state.settings,
            state.store,
            state.queue,
            sessions,
            directory,
            Launches(state.settings, sessions, directory),
        )
    return state.page_context


OfPages = Annotated[PageContext, Depends(page_context)]


def session(request: Request, here: OfPages) -> Session:
    """The person's session; raises `SignInAgain` without one."""
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        raise SignInAgain(
            "You are not signed in. Open the app from the patient's chart, or here.", NOBODY_YET
        )
    found = here.sessions.session(secret)
    if found is None:
        raise SignInAgain
    return found


SignedIn = Annotated[Session, Depends(session)]


def with_role(*roles: Role):  # type: ignore[no-untyped-def]
    """A dependency: the session of somebody who has one of ROLES."""

    def check(session: SignedIn) -> Session:
        if not session.may(*roles):
            raise Refusal(
                "This page is not for you",
                f"You are signed in as {session.who.label}, without the role it needs.",
                f"The role {' or '.join(roles)} is given in [web.roles].",
            )
        return session

    return Depends(check)


# Whoever works the list.
Biller = Annotated[Session, with_role("biller", "admin")]


def from_our_page(request: Request, session: SignedIn, csrf: Annotated[str, Form()] = "") -> None:
    """Against forged forms: the browser's word on where it comes from, and a token that only our
    page holds."""
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if elsewhere or not hmac.compare_digest(csrf.encode(), session.csrf.encode()):
        raise Refusal(
            "This form was not sent from ferroclaim",
            "Nothing was changed. Go back, reload the page and try again.",
        )


FromOurPage = Depends(from_our_page)


def chart(launch: str, session: SignedIn, here: OfPages) -> Launch:
    """The chart of the address, if it is this person's."""
    if not session.may("clinician"):
        raise Refusal(
            "This page is not for you",
            f"You are signed in as {session.who.label}, without the role clinician.",
            "The role clinician is given in [web.roles].",
        )
    found = here.sessions.chart(session, launch)
    if found is None:
        raise SignInAgain(
            "This chart is no longer open for you. Open the app again from the patient's chart."
        )
    return found


OpenChart = Annotated[Launch, Depends(chart)]


# What a session may end at, and a sign-in goes back to.
_LISTS = re.compile(r"/(worklist|figures)(\?[!-~]{0,1000})?", re.ASCII)
WORKLIST = "/worklist"


def own_list(address: str | None) -> str:
    """A list of ours as it was filtered, never an address from outside; else the worklist."""
    return address if address and _LISTS.fullmatch(address) else WORKLIST


def set_cookie(response: Response, name: str, value: str, max_age: int | None = None) -> None:
    """As a frame in another site's page needs it: Chromium keeps only `Partitioned` ones there
    (seen with 156).

    Written by hand because http.cookies knows `Partitioned` only from Python 3.14.
    """
    age = f"; Max-Age={max_age}" if max_age is not None else ""
    response.headers.append(
        "Set-Cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=None; Partitioned{age}"
    )


def launch_cookie(state: str) -> str:
    return LAUNCH_COOKIE + hashed(state).hex()[:16]


def local_identity(request: Request, settings: Settings) -> Identity | None:
    """Without any sign-in, on this machine, and only where the settings name somebody: that person,
    with every role.

    The Host header is looked at, too: a page of elsewhere may lead a name of its own to 127.0.0.1.
    """
    name = settings.web.local_user
    if not name or settings.ways_to_sign_in or not is_loopback(request.url.hostname):
        return None
    peer = request.client.host if request.client else None
    return Identity(LOCAL, name, None, name) if is_loopback(peer) else None


def address(request: Request, settings: Settings) -> str:
    """Our address, as people and EHRs know it. Without public_url only this machine is served; the
    Host header of a stranger is never believed."""
    if settings.web.public_url is not None:
        return settings.web.public_url
    if not is_loopback(request.url.hostname):
        raise Refusal(
            "ferroclaim is not set up for this address",
            "Sign-in works only under the address that was registered.",
            "Set web.public_url to the https address under which people reach the service.",
            400,
        )
    return f"{request.url.scheme}://{request.url.netloc}"
