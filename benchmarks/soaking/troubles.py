"""What goes wrong, one after the other."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

from benchmarks.soaking.hapi import Hapi
from benchmarks.soaking.morning import FAKETIME, Morning, more_hands
from tests.fakes.ehr import FakeEhr


def slow(morning: Morning) -> None:
    morning.note("the EHR takes 0.4 s for every answer")
    assert isinstance(morning.ehr, FakeEhr)
    morning.ehr.latency_seconds = 0.4
    time.sleep(morning.seconds * 0.08)
    morning.ehr.latency_seconds = 0.0


def broken(morning: Morning) -> None:
    assert isinstance(morning.ehr, FakeEhr)
    for status in (500, 503):
        morning.note(f"the EHR answers everything with {status}")
        morning.ehr.fail("", status, times=10**9)
        time.sleep(morning.seconds * 0.02)
        morning.ehr._failures.clear()


def tokens(morning: Morning) -> None:
    assert morning.authorization
    morning.note("every token is lost, five times")
    for _ in range(5):
        morning.authorization.revoke()
        time.sleep(0.5)


def database(morning: Morning) -> None:
    pid = morning.database._first_pid()
    morning.note("PostgreSQL is killed (SIGKILL)")
    if pid:
        os.kill(pid, signal.SIGKILL)


def worker(morning: Morning) -> None:
    morning.note("a worker is killed (SIGKILL), and another begins")
    assert morning.worker
    morning.worker.kill()
    morning.worker.wait()
    more_hands(morning)


def disk(morning: Morning) -> None:
    place = morning.folder / "disk"
    if not place.is_mount():
        morning.note("left out: no small file system of its own could be mounted")
        return
    morning.note("the disk is full")
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as out:
        while True:
            out.write(b"\0" * 65536)
    time.sleep(morning.seconds * 0.06)
    ballast.unlink()
    morning.note("there is room again")


def clock(morning: Morning) -> None:
    if not FAKETIME.exists():
        morning.note("left out: libfaketime is not installed")
        return
    for jump in ("+7200", "-600", "+0"):
        morning.note(f"the worker's clock jumps to {jump} s")
        (morning.folder / "clock").write_text(f"{jump}\n")
        time.sleep(morning.seconds * 0.04)


TROUBLE: tuple[Callable[[Morning], None], ...] = (
    slow, broken, tokens, worker, database, clock, disk, broken, worker, tokens,
)  # fmt: skip


OF_THE_EHR = (slow, broken, tokens)


def trouble(morning: Morning) -> None:
    is_real = isinstance(morning.ehr, Hapi)
    troubles = [what for what in TROUBLE if not (is_real and what in OF_THE_EHR)]
    for number, what in enumerate(troubles, 1):
        until = morning.seconds * number / (len(troubles) + 1)
        time.sleep(max(0.0, until - morning.now))
        what(morning)
