"""Notifications in masses, repeated and out of order: each patient is assessed once they settle."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from integration.serving.worker import Worker
from integration.store.database.connection import QUEUE
from integration.work.queue import WantedJob
from tests import notifications as sent
from tests.contract.test_crashes import eventually
from tests.fakes import chart
from tests.service import Running

PEOPLE = [f"p{number}" for number in range(50)]
SETTLE_SECONDS = 2
_TURNS = """select 'patient:' || p.id, 1 + count(*) filter (where pause > make_interval(secs => %s))
    from (select references_[1] as dose, received_at - lag(received_at) over (
            partition by references_[1] order by received_at) as pause from notifications) n
    join patients p on n.dose like '%%/' || p.fhir_id || '-ma' group by 1"""


@pytest.mark.slow
def test_a_thousand_notifications_of_fifty_patients(running: Callable[..., Running]) -> None:
    """Seven changes of each, every one told three times, shuffled, from eight senders at once, with
    two workers at work."""
    resources = [resource for person in PEOPLE for resource in chart.one_dose(person)]
    service = running(
        resources=resources,
        service={"settle_seconds": SETTLE_SECONDS, "settle_at_most_seconds": 60},
    )
    told = [
        sent.administration(f"{person}-ma", person, str(version))
        for person in PEOPLE
        for version in range(1, 8)
    ]
    told *= 3
    random.Random(4242).shuffle(told)
    assessed: Counter[str] = Counter()
    lock = threading.Lock()
    run = service.engine.run

    def counted(job: object) -> None:
        with lock:
            assessed[job.key] += 1  # type: ignore[attr-defined]
        run(job)  # type: ignore[arg-type]

    service.engine.run = counted  # type: ignore[method-assign]
    workers = [Worker(service.engine, 1, periodic=False) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        with ThreadPoolExecutor(8) as senders:
            assert set(senders.map(service.notify, told)) == {204}
        eventually(lambda: service.rows("select 1 from procrastinate_jobs") == [])
    finally:
        for worker in workers:
            worker.stop()
    assert Counter(service.outcomes())["duplicate"] == 0  # they are answered, not kept
    assert len(service.outcomes()) == 350
    assert set(assessed) == {f"patient:{row[0]}" for row in service.rows("select id from patients")}
    issues = service.fake.of("DetectedIssue")
    assert (
        len({issue["identifier"][0]["value"] for issue in issues})
        == len(issues)
        == service.rows("select count(*) from gaps")[0][0]
    )
    assert {issue["meta"]["versionId"] for issue in issues} == {"1"}
    # Each once for all that came without a pause to settle in, however fast this machine is.
    told_in_turn = service.rows(_TURNS, SETTLE_SECONDS - 0.5)
    print(f"{sum(assessed.values())} assessments of {sum(row[1] for row in told_in_turn)} turns")
    assert {key: assessed[key] for key, turns in told_in_turn if assessed[key] > turns} == {}


def test_a_job_is_found_in_a_long_queue_without_reading_it(running: Callable[..., Running]) -> None:
    """Also before PostgreSQL has counted the rows of a queue that was empty a moment ago."""
    service = running()
    with service.store.transaction() as db:
        db.execute(QUEUE)
        wanted = [
            WantedJob("assess", f"patient:{number}", {"site": "general", "patient": number})
            for number in range(3000)
        ]
        service.engine.queue.add_all(db, wanted)
        read = (
            "select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables where relname = %s"
        )
        before = db.execute(read, ["procrastinate_jobs"]).fetchone()
        found = db.execute("select lock from procrastinate_fetch_job_v2(null, null)").fetchone()
        after = db.execute(read, ["procrastinate_jobs"]).fetchone()
    assert found == ("patient:0",)
    assert before
    assert after
    assert after[0] - before[0] < 20
