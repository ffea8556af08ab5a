"""`kill -9` of a worker at each step of its work, and of PostgreSQL: what stands in the EHR
afterward is whole, once."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.configuration.settings import Settings
from integration.serving.stalled import take_over
from integration.serving.worker import Worker
from integration.store import Store, StoreUnavailable
from tests.crashing import POINTS
from tests.fakes import chart, modes
from tests.fakes.ehr import FakeEhr
from tests.service import Running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 60.0
# A server that leaves everything to us: no ids of ours, no conditional create, no transaction.
BARE = replace(
    modes.MEDPLUM,
    name="generic",
    conditional_create=False,
    transaction=False,
    lists_batch=False,
    batch=False,
)


@pytest.fixture(scope="module")
def workers() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "crashing.py")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def crash(service: Running, point: str, workers: subprocess.Popen[str]) -> None:
    """Has a worker process die at POINT, with the job in its hands."""
    settings = service.settings.model_dump(mode="json", exclude_defaults=True)
    settings["database_url"] = service.store.url
    settings["sites"]["general"]["hooks"] = {}
    assert workers.stdin
    assert workers.stdout
    print(json.dumps([point, settings]), file=workers.stdin, flush=True)
    assert workers.stdout.readline() == f"{signal.SIGKILL.value}\n"


def recover(service: Running) -> None:
    """Another worker, as soon as PostgreSQL knows that the first is gone."""

    def taken() -> int:
        with service.store.transaction() as db:
            return take_over(db, grace_seconds=0)

    eventually(taken)
    service.work(rounds=3)
    assert service.queued() == []


def open_gaps(service: Running) -> set[str]:
    owed = "select id from gaps where closed_at is null and (document ->> 'writeBack')::boolean"
    return {row[0] for row in service.rows(owed)}


def standing(service: Running) -> dict[str, tuple[str, str]]:
    """By gap, status and version of its issue. A second issue of one gap fails here."""
    found = [
        (issue["identifier"][0]["value"], (issue["status"], issue["meta"]["versionId"]))
        for issue in service.fake.of("DetectedIssue")
    ]
    assert max(Counter(gap for gap, _ in found).values(), default=1) == 1
    return dict(found)


AROUND_THE_WRITE = ("kept", "sending", "answered", "written")


@pytest.mark.parametrize(
    ("point", "mode"),
    [*((point, "hapi") for point in POINTS), *((point, "generic") for point in AROUND_THE_WRITE)],
)
def test_a_worker_killed_at(
    point: str,
    mode: str,
    running: Callable[..., Running],
    workers: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(modes.MODES, "generic", BARE)
    service = running(mode)
    service.assess()
    crash(service, point, workers)
    recover(service)
    gaps = open_gaps(service)
    assert standing(service) == dict.fromkeys(gaps, ("preliminary", "1"))
    assert service.rows("select distinct state from write_backs") == [("confirmed",)]

    quantity = {
        "value": 42,
        "unit": "ng/mL",
        "system": "http://unitsofmeasure.org",
        "code": "ng/mL",
    }
    service.fake.store(chart.ferritin("f1", valueQuantity=quantity))
    service.assess()
    crash(service, point, workers)
    recover(service)
    closed = gaps - open_gaps(service)
    assert len(closed) == 1
    assert standing(service) == {
        gap: ("final", "2") if gap in closed else ("preliminary", "1") for gap in gaps
    }


@pytest.fixture
def embedded(ehr: Callable[..., FakeEhr], shared_folder: Path) -> Iterator[Running]:
    """A service on an embedded PostgreSQL of its own, six patients before it, with an EHR that
    takes its time."""
    resources = [resource for number in range(6) for resource in chart.one_dose(f"p{number}")]
    fake = ehr("hapi", latency_seconds=0.05).load(resources)
    with Store.open(Settings(data_dir=shared_folder)) as store:
        service = Running(fake, store)
        yield service
        service.close()
        assert store.embedded is not None
        store.embedded.stop()


def test_postgres_killed_under_work(embedded: Running) -> None:
    service = embedded
    for number in range(6):
        service.assess(f"p{number}")
    pulled = threading.Event()
    service.engine.step = lambda step: pulled.set() if step == "pulled" else None
    worker = Worker(service.engine, 2, periodic=False)
    worker.start()
    try:
        for _ in range(2):
            pulled.clear()
            if pulled.wait(10):
                kill_postgres(service.store)
        eventually(lambda: service.rows("select 1 from procrastinate_jobs") == [])
    finally:
        worker.stop()
    assert worker_saw(service) == 6
    gaps = open_gaps(service)
    assert standing(service) == dict.fromkeys(gaps, ("preliminary", "1"))
    assert len(gaps) >= 6 * 5


def test_a_notification_while_postgres_is_away_is_refused_and_then_taken(embedded: Running) -> None:
    from tests.notifications import administration

    kill_postgres(embedded.store)
    answers = [embedded.notify(administration("p0-ma", "p0"))]
    while answers[-1] != 204 and len(answers) < 100:
        time.sleep(0.1)
        answers.append(embedded.notify(administration("p0-ma", "p0")))
    assert set(answers) <= {503, 204}
    assert embedded.queued() == ["patient:1"]


def kill_postgres(store: Store) -> None:
    """The one that runs: where one was killed already, its successor."""
    embedded = store.embedded
    assert embedded is not None
    eventually(lambda: _killed(embedded._first_pid()))


def _killed(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def worker_saw(service: Running) -> int:
    return int(service.rows("select count(*) from patients where concerns_us")[0][0])


def eventually(check: Callable[[], Any]) -> None:
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        try:
            if check():
                return
        except StoreUnavailable:
            pass
        time.sleep(0.2)
    pytest.fail("it did not get there in time")
