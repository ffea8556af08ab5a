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
        days, doses = self._given
        found = doses[bisect_left(days, first) : bisect_right(days, last)]
        return [
            (start, self._mg(administration, start))
            for start, administration in found
            if administration is not but
        ]

    @cached_property
    def _given(self) -> tuple[list[date], list[tuple[Moment, Administration]]]:
        """Administrations of IV iron by the last day that they may have been on."""
        doses = [
            (administration.start.days(self.zone)[1], administration.start, administration)
            for administration in self.record.administrations
            if administration.start and administration.drug.family and not administration.not_given
            if administration.status in ("completed", "stopped")
        ]
        doses.sort(key=lambda dose: dose[0])
        return [day for day, _, _ in doses], [
            (start, administration) for _, start, administration in doses
        ]

    def _mg(self, administration: Administration, start: Moment) -> Decimal | None:
        return self.doses.on(administration, start.day(self.zone)).mg
