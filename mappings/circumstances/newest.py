"""The newest result, also where several may be it: they were collected at one time, or nobody says
which of them came later.

Held by tests/scenarios/same_day.yaml.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from msgspec import structs

from mappings.record import LabResult

# No time is further from the day that its date says: no zone lies further from UTC than half a day,
# and a date alone is ordered within its own.
APART = timedelta(days=2)


def newest_of(newest_first: Iterable[LabResult], zone: tzinfo | None) -> tuple[LabResult, ...]:
    """The result than which none is newer; several where that can't be told. A measured one before
    one that was derived."""
    found = list(_near(newest_first, zone))
    if len(found) < 2:
        return tuple(found)
    last = _last(found, zone)
    return tuple([one for one in last if not one.derived] or last)


def _last(results: Iterable[LabResult], zone: tzinfo | None) -> list[LabResult]:
    """Those that may follow each of the others, by the latest times and days of these: of two hours
    the later one, else the days that they may be of."""
    dated = [(one, one.when.at(zone), *one.when.days(zone)) for one in results if one.when]
    latest = max((time for _, time, _, _ in dated if time), default=None)
    of_any = max((begins for _, _, begins, _ in dated), default=date.min)
    of_untimed = max((begins for _, time, begins, _ in dated if not time), default=date.min)
    last = []
    for one, time, _, ends in dated:
        if ends >= (of_untimed if time else of_any) and (not (time and latest) or time >= latest):
            last.append(one)
    return last


def _near(newest_first: Iterable[LabResult], zone: tzinfo | None) -> Iterator[LabResult]:
    """The first, and those that may be as new."""
    results = iter(newest_first)
    first = next(results, None)
    if first is None or first.when is None:
        return
    yield first
    for result in results:
        if result.when is None or is_days_older(result.when.order[0], first, zone):
            return
        if _may_follow(result, first, zone):
            yield result


def is_days_older(time: datetime, result: LabResult, zone: tzinfo | None) -> bool:
    """Whether what was collected then is surely older than a result."""
    return result.when is not None and time.date() < result.when.days(zone)[0] - APART


def _may_follow(one: LabResult, other: LabResult, zone: tzinfo | None) -> bool:
    return bool(one.when and other.when and one.when.may_follow(other.when, zone))


def together(*results: LabResult) -> LabResult:
    """One result for all: as it is where they agree, else one that lies anywhere between them."""
    first = results[0]
    if len({(one.low, one.high, one.low_open, one.high_open) for one in results}) == 1:
        return first
    results = tuple(sorted(results, key=lambda one: one.source))
    low = _outermost(min, [one.low for one in results])
    high = _outermost(max, [one.high for one in results])
    said = dict.fromkeys(one.says for one in results)
    return structs.replace(
        first,
        low=low,
        high=high,
        low_open=all(one.low_open for one in results if one.low == low),
        high_open=all(one.high_open for one in results if one.high == high),
        says=" or ".join(said),
        alternatives=results,
    )


def _outermost(
    least_or_most: Callable[[list[Decimal]], Decimal], ends: list[Decimal | None]
) -> Decimal | None:
    """None where one of them is open."""
    known = [end for end in ends if end is not None]
    return least_or_most(known) if len(known) == len(ends) else None
