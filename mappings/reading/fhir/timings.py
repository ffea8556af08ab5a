"""FHIR Timing: the frequency of a treatment, and from when until when it runs.

Held by tests/unit/test_timings.py.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.stated import only

_DAYS: dict[str, int] = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}
_DAYS |= {"mo": 30, "month": 30, "months": 30, "a": 365, "year": 365, "years": 365}
# Ten years; nothing that is ordered goes on for longer.
_MOST_DAYS = 3660

_DAY, _MOST_A_DAY = 24, 48
# Of one order of an infusion, that anybody means.
_MOST_DOSES = 1000
_HOURS: dict[str, Decimal] = {"s": Decimal(1) / 3600, "min": Decimal(1) / 60, "h": Decimal(1)}
_HOURS |= {unit: Decimal(days * _DAY) for unit, days in _DAYS.items()}
_COUNTED, _LISTED = ("frequency", "count", "period"), ("dayOfWeek", "timeOfDay", "when")

Span = tuple[Moment | None, Moment | None]


def stated(instructions: Iterable[Resource]) -> list[Resource]:
    """The Timing of each Dosage; empty where it has none."""
    return [elements.mapping(instruction.get("timing")) for instruction in instructions]


def has_frequency(timing: Resource) -> bool:
    """A repeat, a coded timing that says how often, or dates given one by one."""
    named = set(map(words.plain, elements.concept(timing.get("code")).statements))
    return bool(
        timing.get("event")
        or (named and named.isdisjoint(codes.giving().no_frequency.texts))
        or _says_how_often(elements.mapping(timing.get("repeat")))
    )


def _says_how_often(repeat: Resource) -> bool:
    """Where something of it does, and nothing of it is stated and not read."""
    if any(name in repeat and elements.decimal(repeat[name]) is None for name in _COUNTED):
        return False
    if "periodUnit" in repeat and elements.text(repeat["periodUnit"]).lower() not in _HOURS:
        return False
    return any(name in repeat for name in _COUNTED) or any(
        elements.texts(repeat.get(name)) for name in _LISTED
    )


def doses_a_day(timing: Resource) -> int | None:
    """What a timing asks on a day of treatment; None where it is not read."""
    events = elements.texts(timing.get("event"))
    if events:
        return max(Counter(said[:10] for said in events).values())
    repeat = elements.mapping(timing.get("repeat"))
    listed = max(len(elements.texts(repeat.get(name))) for name in ("timeOfDay", "when"))
    return _by_repeat(repeat) or listed or _by_code(timing) or (_once(repeat) or None)


def _by_repeat(repeat: Resource) -> int | None:
    """So many at so many a period; of a period above a day, one on its day."""
    pace = _pace(repeat)
    if pace is None:
        return None
    length, frequency = pace
    if length > _DAY:
        return 1
    asked = frequency * _DAY / length
    return int(min(asked, Decimal(_MOST_A_DAY)).to_integral_value(ROUND_CEILING))


def _once(repeat: Resource) -> int:
    """A single dose, or doses on days of the week."""
    only = elements.decimal(elements.either(repeat, "countMax", "count")) == 1
    return 1 if only or repeat.get("dayOfWeek") else 0


def _by_code(timing: Resource) -> int | None:
    named = elements.concept(timing.get("code"))
    found = {codes.giving().a_day.get(words.plain(text)) for text in named.statements} - {None}
    return only(found)


def is_once(timing: Resource) -> bool:
    """Whether it asks for a single dose."""
    repeat, named = elements.mapping(timing.get("repeat")), elements.concept(timing.get("code"))
    events = elements.texts(timing.get("event"))
    said = set(map(words.plain, named.statements))
    only = elements.decimal(elements.either(repeat, "countMax", "count")) == 1
    return len(events) == 1 or (not events and (only or not codes.giving().once.isdisjoint(said)))


def doses(timing: Resource) -> int | None:
    """How many doses it asks in all: its dates, its count, or as many as its bounds hold."""
    if is_counted(timing):
        return _count(timing)
    repeat = elements.mapping(timing.get("repeat"))
    return _doses_within(_days_of_bounds(repeat), repeat)


def is_counted(timing: Resource) -> bool:
    """Whether it says how many doses it asks."""
    repeat = elements.mapping(timing.get("repeat"))
    has_count = elements.decimal(elements.either(repeat, "countMax", "count")) is not None
    return has_count or bool(elements.texts(timing.get("event"))) or is_once(timing)


def _count(timing: Resource) -> int | None:
    events = elements.texts(timing.get("event"))
    if events or is_once(timing):
        return len(events) or 1
    repeat = elements.mapping(timing.get("repeat"))
    count = elements.decimal(elements.either(repeat, "countMax", "count"))
    is_usable = count is not None and 0 < count <= _MOST_DOSES and count % 1 == 0
    return int(count) if count is not None and is_usable else None


def _days_of_bounds(repeat: Resource) -> int | None:
    """From the first to the last day of its bounds, both counted."""
    start, end = elements.period(repeat.get("boundsPeriod"))
    if start is None or end is None or start.partial or end.partial:
        return days(repeat.get("boundsDuration"))
    return (end.first - start.first).days + 1


def _doses_within(length: int | None, repeat: Resource) -> int | None:
    """So many at so many a period, from the first of so many days on."""
    pace = _pace(repeat)
    if length is None or pace is None:
        return None
    period, frequency = pace
    found = (length * _DAY * frequency / period).to_integral_value(ROUND_CEILING)
    return int(found) if found <= _MOST_DOSES else None


def days_apart(timing: Resource) -> Decimal | None:
    """From one dose to the next; None where it does not say."""
    pace = _pace(elements.mapping(timing.get("repeat")))
    return pace[0] / _DAY / pace[1] if pace else None


def dates(timing: Resource) -> list[Moment]:
    """Those that are given one by one."""
    said = map(elements.moment, elements.texts(timing.get("event")))
    return sorted(filter(None, said), key=lambda event: event.order)


def _pace(repeat: Resource) -> tuple[Decimal, Decimal] | None:
    """The hours of its period, and how many doses it asks in one."""
    period = elements.decimal(repeat.get("period"))
    frequency = elements.decimal(elements.either(repeat, "frequencyMax", "frequency") or 1)
    hours = _HOURS.get(elements.text(repeat.get("periodUnit")).lower())
    if not period or period < 0 or not frequency or frequency < 0 or not hours:
        return None
    return period * hours, frequency


def span(timing: Resource, begin: Moment | None, late_days: int = 0) -> Span:
    """The days of a timing: its dates, its bounds, or as long as its count of doses takes.

    `begin`: where only a length is said; a count of doses may begin `late_days` after it.
    """
    events = dates(timing)
    if events:
        return events[0], events[-1]
    repeat = elements.mapping(timing.get("repeat"))
    start, end = elements.period(repeat.get("boundsPeriod"))
    if end:
        return start, end
    length = days(repeat.get("boundsDuration"))
    doses = None if is_once(timing) else _days_of_count(repeat)
    if length is None and doses is not None:
        length = doses if start else doses + late_days
    return start, last_day(start or begin, length)


def whole(spans: Iterable[Span]) -> Span:
    """From the earliest start to the latest end; open where one of them is."""
    listed = list(spans)
    starts, ends = [start for start, _ in listed if start], [end for _, end in listed if end]
    return (
        min(starts, key=lambda start: start.order)
        if listed and len(starts) == len(listed)
        else None,
        max(ends, key=lambda end: end.order) if listed and len(ends) == len(listed) else None,
    )


def days(duration: object) -> int | None:
    """A FHIR Duration in whole days; None for one that can't be read."""
    duration = elements.mapping(duration)
    unit = elements.text(duration.get("code")) or elements.text(duration.get("unit"))
    return _whole_days(elements.decimal(duration.get("value")), unit.lower())


def _days_of_count(repeat: Resource) -> int | None:
    """So many doses at so many a period: the periods that they take."""
    count, period = (
        elements.decimal(elements.either(repeat, f"{name}Max", name))
        for name in ("count", "period")
    )
    frequency = elements.decimal(repeat.get("frequency", 1))
    if not count or not period or not frequency:
        return None
    periods = (count / frequency).to_integral_value(ROUND_CEILING)
    return _whole_days(periods * period, elements.text(repeat.get("periodUnit")))


def _whole_days(value: Decimal | None, unit: str) -> int | None:
    if value is None or unit not in _DAYS:
        return None
    found = value * _DAYS[unit]
    return int(found.to_integral_value(ROUND_CEILING)) if 0 < found < _MOST_DAYS else None


def last_day(start: Moment | None, length: int | None) -> Moment | None:
    """The last of so many days that begin with `start`."""
    if start is None or length is None:
        return None
    later = timedelta(days=length - 1)
    return Moment(start.first + later, start.last + later)
