"""Deleting a patient on request: everything that is theirs, and a record that it was done.

Held by tests/contract/test_deleting.py.
"""

from dataclasses import dataclass

from integration.store import audit
from integration.store.database.connection import Db
from integration.store.patients import Patient


@dataclass(frozen=True)
class Erased:
    """`rows`: how many were deleted or emptied. `kept_files`: claim files that left and hold other
    patients' claims, too: they stay as they were sent."""

    rows: int
    kept_files: tuple[str, ...]


_SHARED = """select distinct f.name from claim_files f join claims c on c.file_id = f.id
    where c.patient_id = %(id)s and exists (select 1 from claims other
        where other.file_id = f.id and other.patient_id <> %(id)s) order by 1"""
_STEPS = (
    """delete from claim_files f where exists (select 1 from claims c where c.file_id = f.id
        and c.patient_id = %(id)s) and not exists (select 1 from claims c where c.file_id = f.id
        and c.patient_id <> %(id)s)""",
    "delete from told",  # sealed: whom it names is not known
    "delete from cds_cards where site = %(site)s and patient = %(fhir)s",
    "delete from order_questions where site = %(site)s and patient = %(fhir)s",
    "delete from smart_launch where site = %(site)s and patient = %(fhir)s",
    """delete from notifications where site = %(site)s and references_ &&
        (select resources || ('Patient/' || fhir_id) from patients where id = %(id)s)""",
    """delete from procrastinate_jobs where status = 'todo' and args ->> 'site' = %(site)s
        and args ->> 'patient' = %(id)s::text""",
    "update audit set resource = null, detail = '{}' where patient_id = %(id)s",
    "delete from patients where id = %(id)s",
)


def counting_claims(db: Db, patient: Patient) -> int:
    """Claims that left and count: a payer may ask for them."""
    row = db.execute(
        "select count(*) from claims c join claim_files f on f.id = c.file_id"
        " where c.patient_id = %s and f.production and not f.trial",
        [patient.id],
    ).fetchone()
    return int(row[0]) if row else 0


def erase(db: Db, patient: Patient, by: str, reason: str) -> Erased:
    """In the caller's transaction. The audit table keeps who did what and when, without what it was
    done to."""
    names = {"id": patient.id, "site": patient.site, "fhir": patient.fhir_id}
    shared = [row[0] for row in db.execute(_SHARED, names)]
    rows = sum(db.execute(step, names).rowcount for step in _STEPS)
    audit.note(db, by, "deleted a patient", site=patient.site, patient_id=patient.id, reason=reason)
    return Erased(rows, tuple(shared))
