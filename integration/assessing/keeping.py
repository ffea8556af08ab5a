"""What was found of a patient goes into the store, and what the site decides of it."""

from collections.abc import Iterator
from datetime import datetime

from integration.assessing.patient import Checked
from integration.configuration.site import Site
from integration.ehr.reading.patient import PatientPull
from integration.store import Db, assessments, gaps, lines, patients, releases
from integration.store.patients import Patient
from mappings.assessment import PatientAssessment
from mappings.record import PatientRecord
from mappings.writing.detected_issue import waivers_in
from mappings.writing.preparing.drafts import draft_of
from mappings.writing.preparing.practitioners import practitioner_of


def keep(
    db: Db,
    site: Site,
    patient: Patient,
    checked: Checked,
    pull: PatientPull,
    as_of: datetime,
    cause: str,
) -> bool:
    """Keeps an assessment, in the caller's transaction; whether it differs from the last one.

    At a site with `auto_release` what became ready leaves, unless a part of the chart was not read.
    Of a test patient nothing is kept, so that no line of one reaches the worklist or a claim.
    """
    found = checked.assessment
    if found.test_patient and not site.test_patients:
        found = PatientAssessment(patient=found.patient, test_patient=True)
    changed = assessments.keep(db, patient, found, as_of, cause)
    gaps.read_back(db, patient, waivers_in(pull.issues))
    patients.describe(db, patient.id, checked.record)
    lines.name_providers(db, patient.id, dict(_providers(found, checked.record, site)))
    if site.auto_release and not pull.unread:
        releases.release_untouched(db, patient)
    return changed


def _providers(
    found: PatientAssessment, record: PatientRecord, site: Site
) -> Iterator[tuple[str, str]]:
    """By line, the one practitioner whom its claim would name."""
    for line in found.lines:
        who = practitioner_of(draft_of(found.patient, [line]), record, site.facts().zone)
        if who and who.name:
            yield line.id, f"{who.name.family}, {who.name.given}".strip(", ")
