"""What one assessment takes in calls of functions and bytes of PostgreSQL's log: counts, which do
not depend on what else the machine does.

    python benchmarks/counts.py

Statements and commits are held by `tests/contract/test_counts.py`.
"""

import cProfile
import pstats
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.service import RESULTS, counted, process, settings
from integration.serving import tasks
from integration.serving.process import opened
from integration.store import Store, patients
from integration.work.engine import Engine, Job

PATIENTS = 40


def counts(folder: Path) -> None:
    """Of one patient after the other, in one process."""
    with process("ehr", "0") as ehr:
        assert ehr.stdout
        base = ehr.stdout.readline().decode().strip()
        configured = settings(folder, base, settle_seconds=0)
        with opened(configured) as store:
            engine = tasks.engine(configured, store)
            with store.transaction() as db:
                for number in range(2 * PATIENTS):
                    known = patients.known(db, "bench", f"p{number}")
                    engine.queue.assess(db, known, "notification")
            for _ in range(PATIENTS):  # until every statement is prepared
                work(engine)
            before = logged(store)
            with cProfile.Profile() as profile:
                for _ in range(PATIENTS):
                    work(engine)
            logged_bytes = logged(store) - before
            gaps = counted(store, "select count(*) from gaps") // (2 * PATIENTS)
            assert store.embedded
            store.embedded.stop()
    calls = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    print(
        f"a patient of {gaps} gaps and {RESULTS} results takes {calls / PATIENTS:,.0f} calls of"
        f" functions, and {logged_bytes / PATIENTS / 1024:.1f} KiB of PostgreSQL's log"
    )


def work(engine: Engine) -> None:
    """As a hand of a worker does."""
    with engine.store.queueing() as db:
        taken = engine.queue.take(db)
    assert taken
    engine.run(Job.of(taken.task, taken.key, taken.arguments))
    with engine.store.queueing() as db:
        engine.queue.finish(db, taken)


def logged(store: Store) -> int:
    """Bytes so far."""
    return counted(store, "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ferroclaim-", ignore_cleanup_errors=True) as name:
        counts(Path(name))
