"""/hooks/{site}/{name}: notifications of any shape, answered once they are kept, refused where they
cannot be trusted.

Held by tests/contract/test_hooks.py.
"""

from asyncio import wrap_future

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from integration.configuration.settings import Settings
from integration.configuration.site import Site
from integration.errors import ConfigurationError
from integration.operating import metrics
from integration.triggers import notification
from integration.triggers.accepting import Arriving
from integration.triggers.intake import Intake
from integration.triggers.notification import Unusable
from integration.triggers.proof import Gate, Gates
from integration.web import problems
from integration.web.problems import ApiProblem
from integration.web.text import content_type

log = structlog.get_logger()

READ_AT_ONCE_BYTES = 2**16  # a larger body would keep other requests waiting
_METHODS = ("POST", "PUT")
_OF_ONE = (*_METHODS, "DELETE")
_TYPES = ("application/fhir+json", "application/json", "application/json+fhir")


async def _raw_body(request: Request) -> bytes:
    """As it came: a signature is of these bytes."""
    limit = request.app.state.settings.service.hook_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _refused(413, "too-large", f"The body is larger than {limit} bytes.")
    return bytes(body)


class Hooks:
    """Answers what is below /hooks itself, and hands on the rest: EHRs tell of each change, and
    what FastAPI does for a request costs twice what keeping it does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/hooks/"):
            await self._app(scope, receive, send)
            return
        try:
            response = await _answer(Request(scope, receive))
        except problems.KNOWN as error:
            response = problems.answer_to(error)
        await response(scope, receive, send)


async def _answer(request: Request) -> Response:
    """A notification: R4 rest-hook (a resource, or nothing), R4 backport topics, R4B and R5 topics,
    athenahealth, Medplum. HAPI sends one, where a payload is asked for, like a client that updates
    or deletes the resource."""
    asked: str = request.scope["path"]
    _, _, site, name, *rest = (*asked.split("/"), "")
    whose = "/".join(rest[:-1])
    if not name or len(rest) not in (1, 3) or not all(rest[:-1]):
        raise ApiProblem(404, "Not Found")
    allowed = _OF_ONE if whose else _METHODS
    if request.method not in allowed:
        raise ApiProblem(405, "Method Not Allowed", headers={"Allow": ", ".join(allowed)})
    return await _notified(request, site, name, whose)


async def _notified(request: Request, site_name: str, name: str, path: str) -> Response:
    body = await _raw_body(request)
    site = _site(request.app.state.settings, site_name)
    way = await _way(request.app.state.gates, site, name)
    if not way.opens(request.headers, body):
        raise _refused(401, "secret", "The secret or the signature is missing or wrong.")
    if body and content_type(request) not in _TYPES:
        raise _refused(415, "content-type", "Send application/fhir+json.")
    told = (request.method, path, body, site.addresses, request.headers)
    try:
        if len(body) > READ_AT_ONCE_BYTES:
            found = await run_in_threadpool(notification.read, *told)
        else:
            found = notification.read(*told)
    except Unusable as error:
        raise _refused(error.status, error.reason, str(error)) from None
    intake: Intake = request.app.state.intake
    await wrap_future(intake.take(Arriving(site.name, name, way.counts_events, found)))
    # HAPI takes nothing but 204 for a topic's Bundle, and sends it again for a minute after
    # anything else.
    return Response(status_code=204)


def _site(settings: Settings, name: str) -> Site:
    try:
        return settings.site(name)
    except ConfigurationError:
        raise _refused(404, "unknown", "There is no such hook.") from None


async def _way(gates: Gates, site: Site, name: str) -> Gate:
    found = gates.known(site, name) or await run_in_threadpool(gates.read, site, name)
    if found is None:
        raise _refused(404, "unknown", "There is no such hook.")
    return found


def _refused(status: int, reason: str, message: str) -> ApiProblem:
    metrics.refused.labels(reason).inc()
    log.warning("notification refused", reason=reason, status=status)
    return ApiProblem(status, message)
