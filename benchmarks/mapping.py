"""Whole assessment of realistic charts (file → record → lines and gaps → JSON) against a bare
orjson read-and-parse of the same bytes, and beside fhir.resources' models of them; the same of
charts with little beside the iron; and what one more resource, and one more dose, costs.

Run: make bench. All are timed in turn in one process, in processor time, so that the ratios mean
something on a busy machine. `--profile` shows where the time goes. docs/performance.md has the
figures.
"""

import cProfile
import json
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson
from fhir.resources.R4B import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from mappings.assess import assess, document
from mappings.document import to_json
from mappings.policy import choosing
from mappings.reading import Collection, Reader
from mappings.record import PatientRecord, Problem
from mappings.site import Site
from tests import builders, synthea

CHARTS, ROUNDS = 60, 9
# Of how many charts models are made: they take long.
MODELED = 20
# Charts of the iron alone: how many doses. And how many resources are added to see what one costs.
COMPACT, MORE = (1, 3, 10), 200
# What a pull of one patient brings beside the iron: how many resources of each type.
OTHERS = {
    "Observation": 80,
    "Encounter": 18,
    "Condition": 12,
    "MedicationRequest": 10,
    "MedicationAdministration": 8,
}
# Whose a resource is stands elsewhere than in `subject`; a place is nobody's.
SUBJECT = {"Coverage": "beneficiary", "AllergyIntolerance": "patient", "Location": None}
SITE = Site(time_zone="America/New_York")


def charts() -> Iterator[bytes]:
    """Searchset Bundles of about 150 resources: slices of Synthea's charts, and a course of iron
    with all it needs."""
    supply = {kind: cycle(synthea.resources(kind)) for kind in OTHERS}
    for number in range(CHARTS):
        patient = f"bench-{number}"
        others: list[dict[str, Any]] = []
        whose = {"subject": {"reference": f"Patient/{patient}"}}
        for kind, count in OTHERS.items():
            others += [resource | whose for resource in islice(supply[kind], count)]
        yield as_bundle([*iron(patient, number, doses(number)), *others])


def as_bundle(resources: Iterable[dict[str, Any]]) -> bytes:
    entries = [
        {
            "fullUrl": f"https://ehr.example.org/fhir/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
        }
        for resource in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    return json.dumps(bundle, default=float).encode()


def doses(number: int) -> int:
    return 1 + number % 5


def iron(patient: str, number: int, doses: int) -> Iterator[dict[str, Any]]:
    """A weekly course under way with encounters, labs and payer; every third chart lacks its
    ferritin."""
    # On other days than those of the chart's own results.
    start = date(2026, 9, 2)
    whose = {"reference": f"Patient/{patient}"}
    missing = ("ferritin",) if number % 3 == 0 else ()
    for resource in builders.chart(without=[*missing, "administration", "encounter", "patient"]):
        element = SUBJECT.get(resource["resourceType"], "subject")
        yield resource | ({element: whose} if element else {})
    yield builders.patient(patient)
    for week in range(doses):
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


def compact(doses: int, *more: dict[str, Any]) -> bytes:
    """The iron with so many doses, and nothing else but what is given."""
    return as_bundle([*iron("bench", 1, doses), *more])


def irrelevant(number: int) -> dict[str, Any]:
    """A result that no rule reads."""
    code = {"coding": [{"system": builders.LOINC, "code": "2951-2", "display": "Sodium"}]}
    quantity = {"value": 140, "unit": "mmol/L"}
    return of_bench(
        {"resourceType": "Observation", "id": f"sodium-{number}", "code": code, "status": "final"}
        | {"valueQuantity": quantity, "effectiveDateTime": "2024-03-01T08:00:00Z"}
    )


def relevant(number: int) -> dict[str, Any]:
    """A result, a diagnosis or an encounter that is read, of years ago."""
    on = date(2023, 1, 1) + timedelta(days=number)
    if number % 3 == 0:
        hours = {"start": f"{on}T13:00:00Z", "end": f"{on}T15:00:00Z"}
        return of_bench(builders.encounter(f"old-{number}", period=hours))
    if number % 3 == 1:
        return of_bench(builders.condition("I10", id=f"old-{number}"))
    return of_bench(builders.lab("ferritin", 60, on=str(on)))


def of_bench(resource: dict[str, Any]) -> dict[str, Any]:
    return resource | {"subject": {"reference": "Patient/bench"}}


def bare(paths: list[Path]) -> None:
    for path in paths:
        orjson.loads(path.read_bytes())


def until_record(paths: list[Path]) -> None:
    for _ in records_of(paths):
        pass


def records_of(paths: list[Path]) -> Iterator[tuple[list[PatientRecord], list[Problem]]]:
    """As the bulk run does it: one reader for all, one patient at a time."""
    reader = Reader(SITE)
    for path in paths:
        collection = Collection()
        collection.add_text(path.read_bytes(), path.name)
        yield reader.records(collection)


def whole(paths: list[Path]) -> int:
    """Returns how many lines came out."""
    return assessed(records_of(paths))


def assessed(charts: Iterable[tuple[list[PatientRecord], list[Problem]]]) -> int:
    policies, lines = choosing.built_in(), 0
    for records, problems in charts:
        found = document(
            [assess(record, policies, builders.AS_OF, SITE, trace=False) for record in records],
            problems,
            builders.AS_OF,
        )
        lines += sum(len(patient.lines) for patient in found.patients)
        to_json(found, indent=0, trace=False)
    return lines


def models(paths: list[Path]) -> int:
    """What whoever reads charts by fhir.resources has before the first fact is read: a model of
    each resource. HealthChain reads by these. Returns how many there are."""
    return sum(len(list(models_of(path))) for path in paths)


def models_of(path: Path) -> Iterator[BaseModel]:
    """Of resources that are no FHIR there are none."""
    for entry in orjson.loads(path.read_bytes())["entry"]:
        resource = entry["resource"]
        with suppress(ValidationError):
            yield get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def whole_by_models(paths: list[Path]) -> int:
    """The whole over these models: as plain values, read and assessed by the same functions."""
    return assessed(records_by_models(paths))


def records_by_models(paths: list[Path]) -> Iterator[tuple[list[PatientRecord], list[Problem]]]:
    reader = Reader(SITE)
    for path in paths:
        collection = Collection()
        for model in models_of(path):
            collection.add(model.model_dump(), path.name)
        yield reader.records(collection)


def seconds(work: Callable[[list[Path]], object], paths: list[Path]) -> float:
    start = time.process_time()
    work(paths)
    return time.process_time() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = written(Path(folder) / "charts", charts())
        assert whole(paths) == sum(map(doses, range(CHARTS)))
        if "--profile" in sys.argv:
            profile(paths)
            return
        report(paths)
        report_models(paths[:MODELED])
        for number in COMPACT:
            report_compact(number, written(Path(folder) / f"{number}", [compact(number)] * 20))
        report_costs(Path(folder))


def written(folder: Path, texts: Iterable[bytes]) -> list[Path]:
    folder.mkdir()
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.json")
        paths[-1].write_bytes(text)
    return paths


def profile(paths: list[Path]) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(whole, paths)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(35)


def timed(paths: list[Path], rounds: int = ROUNDS) -> list[tuple[float, float, float]]:
    """Seconds of a bare parse, of reading until the record, and of the whole, in turn."""
    return [
        (seconds(bare, paths), seconds(until_record, paths), seconds(whole, paths))
        for _ in range(rounds)
    ]


def ratios(rounds: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Until the record, and of the whole, against the bare parse."""
    read = statistics.median(record / first for first, record, _ in rounds)
    return read, statistics.median(all_of / first for first, _, all_of in rounds)


def report(paths: list[Path]) -> None:
    rounds = timed(paths)
    read, ratio = ratios(rounds)
    columns = [min(column) / len(paths) * 1000 for column in zip(*rounds, strict=True)]
    resources = sum(len(orjson.loads(path.read_bytes())["entry"]) for path in paths)
    size = sum(path.stat().st_size for path in paths) / len(paths) / 1000
    print(f"{len(paths)} charts of {resources / len(paths):.0f} resources, {size:.0f} kB each")
    print(
        f"read and parse (orjson): {columns[0]:.2f} ms a chart; until the record:"
        f" {columns[1]:.2f} ms; whole assessment: {columns[2]:.2f} ms"
    )
    print(f"until the record: {read:.1f} × the bare parse")
    print(f"ratio: {ratio:.1f} (median of {ROUNDS} rounds)")


def report_models(paths: list[Path]) -> None:
    made = models(paths) / len(paths)
    rounds = [
        (seconds(models, paths), seconds(whole_by_models, paths), *timed(paths, 1)[0][1:])
        for _ in range(3)
    ]
    read = statistics.median(first / record for first, _, record, _ in rounds)
    ratio = statistics.median(first / all_of for first, _, _, all_of in rounds)
    same = statistics.median(by_models / all_of for _, by_models, _, all_of in rounds)
    print(
        f"fhir.resources' models of {made:.0f} resources a chart, of which nothing is read yet:"
        f" {read:.0f} × until the record, {ratio:.1f} × the whole assessment"
    )
    print(f"the whole over these models: {same:.0f} × the whole assessment")


def report_compact(number: int, paths: list[Path]) -> None:
    _, ratio = ratios(timed(paths))
    size = paths[0].stat().st_size / 1000
    print(
        f"compact chart of {number} dose{'s' if number > 1 else ''}, {size:.0f} kB: {ratio:.1f} ×"
    )


def report_costs(folder: Path) -> None:
    """What one more costs, by charts that have many more of it."""
    few = written(folder / "few", [compact(1)])
    others = {
        "an irrelevant resource": (compact(1, *map(irrelevant, range(MORE))), MORE),
        "a relevant resource": (compact(1, *map(relevant, range(MORE))), MORE),
        "a dose": (compact(11), 10),
    }
    for name, (text, count) in others.items():
        many = written(folder / name, [text])
        more, read = (cost_of_more(work, few * 5, many * 5) for work in (whole, until_record))
        each = 1e6 / 5 / count
        print(f"one more: {name}: {more * each:.1f} µs, until the record {read * each:.1f} µs")


def cost_of_more(work: Callable[[list[Path]], object], few: list[Path], many: list[Path]) -> float:
    rounds = [(seconds(work, few), seconds(work, many)) for _ in range(3 * ROUNDS)]
    return statistics.median(second - first for first, second in rounds)


if __name__ == "__main__":
    main()
