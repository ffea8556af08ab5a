"""What happens, and what was seen of it: the service as its user would run it, and its figures over
time."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.soaking.hapi import Hapi
from integration.store.database.embedded import Embedded
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.ehr import FakeEhr

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@dataclass
class Morning:
    """What happens, and what was seen of it."""

    folder: Path
    ehr: FakeEhr | Hapi
    seconds: float
    patients: list[str]
    authorization: FakeAuthorization | None = None
    began: float = field(default_factory=time.monotonic)
    told: Counter[int] = field(default_factory=Counter)
    notes: list[tuple[float, str]] = field(default_factory=list)
    samples: list[tuple[float, float, float, int]] = field(default_factory=list)
    serve: "subprocess.Popen[str] | None" = None
    worker: "subprocess.Popen[str] | None" = None
    over: bool = False

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    @property
    def database(self) -> Embedded:
        return Embedded(self.folder / "disk" / "data" / "postgres")

    def note(self, says: str) -> None:
        self.notes.append((self.now, says))
        print(f"{self.now:6.0f} s  {says}", flush=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        host = self.database.folder
        with psycopg.connect(f"postgresql://postgres@/postgres?host={host}") as db:
            return db.execute(query.encode()).fetchall()


def started(morning: Morning) -> str:
    """The address of `serve`."""
    command = [sys.executable, "-m", "ferroclaim", "serve"]
    process = subprocess.Popen(command, cwd=morning.folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    line = ""
    while "listens on" not in line:
        line = process.stderr.readline()
        assert line, "the service did not start"
    threading.Thread(target=process.stderr.read, daemon=True).start()
    morning.serve = process
    return line.split(" listens on ")[1].split(" for ")[0]


def more_hands(morning: Morning) -> None:
    clock = morning.folder / "clock"
    clock.write_text("+0\n")
    faked = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    morning.worker = subprocess.Popen(
        [sys.executable, "-m", "ferroclaim", "worker"],
        cwd=morning.folder,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(faked if FAKETIME.exists() else {})},
    )


def look(morning: Morning) -> None:
    """Memory of both processes (MB) and jobs not done, every two seconds."""
    while not morning.over:
        jobs = -1
        with contextlib.suppress(psycopg.Error, OSError):
            jobs = morning.rows(
                "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
            )[0][0]
        morning.samples.append((morning.now, rss(morning.serve), rss(morning.worker), jobs))
        time.sleep(2)


def rss(process: "subprocess.Popen[str] | None") -> float:
    try:
        return psutil.Process(process.pid).memory_info().rss / 2**20 if process else 0.0
    except psutil.Error:
        return 0.0
