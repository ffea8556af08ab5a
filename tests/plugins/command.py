"""`ferroclaim` as a person calls it, in this process; never a traceback."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from integration import cli


class Run(NamedTuple):
    """How a call ended, and what it printed."""

    status: int
    out: str
    err: str


Call = Callable[..., Run]


@pytest.fixture
def ferroclaim(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    def run(*arguments: object) -> Run:
        monkeypatch.setattr("sys.argv", ["ferroclaim", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = (text.decode() for text in capfdbinary.readouterr())
        assert "Traceback" not in err
        return Run(int(ended.value.code or 0), out, err)

    return run
