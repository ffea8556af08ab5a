"""Days and times as people in the US read them. JSON, FHIR and files keep ISO's.

Held by tests/unit/test_us_dates.py.
"""

from datetime import date, datetime, tzinfo
from functools import lru_cache

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=4096)
def us_date(day: date | None) -> str:
    """`Nov 1, 2026`."""
    return f"{us_day(day)}, {day.year}" if day else "a day that is not known"


def us_day(day: date) -> str:
    """`Nov 1`, where the year is plain."""
    return f"{MONTHS[day.month - 1]} {day.day}"


def us_month(day: date) -> str:
    """`Nov 2026`."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def us_time(moment: datetime, zone: tzinfo | None = None) -> str:
    """`2:02 PM`, in ZONE, else as the moment has it."""
    local = moment.astimezone(zone) if zone else moment
    return f"{local.hour % 12 or 12}:{local:%M} {'PM' if local.hour >= 12 else 'AM'}"
