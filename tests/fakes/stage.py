"""A whole stage for the pages: fake authorization server, fake EHR with a telling chart, embedded
PostgreSQL, our service."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvicorn
from pytest_httpserver import HTTPServer

from integration.assessing import clients
from integration.configuration.settings import Settings
from integration.serving.app import create_app
from integration.store import Store, assessments, claims, patients, releases, worklist
from integration.store.worklist import Filters, Row
from tests.answers import remittance
from tests.builders import (
    Resource,
    administration,
    chart,
    complete,
    document_of,
    encounter,
    ferritin,
    lab,
    order,
    patient,
    tsat,
)
from tests.fakes.ehr import FakeEhr
from tests.fakes.launcher import FakeLauncher
from tests.fakes.proxy import GuardedServer


def telling_chart() -> list[Resource]:
    """Five doses: two complete, three that wait for a TSAT and a discard; one still running."""
    ada = patient(
        name=[{"use": "official", "given": ["Ada", "Marie"], "family": "Example"}],
        identifier=[{"type": {"coding": [{"code": "MR"}]}, "value": "00412207"}],
    )
    labs = [
        ferritin(18, on="2026-06-02"), ferritin(31, on="2026-07-20"), ferritin(42, on="2026-10-12"),
        ferritin(88, on="2026-11-16"),
        tsat(9, on="2026-04-20"), tsat(11, on="2026-06-02"), tsat(14, on="2026-07-20"),
        lab("iron", 48, on="2026-10-12", specimen="s1"),
    ]  # fmt: skip
    doses = [
        administration("ma1", on="2026-10-05T09:00:00-04:00"),
        administration("ma2", on="2026-10-12T09:10:00-04:00"),
        administration("ma3", on="2026-10-26T09:05:00-04:00"),
        administration("ma4", dose="150 mg", on="2026-11-02T09:00:00-05:00"),
        administration("ma5", on="2026-11-09T09:00:00-05:00"),
        administration("ma6", on="2026-11-23T09:00:00-05:00", status="in-progress"),
    ]
    return chart(
        ada, order(on="2026-09-28"), *labs, *doses, without=["tsat", "ferritin", "administration"]
    )


@dataclass
class Stage:
    url: str
    launcher: FakeLauncher
    ehr: FakeEhr | GuardedServer
    settings: Settings
    store: Store

    def launch_url(self, **context: Any) -> str:
        launch = self.launcher.new_launch(**context)
        return f"{self.url}/launch?iss={self.ehr.base_url}&launch={launch}"


@contextmanager
def stage(
    folder: Path,
    store: Store,
    site: dict[str, Any] | None = None,
    web: dict[str, Any] | None = None,
    real: str | None = None,
    **app: Any,
) -> Iterator[Stage]:
    """The service on a port of its own, with one site `general`; REAL is a FHIR server to use
    instead of the fake EHR."""
    with HTTPServer(threaded=True) as server:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        launcher = FakeLauncher(server, redirect_uri=f"{url}/callback/general")
        ehr = (
            FakeEhr(server, "hapi", authorization=launcher)  # type: ignore[arg-type]
            if real is None
            else GuardedServer(server, real, launcher)
        )
        clients.forget()
        app.setdefault("frame_ancestors", [server.url_for("").rstrip("/")])
        section = {"base_url": ehr.base_url, "vendor": "hapi", "time_zone": "America/New_York"} | (
            site or {}
        )
        settings = Settings.model_validate(
            {
                "data_dir": folder,
                "web": (
                    {
                        "public_url": url,
                        "roles": {"clinician": ["*"], "biller": ["Practitioner/dr-1"], "admin": []},
                    }
                    | (web or {})
                ),
                "sites": {"general": section | {"app": {"client_id": launcher.client_id} | app}},
            }
        )
        with serving(create_app(settings, store), port):
            yield Stage(url, launcher, ehr, settings, store)


@contextmanager
def serving(app: Any, port: int) -> Iterator[None]:
    running = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield
    finally:
        running.should_exit = True
        thread.join(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NAMES = (
    "Abbott, Ines",
    "Brown, Marcus",
    "Chen, Li",
    "Diaz, Rosa",
    "Evans, Tom",
    "Fischer, Ute",
    "Garcia, Ana",
    "Hall, June",
    "Ito, Ken",
    "Jones, Mae",
)


def seed_worklist(store: Store, site: str = "general", count: int = 10) -> None:
    """Assessments of COUNT made-up patients: complete, waiting for a clinician, and waiting for the
    billing office."""
    now = datetime.now(UTC)
    today = now.date()
    for number in range(count):
        identity = f"w{number}"
        resources = list(_made_up(number, identity, today))
        found = document_of(resources, now)
        with store.transaction() as db:
            known = patients.known(db, site, identity)
            assessments.keep(db, known, found.patients[0], now, "sweep")
            db.execute(
                "update patients set name = %s, birth_date = '1961-03-0' || %s where id = %s",
                [NAMES[number % 10], number % 9 + 1, known.id],
            )


def _made_up(number: int, identity: str, today: date) -> Iterator[Resource]:
    dose = ("200 mg", "100 mg", "300 mg", "150 mg")[number % 4]
    without = ([], ["tsat"], ["coverage"], ["intolerance"], [])[number % 5]
    for week in range(1 + number % 3):
        day = today - timedelta(days=9 + 7 * week + number)
        given, left = f"{day}T09:00:00-05:00", "50 mg" if dose == "150 mg" else None
        yield administration(
            f"{identity}-{week}",
            dose=dose,
            on=given,
            encounter=f"{identity}-{week}",
            patient=identity,
            discarded=left,
        )
        period = {"start": f"{day}T08:30:00-05:00", "end": f"{day}T10:00:00-05:00"}
        yield encounter(f"{identity}-{week}", patient=identity, period=period)
    labs = [
        ferritin(40 + number, on=str(today - timedelta(days=40))),
        tsat(12, on=str(today - timedelta(days=40))),
    ]
    for name, row in {
        **complete(),
        "ferritin": labs[0],
        "tsat": labs[1],
        "order": order(on=str(today - timedelta(days=60))),
    }.items():
        if name not in ("administration", "encounter", *without):
            yield of_patient(row, identity)


def of_patient(resource: Resource, identity: str) -> Resource:
    """ROW as another patient's."""
    text = json.dumps(
        {**resource, "id": identity if resource["resourceType"] == "Patient" else resource["id"]}
    )
    return dict(json.loads(text.replace('"Patient/p1"', f'"Patient/{identity}"')))


def seed_sent(store: Store, site: str = "general") -> list[Row]:
    """The ready lines, released and left, each in a claim of its own (C000001 and so on)."""
    with store.transaction() as db:
        ready = worklist.rows(db, Filters(view="ready"), [site], [])
        for row in ready:
            releases.release(db, releases.to_decide(db, row.key, [site]), "ada", "biller")
        found = worklist.rows(db, Filters(view="released"), [site], [])
        file = claims.NewFile(
            site=site, name=f"{site}_000000001_837P.x12", format="x12", kind="837P",
            receiver=None, control=1, production=True, trial=False, content=b"",
        )  # fmt: skip
        made = [
            claims.NewClaim(
                number=f"C{number:06}{'0' * 13}", draft_id=f"d{number}", patient_id=row.patient_id,
                frequency="1", original=None, about=None, total=row.value or Decimal(0),
                lines=[row.line_id], releases={row.line_id: row.release or 0},
            )
            for number, row in enumerate(found, 1)
        ]  # fmt: skip
        claims.record(db, file, made, "ada", "biller")
        return worklist.rows(db, Filters(view="sent"), [site], [])


def refused(rows: Sequence[Row], *carcs: str) -> bytes:
    """An 835 that denies each line, for these reasons in turn."""
    return remittance(
        *(
            [
                f"CLP*{row.sent_number}*4*45.8*0**MB*ICN{at}",
                "SVC*HC:J1756:JZ*45.8*0",
                f"CAS*CO*{carcs[at % len(carcs)]}*45.8",
                "LQ*HE*N395",
            ]
            for at, row in enumerate(rows)
        ),
        usage="P",
        adjusted=["PLB*1234567893*20261231*WO:ICN7*10*L6*-.5"],
        on="20270105",
    )
