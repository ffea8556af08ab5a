"""FHIR dates and times as written: their precision and offset decide what may be concluded from
them.

Held by tests/unit/test_moments.py.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from mappings.values.us_dates import us_date, us_month

_FORM = re.compile(
    r"^(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?P<offset>Z|[+-]\d\d:\d\d)?)?)?)?$"
)
_DAY = len("2026-10-12")
# Without leap seconds, which no datetime has.
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:Z|[+-][0-9]{2}:[0-9]{2})"
)
# Read as the second before it.
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60")
# Outside these it is no date but a placeholder: 0001-01-01 (.NET's "none"), 9999-12-31 for the open
# end of a period.
_FIRST_YEAR, _LAST_YEAR = 1850, 2999
# Without a known zone a UTC instant may fall on two US dates: -04:00 (Atlantic) to -10:00 (Hawaii).
_EASTMOST, _WESTMOST = timezone(timedelta(hours=-4)), timezone(timedelta(hours=-10))


class Span(NamedTuple):
    """The days that a date may mean. `text` is the date as far as it is known, never a day that
    nobody wrote."""

    first: date
    last: date

    @property
    def text(self) -> str:
        """`2026-10-12`, `2026-10`, `2026`; else the days at both ends."""
        return self._written(date.isoformat, lambda month: f"{month:%Y-%m}")

    @property
    def shown(self) -> str:
        """The same for people: `Oct 12, 2026`, `Oct 2026`, `2026`."""
        return self._written(us_date, us_month)

    @property
    def on(self) -> str:
        """`on Oct 12, 2026`, `in Oct 2026`."""
        if self.first == self.last:
            return f"on {us_date(self.first)}"
        return f"{'in' if self._whole_year or self._whole_month else 'on'} {self.shown}"

    def _written(self, a_day: Callable[[date], str], a_month: Callable[[date], str]) -> str:
        if self.first == self.last:
            return a_day(self.first)
        if self._whole_year:
            return str(self.first.year)
        if self._whole_month:
            return a_month(self.first)
        between = "or" if self.last - self.first == timedelta(days=1) else "to"
        return f"{a_day(self.first)} {between} {a_day(self.last)}"

    @property
    def _whole_year(self) -> bool:
        return self.first.month == self.first.day == 1 and self.last == date(
            self.first.year, 12, 31
        )

    @property
    def _whole_month(self) -> bool:
        return self.first.day == 1 and self.last == _end_of_month(self.first)


class Moment(Struct, frozen=True, gc=False):
    """A FHIR date, dateTime or instant. `first` and `last` are the days it may mean as written;
    `instant` is aware."""

    first: date
    last: date
    instant: datetime | None = None
    zulu: bool = False
    floating: bool = False

    @property
    def partial(self) -> bool:
        """A year or a month only."""
        return self.first != self.last

    def days(self, zone: tzinfo | None) -> tuple[date, date]:
        """The earliest and latest day it can be, in `zone`; without one, by R1's rule for UTC
        instants."""
        if self.instant is None or self.floating:
            return self.first, self.last
        if zone is None and not self.zulu:
            return self.first, self.last
        return _days(self.instant, zone)

    def span(self, zone: tzinfo | None) -> Span:
        """The days it can be in `zone`, to be shown."""
        return Span(*self.days(zone))

    def day(self, zone: tzinfo | None) -> date | None:
        """The one day it is, or None where that can't be said."""
        first, last = self.days(zone)
        return first if first == last else None

    def before_or_same(self, other: "Moment", zone: tzinfo | None) -> bool:
        """Not after `other`: by instant where both have one, else by day."""
        if self.instant and other.instant and not (self.floating or other.floating):
            return self.instant <= other.instant
        return self.days(zone)[0] <= other.days(zone)[1]

    def may_follow(self, other: "Moment", zone: tzinfo | None) -> bool:
        """Whether it may be as late as `other`: by the hour where both say theirs, else by day."""
        mine, theirs = self.at(zone), other.at(zone)
        if mine and theirs:
            return mine >= theirs
        return self.days(zone)[1] >= other.days(zone)[0]

    def at(self, zone: tzinfo | None) -> datetime | None:
        """The instant, where a time is written; one without an offset is placed in `zone`, and
        without one is none."""
        if self.instant is None or not self.floating:
            return self.instant
        return self.instant.replace(tzinfo=zone) if zone else None

    @property
    def order(self) -> tuple[datetime]:
        """A key that sorts moments in time: by instant. A day alone stands where it begins in the
        westernmost US zone."""
        return (self.at(_WESTMOST) or datetime.combine(self.last, datetime.min.time(), _WESTMOST),)


def may_span(
    start: Moment | None, end: Moment | None, days: tuple[date, date], zone: tzinfo | None
) -> bool:
    """Whether a period may hold a day of those from the first to the last; without a start or an
    end it is open there."""
    first, last = days
    return (start is None or start.days(zone)[0] <= last) and (
        end is None or end.days(zone)[1] >= first
    )


# The end of what still goes on.
NEVER = Moment(date.max, date.max)


@lru_cache(maxsize=4096)
def _days(instant: datetime, zone: tzinfo | None) -> tuple[date, date]:
    """The first and last day of an instant; what is asked of a patient names the same few
    hundred."""
    west = instant.astimezone(zone or _WESTMOST).date()
    return west, west if zone else instant.astimezone(_EASTMOST).date()


@lru_cache(maxsize=4096)
def parse(text: object) -> Moment | None:
    """A Moment of a FHIR date, dateTime or instant; None for anything else."""
    if not isinstance(text, str):
        return None
    for reader in (_plain, _any):
        try:
            found = reader(text)
        except ValueError:
            continue
        if found:
            return found
    return None


def _plain(text: str) -> Moment | None:
    """As nearly all are written: a day, or an instant to the second."""
    if len(text) == _DAY:
        day = date.fromisoformat(text) if text[4] == text[7] == "-" else None
        return Moment(day, day) if day and _FIRST_YEAR <= day.year <= _LAST_YEAR else None
    if not _INSTANT.fullmatch(text):
        return None
    instant = datetime.fromisoformat(text)
    day = instant.date()
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        return None
    return Moment(day, day, instant, zulu=text.endswith(("Z", "00:00")) and not instant.utcoffset())


def shown(text: str) -> str:
    """A `Span.text` for people: `Oct 2026` of `2026-10`; what is no date stays."""
    found = [(end, parse(end)) for end in re.split(r" (?:or|to) ", text)]
    for end, moment in found:
        text = text.replace(end, moment.span(None).shown) if moment else text
    return text


def is_placeholder(text: object) -> bool:
    """Whether a date only stands for an open end."""
    found = _FORM.match(text) if isinstance(text, str) else None
    return found is not None and not _FIRST_YEAR <= int(found["year"]) <= _LAST_YEAR


def _any(text: str) -> Moment | None:
    found = _FORM.match(text)
    return _moment(found) if found else None


def _moment(found: re.Match[str]) -> Moment:
    year = int(found["year"])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(year)
    if found["month"] is None:
        return Moment(date(year, 1, 1), date(year, 12, 31))
    month = int(found["month"])
    if found["day"] is None:
        begins = date(year, month, 1)
        return Moment(begins, _end_of_month(begins))
    day = date(year, month, int(found["day"]))
    if found["time"] is None:
        return Moment(day, day)
    offset = found["offset"]
    instant = datetime.fromisoformat(f"{day}T{_LEAP_SECOND.sub(':59', found['time'][:15])}")
    if offset is None:
        return Moment(day, day, instant.replace(tzinfo=UTC), floating=True)
    zone = UTC if offset == "Z" else datetime.fromisoformat(f"{day}T00:00:00{offset}").tzinfo
    return Moment(day, day, instant.replace(tzinfo=zone), zulu=offset in ("Z", "+00:00", "-00:00"))


def _end_of_month(day: date) -> date:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - timedelta(days=1)


@lru_cache(maxsize=64)
def zone(name: str | None) -> tzinfo | None:
    """The time zone of an IANA name; ValueError names the one that does not exist."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ValueError(
            f"unknown time zone {name!r}: use an IANA name such as America/New_York"
        ) from problem


def end_of_day(day: date, zone: tzinfo | None) -> datetime:
    """The end of a day in a zone; without one, in the westernmost US zone, so that no US dose of
    the day is later."""
    return datetime.combine(day, datetime.max.time(), zone or _WESTMOST)
