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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests
from pytest_httpserver import HTTPServer

from benchmarks.soaking.agreement import compared, plot, report, settled, told
from benchmarks.soaking.hapi import Hapi
from benchmarks.soaking.morning import Morning, look, more_hands, started
from benchmarks.soaking.troubles import trouble
from tests import notifications as sent
from tests.fakes import chart
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.ehr import FakeEhr

ROOT = Path(__file__).parents[1]
SECRET = "a-soaking-secret"  # noqa: S105
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
    wrong = ("lost", "doubled", "of no gap", "still at work")
    return int(any(found[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
