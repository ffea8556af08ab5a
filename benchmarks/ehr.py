"""Requests and milliseconds per patient: reading a chart, writing its gaps back.

    python benchmarks/ehr.py [PATIENTS]

On the real HAPI of docker/hapi (FERROCLAIM_HAPI_URL names a running one), and on the fake
vendors of the tests, each of
whose answers takes 20 ms. A chart has about 150 resources and three gaps.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from pytest_httpserver import HTTPServer

from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.reading.patient import read_patient
from integration.ehr.writing.writeback import Worklist, write_back_for
from tests.fakes.chart import (
    administration,
    chart,
    detected_issue,
    ferritin,
    ref,
    resource,
    transaction,
)
from tests.fakes.ehr import FakeEhr
from tests.plugins import hapi

LATENCY_SECONDS = 0.02
GAPS = 3
SETTINGS: dict[str, dict[str, Any]] = {
    "athena": {"search_params": {"ah-practice": "Organization/a-1.Practice-1"}}
}


def records() -> list[dict[str, Any]]:
    """About 150 resources, most of them laboratory results of two years."""
    days = [str(date(2026, 10, 30) - timedelta(days=7 * n)) for n in range(100)]
    return [
        *chart(),
        *(
            administration(f"more{n}", effectiveDateTime=f"2026-10-{n + 1:02d}T10:00:00Z")
            for n in range(5)
        ),
        *(ferritin(f"f{n:03d}", day) for n, day in enumerate(days)),
        *(resource("Condition", f"more{n}", code={"text": "other"}) for n in range(15)),
        *(
            resource(
                "Encounter",
                f"more{n}",
                status="finished",
                location=[{"location": ref("Location/l1")}],
            )
            for n in range(15)
        ),
    ]


def gaps(patient: str, name: str) -> list[dict[str, Any]]:
    dose = [ref(f"MedicationAdministration/{patient.removesuffix('p1')}ma1")]
    return [detected_issue(f"{name}-{n}", patient=patient, implicated=dose) for n in range(GAPS)]


@contextmanager
def real() -> Iterator[str]:
    if running := os.environ.get("FERROCLAIM_HAPI_URL"):
        yield running.rstrip("/")
        return
    hapi.build()
    with tempfile.TemporaryDirectory() as folder, hapi.serving(Path(folder)) as url:
        yield url


class Figures(list[tuple[int, float]]):
    """Requests and milliseconds, measured in a with statement each."""

    @contextmanager
    def of(self, client: EhrClient) -> Iterator[None]:
        before, started = client.transport.sent, time.perf_counter()
        yield
        self.append((client.transport.sent - before, (time.perf_counter() - started) * 1000))

    @property
    def most(self) -> int:
        return max(requests for requests, _ in self)


def measure(name: str, client: EhrClient, patients: list[str], expected: int) -> None:
    """Prints the medians of reading, of writing new gaps, and of looking again when nothing
    changed."""
    back = write_back_for(client)
    reads, writes, again = Figures(), Figures(), Figures()
    for number, patient in enumerate(patients):
        wanted = gaps(patient, f"{patient}-{number}")
        with reads.of(client):
            pull = read_patient(client, patient, fresh=True)
        with writes.of(client):
            back.put_all(wanted, pull.issues)
        with again.of(client):
            back.put_all(wanted, read_patient(client, patient, fresh=True).issues)
        facts = [r for r in pull.resources if r["resourceType"] != "DetectedIssue"]
        assert len(facts) == expected, f"{name}: {len(facts)} of {expected} resources"
    if "hapi" in name:
        assert reads.most <= 2, "HAPI: more than two requests to read a patient"
        assert writes.most <= 1, "HAPI: more than one request to write back"
    form = "-" if isinstance(back, Worklist) else back.form
    print(f"{name:14}{shown(reads)}{form:>16}{shown(writes)}{shown(again)}")


def shown(figures: Figures) -> str:
    requests = statistics.median(count for count, _ in figures)
    return f"{requests:>8.0f}{statistics.median(ms for _, ms in figures):>8.0f}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    size = len(records())
    print(
        f"{count} patients of {size} resources, {GAPS} gaps each; medians of requests and"
        " milliseconds per patient"
    )
    print(f"{'':14}{'reading':>16}{'written as':>16}{'new gaps':>16}{'again':>16}")
    with real() as url, EhrClient(Site.adhoc(url)) as client:
        run = f"b{time.time_ns():x}"
        names = [f"{run}{n}" for n in range(count)]
        for name in names:
            client.transport.write(
                "POST", "", transaction(records(), lambda identity, name=name: f"{name}-{identity}")
            )
        measure("hapi", client, [f"{name}-p1" for name in names], size)
    print(f"each answer takes {LATENCY_SECONDS * 1000:.0f} ms:")
    for mode in ("hapi", "epic", "oracle", "athena", "medplum"):
        with HTTPServer(threaded=True) as server:
            fake = FakeEhr(server, mode, page_size=200).load(records())
            site = Site.adhoc(fake.base_url, vendor=mode, **SETTINGS.get(mode, {}))
            # athenahealth has no MedicationAdministration
            expected = size - (6 + 1 if mode == "athena" else 0)
            fake.latency_seconds = LATENCY_SECONDS
            with EhrClient(site) as client:
                _ = client.capability
                measure(f"fake {mode}", client, ["p1"] * min(count, 10), expected)
            assert fake.unexpected == []


if __name__ == "__main__":
    main()
