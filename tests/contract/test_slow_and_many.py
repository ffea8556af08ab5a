"""Slow senders, many of them, and no file descriptors: the process goes on, says what it is, and
counts whom it refused."""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import requests
from starlette.requests import Request

from integration.configuration.settings import Settings
from integration.errors import Unreachable
from integration.operating import metrics, turns
from integration.serving.app import create_app
from integration.serving.listening import WebServer, bound
from integration.store import NoDescriptors, Store, StoreUnavailable
from integration.web import health
from tests.contract.test_launch import chart_path, opened

LIMITS = {"connections": 60, "half_sent": 30, "head_seconds": 1.0, "body_seconds": 1.0}
HALF = b"POST /hooks/general/lab HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
Server = tuple[str, int]


@pytest.fixture
def server(pages_store: Store) -> Iterator[Server]:
    """The host and port of a service with small limits."""
    site = {"base_url": "http://127.0.0.1:1/fhir"}
    settings = Settings.model_validate({"service": LIMITS, "sites": {"general": site}})
    with contextlib.closing(bound("127.0.0.1", 0)) as taken:
        web = WebServer(create_app(settings, pages_store), settings.service)
        thread = threading.Thread(target=web.run, args=[[taken]], daemon=True)
        thread.start()
        while not web.started:
            time.sleep(0.01)
        host, port = taken.getsockname()[:2]
        yield host, port
        web.should_exit = True
        thread.join()


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[[bytes], socket.socket]]:
    with contextlib.ExitStack() as stack:

        def made(sent: bytes) -> socket.socket:
            one = stack.enter_context(socket.create_connection(server, timeout=10))
            one.sendall(sent)
            return one

        yield made


def refused(reason: str) -> float:
    return metrics.requests_refused.labels(reason)._value.get()


def answered(one: socket.socket) -> str:
    """Everything until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := one.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def is_healthy(server: Server) -> bool:
    started = time.monotonic()
    answer = requests.get(f"http://{server[0]}:{server[1]}/healthz", timeout=5)
    return answer.status_code == 200 and time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "slow-head"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", "slow-head"),
        (HALF, "slow-body"),
    ],
)
def test_what_arrives_too_slowly_is_told_so_and_closed(
    connect: Callable[[bytes], socket.socket], sent: bytes, reason: str
) -> None:
    before, started = refused(reason), time.monotonic()
    said = answered(connect(sent))
    assert said.startswith("HTTP/1.1 408")
    assert '"too-slow"' in said
    assert 0.5 < time.monotonic() - started < 5
    assert refused(reason) == before + 1


def test_one_byte_a_moment_is_too_slow_as_well(
    server: Server, connect: Callable[[bytes], socket.socket]
) -> None:
    one = connect(b"GET /healthz HTTP/1.1\r\n")
    started = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - started < 4:
            one.sendall(b"X")
            time.sleep(0.1)
    assert time.monotonic() - started < 4


def test_a_head_without_end_is_refused(connect: Callable[[bytes], socket.socket]) -> None:
    before = refused("large-head")
    said = answered(connect(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000))
    assert said.startswith("HTTP/1.1 431")
    assert refused("large-head") == before + 1


@pytest.mark.parametrize("sent", [HALF, b"", b"GET / HTTP/1.1\r\nX: "])
def test_many_half_sent_requests_keep_nobody_out(
    server: Server, connect: Callable[[bytes], socket.socket], sent: bytes
) -> None:
    before = refused("crowded")
    for _ in range(200):
        connect(sent)
    assert is_healthy(server)
    assert refused("crowded") >= before + 100


def test_a_connection_is_kept_for_the_next_request(server: Server) -> None:
    with requests.Session() as session:
        for _ in range(3):
            url = f"http://{server[0]}:{server[1]}/healthz"
            assert session.get(url, timeout=5).status_code == 200
            time.sleep(0.5)
        assert session.get(url, timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("path", "said"), [("/hooks/general/lab", "too-large"), ("/cds-services/x", "too-large")]
)
def test_over_long_bodies_are_counted(
    connect: Callable[[bytes], socket.socket], path: str, said: str
) -> None:
    before, of_hooks = refused(said), metrics.refused.labels(said)._value.get()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    assert answered(connect(head.encode())).startswith("HTTP/1.1 413")
    assert refused(said) == before + 1
    expected = of_hooks + path.startswith("/hooks/")
    assert metrics.refused.labels(said)._value.get() == expected


def test_no_http_is_counted(connect: Callable[[bytes], socket.socket]) -> None:
    before = refused("not-http")
    assert answered(connect(b"\x16\x03\x01 hello\r\n\r\n")).startswith("HTTP/1.1 400")
    assert refused("not-http") == before + 1


@pytest.mark.slow
def test_no_descriptors_are_not_a_dead_database(pages_store: Store, tmp_path: Path) -> None:
    settings = Settings.model_validate({"database_url": pages_store.url, "data_dir": tmp_path})
    with Store.open(settings) as store:
        _say_what_is_used_up(store)


def _say_what_is_used_up(store: Store) -> None:
    """STORE has no connection for locks yet, so that it must open one."""
    with (
        none_left(),
        pytest.raises(NoDescriptors, match="no file descriptors left") as raised,
        store.holding("anything"),
    ):
        pass
    assert "ulimit -n" in str(raised.value)
    assert _holds_again(store)


@contextlib.contextmanager
def none_left() -> Iterator[None]:
    """No descriptor is left, also where another thread closes one meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
    taken: list[int] = []
    all_gone, over = threading.Event(), threading.Event()

    def take() -> None:
        while not over.is_set():
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                all_gone.set()
                time.sleep(0.001)

    taker = threading.Thread(target=take)
    taker.start()
    all_gone.wait()
    try:
        yield
    finally:
        over.set()
        taker.join()
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _holds_again(store: Store) -> bool:
    """The pool tries again in its own time."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(StoreUnavailable), store.holding("anything") as hold:
            return hold.ours
    return False


@pytest.mark.slow
def test_1100_half_sent_posts_do_not_stop_the_service(tmp_path: Path) -> None:
    """As it is run, with the 1,024 descriptors that a process usually has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    (tmp_path / "ferroclaim.toml").write_text("[service]\nport = 0\n")
    command = f"ulimit -n 1024; exec {sys.executable} -m ferroclaim serve"
    process: Any = subprocess.Popen(
        ["bash", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        with contextlib.ExitStack() as stack:
            line, said = "", []
            while "listens on" not in line:
                line = process.stderr.readline()
                said.append(line)
                assert line, f"the service did not start: {''.join(said)}"
            port = int(line.split(" for ")[0].rpartition(":")[2])
            for _ in range(1100):
                one = socket.create_connection(("127.0.0.1", port), timeout=10)
                stack.enter_context(one).sendall(HALF)
            assert all(is_healthy(("127.0.0.1", port)) for _ in range(5))
            ready = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10)
            assert ready.json()["checks"]["database"] == "ok"
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_slow_ehr_keeps_neither_other_ehrs_nor_other_pages_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    with contextlib.ExitStack() as stack:
        for _ in range(turns.OF_ONE_SITE):
            stack.enter_context(turns.turn("slow"))
        with pytest.raises(Unreachable, match="Site slow: as many charts are being read as may"):
            stack.enter_context(turns.turn("slow"))
        for number in range(turns.MOST - turns.OF_ONE_SITE):
            stack.enter_context(turns.turn(f"other{number}"))
        with pytest.raises(Unreachable):
            stack.enter_context(turns.turn("another"))
    threads = anyio.run(_threads)
    assert threads - 10 > turns.MOST
    with turns.turn("slow"), turns.turn("another"):
        pass


async def _threads() -> float:
    return anyio.to_thread.current_default_thread_limiter().total_tokens


def test_whoever_reads_a_chart_for_somebody_who_waits_takes_a_turn(
    clinic: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they are told to try again, and nothing is asked of the EHR."""
    general = clinic()
    browser, page = opened(general)
    assert page.status_code == 200
    asked = len(general.ehr.requests)
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    with contextlib.ExitStack() as stack:
        for _ in range(turns.OF_ONE_SITE):
            stack.enter_context(turns.turn("general"))
        page = browser.get(chart_path(browser))
        assert (page.status_code, "Try again" in page.text) == (503, True)
    assert len(general.ehr.requests) == asked
    assert browser.get(chart_path(browser)).status_code == 200


def test_whoever_looks_after_us_is_answered_whatever_the_others_wait_for(
    pages_store: Store,
) -> None:
    app = create_app(Settings(), pages_store)
    done = threading.Event()

    async def ready() -> int:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        async with anyio.create_task_group() as others:
            others.start_soon(partial(anyio.to_thread.run_sync, done.wait))
            await anyio.sleep(0.05)
            with anyio.move_on_after(5):
                answer = await health.readyz(Request({"type": "http", "app": app}))
            done.set()
        return answer.status_code

    assert anyio.run(ready) == 200
