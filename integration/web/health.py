"""Whether the process lives, and whether it can work.

Held by tests/contract/test_operating.py.
"""

from datetime import UTC, datetime
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from integration.codes.folder import stale_in_words
from integration.configuration.settings import Settings
from integration.store import DiskFull, NoDescriptors, Store, StoreUnavailable

router = APIRouter(include_in_schema=False)
# Whoever looks after us is answered whatever keeps the threads of all other requests.
_own_threads = CapacityLimiter(2)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """503 while the database does not answer or its disk is full, and where a worker inside has
    stopped. Beside it, which code tables have outlived their time."""
    state = request.app.state
    checks: dict[str, Any] = {
        "database": await to_thread.run_sync(_database, state.store, limiter=_own_threads)
    }
    if state.worker is not None:
        checks["worker"] = "ok" if state.worker.is_alive else "stopped"
    good = all(value == "ok" for value in checks.values())
    stale = await to_thread.run_sync(_stale_tables, state.settings, limiter=_own_threads)
    return JSONResponse(
        {"status": "ok" if good else "unavailable", "checks": checks, "staleTables": stale},
        200 if good else 503,
    )


def _stale_tables(settings: Settings) -> dict[str, list[str]]:
    """By site; old prices keep nobody from working."""
    today = datetime.now(UTC).date()
    return {name: stale_in_words(site.code_dir, today) for name, site in settings.sites.items()}


def _database(store: Store) -> str:
    try:
        store.check()
    except (NoDescriptors, DiskFull) as error:
        return str(error)
    except StoreUnavailable:
        return "unavailable"
    return "ok"
