"""Searching a site for what no notification told of: bounded, resumable, in windows that overlap
(Q1, Q15, Q45).

Held by tests/contract/test_sweeping.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import structlog

from integration.configuration.resource_types import WAKING
from integration.ehr.client import EhrClient
from integration.ehr.fhir import references
from integration.ehr.fhir.answers import Json
from integration.ehr.fhir.query import Query
from integration.errors import EhrError, Forbidden, NotFound, Refused
from integration.store import patients, sweeps
from integration.store.sweeps import Window
from integration.triggers import waking
from integration.triggers.notification import Told
from integration.work.engine import Engine, Job
from integration.work.queue import LATER
from integration.work.retries import is_of_the_site

log = structlog.get_logger()

_NEVER = datetime.min.replace(tzinfo=UTC)
TASK, ALL, REFRESH = waking.SWEEP_SITE, "sweep", "refresh"
CAUSE = "sweep"
# What says that a server is not searched so, whatever its CapabilityStatement says.
NOT_SEARCHED = (Forbidden, NotFound, Refused)


def sweep_all(engine: Engine, _: Job) -> None:
    """Every site, by itself: one that is down holds up no other."""
    with engine.store.transaction() as db:
        for site in engine.sites:
            waking.search(db, engine.queue, site)


def sweep(engine: Engine, job: Job) -> None:
    """One site, type by type; what a run does not finish, the next job goes on with."""
    look(engine, job)


def look(engine: Engine, job: Job) -> int:
    """The same; how many changes were found. What keeps us from one type is raised once the others
    had their turn."""
    found, trouble = 0, None
    site = str(job.site)
    client, _ = engine.clients.of(site)
    client.refuse_older()
    pages, again = engine.settings.sweep.pages, False
    if not kinds(client):
        _read_again(engine, site, engine.settings.sweep.fallback_hours)
    for kind in _in_turn(engine, client):
        window = _window(engine, client, kind) if pages > 0 else None
        if window is None:
            continue
        try:
            read, changed, finished = _read(engine, client, window, pages)
        except EhrError as error:
            if is_of_the_site(error) and not isinstance(error, Forbidden):
                raise
            trouble = trouble or error
            if kind == waking.ADMINISTRATION and isinstance(error, NOT_SEARCHED):
                _read_again(engine, site, engine.settings.sweep.fallback_hours)
            continue
        pages, found = pages - read, found + changed
        again = again or (finished and window.wanted)
    if again or pages <= 0:
        with engine.store.transaction() as db:
            engine.queue.add(db, TASK, job.key, {"site": site}, priority=LATER)
    if trouble:
        raise trouble
    return found


def _in_turn(engine: Engine, client: EhrClient) -> list[str]:
    """The types: first those of which a page is the next, which servers do not keep for long, then
    whichever has waited longest. One with many changes holds up no other."""
    with engine.store.transaction() as db:
        windows = {window.kind: window for window in sweeps.of_site(db, client.site.name)}

    def turn(kind: str) -> tuple[bool, datetime]:
        window = windows.get(kind)
        ended = window and window.finished_at
        return not (window and window.window_from), ended or _NEVER

    return sorted(kinds(client), key=turn)


def _window(engine: Engine, client: EhrClient, kind: str) -> Window | None:
    """The one being read; a new one if the type was asked for since the last was begun."""
    with engine.store.transaction() as db:
        window = sweeps.find(db, client.site.name, kind)
    if window and window.window_from:
        return window
    return _begun(engine, client, kind, window) if not window or window.wanted else None


def kinds(client: EhrClient) -> list[str]:
    """What the server can be asked for by the time of its last change, without naming a patient."""
    return [kind for kind in WAKING if _since_parameter(client, kind)]


def _since_parameter(client: EhrClient, kind: str) -> str | None:
    capability = client.capability
    if kind not in capability.searched:
        return None
    if kind == waking.ADMINISTRATION and not capability.profile.lists_administrations:
        return None
    if not capability.profile.lists_patients:
        return None
    return capability.since_param(kind)


def since(engine: Engine, site: str, moment: datetime | None) -> None:
    """Has the next look at a site begin at MOMENT; where the last one ended without one."""
    client, _ = engine.clients.of(site)
    with engine.store.transaction() as db:
        sweeps.want(db, site)
        if moment:
            for kind in kinds(client):
                sweeps.begin(db, site, kind, moment, engine.clock())


def _begun(engine: Engine, client: EhrClient, kind: str, last: Window | None) -> Window:
    settings, now = engine.settings.sweep, engine.clock()
    # Where the last look ended in what is still to come, our clock was ahead.
    start = (
        last.position - timedelta(minutes=settings.overlap_minutes)
        if last and last.position <= now
        else now - timedelta(days=settings.first_days)
    )
    with engine.store.transaction() as db:
        return sweeps.begin(db, client.site.name, kind, start, now)


def _read(engine: Engine, client: EhrClient, window: Window, most: int) -> tuple[int, int, bool]:
    """Reads a window's pages, at most MOST; how many, with how many changes, and whether these were
    the last. Each page is seen to and noted in one transaction."""
    read, found, cursor = 0, 0, window.cursor
    try:
        for told, cursor in _pages(client, window):
            read, found = read + 1, found + len(told)
            with engine.store.transaction() as db:
                waking.wake(db, engine.queue, window.site, told, CAUSE)
                sweeps.advance(db, window, cursor, len({one.patient for one in told}))
            engine.step("swept")
            if read >= most:
                break
    except NOT_SEARCHED as error:
        if window.kind == waking.ADMINISTRATION:
            raise
        log.warning("not searched", site=window.site, kind=window.kind, error=str(error))
    return read, found, read > 0 and cursor is None


def _pages(client: EhrClient, window: Window) -> Iterator[tuple[list[Told], str | None]]:
    for page in client.pages(_query(client, window), fresh=True, start=window.cursor):
        if page.left_out:
            log.warning("left out", site=window.site, kind=window.kind, problem=page.left_out)
        yield (
            [
                changed
                for resource in page.resources
                if (changed := _told(client, window.kind, resource))
            ],
            page.next,
        )


def _query(client: EhrClient, window: Window) -> Query:
    parameter = str(_since_parameter(client, window.kind))
    moment = (window.window_from or window.position).astimezone(UTC)
    params = [(parameter, f"ge{moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}")]
    extra = client.site.subscriptions.criteria.get(window.kind)
    for pair in extra.split("&") if extra else ():
        name, _, value = pair.partition("=")
        params.append((name, value))
    params += list(client.site.search_params.items())
    size = client.site.limits.page_size or client.capability.profile.page_size
    return Query(window.kind, (*params, *([("_count", str(size))] if size else [])))


def _told(client: EhrClient, kind: str, resource: Json) -> Told | None:
    whose = references.subject(resource, client.site.addresses)
    if resource["resourceType"] != kind or not isinstance(resource.get("id"), str):
        return None
    if not whose or not whose.startswith("Patient/"):
        return None
    return Told(kind, resource["id"], whose.removeprefix("Patient/"))


def refresh(engine: Engine, _: Job) -> None:
    """Open records are read again once a day: for what a server does not tell, deletes and late
    entries among it."""
    for site in engine.sites:
        _read_again(engine, site, engine.settings.sweep.refresh_hours)


def _read_again(engine: Engine, site: str, hours: float) -> None:
    """Wakes the patients with open lines whose record was not read for HOURS; where nothing can be
    searched for, that is the sweep."""
    with engine.store.transaction() as db:
        found = patients.stale(
            db,
            site,
            engine.clock() - timedelta(hours=hours),
            engine.settings.sweep.refresh_patients,
        )
        known = patients.known_all(db, site, found)
        engine.queue.assess_all(db, known.values(), "refresh", priority=LATER)
