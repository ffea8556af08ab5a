"""A whole stage for the pages: fake authorization server, fake EHR with a telling chart, embedded PostgreSQL, our service."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from pytest_httpserver import HTTPServer

from integration.settings import Settings
from integration.store import Store
from integration.web.app import create_app
from tests.builders import Resource, administration, chart, ferritin, lab, order, patient, tsat
from tests.fakes.ehr import FakeEhr
from tests.fakes.launcher import FakeLauncher


def telling_chart() -> list[Resource]:
    """Five doses: two complete, three that wait for a TSAT and a discard; one still running."""
    ada = patient(
        name=[{"use": "official", "given": ["Ada", "Marie"], "family": "Example"}],
        identifier=[{"type": {"coding": [{"code": "MR"}]}, "value": "00412207"}],
    )
    labs = [
        ferritin(18, on="2026-06-02"), ferritin(31, on="2026-07-20"), ferritin(42, on="2026-10-12"), ferritin(88, on="2026-11-16"),
        tsat(9, on="2026-04-20"), tsat(11, on="2026-06-02"), tsat(14, on="2026-07-20"), lab("iron", 48, on="2026-10-12", specimen="s1"),
    ]  # fmt: skip
    doses = [
        administration("ma1", on="2026-10-05T09:00:00-04:00"),
        administration("ma2", on="2026-10-12T09:10:00-04:00"),
        administration("ma3", on="2026-10-26T09:05:00-04:00"),
        administration("ma4", dose="150 mg", on="2026-11-02T09:00:00-05:00"),
        administration("ma5", on="2026-11-09T09:00:00-05:00"),
        administration("ma6", on="2026-11-23T09:00:00-05:00", status="in-progress"),
    ]
    return chart(ada, order(on="2026-09-28"), *labs, *doses, without=["tsat", "ferritin", "administration"])


@dataclass
class Stage:
    url: str
    launcher: FakeLauncher
    ehr: FakeEhr
    settings: Settings
    store: Store

    def launch_url(self, **context: Any) -> str:
        return f"{self.url}/launch?iss={self.ehr.base_url}&launch={self.launcher.new_launch(**context)}"


@contextmanager
def stage(folder: Path, store: Store, site: dict[str, Any] | None = None, web: dict[str, Any] | None = None, **app: Any) -> Iterator[Stage]:
    """The service on a port of its own, with one site `general`."""
    with HTTPServer(threaded=True) as server:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        launcher = FakeLauncher(server, redirect_uri=f"{url}/callback")
        ehr = FakeEhr(server, "hapi", authorization=launcher)  # type: ignore[arg-type]
        section = {"base_url": ehr.base_url, "vendor": "hapi", "time_zone": "America/New_York"} | (site or {})
        settings = Settings.model_validate(
            {
                "data_dir": folder,
                "web": {"public_url": url, "roles": {"clinician": ["*"], "biller": ["Practitioner/dr-1"], "admin": []}} | (web or {}),
                "sites": {"general": section | {"app": {"client_id": launcher.client_id} | app}},
            }
        )
        with serving(create_app(settings, store), port):
            yield Stage(url, launcher, ehr, settings, store)


@contextmanager
def serving(app: Any, port: int) -> Iterator[None]:
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False))
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
