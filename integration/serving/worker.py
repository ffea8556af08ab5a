"""A worker: hands that do what is queued, a job at a time each, and go on whatever happens to the
database.

Held by tests/contract/test_crashes.py.
"""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

import procrastinate
import psycopg
import structlog
import uvloop
from procrastinate.exceptions import ConnectorException
from procrastinate.periodic import PeriodicDeferrer
from psycopg_pool import AsyncConnectionPool

from integration.assessing.clients import prepare
from integration.errors import FerroclaimError, said
from integration.serving.stalled import GRACE_SECONDS, take_over
from integration.serving.tasks import register
from integration.store import StoreUnavailable, installation
from integration.store.database.connection import is_quiet
from integration.work.engine import Engine, Job
from integration.work.queue import TakenJob

log = structlog.get_logger()

POLL_SECONDS = 0.5  # jobs that become due are not announced
WATCH_SECONDS = 5.0
RESTART_SECONDS = 1.0
CLOSE_SECONDS = 5.0  # until connections are closed
DRAIN_SECONDS = 30.0  # what is at work when we stop may end


class Worker:
    """Start it, and stop it; or `run` it in the thread at hand."""

    def __init__(
        self, engine: Engine, concurrency: int | None = None, *, periodic: bool = True
    ) -> None:
        self.engine, self._periodic = engine, periodic
        self._concurrency = concurrency or engine.settings.service.workers
        self._digests, self._differing = engine.settings.digests(), list[str]()
        self._stopping, self._news = threading.Event(), threading.Event()
        self._looking = threading.Lock()
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Takes no more jobs, lets those at work end, and returns when they have. Idempotent, from
        any thread."""
        self.ask_to_stop()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        self._news.set()
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    def run(self) -> None:
        """Until `stop`."""
        prepare()
        self._take_over(grace_seconds=1.0)
        hands = [
            threading.Thread(target=self._work, name=f"job_{number}", daemon=True)
            for number in range(self._concurrency)
        ]
        for hand in hands:
            hand.start()
        beside = threading.Thread(target=self._attend_always, name="beside", daemon=True)
        beside.start()
        self._stopping.wait()
        self._news.set()
        # What was just connecting may never hear of it (procrastinate's listening does not).
        beside.join(CLOSE_SECONDS)
        until = time.monotonic() + DRAIN_SECONDS
        for hand in hands:
            hand.join(max(0.0, until - time.monotonic()))

    # The hands

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                if taken := self._next():
                    self.engine.run(Job.of(taken.task, taken.key, taken.arguments))
                    with self.engine.store.queueing() as db:
                        self.engine.queue.finish(db, taken)
            except Exception as error:  # noqa: BLE001 (what is at work is taken over)
                log.warning("work is left to be taken over", error=said(error))
                self._stopping.wait(RESTART_SECONDS)

    def _next(self) -> TakenJob | None:
        """The next job, once there is one; None: there will be none. One hand looks at a time."""
        with self._looking:
            while not self._stopping.is_set():
                self._news.clear()
                if taken := self._taken():
                    return taken
                self._news.wait(POLL_SECONDS)
        return None

    def _taken(self) -> TakenJob | None:
        try:
            with self.engine.store.queueing() as db:
                return self.engine.queue.take(db)
        except StoreUnavailable as error:
            log.warning("worker begins anew", error=said(error))
            self._stopping.wait(RESTART_SECONDS)
            return None

    # What happens beside them

    def _attend_always(self) -> None:
        while not self._stopping.is_set():
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(self._attend())
            except (asyncio.CancelledError, KeyboardInterrupt):
                self._stopping.set()
                return
            except (ConnectorException, psycopg.Error, FerroclaimError, OSError) as error:
                log.warning("worker begins anew", error=said(error))
            self.engine.store.revive()
            self._stopping.wait(RESTART_SECONDS)

    async def _attend(self) -> None:
        """Hears of new jobs, adds those that come by themselves, and takes over those of the
        dead."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopping.is_set():
            return
        connector = procrastinate.PsycopgConnector(
            conninfo=self.engine.store.url,
            min_size=1,
            max_size=3,
            timeout=5,
            pool_factory=_pool,
            kwargs={"application_name": "ferroclaim"},
        )
        app = procrastinate.App(connector=connector)
        register(app, self.engine, periodic=self._periodic)
        async with app.open_async():
            await asyncio.gather(
                app.job_manager.listen_for_jobs(on_notification=self._told),
                PeriodicDeferrer(app.periodic_registry, **app.periodic_defaults).worker(),
                self._watch(),
            )

    async def _told(self, **_: Any) -> None:
        self._news.set()

    async def _watch(self) -> None:
        """Takes over the work of the dead, every few seconds, however busy the queue is."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await asyncio.to_thread(self._take_over)

    def _take_over(self, grace_seconds: float = GRACE_SECONDS) -> None:
        try:
            with self.engine.store.transaction() as db:
                taken = take_over(db, grace_seconds)
                served = installation.served_sites(db)
        except (StoreUnavailable, psycopg.Error) as error:
            log.warning("could not look for stalled work", error=said(error))
            return
        if taken:
            log.info("took over stalled work", jobs=taken)
        self._compare(served)

    def _compare(self, served: Mapping[str, str]) -> None:
        """Two that know a site otherwise would decide of its patients in turn."""
        differing = sorted(
            name for name, digest in self._digests.items() if served.get(name, digest) != digest
        )
        if differing and differing != self._differing:
            log.warning(
                "the configuration of this worker is not that of serve: start both with the same",
                sites=differing,
            )
        self._differing = differing


def _pool(**given: Any) -> AsyncConnectionPool:
    return AsyncConnectionPool(**{**given, "check": _checked})


async def _checked(db: psycopg.AsyncConnection[Any]) -> None:
    if not is_quiet(db):
        await AsyncConnectionPool.check_connection(db)
