"""Numbers of a patient on a day: the age, and how many weeks a pregnancy has lasted.

Held by tests/unit/test_measures.py.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta, tzinfo
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.circumstances.diagnoses import Stated
from mappings.circumstances.lab_history import GESTATION, LabsAtDose
from mappings.policy.conditions import LabState
from mappings.record import LabResult
from mappings.values.moment import Moment
from mappings.values.numbers import NumberSpan

_GROWN = 18
_TERM = 280
# A pregnancy that lasts longer is over.
_LONGEST = 45 * 7
# ICD-10-CM: the weeks stand behind the dot; .01 are less than 8, .49 more than 42.
_WEEKS = re.compile(r"Z3A\.(0[89]|[1-3]\d|4[0-2])\Z")
Days = tuple[Decimal, Decimal]


class Ages(Struct, frozen=True, gc=False):
    """From-to, in whole years; `child` is None where that leaves it open."""

    low: int
    high: int
    child: bool | None

    @property
    def span(self) -> NumberSpan:
        return NumberSpan(Decimal(self.low), Decimal(self.high))


def ages(born: object, day: date | None) -> Ages | None:
    """None where the date of birth is not known."""
    if not isinstance(born, Moment) or day is None:
        return None
    high = _years(born.first, day)
    low = _years(born.last, day) if born.first != born.last else high
    return Ages(low, high, None if low < _GROWN <= high else high < _GROWN)


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def may_last(labs: LabsAtDose | None, day: date | None, zone: tzinfo | None) -> bool:
    """Whether what is recorded of a gestational age or a due date leaves it open."""
    if labs is None:
        return False
    unread = any(_state(labs, name).unread for name in GESTATION)
    return unread or weeks(labs, (), day, zone) is not None


def weeks(
    labs: LabsAtDose | None, said: Iterable[Stated], day: date | None, zone: tzinfo | None
) -> NumberSpan | None:
    """From-to, by all that is recorded of it; None where nothing is, something of it can't be
    read, or the pregnancy would be over. SAID: diagnoses of a pregnancy."""
    if labs is None or day is None:
        return None
    age, due = (_state(labs, name) for name in GESTATION)
    if age.unread or due.unread or _is_open(age.result) or _is_open(due.result):
        return None
    found = [
        *_by_age(age.result, day, zone),
        *_by_due_date(due.result, day),
        *_by_codes(said, day, zone),
    ]
    if not found:
        return None
    low, high = min(days[0] for days in found), max(days[1] for days in found)
    return NumberSpan(low / 7, high / 7) if low >= 0 and high <= _LONGEST else None


def _state(labs: LabsAtDose, analyte: str) -> LabState:
    return labs.state(analyte, codes.windows().days("pregnancy"))


def _is_open(result: LabResult | None) -> bool:
    """Whether it says no more than a least or a most."""
    return result is not None and None in (result.low, result.high)


def _by_age(result: LabResult | None, day: date, zone: tzinfo | None) -> Iterator[Days]:
    if result and result.when and result.low is not None and result.high is not None:
        first, last = result.when.days(zone)
        yield result.low + (day - last).days, result.high + (day - first).days


def _by_due_date(result: LabResult | None, day: date) -> Iterator[Days]:
    if result and result.low is not None and result.high is not None:
        today = day.toordinal()
        yield _TERM - (result.high - today), _TERM - (result.low - today)


def _by_codes(said: Iterable[Stated], day: date, zone: tzinfo | None) -> Iterator[Days]:
    """The weeks of a code are those of the visit, else of the day on which it was recorded."""
    for one in said:
        found = _WEEKS.match(one.code)
        when = one.by.recorded
        if found and one.of_encounter:
            yield Decimal(7 * int(found[1])), Decimal(7 * int(found[1]) + 6)
        elif found and when and day - when.days(zone)[0] <= timedelta(days=_TERM):
            first, last = when.days(zone)
            begun = 7 * int(found[1])
            yield Decimal(begun + (day - last).days), Decimal(begun + 6 + (day - first).days)
