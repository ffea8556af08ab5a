"""A worker: takes jobs from the queue in a thread of its own, and goes on whatever happens to the
database.

Held by tests/contract/test_crashes.py.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
import psycopg
import structlog
import uvloop
from procrastinate.exceptions import ConnectorException
from psycopg_pool import AsyncConnectionPool

from integration.errors import FerroclaimError
from integration.serving.stalled import GRACE_SECONDS, take_over
from integration.serving.tasks import register
from integration.store import StoreUnavailable
from integration.store.database.connection import is_quiet
from integration.work.engine import Engine

log = structlog.get_logger()

POLL_SECONDS = 0.5  # jobs that become due are not announced
WATCH_SECONDS = 5.0
RESTART_SECONDS = 1.0
DRAIN_SECONDS = 30.0  # what is at work when we stop may end

# The next job is the first of an index. Of a queue that was empty when its rows were last counted,
# PostgreSQL would sort all of it for each job.
QUEUE = "set synchronous_commit = off; set enable_sort = off; set enable_bitmapscan = off"


class Worker:
    """Start it, and stop it; or `run` it in the thread at hand."""

    def __init__(
        self, engine: Engine, concurrency: int | None = None, *, periodic: bool = True
    ) -> None:
        self.engine, self._periodic = engine, periodic
        self._concurrency = concurrency or engine.settings.service.workers
        self._stopping = threading.Event()
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
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    def run(self) -> None:
        """Until `stop`. A worker that loses the database begins anew."""
        while not self._stopping.is_set():
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(self._work())
            except (asyncio.CancelledError, KeyboardInterrupt):
                break
            except (ConnectorException, psycopg.Error, FerroclaimError, OSError) as error:
                log.warning("worker begins anew", error=type(error).__name__)
            self.engine.store.revive()
            self._stopping.wait(RESTART_SECONDS)

    async def _work(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopping.is_set():
            return
        self._loop.set_exception_handler(_unheard)
        self._loop.set_default_executor(
            ThreadPoolExecutor(self._concurrency + 2, thread_name_prefix="job")
        )
        self._take_over(grace_seconds=1.0)
        connector = procrastinate.PsycopgConnector(
            conninfo=self.engine.store.url,
            min_size=1,
            max_size=self._concurrency + 3,
            timeout=5,
            pool_factory=_pool,
            configure=_each_by_itself,
            kwargs={"application_name": "ferroclaim"},
        )
        app = procrastinate.App(connector=connector)
        register(app, self.engine, periodic=self._periodic)
        watch = asyncio.create_task(self._watch())
        try:
            async with app.open_async():
                await app.run_worker_async(
                    concurrency=self._concurrency,
                    fetch_job_polling_interval=POLL_SECONDS,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=DRAIN_SECONDS,
                )
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """Takes over the work of the dead, every few seconds, however busy the queue is."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await asyncio.to_thread(self._take_over)

    def _take_over(self, grace_seconds: float = GRACE_SECONDS) -> None:
        try:
            with self.engine.store.transaction() as db:
                taken = take_over(db, grace_seconds)
        except (StoreUnavailable, psycopg.Error) as error:
            log.warning("could not look for stalled work", error=type(error).__name__)
            return
        if taken:
            log.info("took over stalled work", jobs=taken)


def _pool(**given: Any) -> AsyncConnectionPool:
    return AsyncConnectionPool(**{**given, "check": _checked})


async def _each_by_itself(db: psycopg.AsyncConnection[Any]) -> None:
    """The queue asks one statement at a time, which needs no transaction around it, nor has to be
    waited for: a beginning or an end that PostgreSQL forgets is a job done again."""
    await db.set_autocommit(True)
    await db.execute(QUEUE)


async def _checked(db: psycopg.AsyncConnection[Any]) -> None:
    if not is_quiet(db):
        await AsyncConnectionPool.check_connection(db)


def _unheard(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What procrastinate could not note because the database was away: the job is taken over when
    it is back."""
    log.warning("a job's end could not be noted", error=type(context.get("exception")).__name__)
