"""HTML answers: templates, the headers that every page carries, and plain pages for what goes
wrong.

Held by tests/contract/test_launch.py.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from integration.configuration.settings import Settings
from integration.errors import (
    ConfigurationError,
    EhrError,
    FerroclaimError,
    Forbidden,
    NotFound,
    Unauthorized,
)
from integration.operating.logs import where
from integration.smart.refusal import Refusal, SignInAgain
from integration.smart.sessions import Session
from integration.web.gate import PageContext, own_list
from integration.web.problems import ApiProblem, answer, answer_to
from integration.web.text import refuse_broken_form
from integration.wording import amounts, words
from integration.wording.templates import templates_of
from mappings.rules import title_of

log = structlog.get_logger()
_COMMAND = re.compile(r"`([^`]+)`")

SELF = "'self'"
INCOMPLETE = "Something is missing in the form"
NO_WAY_IN = "These pages are for people who are signed in, and nothing to sign in with is set up."
HOW_TO_COME_IN = (
    "`ferroclaim demo --pages` shows everything with sample patients, without an EHR. For your own:"
    " give a site an app, or set web.sign_in; on this machine alone web.local_user is enough."
)


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the content."""
    content = (files("integration.web") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def _money(value: Decimal | str | None) -> str:
    return amounts.money(Decimal(value) if isinstance(value, str) else value)


def _sentence(text: str) -> str:
    """`Ferritin 42 ng/mL …` of `ferritin 42 ng/mL …`."""
    return text[:1].upper() + text[1:]


def _commands(text: str) -> Markup:
    """A sentence whose commands, in backticks, are set as code."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped)


_environment = templates_of("integration.web")
_environment.globals["asset"] = asset
_environment.filters |= {
    "rule_title": title_of,
    "amount": amounts.amount,
    "commands": _commands,
    "money": _money,
    "day": words.day,
    "sentence": _sentence,
    "status": words.status,
    "plural": words.plural,
}


def page(request: Request, template: str, /, status: int = 200, **context: Any) -> HTMLResponse:
    demo = getattr(request.app.state, "demo", False)
    return HTMLResponse(
        _environment.get_template(template).render(demo=demo, **context),
        status,
        security_headers(request.app.state.settings),
    )


def security_headers(settings: Settings) -> dict[str, str]:
    """Frames of the configured EHRs only; nothing from elsewhere; no script in the page."""
    frames = sorted(
        {
            origin
            for site in settings.sites.values()
            if site.app
            for origin in site.app.frame_ancestors
        }
    )
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src"
        f" 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {' '.join([SELF, *frames])}"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


class _Assets(StaticFiles):
    """Their addresses change with their content, so they may be kept for good."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def install(app: FastAPI) -> None:
    """The static files, and the answer to a refused request that is not for a person's eyes."""
    app.mount("/static", _Assets(packages=[("integration.web", "static")]))

    @app.exception_handler(HTTPException)
    async def _not_answered(request: Request, error: HTTPException) -> Response:
        """No such address, or not in that way."""
        if "text/html" in request.headers.get("accept", ""):
            return refused(request, error)
        return answer_to(error)

    @app.exception_handler(Refusal)
    async def _refused(_: Request, error: Refusal) -> JSONResponse:
        return answer(error.status, error.what, error.administrator or None)


class PageRoute(APIRoute):
    """A route for people: whatever is refused or fails is answered with a page that says what to
    do."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                await refuse_broken_form(request)
                return await handle(request)
            except (FerroclaimError, HTTPException, RequestValidationError, ApiProblem) as error:
                return refused(request, error)
            except Exception as error:  # noqa: BLE001 (whatever happens, a person gets a page)
                log.error(
                    "unexpected error",
                    route=self.path,
                    error=type(error).__name__,
                    where=where(error),
                )
                return _message(
                    request,
                    500,
                    "Something went wrong here",
                    "It was logged. Try again; your chart was not changed.",
                )

        return handled


def refused(request: Request, error: Exception) -> HTMLResponse:
    """The page of an error, by what can be done about it."""
    if isinstance(error, Refusal):
        return _refusal(request, error)
    if isinstance(error, Unauthorized):
        return _message(
            request,
            401,
            "Please sign in again",
            "The EHR no longer accepts your access. Open the app again.",
            str(error),
        )
    if isinstance(error, Forbidden):
        what = "The EHR does not let you, or this app, see what is needed for the check."
        return _message(request, 403, "The EHR denied access", what, str(error))
    if isinstance(error, NotFound):
        return _message(
            request,
            404,
            "The chart was not found",
            "The EHR no longer knows this patient.",
            str(error),
        )
    if isinstance(error, EhrError):
        what = "The EHR does not answer as it should. Nothing was lost; try again in a minute."
        again = request.method == "GET" and request.url.path.startswith("/chart/")
        return _message(
            request,
            503 if error.retryable else 502,
            "The chart cannot be read now",
            what,
            str(error),
            [(request.url.path, "Try again")] if again else [],
        )
    if isinstance(error, ConfigurationError):
        log.error("not set up correctly", error=str(error))
        return _message(
            request,
            500,
            "ferroclaim is not set up correctly",
            "Please tell whoever runs it.",
            str(error),
        )
    if isinstance(error, FerroclaimError):
        return _message(
            request, 503 if error.retryable else 409, "This cannot be done now", str(error)
        )
    if isinstance(error, ApiProblem):
        what = f"{error.message} {error.fix or ''}".strip()
        return _message(request, error.status, "This cannot be used", what)
    if isinstance(error, RequestValidationError):
        fields = ", ".join(str(problem["loc"][-1]) for problem in error.errors())
        return _message(
            request,
            422,
            INCOMPLETE,
            f"Please look at: {fields}. Go back and try again.",
        )
    return _unanswered(request, error)


_UNANSWERED = {
    404: ("Not found", "There is no such page."),
    405: ("Nothing to show here", "This is the address of a form. Nothing was changed."),
}


def _unanswered(request: Request, error: Exception) -> HTMLResponse:
    status, said = 500, "Try again."
    if isinstance(error, HTTPException):
        status, said = error.status_code, f"{str(error.detail).rstrip('.')}. Go back and try again."
    title, what = _UNANSWERED.get(status, ("This cannot be shown", said))
    links = [("/worklist", "Worklist")] if status in _UNANSWERED else []
    return _message(request, status, title, what, links=links)


def _refusal(request: Request, error: Refusal) -> HTMLResponse:
    """Whoever must sign in is told how, or that nobody can yet."""
    again = isinstance(error, SignInAgain)
    from_chart = request.url.path.startswith("/chart/")
    links = _ways_in(request.app.state.settings, chart=from_chart) if again else []
    links = [(_and_back(address, request), says) for address, says in links]
    if again and not links:
        return _message(request, 401, "There is no sign-in here yet", NO_WAY_IN, HOW_TO_COME_IN)
    return _message(
        request, error.status, error.title, error.what, error.administrator, links, error.quoted
    )


def _and_back(address: str, request: Request) -> str:
    """A way in that leads back to the list as it was filtered."""
    here = f"{request.url.path}?{request.url.query}"
    if request.method != "GET" or own_list(here) != here:
        return address
    return f"{address}{'&' if '?' in address else '?'}to={quote(here, safe='')}"


def _message(
    request: Request,
    status: int,
    title: str,
    what: str,
    administrator: str = "",
    links: list[tuple[str, str]] | None = None,
    quoted: str = "",
) -> HTMLResponse:
    return page(
        request,
        "message.html",
        status,
        title=title,
        what=what,
        administrator=administrator,
        links=links or [],
        quoted=quoted,
    )


def _ways_in(settings: Settings, *, chart: bool = False) -> list[tuple[str, str]]:
    """Ways to sign in by oneself; CHART: to choose a patient there, so that whoever is let in by
    being sent from a chart is so again."""
    sites = [name for name, site in settings.sites.items() if site.app]
    if chart and sites:
        return [(f"/sign-in?with={name}&chart=true", f"Sign in at {name}") for name in sites]
    ways = [("/sign-in?with=sign-in", "Sign in")] if settings.web.sign_in else []
    ways += [(f"/sign-in?with={name}", f"Sign in at {name}") for name in sites]
    return ways or (
        [("/sign-in", f"Go on as {settings.web.local_user}")] if settings.web.local_user else []
    )


def actor(session: Session) -> str:
    return session.who.fhir_user or session.who.label


def incomplete(what: str) -> Refusal:
    """Of a form."""
    return Refusal(INCOMPLETE, what, status=422)


def download(
    content: str | bytes, name: str, here: PageContext, media: str = "text/csv; charset=utf-8"
) -> Response:
    headers = {
        **security_headers(here.settings),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(content, media_type=media, headers=headers)
