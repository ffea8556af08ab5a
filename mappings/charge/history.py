"""What is asked of a patient at every dose, worked out once.

Held by tests/scenarios/lines.yaml.
"""

from datetime import date, tzinfo

from msgspec import Struct

from mappings.charge.iron_history import IronHistory
from mappings.circumstances.coverage import CoverageHistory
from mappings.circumstances.kidney import DialysisHistory
from mappings.circumstances.lab_history import LabHistory
from mappings.circumstances.places import Places
from mappings.circumstances.standing import DiagnosisHistory
from mappings.dose.doses import Doses
from mappings.record import PatientRecord
from mappings.site import Site
from mappings.values.moment import Moment
from mappings.values.remembered import Once, kept


class History(Struct, frozen=True, eq=False, dict=True):
    """A record as the doses of it look at it, in the zone of the site."""

    record: PatientRecord
    site: Site

    @kept
    def zone(self) -> tzinfo | None:
        return self.site.zone

    @kept
    def once(self) -> Once:
        return Once()

    @kept
    def places(self) -> Places:
        return Places(self.record, self.site)

    @kept
    def diagnoses(self) -> DiagnosisHistory:
        return DiagnosisHistory(self.record, self.zone)

    @kept
    def dialysis(self) -> DialysisHistory:
        return DialysisHistory(self.record, self.zone)

    @kept
    def coverages(self) -> CoverageHistory:
        return CoverageHistory(self.record, self.zone, self.site.decisions)

    @kept
    def doses(self) -> Doses:
        return Doses(self.record, self.zone)

    @kept
    def results(self) -> LabHistory:
        return LabHistory(self.record.labs, self.zone)

    @kept
    def iron(self) -> IronHistory:
        return IronHistory(self.record, self.doses)

    @kept
    def esa_on(self) -> dict[date, set[str]]:
        """By day the ESAs given or ordered."""
        found: dict[date, set[str]] = {}
        for esa in self.record.esa:
            if esa.when:
                found.setdefault(esa.when.days(self.zone)[0], set()).add(esa.name)
        return found

    @kept
    def esa_dates(self) -> list[Moment]:
        """When ESAs were given or ordered."""
        return [esa.when for esa in self.record.esa if esa.when]
