"""The pages with the sample patients: a store that is thrown away, and the samples themselves
instead of an EHR.

Held by tests/contract/test_demo_pages.py.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from integration import samples
from integration.configuration.settings import Settings
from integration.samples.ehr import PREFIX, SampleEhr, router_of
from integration.serving import tasks
from integration.serving.app import create_app, routers
from integration.serving.listening import WebServer, address_of
from integration.serving.process import opened
from integration.serving.worker import Worker
from integration.store import Store, patients
from integration.web import demo
from integration.work.queue import PERSON, Queue

USER = "Demo user"
FILL_SECONDS = 120.0
_UNDONE = "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"


def settings_of(address: str, folder: Path) -> Settings:
    """No configuration of the user's is read: nothing of theirs is touched."""
    site = {
        "test_patients": True,
        "base_url": f"{address}{PREFIX}",
        "vendor": "generic",
        "time_zone": samples.TIME_ZONE,
    }
    return Settings.model_validate(
        {
            "data_dir": folder,
            "log": {"level": "error"},
            "web": {"local_user": USER},
            "service": {"settle_seconds": 0},
            "sites": {demo.SITE: site},
        }
    )


@contextmanager
def running(taken: socket.socket, stopped: Callable[[], bool]) -> Iterator[str]:
    """The demo on the bound socket TAKEN, with every sample assessed; its address. Whatever it kept
    is gone at the end. STOPPED: whether not to wait any longer."""
    address = address_of(taken)
    with TemporaryDirectory(prefix="ferroclaim-demo-", ignore_cleanup_errors=True) as folder:
        settings = settings_of(address, Path(folder))
        with opened(settings, connections=16) as store:
            try:
                with _serving(settings, store, taken):
                    _fill(store, settings, stopped)
                    yield address
            finally:
                if store.embedded:
                    store.close()
                    store.embedded.stop()


@contextmanager
def _serving(settings: Settings, store: Store, taken: socket.socket) -> Iterator[None]:
    ehr = SampleEhr(samples.resources())
    worker = Worker(tasks.engine(settings, store), periodic=False)
    parts = [router_of(ehr), demo.router, *routers()]
    app = create_app(settings, store, parts, worker)
    app.state.demo = True
    server = WebServer(app, settings.service)
    thread = threading.Thread(target=server.run, args=[[taken]], name="web", daemon=True)
    thread.start()
    worker.start()
    try:
        yield
    finally:
        worker.stop()
        server.should_exit = True
        thread.join()


def _fill(store: Store, settings: Settings, stopped: Callable[[], bool]) -> None:
    """Assesses every sample patient, as if each had just been told of."""
    queue = Queue(settings.service)
    people = [
        resource["id"] for resource in samples.resources() if resource["resourceType"] == "Patient"
    ]
    with store.transaction() as db:
        known = patients.known_all(db, demo.SITE, people)
        queue.assess_all(db, known.values(), "notification", priority=PERSON)
    until = time.monotonic() + FILL_SECONDS
    while time.monotonic() < until and not stopped() and _undone(store):
        time.sleep(0.1)


def _undone(store: Store) -> int:
    with store.transaction() as db:
        row = db.execute(_UNDONE).fetchone()
    return int(row[0]) if row else 0
