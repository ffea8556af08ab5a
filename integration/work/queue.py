"""The queue: a job per patient waits at most once, and is added in the transaction that tells
why.

Held by tests/contract/test_workflow.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integration.configuration.service import Service
from integration.store import Db
from integration.store.database.connection import records
from integration.store.patients import Patient

ASSESS = "assess"
PERSON, USUAL, LATER = 10, 0, -10  # priorities
SWEEP_SECONDS = 5.0  # a sweep finds a patient by one type of resource after the other


@dataclass(frozen=True)
class WantedJob:
    """A job to be added. No two of one KEY ever run at once."""

    task: str
    key: str
    arguments: Mapping[str, Any]
    at: datetime | None = None
    priority: int = USUAL


@dataclass(frozen=True)
class TakenJob:
    """A job at work. `number`: the queue's own."""

    number: int
    task: str
    key: str
    arguments: Mapping[str, Any]


class Queue:
    def __init__(self, service: Service) -> None:
        self._settle = timedelta(seconds=service.settle_seconds)
        self._most = timedelta(seconds=service.settle_at_most_seconds)

    def add(
        self,
        db: Db,
        task: str,
        key: str,
        arguments: Mapping[str, Any],
        *,
        at: datetime | None = None,
        priority: int = USUAL,
    ) -> bool:
        """Adds a job, unless one of that KEY already waits (False): that one will see to this, too,
        and no later."""
        return bool(self.add_all(db, [WantedJob(task, key, arguments, at, priority)]))

    def add_all(self, db: Db, jobs: Sequence[WantedJob]) -> set[str]:
        """The same of several, each of a key of its own; the keys of those that were added."""
        # In one order everywhere, or two transactions wait for each other.
        columns = [_columns(job) for job in sorted(jobs, key=lambda job: job.key)]
        if not columns:
            return set()
        return {key for key, added in db.execute(_ADD, [records(columns)]) if added}

    def assess(self, db: Db, patient: Patient, cause: str, *, priority: int = USUAL) -> bool:
        """Wakes an assessment once nothing more is told for a moment; a person does not wait for
        that."""
        return bool(self.assess_all(db, [patient], cause, priority=priority))

    def assess_all(
        self, db: Db, patients: Collection[Patient], cause: str, *, priority: int = USUAL
    ) -> set[str]:
        """The same of several of one site; the keys of those for whom none waited."""
        now = datetime.now(UTC)
        if priority == USUAL:
            at, until = now + min(self._settle, self._most), (now + self._most).isoformat()
            more = {"until": until}
        else:
            wait = timedelta(0) if priority == PERSON else timedelta(seconds=SWEEP_SECONDS)
            at, more = now + wait, {}
        wanted = [
            WantedJob(ASSESS, patient_key(who.id), {**_arguments(who, cause), **more}, at, priority)
            for who in patients
        ]
        return self.add_all(db, wanted)

    def take(self, db: Db) -> TakenJob | None:
        """The next job that is due, at work from now on; DB: of `Store.queueing`."""
        found = db.execute(_TAKE).fetchone()
        return TakenJob(*found) if found else None

    def finish(self, db: Db, job: TakenJob) -> None:
        """It is done, or waits anew; unless somebody took it over."""
        db.execute(_FINISH, [job.number])


def patient_key(patient_id: int) -> str:
    """The lock of a patient: also to be held by whoever assesses one outside the queue."""
    return f"patient:{patient_id}"


# A more urgent reason moves a job that waits, and so does what is told of patients who have not
# come to rest; one that failed keeps its distance. What is new has no `xmax`.
_ADD = """insert into procrastinate_jobs as waiting
    (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    select 'default', task_name, priority, lock, lock, args, scheduled_at
    from jsonb_populate_recordset(null::procrastinate_jobs, %s)
    on conflict (queueing_lock) where status = 'todo' do update
    set priority = greatest(waiting.priority, excluded.priority),
    scheduled_at = least(excluded.scheduled_at, case when waiting.priority < excluded.priority
        then waiting.scheduled_at else (waiting.args ->> 'until')::timestamptz end)
    where waiting.priority < excluded.priority
    or (waiting.args ? 'until' and excluded.args ? 'until' and waiting.scheduled_at > now())
    returning queueing_lock, xmax = 0"""
_TAKE = """select id, task_name, coalesce(lock, task_name), args
    from procrastinate_fetch_job_v2(null, null) where id is not null"""
_FINISH = "delete from procrastinate_jobs where id = %s and status = 'doing'"


def _columns(job: WantedJob) -> dict[str, Any]:
    return {
        "task_name": job.task,
        "priority": job.priority,
        "lock": job.key,
        "args": job.arguments,
        "scheduled_at": job.at,
    }


def _arguments(patient: Patient, cause: str) -> dict[str, Any]:
    return {"site": patient.site, "patient": patient.id, "cause": cause}
