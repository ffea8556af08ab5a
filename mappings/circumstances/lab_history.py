"""The results of one patient, put in order once for all that is asked of them.

Held by tests/unit/test_lab_history.py.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from msgspec import Struct, field

from mappings import codes
from mappings.circumstances import labs
from mappings.circumstances.newest import APART, is_days_older, newest_of, together
from mappings.policy.conditions import LabState
from mappings.record import LabResult
from mappings.values.moment import Moment
from mappings.values.remembered import Once, kept

_NOTHING = LabState("missing")
# Results that say how long a pregnancy has lasted.
GESTATION = ("gestational-age", "due-date")


class LabsAtDose(Struct, frozen=True, eq=False, dict=True):
    """What the results say at a dose, which is given by its moment and its day."""

    history: "LabHistory"
    dose: Moment | None
    day: date
    _states: dict[tuple[str, int], LabState] = field(default_factory=dict)
    _newest: dict[str, LabResult | None] = field(default_factory=dict)

    def state(self, analyte: str, days: int) -> LabState:
        """The newest result within the window of `days`, or whether there is an older one or none;
        and a newer one that can't be read."""
        key = (analyte, days)
        known = self._states.get(key)
        if known is None:
            has_any = self.history.has(analyte)
            known = self._state(analyte, days) if has_any else _NOTHING
            self._states[key] = known
        return known

    def _state(self, analyte: str, days: int) -> LabState:
        zone = self.history.zone
        found = self._within(analyte, self.day - timedelta(days=days))
        unread = self._unread(analyte)
        if unread:
            unread = labs.within_or_undated(unread, self.day, days, zone)
        doubt = labs.unread_after(found, unread) if unread else None
        if found:
            return LabState("met", found, doubt)
        return LabState("expired" if self.newest(analyte) else "missing", None, doubt)

    def newest(self, analyte: str) -> LabResult | None:
        """The newest usable result before the dose, however old."""
        if analyte not in self._newest:
            self._newest[analyte] = self._found(analyte)
        return self._newest[analyte]

    def _found(self, analyte: str) -> LabResult | None:
        times, results = self.history.ranked(analyte)
        places = self._places_before(times, results)
        place = next(places, None)
        if place is None:
            return None
        # As nearly always: what was collected before it is days older.
        if place == 0 or is_days_older(times[place - 1], results[place], self.history.zone):
            return results[place]
        return self.history.newest(self._before(analyte))

    def unread_after_newest(self, analyte: str) -> LabResult | None:
        """A result before the dose, newer than the newest usable one, that can't be read."""
        unread = self._unread(analyte)
        return labs.unread_after(self.newest(analyte), unread) if unread else None

    def _within(self, analyte: str, first: date) -> LabResult | None:
        """The newest result before the dose that is not older than `first`."""
        newest = self.newest(analyte)
        if newest is None or _is_since(newest, first, self.history.zone):
            return newest
        return self.history.newest(self._since(first, analyte))

    def _since(self, first: date, analyte: str) -> Iterator[LabResult]:
        """Usable results before the dose that are not older than `first`, the newest first."""
        earliest = _instant(first) - APART
        for result in self._before(analyte):
            if result.when and result.when.days(self.history.zone)[0] >= first:
                yield result
            elif result.when and result.when.order[0] < earliest:
                return

    def _before(self, analyte: str) -> Iterator[LabResult]:
        """Usable results that were collected not after the dose, the newest first."""
        times, results = self.history.ranked(analyte)
        return (results[place] for place in self._places_before(times, results))

    def _places_before(self, times: list[datetime], results: list[LabResult]) -> Iterator[int]:
        for place in range(bisect_right(times, self.latest) - 1, -1, -1):
            if labs.is_before(results[place], self.dose, self.day, self.history.zone):
                yield place

    @kept
    def latest(self) -> datetime:
        """No result of later than this is of before the dose."""
        return _instant(self.day) + APART

    def _unread(self, analyte: str) -> list[LabResult]:
        unread = self.history.unread.get(analyte)
        return labs.unread(unread, self.dose, self.day, self.history.zone) if unread else []


class LabHistory(Struct, frozen=True, eq=False, dict=True):
    """The results of one patient."""

    labs: tuple[LabResult, ...]
    zone: tzinfo | None
    _known: dict[str, tuple[list[datetime], list[LabResult]]] = field(default_factory=dict)
    _once: Once = field(default_factory=Once)

    def at(self, dose: Moment | None, day: date) -> LabsAtDose:
        return LabsAtDose(self, dose, day)

    def newest(self, newest_first: Iterator[LabResult]) -> LabResult | None:
        """The newest result; where several may be it, one that lies between them."""
        found = newest_of(newest_first, self.zone)
        if len(found) < 2:
            return next(iter(found), None)
        return self._once(together, *found)

    def has(self, analyte: str) -> bool:
        """Whether there is any result that it can be taken or derived from."""
        return analyte == "tsat" or analyte in self._by_analyte

    @kept
    def tells_of_pregnancy(self) -> bool:
        """Whether a gestational age or a due date is among them."""
        return not self._by_analyte.keys().isdisjoint(GESTATION)

    def unusable(self, analyte: str) -> list[LabResult]:
        """Results whose value can't be used."""
        return [result for result in self._by_analyte.get(analyte, ()) if result.problem]

    def ranked(self, analyte: str) -> tuple[list[datetime], list[LabResult]]:
        """Usable results with a time, the newest last; a measured one behind a derived one of the
        same time."""
        known = self._known.get(analyte)
        if known is None:
            usable = labs.usable(self._measured(analyte), analyte)
            known = self._known[analyte] = labs.newest_last(usable)
        return known

    def _measured(self, analyte: str) -> list[LabResult] | tuple[LabResult, ...]:
        """What a value of the analyte is taken or derived from."""
        return self.labs if analyte == "tsat" else self._by_analyte.get(analyte, ())

    @kept
    def _by_analyte(self) -> dict[str, list[LabResult]]:
        found: dict[str, list[LabResult]] = {}
        for result in self.labs:
            found.setdefault(result.analyte, []).append(result)
        return found

    @kept
    def unread(self) -> dict[str, list[LabResult]]:
        """By analyte results that can't be read."""
        found: dict[str, list[LabResult]] = {}
        for result in self.labs:
            if result.unread:
                found.setdefault(result.analyte, []).append(result)
        return found


def _is_since(result: LabResult, first: date, zone: tzinfo | None) -> bool:
    """One result, and not older than `first`."""
    when = result.when
    return when is not None and not result.alternatives and when.days(zone)[0] >= first


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def kilograms(results: Iterable[LabResult], day: date, zone: tzinfo | None) -> Decimal | None:
    """What the patient weighs, by the newest weight of the time before DAY in which one counts;
    None where it can't be read."""
    days = codes.windows().days("weight")
    found = LabHistory(tuple(results), zone).at(None, day).state("weight", days)
    return found.result.value if found.result and not found.unread else None
