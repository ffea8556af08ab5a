"""What is asked of a patient at every dose, worked out once."""

from bisect import bisect_left, bisect_right
from datetime import date, tzinfo
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from mappings.circumstances.lab_history import LabHistory
from mappings.dose.doses import Doses
from mappings.record import Administration, PatientRecord
from mappings.values.moment import Moment


class History(Struct, frozen=True, eq=False, dict=True):
    """A record as the doses of it look at it, in the zone of the site."""

    record: PatientRecord
    zone: tzinfo | None

    @cached_property
    def doses(self) -> Doses:
        return Doses(self.record, self.zone)

    @cached_property
    def labs(self) -> LabHistory:
        return LabHistory(self.record.labs, self.zone)

    def given(
        self, first: date, last: date, but: Administration
    ) -> list[tuple[Moment, Decimal | None]]:
        """When IV iron was given in these days, one administration apart, and how many mg, where
        that is known."""
        days, rows = self._given
        found = rows[bisect_left(days, first) : bisect_right(days, last)]
        return [(start, self._mg(row, start)) for start, row in found if row is not but]

    @cached_property
    def _given(self) -> tuple[list[date], list[tuple[Moment, Administration]]]:
        """Administrations of IV iron by the last day that they may have been on."""
        rows = [
            (row.start.days(self.zone)[1], row.start, row)
            for row in self.record.administrations
            if row.start and row.drug.family and not row.not_given
            if row.status in ("completed", "stopped")
        ]
        rows.sort(key=lambda row: row[0])
        return [day for day, _, _ in rows], [(start, row) for _, start, row in rows]

    def _mg(self, row: Administration, start: Moment) -> Decimal | None:
        return self.doses.on(row, start.day(self.zone)).mg
