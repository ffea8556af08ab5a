"""/hooks/{site}/{name}: notifications of any shape, answered once they are kept, refused where they
cannot be trusted."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from integration.configuration.settings import Settings
from integration.configuration.site import Site
from integration.errors import ConfigurationError
from integration.operating import metrics
from integration.store import Store
from integration.triggers import notification
from integration.triggers.accepting import accept
from integration.triggers.notification import Unusable
from integration.triggers.proof import Gate, gate
from integration.web.problems import ApiProblem
from integration.work.queue import Queue

log = structlog.get_logger()

router = APIRouter(tags=["hooks"])

_TYPES = ("application/fhir+json", "application/json", "application/json+fhir")


async def raw_body(request: Request) -> bytes:
    """As it came: a signature is of these bytes. Read in a dependency, since FastAPI refuses
    fhir+json as a body type."""
    limit = request.app.state.settings.service.hook_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _refused(413, "too-large", f"The body is larger than {limit} bytes.")
    return bytes(body)


Body = Annotated[bytes, Depends(raw_body)]


@router.post("/hooks/{site}/{name}", status_code=204)
@router.put("/hooks/{site}/{name}", status_code=204)
async def notified(request: Request, site: str, name: str, body: Body) -> Response:
    """A notification: R4 rest-hook (a resource, or nothing), R4 backport topics, R4B and R5 topics,
    athenahealth, Medplum."""
    return await run_in_threadpool(_notified, request, site, name, "", body)


@router.put("/hooks/{site}/{name}/{kind}/{identity}", status_code=204)
@router.post("/hooks/{site}/{name}/{kind}/{identity}", status_code=204)
@router.delete("/hooks/{site}/{name}/{kind}/{identity}", status_code=204)
async def notified_of(
    request: Request, site: str, name: str, kind: str, identity: str, body: Body
) -> Response:
    """The same, as HAPI sends it where a payload is asked for: like a client that updates or
    deletes the resource."""
    return await run_in_threadpool(_notified, request, site, name, f"{kind}/{identity}", body)


def _notified(request: Request, site_name: str, name: str, path: str, body: bytes) -> Response:
    settings: Settings = request.app.state.settings
    store: Store = request.app.state.store
    queue: Queue = request.app.state.queue
    site, way = _gate(settings, store, site_name, name)
    if not way.opens(request.headers, body):
        raise _refused(401, "secret", "The secret or the signature is missing or wrong.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind not in _TYPES:
        raise _refused(415, "content-type", "Send application/fhir+json.")
    try:
        found = notification.read(request.method, path, body, site.base_url, request.headers)
    except Unusable as error:
        raise _refused(error.status, error.reason, str(error)) from None
    accept(store, queue, site.name, name, way.counts_events, found)
    # HAPI takes nothing but 204 for a topic's Bundle, and sends it again for a minute after
    # anything else.
    return Response(status_code=204)


def _gate(settings: Settings, store: Store, site_name: str, name: str) -> tuple[Site, Gate]:
    try:
        site = settings.site(site_name)
    except ConfigurationError:
        raise _refused(404, "unknown", "There is no such hook.") from None
    found = gate(store, site, name)
    if found is None:
        raise _refused(404, "unknown", "There is no such hook.")
    return site, found


def _refused(status: int, reason: str, message: str) -> ApiProblem:
    metrics.refused.labels(reason).inc()
    log.warning("notification refused", reason=reason, status=status)
    return ApiProblem(status, message)
