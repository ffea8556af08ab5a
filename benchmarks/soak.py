"""A bad morning of a dialysis chain, compressed: notifications three times and out of order, 5xx,
slow answers, lost tokens, a killed database, a full disk, a killed worker, a clock that jumps. At
the end the fake EHR and the database must agree gap by gap.

    python benchmarks/soak.py [--patients 500] [--seconds 240] [--write]
    python benchmarks/soak.py --hapi http://localhost:8080/fhir --patients 34 --seconds 120

Before a real HAPI (`make hapi`) the troubles that only our fake EHR can make are left out.

Bounded by SECONDS of trouble and five times as many to settle. The full disk is a small tmpfs of
its own (as root), the clock that of the worker alone (libfaketime); where one of them cannot be had
it is left out, and said. --write keeps figures and plot in docs/.
"""

import argparse
import contextlib
import logging
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import psycopg
import requests
from pytest_httpserver import HTTPServer

from integration.store.database.embedded import Embedded
from tests import notifications as sent
from tests.fakes import chart
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.ehr import FakeEhr

ROOT = Path(__file__).parents[1]
SECRET = "a-soaking-secret"  # noqa: S105
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
DISK_MB = 700
CONFIG = """
data_dir = "{data}"
log = {{level = "error"}}
service = {{port = 0, settle_seconds = 0.5, workers = 2}}
[sites.chain]
base_url = "{base}"
vendor = "hapi"
time_zone = "America/New_York"
limits = {{read_timeout_seconds = 5}}
[sites.chain.auth]
{auth}
[sites.chain.hooks.lab]
secret = "{hook}"
"""


SIGNS_IN = """\
method = "client_secret_basic"
client_id = "ferroclaim"
client_secret = "{secret}"
"""


class Hapi:
    """A real HAPI, with the part of the fake EHR that a morning asks for."""

    def __init__(self, base_url: str) -> None:
        self.base_url, self.requests = base_url, ()
        self._people: list[str] = []

    def load(self, resources: list[dict[str, Any]]) -> None:
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources
        ]
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        requests.post(self.base_url, json=body, timeout=120).raise_for_status()
        self._people = [
            resource["id"] for resource in resources if resource["resourceType"] == "Patient"
        ]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Those of the patients of this morning."""
        found = []
        for person in self._people:
            address = f"{self.base_url}/{kind}?patient={person}&_count=200"
            answer = requests.get(address, headers={"Cache-Control": "no-cache"}, timeout=60)
            answer.raise_for_status()
            found += [entry["resource"] for entry in answer.json().get("entry", [])]
        return found


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


# The service, as its user would run it


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


# What is told, and by whom


def tell(morning: Morning, address: str) -> None:
    """Each dose three times, out of order, spread over the morning; what is refused is told again,
    as an EHR does."""
    everything = [person for person in morning.patients for _ in range(3)]
    random.Random(27).shuffle(everything)
    headers = {"X-Ferroclaim-Secret": SECRET, "Content-Type": "application/fhir+json"}
    pause = morning.seconds * 0.9 / len(everything) * 8

    def one_after_the_other(share: list[str]) -> None:
        with requests.Session() as session:
            for person in share:
                body = sent.encoded(sent.administration(f"{person}-ma", person))
                while not taken(session, body):
                    time.sleep(1)
                time.sleep(pause)

    def taken(session: requests.Session, body: bytes) -> bool:
        try:
            answer = session.post(
                f"{address}/hooks/chain/lab", data=body, headers=headers, timeout=30
            )
        except requests.RequestException:
            morning.told[0] += 1
            return False
        morning.told[answer.status_code] += 1
        return answer.status_code == 204

    with ThreadPoolExecutor(8) as senders:
        list(senders.map(one_after_the_other, [everything[n::8] for n in range(8)]))


# What goes wrong


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


# Whether all is well in the end


def settled(morning: Morning) -> bool:
    with contextlib.suppress(psycopg.Error):
        jobs = morning.rows(
            "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
            " and args ? 'patient'"
        )[0][0]
        owed = morning.rows("select count(*) from write_backs where state <> 'confirmed'")[0][0]
        seen = morning.rows("select count(*) from patients where concerns_us")[0][0]
        return bool(jobs == 0 and owed == 0 and seen == len(morning.patients))
    return False


def compared(morning: Morning) -> dict[str, Any]:
    """Gap by gap."""
    in_ehr = Counter(issue["identifier"][0]["value"] for issue in morning.ehr.of("DetectedIssue"))
    query = "select id from gaps where closed_at is null and (document ->> 'writeBack')::boolean"
    owed = {row[0] for row in morning.rows(query)}
    return {
        "patients": len(morning.patients),
        "gaps": len(owed),
        "lost": len(owed - set(in_ehr)),
        "doubled": sum(count - 1 for count in in_ehr.values()),
        "of no gap": len(set(in_ehr) - owed),
        "work that needs a person": morning.rows("select count(*) from failures")[0][0],
    }


def growth(samples: list[tuple[float, float, float, int]], column: int) -> tuple[float, float]:
    """Memory in the second and in the last quarter of the run (MB, medians)."""
    seen = [float(sample[column]) for sample in samples if sample[column]]
    quarter = max(1, len(seen) // 4)
    early, late = sorted(seen[quarter : 2 * quarter]), sorted(seen[-quarter:])
    return early[len(early) // 2], late[len(late) // 2]


def plot(morning: Morning) -> str:
    """Jobs not done and memory over time, as SVG."""
    wide, high = 900, 320
    end = morning.samples[-1][0]
    columns = {"#c2410c": 3, "#1d4ed8": 1, "#0f766e": 2}
    names = {"#c2410c": "jobs", "#1d4ed8": "serve, MB", "#0f766e": "worker, MB"}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high + 60}"'
        ' font-family="sans-serif" font-size="11">'
        f'<rect width="{wide}" height="{high + 60}" fill="white"/>'
    )
    parts = [head]
    last = 0.0
    for at, says in morning.notes:
        x = 40 + at / end * (wide - 60)
        parts.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="10" y2="{high}" stroke="#ddd"/>')
        last = x = max(x, last + 12)  # no label on another
        parts.append(
            f'<text x="{x + 3:.0f}" y="14" transform="rotate(90 {x + 3:.0f} 14)" fill="#777">'
            f"{says}</text>"
        )
    for number, (color, column) in enumerate(columns.items()):
        most = max(float(sample[column]) for sample in morning.samples) or 1
        points = " ".join(
            f"{40 + seen[0] / end * (wide - 60):.1f},{high - float(seen[column]) / most * 250:.1f}"
            for seen in morning.samples
            if seen[column] >= 0
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        )
        parts.append(
            f'<text x="{40 + number * 220}" y="{high + 40}" fill="{color}">{names[color]}'
            f" (most: {most:.0f})</text>"
        )
    parts.append(f'<text x="40" y="{high + 20}" fill="#333">0 s</text>')
    parts.append(f'<text x="{wide - 60}" y="{high + 20}" fill="#333">{end:.0f} s</text></svg>')
    return "\n".join(parts) + "\n"


def report(morning: Morning, found: dict[str, Any]) -> str:
    rows = [f"| {name} | {value} |" for name, value in found.items()]
    happened = [f"| {at:.0f} s | {says} |" for at, says in morning.notes]
    return "\n".join(["| | |", "|---|---|", *rows, "", "| at | |", "|---|---|", *happened]) + "\n"


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[None]:
    place.mkdir()
    options = f"size={DISK_MB}m,mode=0755"
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
            capture_output=True,
            check=False,
        ).returncode
    )
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)


def morning_of(patients: int, seconds: float, hapi: str | None) -> tuple[Morning, dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory(prefix="ferroclaim-soak-", ignore_cleanup_errors=True) as name,
        small_disk(Path(name) / "disk"),
        HTTPServer(threaded=True) as server,
    ):
        folder = Path(name)
        authorization = None if hapi else FakeAuthorization(server)
        ehr = Hapi(hapi) if hapi else FakeEhr(server, "hapi", authorization=authorization)
        of_this_run = f"soak-{time.time_ns():x}-p" if hapi else "p"
        people = [f"{of_this_run}{number}" for number in range(patients)]
        ehr.load([resource for person in people for resource in chart.one_dose(person)])
        config = CONFIG.format(
            data=folder / "disk" / "data",
            base=ehr.base_url,
            auth=SIGNS_IN.format(secret=authorization.secret)
            if authorization
            else 'method = "none"',
            hook=SECRET,
        )
        (folder / "ferroclaim.toml").write_text(config)
        morning = Morning(folder, ehr, seconds, people, authorization)
        address = started(morning)
        more_hands(morning)
        morning.began = time.monotonic()
        threads = [
            threading.Thread(target=tell, args=[morning, address]),
            threading.Thread(target=trouble, args=[morning]),
            threading.Thread(target=look, args=[morning]),
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads[:2]:
                thread.join()
            morning.note("the trouble is over")
            quiet = time.monotonic()
            while not settled(morning) and time.monotonic() - quiet < 5 * seconds:
                time.sleep(1)
            morning.note("nothing is owed any more" if settled(morning) else "NOT SETTLED in time")
            found = compared(morning) | told(morning)
        finally:
            morning.over = True
            threads[2].join()
            for process in filter(None, (morning.worker, morning.serve)):
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        return morning, found


def told(morning: Morning) -> dict[str, Any]:
    serve, hands = growth(morning.samples, 1), growth(morning.samples, 2)
    return {
        "settled after": f"{morning.now:.0f} s",
        "notifications taken": morning.told[204],
        "refused, and told again": sum(morning.told.values()) - morning.told[204],
        "requests to the EHR": len(morning.ehr.requests),
        "memory of serve, second and last quarter": f"{serve[0]:.0f} and {serve[1]:.0f} MB",
        "memory of the worker (begun anew twice)": f"{hands[0]:.0f} and {hands[1]:.0f} MB",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="A bad morning, compressed.")
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--write", action="store_true", help="Keep figures and plot in docs/.")
    parser.add_argument("--hapi", help="The address of a real HAPI, in the place of our fake EHR.")
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    morning, found = morning_of(asked.patients, asked.seconds, asked.hapi)
    print(report(morning, found))
    if asked.write:
        (ROOT / "docs" / "soak.svg").write_text(plot(morning), encoding="utf-8")
        page = ROOT / "docs" / "soak.md"
        made = f"<!-- made by benchmarks/soak.py -->\n{report(morning, found)}<!-- end -->"
        text = page.read_text(encoding="utf-8")
        page.write_text(
            re.sub(r"<!-- made by .*<!-- end -->", lambda _: made, text, flags=re.DOTALL),
            encoding="utf-8",
        )
    return int(found["lost"] or found["doubled"] or found["of no gap"])


if __name__ == "__main__":
    sys.exit(main())
