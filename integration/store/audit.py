"""Who saw or changed what: rows are added, never changed.

Held by tests/contract/test_store.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from integration.store.database.connection import Db, columns_of, records

OURSELVES = "ferroclaim"


@dataclass(frozen=True)
class AuditRow:
    id: int
    at: datetime
    actor: str
    role: str | None
    action: str
    site: str | None
    patient_id: int | None
    resource: str | None
    detail: dict[str, Any]


_ROWS = f"select {columns_of(AuditRow)} from audit"  # noqa: S608 (names of ours)


def note(
    db: Db,
    actor: str,
    action: str,
    *,
    role: str | None = None,
    site: str | None = None,
    patient_id: int | None = None,
    resource: str | None = None,
    **detail: Any,
) -> None:
    """ACTOR is `Practitioner/7`, a user's name, or `OURSELVES`; ACTION a past tense: saw, released,
    waived, wrote."""
    about = {"role": role, "site": site, "patient_id": patient_id, "resource": resource}
    kept = {key: value for key, value in detail.items() if value is not None}
    note_all(db, actor, [{"action": action, **about, "detail": kept}])


def note_all(db: Db, actor: str, notes: Sequence[dict[str, Any]]) -> None:
    """Several at once, by column."""
    if notes:
        db.execute(
            "insert into audit (actor, role, action, site, patient_id, resource, detail) select"
            " %s, role, action, site, patient_id, resource, detail from"
            " jsonb_populate_recordset(null::audit, %s)",
            [actor, records(notes)],
        )


def note_lines(
    db: Db,
    actor: str,
    action: str,
    lines: Iterable[str],
    *,
    role: str | None = None,
    site: str,
    patient_id: int,
    **detail: str,
) -> None:
    """The same of several lines of a patient, by their ids."""
    about = {"action": action, "role": role, "site": site, "patient_id": patient_id}
    notes = [{**about, "resource": f"ClaimLine/{line}", "detail": detail} for line in lines]
    note_all(db, actor, notes)


def of_patient(db: Db, patient_id: int, limit: int = 200) -> list[AuditRow]:
    """Newest first."""
    with db.cursor(row_factory=class_row(AuditRow)) as rows:
        return rows.execute(
            f"{_ROWS} where patient_id = %s order by id desc limit %s".encode(),
            [patient_id, limit],
        ).fetchall()


def newest_of(db: Db, patient_id: int, action: str, key: str) -> dict[str, datetime]:
    """When ACTION was done last, by what its detail says as KEY."""
    rows = db.execute(
        "select detail ->> %s, max(at) from audit where patient_id = %s and action = %s group by 1",
        [key, patient_id, action],
    )
    return {str(name): at for name, at in rows}
