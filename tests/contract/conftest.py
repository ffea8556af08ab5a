"""Fake EHRs, and clients for them."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from integration.assessing import clients
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.transport.auth import Tokens
from integration.store import Store
from tests import claims
from tests.fakes import chart
from tests.fakes.ehr import FakeEhr
from tests.office import Office, Opened, site
from tests.service import Running


@pytest.fixture(scope="session")
def _one_server() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def ehr_server(_one_server: HTTPServer) -> HTTPServer:
    _one_server.clear()
    clients.forget()  # one address, another EHR in each test
    return _one_server


@pytest.fixture
def ehr(ehr_server: HTTPServer) -> Iterator[Callable[..., FakeEhr]]:
    """`ehr("epic")` is an empty EHR of that kind. A request that nobody expected fails the test at
    its end."""
    made: list[FakeEhr] = []

    def make(mode: str, **settings: Any) -> FakeEhr:
        made.append(FakeEhr(ehr_server, mode, **settings))
        return made[-1]

    yield make
    for fake in made:
        fake.server.check_handler_errors()
    assert [surprise for fake in made for surprise in fake.unexpected] == []


@pytest.fixture
def connect() -> Iterator[Callable[..., EhrClient]]:
    """`connect(ehr)` is a client for it; what is configured besides comes as keywords. Tokens last
    for one test."""
    made: list[EhrClient] = []
    tokens = Tokens()

    def make(fake: FakeEhr, **settings: Any) -> EhrClient:
        site = Site.adhoc(
            fake.base_url, **{"name": "general", "vendor": fake.mode_name, **settings}
        )
        made.append(EhrClient(site, tokens=tokens))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that runs the tests in the background has its children ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def running(ehr: Callable[..., FakeEhr], store: Store) -> Iterator[Callable[..., Running]]:
    """`running()` is a service before a fake HAPI with one patient, p1; `mode` is another EHR, the
    rest is configuration."""
    made: list[Running] = []

    def make(
        mode: str = "hapi", resources: list[dict[str, Any]] | None = None, **settings: Any
    ) -> Running:
        fake = ehr(mode).load(chart.chart() if resources is None else resources)
        made.append(Running(fake, store, **settings))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def office(running: Callable[..., Running], tmp_path: Path) -> Opened:
    def make(*changes: dict[str, Any], **extra: Any) -> Office:
        resources = claims.chart(*changes)
        return Office(running(resources=resources, site=site(tmp_path, **extra)), tmp_path)

    return make
