"""What is asked of a patient is asked once, however many doses there are: held by counts of calls,
which no load on the machine changes."""

import cProfile
import pstats
from datetime import date, timedelta

import pytest

from mappings.assess import assess
from mappings.policy import choosing
from mappings.reading import read
from mappings.record import PatientRecord
from mappings.site import Site
from tests import builders

SITE = Site(time_zone="America/New_York")
FEW, MANY = 10, 300
# Of functions, by cProfile, for a weekly dose without its chain: 1,100 when this was written;
# with it 1,640 and 2,770 before.
MOST_CALLS = 1_180


def record_of(doses: int, days_apart: int) -> PatientRecord:
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
    records, problems = read(resources, SITE)
    assert problems == []
    (found,) = records
    return found


def calls_a_dose(record: PatientRecord) -> float:
    policies = choosing.built_in()
    found = assess(record, policies, builders.AS_OF, SITE)
    assert len(found.lines) == len(record.administrations)
    profiler = cProfile.Profile()
    profiler.runcall(assess, record, policies, builders.AS_OF, SITE, trace=False)
    calls: int = pstats.Stats(profiler).total_calls  # type: ignore[attr-defined]
    return calls / len(record.administrations)


@pytest.mark.parametrize("days_apart", [1, 7])
def test_a_dose_among_many_costs_what_one_among_few_does(days_apart: int) -> None:
    few = calls_a_dose(record_of(FEW, days_apart))
    assert calls_a_dose(record_of(MANY, days_apart)) <= 1.3 * few


def test_a_dose_asks_no_more_than_it_did() -> None:
    assert calls_a_dose(record_of(FEW, 7)) <= MOST_CALLS
