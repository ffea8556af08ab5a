"""The queue: a job per patient waits at most once, and is added in the transaction that tells
why."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from integration.configuration.service import Service
from integration.store import Db, Store
from integration.store.patients import Patient

ASSESS = "assess"
PERSON, USUAL, LATER = 10, 0, -10  # priorities
SWEEP_SECONDS = 5.0  # a sweep finds a patient by one type of resource after the other


class Queue:
    def __init__(self, store: Store, service: Service) -> None:
        self._settle, self._most = (
            timedelta(seconds=service.settle_seconds),
            timedelta(seconds=service.settle_at_most_seconds),
        )
        self._app = App(connector=SyncPsycopgConnector())
        self._app.open(store.pool)

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
        and no later.

        No two jobs of one KEY ever run at once. The caller's transaction goes on in either case.
        """
        waiting = db.execute(_WAITING, [key]).fetchone()
        if waiting is None:
            try:
                with (
                    db.transaction()
                ):  # a savepoint: a refused duplicate must not spoil what is kept with it
                    self._app.configure_task(
                        task,
                        lock=key,
                        queueing_lock=key,
                        schedule_at=at,
                        priority=priority,
                        connection=db,
                    ).defer(**arguments)
                    return True
            except AlreadyEnqueued:
                pass  # somebody else added it between the two
        if waiting is None or waiting[0] < priority:
            db.execute(_HASTEN, {"key": key, "priority": priority, "at": at})
        return False

    def assess(self, db: Db, patient: Patient, cause: str, *, priority: int = USUAL) -> bool:
        """Wakes an assessment once nothing more is told for a moment; a person does not wait for
        that."""
        now = datetime.now(UTC)
        arguments = {"site": patient.site, "patient": patient.id, "cause": cause}
        key = patient_key(patient.id)
        if priority != USUAL:
            wait = timedelta(0) if priority == PERSON else timedelta(seconds=SWEEP_SECONDS)
            return self.add(db, ASSESS, key, arguments, at=now + wait, priority=priority)
        until = {"until": (now + self._most).isoformat()}
        added = self.add(
            db,
            ASSESS,
            key,
            arguments | until,
            at=now + min(self._settle, self._most),
            priority=priority,
        )
        if not added:
            db.execute(_STILL, {"key": key, "at": now + self._settle})
        return added


_WAITING = "select priority from procrastinate_jobs where queueing_lock = %s and status = 'todo'"
# Only a more urgent reason moves a job that waits: one that failed keeps its distance.
_HASTEN = """update procrastinate_jobs set priority = %(priority)s,
    scheduled_at = least(scheduled_at, %(at)s)
    where queueing_lock = %(key)s and status = 'todo' and priority < %(priority)s"""
# More was told of a patient who has not come to rest.
_STILL = """update procrastinate_jobs set scheduled_at = least((args ->> 'until')::timestamptz,
    %(at)s)
    where queueing_lock = %(key)s and status = 'todo' and args ? 'until' and scheduled_at > now()"""


def patient_key(patient_id: int) -> str:
    """The lock of a patient: also to be held by whoever assesses one outside the queue."""
    return f"patient:{patient_id}"
