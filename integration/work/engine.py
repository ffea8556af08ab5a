"""Runs a job: alone for its key, not while its site rests, and with a decision about everything
that can go wrong.

Held by tests/contract/test_workflow.py.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from integration.assessing.clients import Clients
from integration.configuration.settings import Settings
from integration.errors import EhrError, FerroclaimError
from integration.operating import metrics
from integration.operating.logs import where
from integration.store import Db, Hold, Store, StoreUnavailable, failures, patients, rests
from integration.store.failures import Failure
from integration.store.rests import Rest
from integration.work.crowding import Crowding
from integration.work.queue import Queue
from integration.work.retries import decide, may_be_of_one

log = structlog.get_logger()

_OF_THE_QUEUE = ("site", "attempt", "since", "timestamp", "until")
BUSY_SECONDS = (
    2.0  # somebody else is at it: a worker that was given up too early, or a person's own look
)
CROWDED_SECONDS = 10.0  # its EHR keeps half of our hands
AFTER_OTHERS_SECONDS = 2.0  # after a rest those go first of whom nothing is known yet


@dataclass(frozen=True)
class Job:
    """`arguments` are the task's, without what every job has: its site, how often and since when it
    failed.

    `hold`: of `key`, while the job is being done. What is kept over it is kept only as long as
    nobody else can be at it.
    """

    task: str
    key: str
    site: str | None
    arguments: Mapping[str, Any]
    attempt: int = 0
    since: str | None = None
    hold: Hold | None = None

    @classmethod
    def of(cls, task: str, key: str, arguments: Mapping[str, Any]) -> "Job":
        rest = {name: value for name, value in arguments.items() if name not in _OF_THE_QUEUE}
        return cls(
            task,
            key,
            arguments.get("site"),
            rest,
            arguments.get("attempt", 0),
            arguments.get("since"),
        )

    @property
    def stored(self) -> dict[str, Any]:
        kept = {"site": self.site, "attempt": self.attempt or None, "since": self.since}
        return {
            **self.arguments,
            **{name: value for name, value in kept.items() if value is not None},
        }


def _asked_to_wait(error: Exception) -> float:
    """In seconds."""
    return error.wait_seconds if isinstance(error, EhrError) else 0


# What a job leaves to be kept in the transaction that ends it.
Closing = Callable[[Db], None]
Handler = Callable[["Engine", Job], Closing | None]


@dataclass
class Engine:
    """What a job works with. STEP is told of each step of the workflow: tests end the process
    there."""

    settings: Settings
    store: Store
    queue: Queue
    handlers: Mapping[str, Handler]
    clients: Clients = field(init=False)
    crowding: Crowding = field(init=False)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    step: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.clients = Clients(self.settings, patient=False)
        self.crowding = Crowding(self.settings.service.workers)

    @property
    def sites(self) -> list[str]:
        """Those that the service reads by itself."""
        sites = self.settings.sites.values()
        return [site.name for site in sites if not site.only_people_read]

    def run(self, job: Job) -> None:
        """Does a job, or sees to it that it is done later. Raises only `StoreUnavailable`: then
        nothing is lost, either. One at a site that only people may read is theirs."""
        self.step("begun")
        if job.site in self.settings.sites and job.site not in self.sites:
            log.info("left to people", task=job.task, site=job.site, job=job.key)
            return
        with self.store.holding(job.key) as hold:
            if hold.ours:
                self._unless_it_rests(replace(job, hold=hold), hold)
            else:
                self._later(job, BUSY_SECONDS)
        self.step("over")

    def _unless_it_rests(self, job: Job, hold: Hold) -> None:
        rest, now = self._rest(job, hold), datetime.now(UTC)
        if rest and (until := rest.until(now)):
            self._later(job, (until - now).total_seconds() + random.uniform(0, 1))  # noqa: S311 (spreads load)
            return
        if len(self.sites) > 1 and self.crowding.keeps_hands(job.site):
            self._later(job, CROWDED_SECONDS)
            return
        try:
            with self.crowding.at(job.site):
                closing = self.handlers[job.task](self, job)
            self._succeeded(job, hold, rest, closing)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, the work is not lost)
            self._failed(job, error)

    def _rest(self, job: Job, hold: Hold) -> Rest | None:
        if job.site is None:
            return None
        with hold.singly() as db:
            return rests.find(db, job.site)

    def _later(self, job: Job, seconds: float) -> None:
        with self.store.transaction() as db:
            self._again(db, job, seconds)

    def _again(self, db: Db, job: Job, seconds: float) -> None:
        self.queue.add(
            db,
            job.task,
            job.key,
            job.stored,
            at=datetime.now(UTC) + timedelta(seconds=max(0, seconds)),
        )

    def _succeeded(self, job: Job, hold: Hold, rest: Rest | None, closing: Closing | None) -> None:
        now = datetime.now(UTC)
        with hold.transaction() as db:
            if closing:
                closing(db)
            failures.settled(db, job.task, job.key)
            if job.site is not None and (rest is None or rest.is_news(now)):
                rests.reached(db, job.site, now)
        if rest and rest.failures:
            log.info("site is back", site=job.site)

    def _others_were_read(self, job: Job) -> bool:
        """Whether the site gave other patients' charts since the job failed first."""
        if job.site is None or job.since is None:
            return False
        with self.store.transaction() as db:
            return patients.read_since(db, job.site, datetime.fromisoformat(job.since))

    def _failed(self, job: Job, error: Exception) -> None:
        now = datetime.now(UTC)
        since = datetime.fromisoformat(job.since) if job.since else now
        decision = decide(
            error,
            job.attempt,
            (now - since) / timedelta(hours=1),
            self.settings.service.retry_hours,
            alone=self._others_were_read(job),
            known=job.site is None or job.site in self.settings.sites,
        )
        says = (
            str(error)
            if isinstance(error, FerroclaimError)
            else f"An unexpected error ({type(error).__name__}) at {where(error)}."
        )
        metrics.failures.labels(job.site or "", type(error).__name__, decision.then).inc()
        log.warning(
            "work failed",
            task=job.task,
            site=job.site,
            job=job.key,
            error=says,
            then=decision.then,
            attempt=job.attempt,
        )
        with self.store.transaction() as db:
            match decision.then:
                case "site rests":
                    until = rests.rest(db, str(job.site), says, now, _asked_to_wait(error))
                    seconds = (until - now).total_seconds()
                    if may_be_of_one(error):
                        job = replace(job, since=since.isoformat())
                        seconds += AFTER_OTHERS_SECONDS
                    self._again(db, job, seconds)
                case "again":
                    tried = replace(job, attempt=job.attempt + 1, since=since.isoformat())
                    self._again(db, tried, decision.seconds * random.uniform(0.8, 1.2))  # noqa: S311 (spreads load)
                case "given up":
                    kind = type(error).__name__
                    about = job.arguments.get("patient")
                    fresh = replace(job, attempt=0, since=None)
                    failures.add(
                        db,
                        Failure(
                            job.site or "",
                            job.task,
                            job.key,
                            about,
                            fresh.stored,
                            kind,
                            says,
                            job.attempt + 1,
                        ),
                    )
