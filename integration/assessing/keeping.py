"""What was found of a patient goes into the store, and what the site decides of it.

Held by tests/contract/test_keeping.py.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from integration.assessing.patient import Checked
from integration.configuration.site import Site
from integration.ehr.reading.patient import PatientPull
from integration.store import Db, assessments, gaps, lines, patients, releases
from integration.store.patients import Patient
from mappings.assessment import PatientAssessment
from mappings.record import PatientRecord, Practitioner
from mappings.writing.detected_issue import waivers_in
from mappings.writing.preparing.drafts import Draft, draft_of
from mappings.writing.preparing.practitioners import encounters, is_nurse, practitioner_of


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
    if leaves_out(site, found):
        found = PatientAssessment(patient=found.patient, test_patient=True)
    changed = assessments.keep(db, patient, found, as_of, cause)
    gaps.read_back(db, patient, waivers_in(pull.issues))
    patients.describe(db, patient.id, checked.record)
    lines.name_providers(db, patient.id, dict(_providers(found, checked.record, site)))
    if site.auto_release and not pull.unread:
        releases.release_untouched(db, patient)
    return changed


def leaves_out(site: Site, found: PatientAssessment) -> bool:
    """Whether it is of a test patient, and the site keeps none."""
    return found.test_patient and not site.test_patients


def _providers(
    found: PatientAssessment, record: PatientRecord, site: Site
) -> Iterator[tuple[str, str]]:
    """By line, the one practitioner whom its claim would name; without NPI and name on record, who
    attended."""
    zone = site.facts().zone
    for line in found.lines:
        draft = draft_of(found.patient, [line])
        who = practitioner_of(draft, record, zone) or _attender(draft, record, zone)
        if who:
            yield line.id, _named(who)


def _attender(draft: Draft, record: PatientRecord, zone: tzinfo | None) -> Practitioner | None:
    there = [who for visit in encounters(draft, record, zone) for who in visit.participants]
    for role in ("ATND", "PPRF"):
        found = {_named(who): who for who in there if who.role == role and not is_nurse(who)}
        if len(found) == 1:
            return next(iter(found.values()))
    return None


def _named(who: Practitioner) -> str:
    if who.name:
        return f"{who.name.family}, {who.name.given}".strip(", ")
    return who.says or who.reference or "not named"
