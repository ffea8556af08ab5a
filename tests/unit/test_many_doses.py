"""What is asked of a patient is asked once, however many doses there are: held by counts of calls,
which no load on the machine changes."""

import cProfile
import json
import pstats
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from mappings.assess import assess, document
from mappings.document import to_json
from mappings.policy import choosing
from mappings.reading import Collection, Reader, read
from mappings.record import PatientRecord
from mappings.site import Site
from tests import builders

SITE = Site(time_zone="America/New_York")
FEW, MANY = 10, 300
# Of functions, by cProfile, for a weekly dose without its chain; 2,770 with it before there was
# this test. And to read it with its visit and results, and to write it.
MOST_CALLS, MOST_CALLS_TO_READ, MOST_CALLS_TO_WRITE = 940, 486, 80


def chart_of(doses: int, days_apart: int) -> list[dict[str, Any]]:
    """A patient with so many doses up to October 2026, each with its encounter and results."""
    plain = ("administration", "encounter", "ferritin", "tsat")
    resources = list(builders.chart(without=plain))
    for number in range(doses):
        on = date(2026, 10, 20) - timedelta(days=days_apart * number)
        visit = f"visit-{number}"
        hours = {"start": f"{on}T13:00:00Z", "end": f"{on}T15:00:00Z"}
        resources.append(builders.encounter(visit, period=hours))
        given = builders.administration(f"dose-{number}", on=f"{on}T13:30:00Z", encounter=visit)
        resources.append(given)
        drawn = str(on - timedelta(days=1))
        resources += [
            builders.lab(name, value, on=drawn)
            for name, value in (("ferritin", 60), ("tsat", 15), ("hemoglobin", 10))
        ]
    return resources


def as_text(resources: list[dict[str, Any]]) -> bytes:
    entry = [
        {"fullUrl": f"https://ehr.example.org/{one['resourceType']}/{one['id']}", "resource": one}
        for one in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entry}
    return json.dumps(bundle, default=float).encode()


def record_of(doses: int, days_apart: int) -> PatientRecord:
    records, problems = read(chart_of(doses, days_apart), SITE)
    assert problems == []
    (found,) = records
    return found


def calls_a_dose(record: PatientRecord) -> float:
    policies = choosing.built_in()
    found = assess(record, policies, builders.AS_OF, SITE)
    assert len(found.lines) == len(record.administrations)
    return calls_of(lambda: assess(record, policies, builders.AS_OF, SITE, trace=False)) / len(
        record.administrations
    )


def calls_of(work: Callable[[], object]) -> int:
    profiler = cProfile.Profile()
    profiler.runcall(work)
    calls: int = pstats.Stats(profiler).total_calls  # type: ignore[attr-defined]
    return calls


@pytest.mark.parametrize("days_apart", [1, 7])
def test_a_dose_among_many_costs_what_one_among_few_does(days_apart: int) -> None:
    few = calls_a_dose(record_of(FEW, days_apart))
    assert calls_a_dose(record_of(MANY, days_apart)) <= 1.3 * few


def test_a_dose_asks_no_more_than_it_did() -> None:
    assert calls_a_dose(record_of(FEW, 7)) <= MOST_CALLS


def test_one_more_dose_is_read_and_written_by_no_more_calls() -> None:
    reader, policies = Reader(SITE), choosing.built_in()
    texts = [as_text(chart_of(doses, 7)) for doses in (FEW, 2 * FEW)]

    def record(text: bytes) -> PatientRecord:
        collection = Collection()
        assert collection.add_text(text, "the chart")
        (found,), _ = reader.records(collection)
        return found

    found = [
        document([assess(record(text), policies, builders.AS_OF, SITE)], [], builders.AS_OF)
        for text in texts
    ]
    few, many = (calls_of(partial(record, text)) for text in texts)
    assert (many - few) / FEW <= MOST_CALLS_TO_READ
    few, many = (calls_of(partial(to_json, one, indent=0, trace=False)) for one in found)
    assert (many - few) / FEW <= MOST_CALLS_TO_WRITE
