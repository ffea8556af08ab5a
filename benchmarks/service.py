"""Assessments per second with one and two workers, the processor time of one, and the time from a
dose in HAPI to its DetectedIssue.

    python benchmarks/service.py [workers] [hapi]

Rates of a shared machine mean little by themselves; processor time and ratios within one run do.
FERROCLAIM_HAPI_URL names a running HAPI. Notifications are in `hooks.py`.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import psutil

from integration.configuration.settings import Settings
from integration.serving import tasks
from integration.store import Store, patients
from tests.fakes import chart, modes
from tests.plugins import hapi

ROOT = Path(__file__).parents[1]
PATIENTS, RESULTS = 300, 60
MEASURED = {"value": 42, "unit": "ng/mL", "system": "http://unitsofmeasure.org", "code": "ng/mL"}
DOSES = 20
SECRET = "a-benchmark-secret"  # noqa: S105


def settings(folder: Path, base_url: str, **service: Any) -> Settings:
    site = {
        "base_url": base_url,
        "vendor": "hapi",
        "time_zone": "America/New_York",
        "hooks": {"lab": {"secret": SECRET}},
    }
    return Settings.model_validate(
        {
            "data_dir": folder,
            "service": service,
            "sites": {"bench": site},
            "log": {"level": "error"},
        }
    )


@contextmanager
def process(*arguments: str, script: str = "service") -> Iterator["subprocess.Popen[bytes]"]:
    started = subprocess.Popen(
        [sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), *arguments],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait()


# Assessments


@dataclass(frozen=True)
class Spent:
    """Processor seconds so far: of our workers, of PostgreSQL, of the fake EHR."""

    at: float
    workers: float
    postgres: float
    ehr: float

    @classmethod
    def by(cls, store: Store, workers: list[int], ehr: int) -> "Spent":
        assert store.embedded
        first = store.embedded._first_pid()
        assert first
        own = [psutil.Process(pid) for pid in workers]
        return cls(
            time.perf_counter(),
            sum(map(seconds, own)),
            seconds(psutil.Process(first), whole=True),
            seconds(psutil.Process(ehr)),
        )

    def since(self, before: "Spent") -> "Spent":
        return Spent(*(getattr(self, n) - getattr(before, n) for n in self.__dataclass_fields__))

    @property
    def cores(self) -> float:
        return (self.workers + self.postgres + self.ehr) / self.at


def seconds(process: psutil.Process, *, whole: bool = False) -> float:
    """Of a process; WHOLE: with its children, those that ended included."""
    try:
        spent = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    own = float(spent.user + spent.system)
    if not whole:
        return own
    ended = float(spent.children_user + spent.children_system)
    return own + ended + sum(seconds(child) for child in process.children())


def workers(folder: Path) -> None:
    for latency in (0, 20, 100):
        for hands in (1, 2):
            spent, patients_, gaps = assessed(folder / f"{latency}-{hands}", latency, hands)
            print(
                f"fake EHR that takes {latency} ms, {hands} worker(s): {patients_ / spent.at:.0f}"
                f" patients of {gaps} gaps a second; of each {1000 * spent.workers / patients_:.1f}"
                f" ms in the worker, {1000 * spent.postgres / patients_:.1f} ms in PostgreSQL,"
                f" {1000 * spent.ehr / patients_:.1f} ms in the EHR; {spent.cores:.2f} of"
                f" {os.cpu_count()} cores busy with it",
                flush=True,
            )


def assessed(folder: Path, latency: int, hands: int) -> tuple[Spent, int, int]:
    """What it took to read, assess, keep and write back patients, from a tenth of them done to nine
    tenths; how many; and the gaps of one."""
    folder.mkdir()
    with ExitStack() as running:
        ehr = running.enter_context(process("ehr", str(latency)))
        assert ehr.stdout
        configured = settings(folder, ehr.stdout.readline().decode().strip(), settle_seconds=0)
        with Store.open(configured) as store:
            engine = tasks.engine(configured, store)
            with store.transaction() as db:
                for number in range(PATIENTS):
                    engine.queue.assess(
                        db, patients.known(db, "bench", f"p{number}"), "notification"
                    )
            text = configured_as_text(configured)
            started = [running.enter_context(process("worker", text)).pid for _ in range(hands)]
            begun = waiting(store, PATIENTS * 9 // 10)
            first = Spent.by(store, started, ehr.pid)
            ended = waiting(store, PATIENTS // 10)
            last = Spent.by(store, started, ehr.pid)
            waiting(store, 0)
            owed = "select count(*) from write_backs where state <> 'confirmed'"
            assert counted(store, owed) == counted(store, "select count(*) from failures") == 0
            gaps = counted(store, "select count(*) from gaps") // PATIENTS
            running.close()
            assert store.embedded
            store.embedded.stop()
    return last.since(first), begun - ended, gaps


def waiting(store: Store, most: int) -> int:
    """How many patients are not done, once there are no more than MOST. Asking is what PostgreSQL
    does besides, so it is done seldom."""
    while (left := counted(store, "select count(*) from procrastinate_jobs")) > most:
        time.sleep(0.1)
    return left


def counted(store: Store, query: str) -> int:
    with store.transaction() as db:
        row = db.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


# From a dose to its DetectedIssue


def from_hapi(folder: Path) -> None:
    from tests.e2e.test_service import Fhir, Service

    prefix = f"b{int(time.time())}"
    with real() as base:
        fhir = Fhir(base, lambda name: f"{prefix}-{name}")
        service = Service(fhir, folder)
        service.configure(people=[f"p{number}" for number in range(DOSES)])
        service.start()
        try:
            service.run("subscribe")
            rows = [timed(fhir, service, f"p{number}") for number in range(DOSES)]
        finally:
            service.run("subscribe", "--remove")
            service.close()
    total = [row[0] for row in rows]
    p50, p95 = statistics.median(total), statistics.quantiles(total, n=20)[18]
    print(
        f"from the write of a dose to its DetectedIssue on HAPI: p50 {p50:.2f} s, p95 {p95:.2f} s"
    )
    parts = [statistics.median(part) for part in zip(*(row[1:] for row in rows), strict=True)]
    print(
        f"  of which (medians) HAPI until it told us {parts[0]:.2f} s, settling and queue"
        f" {parts[1]:.2f} s, reading, assessing and writing back {parts[2]:.2f} s"
    )
    print(
        f"  HAPI's share {parts[0] / p50:.0%}; it looks for changes every half second, we let a"
        " patient settle for one"
    )


def timed(fhir: Any, service: Any, person: str) -> tuple[float, float, float, float]:
    begun = datetime.now(UTC)
    fhir.put(*fhir.dose(person))
    while not fhir.issues(person):
        time.sleep(0.05)
    total = (datetime.now(UTC) - begun).total_seconds()
    query = """select min(n.received_at), p.assessed_at, max(b.changed_at) from patients p
        join write_backs b on b.patient_id = p.id join notifications n on n.references_ @> array[%s]
        where p.fhir_id = %s group by p.assessed_at"""
    while not (
        found := service.rows(
            query, f"MedicationAdministration/{fhir.fresh(person)}-ma", fhir.fresh(person)
        )
    ):
        time.sleep(0.05)
    told_at, read_at, written_at = found[0]
    return total, *(
        (b - a).total_seconds()
        for a, b in ((begun, told_at), (told_at, read_at), (read_at, written_at))
    )


@contextmanager
def real() -> Iterator[str]:
    if running := os.environ.get("FERROCLAIM_HAPI_URL"):
        yield running.rstrip("/")
        return
    hapi.build()
    with tempfile.TemporaryDirectory() as folder, hapi.serving(Path(folder)) as url:
        yield url


# The other processes


def configured_as_text(configured: Settings) -> str:
    plain = configured.model_dump(mode="json", exclude_defaults=True)
    plain["sites"]["bench"]["hooks"] = {"lab": {"secret": SECRET}}
    return json.dumps(plain)


def work(text: str) -> None:
    from integration.serving.process import opened
    from integration.serving.worker import Worker

    configured = Settings.model_validate_json(text)
    with opened(configured) as store:
        worker = Worker(tasks.engine(configured, store), periodic=False)
        signal.signal(signal.SIGTERM, lambda *_: worker.ask_to_stop())
        worker.start()
        while worker.is_alive:
            time.sleep(0.1)


class FakeEhr:
    """Answers batches and transactions out of memory: every patient has one dose, RESULTS results,
    and no gap yet."""

    def __init__(self, latency_ms: float) -> None:
        self._latency = latency_ms / 1000

    async def serve(self) -> None:
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir", flush=True)
        await server.serve_forever()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                length = next(
                    (
                        int(value)
                        for name, value in fields.items()
                        if name.lower() == b"content-length"
                    ),
                    0,
                )
                body = await reader.readexactly(length)
                await asyncio.sleep(self._latency)
                answer = msgspec.json.encode(self.answer(head.split(b" ", 2)[1].decode(), body))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length:"
                    b" %d\r\n\r\n" % len(answer) + answer
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, path: str, body: bytes) -> Any:
        if path.endswith("/metadata"):
            return modes.statement(modes.HAPI)
        bundle = msgspec.json.decode(body)
        if bundle["type"] == "transaction":
            return {
                "resourceType": "Bundle",
                "type": "transaction-response",
                "entry": [done(entry) for entry in bundle["entry"]],
            }
        entries = [
            {"response": {"status": "200 OK"}, "resource": found(entry["request"]["url"])}
            for entry in bundle["entry"]
        ]
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}


def done(entry: dict[str, Any]) -> Any:
    return {
        "response": {
            "status": "201 Created",
            "location": f"{entry['request']['url']}/_history/1",
            "etag": 'W/"1"',
        }
    }


def found(url: str) -> Any:
    parts = urlsplit(url)
    if parts.path.startswith("Patient/"):
        return {"resourceType": "Patient", "id": parts.path.removeprefix("Patient/")}
    patient = parse_qs(parts.query).get("patient", [""])[0]
    rows: list[Any] = []
    if parts.path == "MedicationAdministration":
        rows = chart.one_dose(patient)[1:]
    elif parts.path == "Observation" and "code" not in parts.query:
        days = [str(date(2026, 1, 10) - timedelta(weeks=n)) for n in range(RESULTS)]
        rows = [
            chart.ferritin(f"{patient}-{day}", day, patient, valueQuantity=MEASURED) for day in days
        ]
    entries = [{"resource": row, "search": {"mode": "match"}} for row in rows]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(rows), "entry": entries}


def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="ferroclaim-", ignore_cleanup_errors=True) as folder:
        for name, benchmark in (("workers", workers), ("hapi", from_hapi)):
            if not wanted or name in wanted:
                (Path(folder) / name).mkdir()
                benchmark(Path(folder) / name)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["worker", text]:
            work(text)
        case ["ehr", latency]:
            asyncio.run(FakeEhr(float(latency)).serve())
        case wanted:
            main(wanted)
