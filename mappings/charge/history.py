"""What is asked of a patient at every dose, worked out once."""

from datetime import tzinfo
from functools import cached_property

from msgspec import Struct

from mappings.charge.iron_history import IronHistory
from mappings.circumstances.coverage import CoverageHistory
from mappings.circumstances.kidney import DialysisHistory
from mappings.circumstances.lab_history import LabHistory
from mappings.circumstances.standing import DiagnosisHistory
from mappings.dose.doses import Doses
from mappings.record import PatientRecord
from mappings.site import Site
from mappings.values.remembered import Once


class History(Struct, frozen=True, eq=False, dict=True):
    """A record as the doses of it look at it, in the zone of the site."""

    record: PatientRecord
    site: Site

    @cached_property
    def zone(self) -> tzinfo | None:
        return self.site.zone

    @cached_property
    def once(self) -> Once:
        return Once()

    @cached_property
    def diagnoses(self) -> DiagnosisHistory:
        return DiagnosisHistory(self.record, self.zone)

    @cached_property
    def dialysis(self) -> DialysisHistory:
        return DialysisHistory(self.record, self.zone)

    @cached_property
    def coverages(self) -> CoverageHistory:
        return CoverageHistory(self.record, self.zone, self.site.decisions)

    @cached_property
    def doses(self) -> Doses:
        return Doses(self.record, self.zone)

    @cached_property
    def results(self) -> LabHistory:
        return LabHistory(self.record.labs, self.zone)

    @cached_property
    def iron(self) -> IronHistory:
        return IronHistory(self.record, self.doses)
