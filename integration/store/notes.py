"""What people wrote beside a patient's lines.

Held by tests/contract/test_store.py.
"""

from dataclasses import dataclass

from psycopg.rows import class_row

from integration.store import audit
from integration.store.database.connection import Db, columns_of
from integration.store.patients import Patient


@dataclass(frozen=True)
class LineNote:
    line_id: str | None
    written_by: str
    text: str


_ROWS = f"select {columns_of(LineNote)} from notes"  # noqa: S608 (names of ours)


def add(db: Db, patient: Patient, text: str, by: str, role: str, line: str | None = None) -> None:
    """LINE is the pair's, where the note is about one."""
    db.execute(
        "insert into notes (patient_id, line_id, written_by, text) values (%s, %s, %s, %s)",
        [patient.id, line, by, text],
    )
    audit.note(
        db,
        by,
        "noted",
        role=role,
        site=patient.site,
        patient_id=patient.id,
        resource=line and f"ClaimLine/{line}",
    )


def of_patient(db: Db, patient_id: int) -> list[LineNote]:
    with db.cursor(row_factory=class_row(LineNote)) as rows:
        return rows.execute(
            f"{_ROWS} where patient_id = %s order by id".encode(), [patient_id]
        ).fetchall()
