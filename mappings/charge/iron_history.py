"""Whether a result was drawn so soon after an iron dose that it can't be relied on.

Held by tests/scenarios/oral_iron.yaml.
"""

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct, field

from mappings.circumstances import labs
from mappings.dose.doses import Doses
from mappings.record import Administration, LabResult, PatientRecord
from mappings.values.moment import Moment
from mappings.values.remembered import kept


class IronGiven(Struct, frozen=True):
    """`day`: the last one that it may have been on."""

    day: date
    start: Moment
    mg: Decimal | None
    administration: Administration


class IronHistory(Struct, frozen=True, eq=False, dict=True):
    """The IV iron of one patient, as results were drawn after it."""

    record: PatientRecord
    doses: Doses
    _disturbing: dict[int, tuple[LabResult, list[Administration]]] = field(default_factory=dict)
    _reaches: dict[str, dict[Decimal | None, int]] = field(default_factory=dict)

    def disturbs(self, result: LabResult, but: Administration) -> bool:
        """Whether a dose, one administration apart, makes a result unreliable."""
        known = self._disturbing.get(id(result))
        if known is None:
            known = self._disturbing[id(result)] = result, self._before(result)
        _, doses = known
        return bool(doses) and (len(doses) > 1 or doses[0] is not but)

    def _before(self, result: LabResult) -> list[Administration]:
        """Doses after which the result can't be relied on."""
        if result.when is None:
            return []
        drawn = result.when.days(self.doses.zone)[0]
        until = bisect_right(self._days, drawn)
        if until == 0:
            return []
        reach = self._reach(result.analyte)
        first = bisect_left(self._days, drawn - timedelta(days=max(reach.values())))
        found = []
        for given in self._given[first:until]:
            after, days = (drawn - given.day).days, reach[given.mg]
            on_its_day = after == 0 <= days and labs.is_later(result.when, given.start)
            if 0 < after <= days or on_its_day:
                found.append(given.administration)
        return found

    def _reach(self, analyte: str) -> dict[Decimal | None, int]:
        """The days after each amount of iron in which the analyte can't be relied on."""
        known = self._reaches.get(analyte)
        if known is None:
            amounts = {given.mg for given in self._given}
            known = {mg: labs.unreliable_days(analyte, mg) for mg in amounts}
            self._reaches[analyte] = known
        return known

    @kept
    def _given(self) -> list[IronGiven]:
        """Administrations of IV iron, the oldest first."""
        zone = self.doses.zone
        found = []
        for one in self.record.administrations:
            if one.was_given and one.start and one.drug.family:
                mg = self.doses.on(one, one.start.day(zone)).mg
                found.append(IronGiven(one.start.days(zone)[1], one.start, mg, one))
        return sorted(found, key=lambda given: given.day)

    @kept
    def _days(self) -> list[date]:
        return [given.day for given in self._given]
