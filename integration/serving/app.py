"""The web application: routers on one store, with one shape of errors and a limit to what is
read.

Held by tests/contract/test_starting.py.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from integration.cds import services
from integration.cds.origins import OpenToOrigins
from integration.configuration.settings import Settings
from integration.ehr.transport.keys import KnownKeys
from integration.serving.worker import Worker
from integration.store import Store
from integration.triggers.intake import Intake
from integration.triggers.proof import Gates
from integration.web import api, health, pages, problems, sign_in
from integration.web.chart import routes
from integration.web.heads import Heads
from integration.web.hooks import Hooks
from integration.web.limits import BodyLimit, CountRefusals
from integration.web.text import TextOnly
from integration.web.worklist import answering, authorizing, figures, sending
from integration.web.worklist import routes as worklist
from integration.work.queue import Queue

MOST_BYTES = 5 * 2**20  # of any request; a hook's own limit is lower
LARGE_BYTES = {answering.PATH: answering.MOST_BYTES}


def routers() -> list[APIRouter]:
    """Every part of the service that answers requests, but for hooks. A page or an endpoint joins
    it here."""
    return [
        health.router,
        sign_in.router,
        routes.router,
        worklist.router,
        figures.router,
        sending.router,
        authorizing.router,
        api.router,
        api.docs,
        services.router,
    ]


def create_app(
    settings: Settings,
    store: Store | None = None,
    parts: Sequence[APIRouter] | None = None,
    worker: Worker | None = None,
) -> FastAPI:
    """`app.state` holds `settings`, `store`, `keys`, `queue`, `intake` and `gates` for the routers,
    and the WORKER inside, if there is one.

    Without a STORE one is opened, and closed at the end.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        _equip(app, store or Store.open(settings))
        yield
        if store is None:
            app.state.store.close()

    app = FastAPI(
        title="ferroclaim",
        version=version("ferroclaim"),
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,  # it would lead to whatever host a request names
        # FastAPI (seen with 0.165) hands addresses and stack traces, which name patients, to any
        # OpenTelemetry provider of the process: https://fastapi.tiangolo.com/reference/fastapi/
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.worker = worker
    if store is not None:
        _equip(app, store)
    app.add_middleware(OpenToOrigins, prefix=services.router.prefix)
    app.add_middleware(Hooks)
    app.add_middleware(BodyLimit, limit=MOST_BYTES, larger=LARGE_BYTES)
    app.add_middleware(TextOnly)
    app.add_middleware(Heads)
    app.add_middleware(CountRefusals)
    problems.install(app)
    pages.install(app)
    for part in routers() if parts is None else parts:
        app.include_router(part)
    return app


def _equip(app: FastAPI, store: Store) -> None:
    app.state.store = store
    app.state.keys = KnownKeys(app.state.settings.key_files)
    app.state.queue = Queue(app.state.settings.service)
    app.state.intake = Intake(store, app.state.queue)
    app.state.gates = Gates(store)
