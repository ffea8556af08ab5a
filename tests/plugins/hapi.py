"""The `hapi` fixture: the real HAPI FHIR server of docker/hapi, started once, at the first test
that asks for it.

FERROCLAIM_HAPI_URL names a running server to use instead. Where Java or Maven is missing the tests
are skipped, but under CI=true and with FERROCLAIM_ALL_TESTS set (as `make test` does) they fail.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

TESTS = Path(__file__).parents[1]
RUN = str(TESTS.parent / "docker" / "hapi" / "run.py")
READY = "HAPI FHIR ready at "
START_LIMIT = 300.0  # seconds; 12 on an idle machine


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for the server, so that `-m "not hapi"` never starts it, and one of two runs
    beside each other alone does."""
    for item in items:
        if "hapi" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.hapi)
        elif item.path.is_relative_to(TESTS / "contract") or item.path.is_relative_to(
            TESTS / "browser"
        ):
            item.add_marker(pytest.mark.aside)


@pytest.fixture(scope="session")
def hapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a HAPI FHIR R4 server. All tests share it: see `fresh`."""
    if running := os.environ.get("FERROCLAIM_HAPI_URL"):
        yield running.rstrip("/")
        return
    build()
    with serving(tmp_path_factory.mktemp("hapi")) as url:
        yield url


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Turns a name into an id (or any token) that no other test has: `fresh("patient")` is
    `t1f0a9c3b52-patient`."""
    prefix = f"t{uuid4().hex[:10]}"
    return lambda name: f"{prefix}-{name}"


def build() -> None:
    """Build the server if that is not done yet."""
    built = subprocess.run(
        [sys.executable, RUN, "--build-only"], capture_output=True, text=True, check=False
    )
    if built.returncode == os.EX_UNAVAILABLE and not must_run():
        pytest.skip(built.stderr.strip())
    if built.returncode:
        pytest.fail(built.stderr.strip(), pytrace=False)


def must_run() -> bool:
    return os.environ.get("CI") == "true" or bool(os.environ.get("FERROCLAIM_ALL_TESTS"))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the server as a process of our own; it also exits by itself when this process is gone."""
    command = [sys.executable, RUN, "--port", "0", "--interval", "500", "--exit-with-stdin"]
    output, log = folder / "stdout", folder / "stderr"
    with output.open("wb") as stdout, log.open("wb") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr)
    try:
        yield address(process, output, log)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def address(process: "subprocess.Popen[bytes]", output: Path, log: Path) -> str:
    """Wait for the line that says where the server is."""
    limit = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < limit:
        line = output.read_text()
        if line.startswith(READY) and line.endswith("\n"):
            return line.removeprefix(READY).strip()
        time.sleep(0.2)
    ended = "is not ready" if process.poll() is None else f"ended with status {process.returncode}"
    pytest.fail(
        f"The HAPI FHIR sandbox {ended}. The end of its log:\n{log.read_text()[-4000:]}",
        pytrace=False,
    )
