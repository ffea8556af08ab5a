"""A fake Bulk Data server, and the command before it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.bulk.exporting import Seen
from tests.fakes.bulk_data import FakeBulkData, File


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def fake(ehr_server: HTTPServer) -> Iterator[Callable[..., FakeBulkData]]:
    def make(*files: File, **settings: Any) -> FakeBulkData:
        pages = settings.pop("pages", [list(files)])
        return FakeBulkData(ehr_server, pages, **settings)

    yield make
    ehr_server.check_handler_errors()


@pytest.fixture
def other() -> Iterator[HTTPServer]:
    """A server of files elsewhere."""
    with HTTPServer(threaded=True) as server:
        yield server
