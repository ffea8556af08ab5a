"""The doses of one patient, each worked out once however many others ask for it.

Held by tests/scenarios/doses.yaml.
"""

from datetime import date, tzinfo

from mappings.dose.dispensed import handed_ndcs
from mappings.dose.milligrams import Dose, dose
from mappings.record import Administration, PatientRecord


class Doses:
    """By administration and day. What is kept depends on nothing that joining records changes."""

    def __init__(self, record: PatientRecord, zone: tzinfo | None) -> None:
        self.record = record
        self.zone = zone
        self._known: dict[tuple[str, date | None], Dose] = {}
        self._alike: dict[tuple[object, ...], Dose] = {}

    def on(self, administration: Administration, day: date | None) -> Dose:
        """The dose, with the vials handed out on DAY."""
        key = (administration.source.resource, day)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._worked_out(administration, day)
        return found

    def _worked_out(self, administration: Administration, day: date | None) -> Dose:
        """Once for all records that say the same of it."""
        vials = tuple(handed_ndcs(self.record, administration, day, self.zone))
        one = administration
        key = (one.status, one.drug, one.dose, one.giving, one.orders, vials)
        found = self._alike.get(key)
        if found is None:
            found = dose(administration, self.record.orders, vials)
            # A note names its record.
            if not found.notes:
                self._alike[key] = found
        return found
