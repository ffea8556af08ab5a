"""A fake Bulk Data server, and the command before it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from integration import cli
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


@pytest.fixture
def ferroclaim(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def run_(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["ferroclaim", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return run_
