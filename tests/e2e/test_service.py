"""The service before a real HAPI: told by a Subscription, killed, started again, and what stands in
the charts meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from integration.store.database.embedded import Embedded
from tests.fakes import chart

Fresh = Callable[[str], str]
Json = dict[str, Any]

FHIR_JSON = {
    "Content-Type": "application/fhir+json",
    "Accept": "application/fhir+json",
    "Cache-Control": "no-cache",
}
WAIT_SECONDS = 90.0
OURS = ("MedicationAdministration", "Observation")
PEOPLE = [f"p{number}" for number in range(8)]


def eventually(check: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.2)
    pytest.fail(f"{what} did not come in time")


class Fhir:
    """HAPI, with ids that no other test has."""

    def __init__(self, base: str, fresh: Fresh) -> None:
        self.base, self.fresh = base, fresh
        self.session = requests.Session()
        self.session.headers.update(FHIR_JSON)

    def put(self, *resources: Json) -> None:
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources
        ]
        answer = self.session.post(
            self.base,
            data=json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}),
        )
        assert answer.status_code == 200, answer.text

    def dose(self, person: str) -> list[Json]:
        """A chart with a dose and nothing documented."""
        return chart.one_dose(self.fresh(person))

    def ferritin(self, person: str) -> Json:
        """What closes one of its gaps."""
        quantity = {
            "value": 42,
            "unit": "ng/mL",
            "system": "http://unitsofmeasure.org",
            "code": "ng/mL",
        }
        return chart.ferritin(
            self.fresh(f"{person}-ferritin"), patient=self.fresh(person), valueQuantity=quantity
        )

    def delete(self, kind: str, name: str) -> None:
        assert self.session.delete(f"{self.base}/{kind}/{self.fresh(name)}").ok

    def issues(self, person: str) -> list[Json]:
        """Our DetectedIssues of a patient."""
        bundle = self.session.get(
            f"{self.base}/DetectedIssue?patient={self.fresh(person)}&_count=200"
        ).json()
        return [entry["resource"] for entry in bundle.get("entry", [])]

    def subscriptions(self, endpoint: str) -> list[Json]:
        bundle = self.session.get(f"{self.base}/Subscription?_count=500").json()
        rows = [entry["resource"] for entry in bundle.get("entry", [])]
        return [row for row in rows if row["channel"]["endpoint"].startswith(endpoint)]


class Service:
    """`ferroclaim serve` as a process, with an embedded PostgreSQL, watching this test's patients
    alone."""

    def __init__(self, fhir: Fhir, folder: Path) -> None:
        self.folder, self.fhir = folder, fhir
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "ferroclaim.toml"
        self.configure()
        self.processes: list[subprocess.Popen[bytes]] = []

    def configure(
        self, subscriptions: Json | None = None, people: list[str] = PEOPLE, **site: Any
    ) -> None:
        """Its file; a table inside a table is written as an inline one."""
        ours = "subject=" + ",".join(f"Patient/{self.fhir.fresh(person)}" for person in people)
        wanted = {
            "types": list(OURS),
            "criteria": dict.fromkeys(OURS, ours),
            **(subscriptions or {}),
        }
        tables = {
            "service": {"port": self.port},
            "sweep": {"first_days": 0},
            "sites.hapi": {"base_url": self.fhir.base, "time_zone": "America/New_York", **site},
            "sites.hapi.subscriptions": wanted,
        }
        text = ['data_dir = "data"']
        for name, table in tables.items():
            text += [f"[{name}]", *(f"{key} = {toml(value)}" for key, value in table.items())]
        self.config.write_text("\n".join(text) + "\n")

    def start(self, command: str = "serve") -> "subprocess.Popen[bytes]":
        with (self.folder / f"{command}.log").open("ab") as log:
            arguments = [executable(), command, "--config", str(self.config)]
            process = subprocess.Popen(arguments, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        if command == "serve":
            eventually(self.is_ready, "the service")
        return process

    def is_ready(self) -> bool:
        assert self.processes[-1].poll() is None, (self.folder / "serve.log").read_text()
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def run(self, *arguments: str, expect: int = 0) -> str:
        command = [executable(), *arguments, "--config", str(self.config)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, timeout=120, check=False
        )
        assert done.returncode == expect, done.stderr
        return done.stdout

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(Embedded(self.folder / "data" / "postgres").start()) as db:
            return db.execute(query.encode(), values).fetchall()

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                assert process.wait(60) == 0
        Embedded(self.folder / "data" / "postgres").stop()


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items())
            + "}"
        )
    return json.dumps(value)


def executable() -> str:
    return str(Path(sys.executable).with_name("ferroclaim"))


@pytest.fixture
def fhir(hapi: str, fresh: Fresh) -> Iterator[Fhir]:
    made = Fhir(hapi, fresh)
    with made.session:
        yield made


@pytest.fixture
def service(fhir: Fhir, shared_folder: Path) -> Iterator[Service]:
    made = Service(fhir, shared_folder)
    try:
        yield made
        for subscription in fhir.subscriptions(made.url):
            fhir.session.delete(f"{fhir.base}/Subscription/{subscription['id']}")
    finally:
        made.close()


def is_open(issue: Json) -> bool:
    return issue["status"] in ("preliminary", "amended")


def gap_of(issue: Json) -> str:
    return str(issue["identifier"][0]["value"])


def by_requirement(issues: list[Json]) -> dict[str, str]:
    """Status by requirement; a second issue of one gap fails here."""
    assert max(Counter(gap_of(issue) for issue in issues).values(), default=0) <= 1
    return {issue["code"]["coding"][0]["code"]: issue["status"] for issue in issues}


def test_told_by_a_subscription(service: Service, fhir: Fhir) -> None:
    service.start()
    said = service.run("subscribe")
    assert [line.split("\t")[1:] for line in said.splitlines()] == [
        ["medication-administration", "created", "active"],
        ["observation", "created", "active"],
    ]
    assert "kept\tactive" in service.run("subscribe")

    fhir.put(*fhir.dose("p0"))
    first = eventually(lambda: fhir.issues("p0"), "the first DetectedIssue")
    assert by_requirement(first)["ferritin"] == "preliminary"

    fhir.put(fhir.ferritin("p0"))
    eventually(
        lambda: by_requirement(fhir.issues("p0")).get("ferritin") == "final", "the closed gap"
    )
    assert {
        issue["meta"]["versionId"]
        for issue in fhir.issues("p0")
        if issue["status"] == "preliminary"
    } == {"1"}

    fhir.put({**fhir.dose("p0")[1], "status": "entered-in-error"})
    eventually(
        lambda: set(by_requirement(fhir.issues("p0")).values()) == {"final", "cancelled"},
        "the canceled gaps",
    )

    # Our own writes told nobody, and each change of the chart was one notification, one assessment.
    assert service.rows(
        "select distinct split_part(unnest(references_), '/', 1) from notifications order by 1"
    ) == [
        ("MedicationAdministration",),
        ("Observation",),
    ]
    assert service.rows("select count(*) from assessments") == [(3,)]
    assert all(
        line.split("\t")[2] == "removed"
        for line in service.run("subscribe", "--remove").splitlines()
    )
    assert fhir.subscriptions(service.url) == []


def test_a_deleted_dose_is_told_too(service: Service, fhir: Fhir) -> None:
    """HAPI deletes nothing that an issue of ours points to, so none is written here."""
    service.configure(write_back="worklist")
    service.start()
    service.run("subscribe")
    fhir.put(*fhir.dose("p0"))
    eventually(lambda: service.rows("select 1 from lines"), "the line")
    fhir.delete("MedicationAdministration", "p0-ma")
    eventually(
        lambda: service.rows("select 1 from notifications where shape = 'delete'"), "the delete"
    )
    eventually(lambda: service.rows("select 1 from lines") == [], "the end of the line")


def test_what_went_by_while_we_were_down_is_swept_up(service: Service, fhir: Fhir) -> None:
    """HAPI gives up after a minute; here nobody subscribed at all."""
    service.start()
    service.kill()
    fhir.put(*(row for person in PEOPLE[:3] for row in fhir.dose(person)))
    service.start()
    service.run(
        "sweep", "--since", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))
    )
    for person in PEOPLE[:3]:
        eventually(lambda who=person: fhir.issues(who), "a DetectedIssue")  # type: ignore[misc]


def test_killed_under_load_with_two_workers(service: Service, fhir: Fhir) -> None:
    service.start()
    service.run("subscribe")
    service.start("worker")
    fhir.put(*(row for person in PEOPLE for row in fhir.dose(person)))
    eventually(
        lambda: (
            service.rows("select 1 from write_backs where state = 'sent' limit 1")
            or fhir.issues("p0")
        ),
        "work",
    )
    service.kill()
    fhir.put(*(fhir.ferritin(person) for person in PEOPLE))
    service.start()

    open_gaps = (
        "select p.fhir_id, array_agg(g.id) from gaps g join patients p on p.id = g.patient_id where"
        " g.closed_at is null group by 1"
    )

    def whole() -> bool:
        """What stands open in the charts is what is open, of everybody, and the ferritin was
        seen."""
        wanted = {person: set(gaps) for person, gaps in service.rows(open_gaps)}
        there = {fhir.fresh(person): fhir.issues(person) for person in PEOPLE}
        ferritin = [by_requirement(issues).get("ferritin", "final") for issues in there.values()]
        return (
            set(ferritin) == {"final"}
            and {p: {gap_of(row) for row in rows if is_open(row)} for p, rows in there.items()}
            == wanted
        )

    eventually(whole, "every gap of everybody")
    eventually(
        lambda: service.rows("select 1 from procrastinate_jobs where task_name = 'assess'") == [],
        "rest",
    )
    assert whole()
    for person in PEOPLE:
        assert {issue["meta"]["versionId"] for issue in fhir.issues(person) if is_open(issue)} == {
            "1"
        }


def test_told_by_a_topic(service: Service, fhir: Fhir, fresh: Fresh) -> None:
    from tests.e2e.test_sandbox import topic

    url = f"urn:ferroclaim:topic:{fresh('iron')}"
    fhir.session.put(
        f"{fhir.base}/Basic/{fresh('topic')}", data=json.dumps(topic(fresh("topic"), url))
    )
    service.configure(
        {"form": "topic", "content": "id-only", "topics": {"MedicationAdministration": url}}
    )
    service.start()
    assert service.run("subscribe").split("\t")[1:] == [
        "medication-administration",
        "created",
        "active\n",
    ]
    numbers = iter(range(100))

    def told() -> Any:
        """Nothing tells when HAPI has read the topic, so doses are given until one is heard of."""
        fhir.put(fhir.dose("p0")[0], {**fhir.dose("p0")[1], "id": fresh(f"p0-ma{next(numbers)}")})
        time.sleep(1)
        return service.rows(
            "select 1 from notifications where shape = 'topic-r4' and kind = 'event-notification'"
        )

    eventually(told, "a notification")
    eventually(lambda: fhir.issues("p0"), "a DetectedIssue")


def test_the_embedded_database_is_said_to_be_here_only(service: Service) -> None:
    process = service.start("worker")
    log = service.folder / "worker.log"
    eventually(lambda: "at work" in log.read_text(), "the worker")
    assert "only this machine reaches" in log.read_text()
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(60) == 0
