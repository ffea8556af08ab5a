"""Dead letters: work that was given up, why, and what a person makes of it.

Held by tests/contract/test_worklist.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from integration.store.database.connection import Db


@dataclass(frozen=True)
class Failure:
    """`patient` is the FHIR id, where it is about one. `key` is the lock of the job."""

    site: str
    task: str
    key: str
    patient_id: int | None
    arguments: dict[str, Any]
    error: str
    message: str
    attempts: int
    id: int = 0
    patient: str | None = None
    failed_at: datetime | None = None


_ROWS = """select f.id, f.site, f.task, f.key, f.patient_id, p.fhir_id as patient, f.arguments,
    f.error, f.message, f.attempts, f.failed_at
    from failures f left join patients p on p.id = f.patient_id"""


def every(db: Db, site: str | None = None, most: int | None = None) -> list[Failure]:
    """Those of SITE, or of all; the MOST that failed first, or all."""
    with db.cursor(row_factory=class_row(Failure)) as rows:
        return rows.execute(
            f"{_ROWS} where %s::text is null or f.site = %s order by f.id limit %s",
            [site, site, most],
        ).fetchall()


def count(db: Db) -> int:
    row = db.execute("select count(*) from failures").fetchone()
    return int(row[0]) if row else 0


def find(db: Db, identity: int) -> Failure | None:
    with db.cursor(row_factory=class_row(Failure)) as rows:
        return rows.execute(f"{_ROWS} where f.id = %s for update of f", [identity]).fetchone()


def add(db: Db, failure: Failure) -> None:
    """The latest of a task and key stands for all; `id` and `failed_at` are the database's."""
    db.execute(
        "insert into failures (site, task, key, patient_id, arguments, error, message, attempts)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (task, key) do update set arguments ="
        " excluded.arguments, error = excluded.error, message = excluded.message, attempts ="
        " excluded.attempts, failed_at = now()",
        [
            failure.site,
            failure.task,
            failure.key,
            failure.patient_id,
            Jsonb(failure.arguments),
            failure.error,
            failure.message,
            failure.attempts,
        ],
    )


def waiting_elsewhere(db: Db, sites: Sequence[str]) -> dict[str, int]:
    """How many jobs wait for each site that is none of SITES."""
    return dict(
        db.execute(
            "select args ->> 'site', count(*) from procrastinate_jobs where status = 'todo' and"
            " args ? 'site' and not (args ->> 'site') = any(%s) group by 1 order by 1",
            [list(sites)],
        ).fetchall()
    )


def settled(db: Db, task: str, key: str) -> None:
    """The same work succeeded after all."""
    db.execute("delete from failures where task = %s and key = %s", [task, key])


def remove(db: Db, identity: int) -> None:
    db.execute("delete from failures where id = %s", [identity])
