"""What people decided of a patient's payers, or of a payer or word for the whole site; each lasts
until a newer one of the same matter, or until it is taken back.

Held by tests/contract/test_decisions.py.
"""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from integration.store import audit, patients
from integration.store.database.connection import Db
from integration.store.patients import Patient
from mappings import decisions as forms
from mappings.decisions import Decision


@dataclass(frozen=True)
class Recorded:
    """A decision in force."""

    id: int
    site: str
    patient: str | None
    document: dict[str, Any]
    recorded_by: str

    @property
    def decision(self) -> Decision:
        return forms.from_document(self.document)


_SELECT = (
    "select d.id, d.site, p.fhir_id as patient, d.document, d.recorded_by from decisions d"
    " left join patients p on p.id = d.patient_id where d.ended_at is null and"
)


def of_patient(db: Db, patient: Patient) -> tuple[Decision, ...]:
    """Those in force for a patient: their own and the site's."""
    return tuple(row.decision for row in every(db, patient.site, patient.id))


def of_site(db: Db, site: str) -> tuple[Decision, ...]:
    """Those in force for whoever comes."""
    return tuple(row.decision for row in every(db, site) if row.patient is None)


def every(db: Db, site: str, patient_id: int | None = None) -> list[Recorded]:
    """Those in force at a site; of one patient, theirs and the site's."""
    with db.cursor(row_factory=class_row(Recorded)) as rows:
        return rows.execute(
            f"{_SELECT} d.site = %(site)s and (%(patient)s::bigint is null or d.patient_id is null"
            " or d.patient_id = %(patient)s) order by d.id".encode(),
            {"site": site, "patient": patient_id},
        ).fetchall()


def record(db: Db, site: str, decision: Decision, by: str, role: str) -> list[Patient]:
    """Keeps a decision in the place of an older one of the same matter; the patients whose lines it
    may change: its own, else those of the site with something open."""
    patient = patients.known(db, site, decision.patient) if decision.patient else None
    _end(db, site, decision.about, by)
    db.execute(
        "insert into decisions (site, patient_id, kind, about, document, recorded_by) values"
        " (%s, %s, %s, %s, %s, %s)",
        [
            site,
            patient.id if patient else None,
            decision.kind,
            decision.about,
            Jsonb(forms.to_document(decision)),
            by,
        ],
    )
    _note(db, site, patient, "decided", by, role, decision)
    return [patient] if patient else _with_something_open(db, site)


def take_back(db: Db, row: Recorded, by: str, role: str) -> list[Patient]:
    """Ends a decision; the patients whose lines this may change."""
    _end(db, row.site, row.decision.about, by)
    patient = patients.find(db, row.site, row.patient) if row.patient else None
    _note(db, row.site, patient, "took back a decision", by, role, row.decision)
    return [patient] if patient else _with_something_open(db, row.site)


def _end(db: Db, site: str, about: str, by: str) -> None:
    """The decision in force; until the transaction ends nobody else decides at SITE."""
    db.execute("select pg_advisory_xact_lock(hashtextextended('decisions ' || %s, 0))", [site])
    db.execute(
        "update decisions set ended_at = now(), ended_by = %s where site = %s and about = %s and"
        " ended_at is null",
        [by, site, about],
    )


def _note(
    db: Db,
    site: str,
    patient: Patient | None,
    action: str,
    by: str,
    role: str,
    decision: Decision,
) -> None:
    audit.note(
        db,
        by,
        action,
        role=role,
        site=site,
        patient_id=patient.id if patient else None,
        resource=decision.decided.source.resource,
        reason=decision.decided.says,
    )


def _with_something_open(db: Db, site: str) -> list[Patient]:
    found = db.execute(
        "select distinct p.fhir_id from patients p join lines l on l.patient_id = p.id where"
        " p.site = %s and p.concerns_us and l.gone_at is null",
        [site],
    )
    return list(patients.known_all(db, site, [fhir_id for (fhir_id,) in found]).values())
