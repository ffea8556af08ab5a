"""The results of one patient, put in order once for all that is asked of them."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property

from msgspec import Struct

from mappings.circumstances import labs
from mappings.policy.conditions import LabState
from mappings.record import LabResult
from mappings.values.moment import Moment

# No zone lies further from UTC than half a day, and a date alone is ordered within its own.
_APART = timedelta(days=2)


class LabHistory(Struct, frozen=True, eq=False, dict=True):
    """What the results say at a dose, which is given by its moment and its day."""

    labs: tuple[LabResult, ...]
    zone: tzinfo | None

    def state(self, analyte: str, dose: Moment | None, day: date, days: int) -> LabState:
        """The newest result within the window of `days`, or whether there is an older one or none;
        and a newer one that can't be read."""
        found, older = self._within(analyte, dose, day, day - timedelta(days=days))
        unread = labs.unread(self._unread_of(analyte), dose, day, self.zone)
        doubt = labs.unread_after(found, labs.within_or_undated(unread, day, days, self.zone))
        if found:
            return LabState("met", found, doubt)
        return LabState("expired" if older else "missing", None, doubt)

    def newest(self, analyte: str, dose: Moment | None, day: date) -> LabResult | None:
        """The newest usable result before the dose, however old."""
        return next(self._before(analyte, dose, day), None)

    def unread_after_newest(self, analyte: str, dose: Moment | None, day: date) -> LabResult | None:
        """A result before the dose, newer than the newest usable one, that can't be read."""
        unread = labs.unread(self._unread_of(analyte), dose, day, self.zone)
        return labs.unread_after(self.newest(analyte, dose, day), unread) if unread else None

    def unusable(self, analyte: str) -> list[LabResult]:
        """Results whose value can't be used."""
        return [result for result in self._by_analyte.get(analyte, ()) if result.problem]

    def _within(
        self, analyte: str, dose: Moment | None, day: date, first: date
    ) -> tuple[LabResult | None, bool]:
        """The newest result before the dose that is not older than `first`, and whether any is
        before the dose."""
        earliest = _instant(first) - _APART
        older = False
        for result in self._before(analyte, dose, day):
            if result.when and result.when.days(self.zone)[0] >= first:
                return result, True
            older = True
            if result.when and result.when.order[0] < earliest:
                break
        return None, older

    def _before(self, analyte: str, dose: Moment | None, day: date) -> Iterator[LabResult]:
        """Usable results that were collected not after the dose, the newest first."""
        times, results = self._ranked(analyte)
        for place in range(bisect_right(times, _instant(day) + _APART) - 1, -1, -1):
            if labs.is_before(results[place], dose, day, self.zone):
                yield results[place]

    def _ranked(self, analyte: str) -> tuple[list[datetime], list[LabResult]]:
        """Usable results with a time, the newest last; a measured one behind a derived one of the
        same time."""
        known = self._known.get(analyte)
        if known is None:
            results = labs.newest_first(labs.usable(self._measured(analyte), analyte))[::-1]
            times = [result.when.order[0] for result in results if result.when]
            known = self._known[analyte] = times, results
        return known

    def _measured(self, analyte: str) -> list[LabResult] | tuple[LabResult, ...]:
        """What a value of the analyte is taken or derived from."""
        return self.labs if analyte == "tsat" else self._by_analyte.get(analyte, ())

    def _unread_of(self, analyte: str) -> list[LabResult]:
        return self._unread.get(analyte, [])

    @cached_property
    def _known(self) -> dict[str, tuple[list[datetime], list[LabResult]]]:
        return {}

    @cached_property
    def _by_analyte(self) -> dict[str, list[LabResult]]:
        found: dict[str, list[LabResult]] = {}
        for result in self.labs:
            found.setdefault(result.analyte, []).append(result)
        return found

    @cached_property
    def _unread(self) -> dict[str, list[LabResult]]:
        return {
            analyte: [result for result in results if result.unread]
            for analyte, results in self._by_analyte.items()
        }


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
