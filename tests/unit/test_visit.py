"""R7: which encounter a dose was given in, and what surely touches its day, in the site's zone.

05:00Z of Nov 2 is midnight in New York and 23:00 of Nov 1 in Chicago; without a zone it may be
either.
"""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mappings.circumstances.visit import encounter_of, has_night, of_facility
from mappings.reading import read
from mappings.record import Encounter, Source
from mappings.values import moment
from tests import builders

DAY = date(2026, 11, 1)
NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")


def lasting(start: str | None, end: str | None) -> Encounter:
    return Encounter(
        source=Source("Encounter/stay"), start=moment.parse(start), end=moment.parse(end)
    )


@pytest.mark.parametrize(
    ("start", "end", "zone", "night"),
    [
        ("2026-11-01", "2026-11-02", None, True),
        ("2026-11-01", "2026-11-01", None, False),
        # Only as far as the day of the dose, where no end is known.
        ("2026-10-31", None, None, True),
        ("2026-11-01", None, None, False),
        (None, "2026-11-02", None, False),
        ("2026-11", "2026-11-02", None, False),
        ("2026-11-01", "2026-11-02T05:00:00Z", NEW_YORK, True),
        ("2026-11-01", "2026-11-02T05:00:00Z", CHICAGO, False),
        ("2026-11-01", "2026-11-02T05:00:00Z", None, False),
        ("2026-11-01T04:30:00Z", "2026-11-01", NEW_YORK, False),
        ("2026-11-01T04:30:00Z", "2026-11-01", CHICAGO, True),
        ("2026-11-01T04:30:00Z", "2026-11-01", None, False),
    ],
)
def test_a_night_is_one_that_surely_was(
    start: str | None, end: str | None, zone: ZoneInfo | None, night: bool
) -> None:
    assert has_night(lasting(start, end), DAY, zone) is night


@pytest.mark.parametrize(
    ("start", "end", "zone", "touches"),
    [
        (None, None, None, True),
        ("2026-11-01", "2026-11-01", None, True),
        ("2026-11-02", None, None, False),
        (None, "2026-10-31", None, False),
        ("2026", "2026", None, True),
        ("2026-11-02T05:00:00Z", None, NEW_YORK, False),
        ("2026-11-02T05:00:00Z", None, CHICAGO, True),
        ("2026-11-02T05:00:00Z", None, None, True),
        (None, "2026-11-01T04:30:00Z", NEW_YORK, True),
        (None, "2026-11-01T04:30:00Z", CHICAGO, False),
        (None, "2026-11-01T04:30:00Z", None, True),
    ],
)
def test_a_stay_in_a_facility_is_one_that_may_touch_the_day(
    start: str | None, end: str | None, zone: ZoneInfo | None, touches: bool
) -> None:
    stay = lasting(start, end)
    assert of_facility([stay], DAY, zone) is (stay if touches else None)


@pytest.mark.parametrize(
    ("visits", "names", "expected"),
    [
        ([{}], "encounter", "Encounter/encounter"),
        ([{}], None, "Encounter/encounter"),
        ([{}, {"id": "other"}], None, None),
        ([{}, {"id": "other"}], "other", "Encounter/other"),
        ([{"status": "planned"}, {"id": "other"}], "encounter", "Encounter/other"),
        ([{"period": {"start": "2026-09-01", "end": "2026-09-01"}}], "encounter", None),
        ([{"status": "odd"}], "encounter", None),
        ([{}], "lost", None),
    ],
)
def test_the_encounter_of_a_dose(
    visits: list[dict[str, Any]], names: str | None, expected: str | None
) -> None:
    dose = builders.administration(encounter=names)
    (record,), _ = read([dose, *(builders.encounter(**visit) for visit in visits)], None)
    found = encounter_of(record.administrations[0], record, None)
    assert (found.source.resource if found else None) == expected


def test_the_encounter_of_a_dose_is_of_its_day_in_the_zone() -> None:
    evening = builders.encounter(period={"start": "2026-10-31", "end": "2026-11-01T04:30:00Z"})
    (record,), _ = read([builders.administration(), evening], None)
    (dose,) = record.administrations
    assert encounter_of(dose, record, NEW_YORK) is record.encounters[0]
    assert encounter_of(dose, record, CHICAGO) is None
