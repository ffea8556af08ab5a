"""What is asked of a patient at every dose, worked out once.

Held by tests/scenarios/lines.yaml.
"""

from datetime import tzinfo

from msgspec import Struct

from mappings.charge.iron_history import IronHistory
from mappings.circumstances.coverage import CoverageHistory
from mappings.circumstances.kidney import DialysisHistory
from mappings.circumstances.lab_history import LabHistory
from mappings.circumstances.standing import DiagnosisHistory
from mappings.dose.doses import Doses
from mappings.record import PatientRecord
from mappings.site import Site
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
