"""Whole assessment of realistic charts (file → record → lines and gaps → JSON) against a bare
orjson read-and-parse of the same bytes.

Run: make bench. Both are timed in turn in one process, in processor time, so that the ratio means
something on a busy machine. `--profile` shows where the time goes.
"""

import cProfile
import json
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path

import orjson

from mappings.assess import assess, document
from mappings.assessment import to_json
from mappings.policy import choosing
from mappings.reading import Collection, Reader
from mappings.site import Site
from tests import builders, synthea

CHARTS, ROUNDS = 60, 9
# What a pull of one patient brings beside the iron: how many resources of each type.
OTHERS = {
    "Observation": 80,
    "Encounter": 18,
    "Condition": 12,
    "MedicationRequest": 10,
    "MedicationAdministration": 8,
}
SUBJECT = {"Coverage": "beneficiary", "AllergyIntolerance": "patient"}
SITE = Site(time_zone="America/New_York")


def charts() -> Iterator[bytes]:
    """Searchset Bundles of about 150 resources: slices of Synthea's charts, and a course of iron
    with all it needs."""
    supply = {kind: cycle(synthea.resources(kind)) for kind in OTHERS}
    for number in range(CHARTS):
        patient = f"bench-{number}"
        rows = [row for kind, count in OTHERS.items() for row in islice(supply[kind], count)]
        rows = [
            {
                **row,
                SUBJECT.get(row["resourceType"], "subject"): {"reference": f"Patient/{patient}"},
            }
            for row in rows
        ]
        entries = [
            {
                "fullUrl": f"https://ehr.example.org/fhir/{row['resourceType']}/{row['id']}",
                "resource": row,
            }
            for row in [*iron(patient, number), *rows]
        ]
        yield json.dumps(
            {"resourceType": "Bundle", "type": "searchset", "entry": entries}, default=float
        ).encode()


def doses(number: int) -> int:
    return 1 + number % 5


def iron(patient: str, number: int) -> Iterator[dict[str, object]]:
    """A weekly course under way (one to five doses) with encounters, labs and payer; every third
    chart lacks its ferritin."""
    start = date(2026, 9, 1)
    subject = {"subject": {"reference": f"Patient/{patient}"}}
    missing = ("ferritin",) if number % 3 == 0 else ()
    for row in builders.chart(without=[*missing, "administration", "encounter", "patient"]):
        element = {
            "Coverage": "beneficiary",
            "AllergyIntolerance": "patient",
            "Location": None,
        }.get(row["resourceType"], "subject")
        yield row | ({element: subject["subject"]} if element else {})
    yield builders.patient(patient)
    for week in range(doses(number)):
        on = start + timedelta(weeks=week)
        visit = f"visit-{week}"
        yield builders.encounter(
            visit, patient=patient, period={"start": f"{on}T13:00:00Z", "end": f"{on}T15:00:00Z"}
        )
        yield builders.administration(
            f"dose-{week}", on=f"{on}T13:30:00Z", encounter=visit, patient=patient
        )
        yield from (
            builders.lab(name, value, on=str(on - timedelta(days=1)), patient=patient)
            for name, value in (("ferritin", 60), ("tsat", 15), ("hemoglobin", 10))
        )


def bare(paths: list[Path]) -> None:
    for path in paths:
        orjson.loads(path.read_bytes())


def whole(paths: list[Path]) -> int:
    """As the bulk run does it: one reader for all, one patient at a time. Returns how many lines
    came out."""
    reader, policies, lines = Reader(SITE), choosing.built_in(), 0
    for path in paths:
        collection = Collection()
        collection.add_text(path.read_bytes(), path.name)
        records, problems = reader.records(collection)
        assessed = document(
            [assess(record, policies, builders.AS_OF, SITE) for record in records],
            problems,
            builders.AS_OF,
        )
        lines += sum(len(row.lines) for row in assessed.patients)
        to_json(assessed, indent=0)
    return lines


def seconds(work: Callable[[list[Path]], object], paths: list[Path]) -> float:
    start = time.process_time()
    work(paths)
    return time.process_time() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        resources = 0
        for number, chart in enumerate(charts()):
            paths.append(Path(folder) / f"{number}.json")
            paths[-1].write_bytes(chart)
            resources += len(orjson.loads(chart)["entry"])
        assert whole(paths) == sum(map(doses, range(CHARTS)))
        if "--profile" in sys.argv:
            profile(paths)
            return
        report(paths, resources)


def profile(paths: list[Path]) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(whole, paths)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(35)


def report(paths: list[Path], resources: int) -> None:
    rounds = [(seconds(bare, paths), seconds(whole, paths)) for _ in range(ROUNDS)]
    ratio = statistics.median(second / first for first, second in rounds)
    parsed, assessed = (min(column) / len(paths) * 1000 for column in zip(*rounds, strict=True))
    size = sum(path.stat().st_size for path in paths) / len(paths) / 1000
    print(f"{len(paths)} charts of {resources / len(paths):.0f} resources, {size:.0f} kB each")
    print(
        f"read and parse (orjson): {parsed:.2f} ms a chart; whole assessment: {assessed:.2f} ms a"
        " chart"
    )
    print(f"ratio: {ratio:.1f} (median of {ROUNDS} rounds)")


if __name__ == "__main__":
    main()
