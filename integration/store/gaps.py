"""Gaps: open and closed, and what people waived.

Held by tests/contract/test_store.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg.rows import class_row

from integration.store import audit
from integration.store.database.connection import Db
from integration.store.patients import Patient
from mappings.assessment import Gap
from mappings.writing.detected_issue import Waiver


@dataclass(frozen=True)
class GapRow:
    """`gap` is the gap of the assessment document."""

    document: str
    waived_by: str | None
    waiver_reason: str | None
    location: str | None  # where it stands in the EHR, `DetectedIssue/12`
    written: str | None  # pending, sent, confirmed, refused

    @property
    def gap(self) -> Gap:
        return msgspec.json.decode(self.document, type=Gap)


_ROWS = """select g.document::text, coalesce(w.waived_by_name, w.waived_by) as waived_by,
        w.reason as waiver_reason, b.location, b.state as written
    from gaps g join patients p on p.id = g.patient_id
    left join waivers w on w.patient_id = g.patient_id and w.gap_id = g.id
        and w.withdrawn_at is null
    left join write_backs b on b.site = p.site and b.gap_id = g.id
    where p.site = %s and p.fhir_id = %s and g.closed_at is null
    order by g.requirement, g.administrations"""


def of_patient(db: Db, site: str, fhir_id: str) -> list[GapRow]:
    """The open gaps of a patient."""
    with db.cursor(row_factory=class_row(GapRow)) as rows:
        return rows.execute(_ROWS, [site, fhir_id]).fetchall()


def waive(
    db: Db, patient: Patient, gap: Gap, reason: str, by: str, name: str | None, role: str
) -> None:
    """Keeps a person's word that GAP need not be closed for the doses it has now. It makes no line
    ready."""
    db.execute(
        "insert into waivers (patient_id, gap_id, administrations, reason, waived_by,"
        " waived_by_name) values (%s, %s, %s, %s, %s, %s) on conflict (patient_id, gap_id) where"
        " withdrawn_at is null do update set administrations = excluded.administrations, reason ="
        " excluded.reason, waived_by = excluded.waived_by, waived_by_name ="
        " excluded.waived_by_name, waived_at = now()",
        [patient.id, gap.id, list(gap.administrations), reason, by, name],
    )
    audit.note(
        db,
        by,
        "waived",
        role=role,
        site=patient.site,
        patient_id=patient.id,
        resource=f"Gap/{gap.id}",
        reason=reason,
    )


def read_back(db: Db, patient: Patient, waivers: Iterable[Waiver]) -> None:
    """Keeps waivers that stand in the chart, of open gaps about which this store knows nothing: it
    is new, or was lost."""
    for waiver in waivers:
        kept = db.execute(
            "insert into waivers (patient_id, gap_id, administrations, reason, waived_by,"
            " waived_by_name, waived_at) select %s, g.id, %s, %s, %s, %s, %s from gaps g"
            " where g.patient_id = %s and g.id = %s and g.closed_at is null and g.waivable"
            " and not exists (select 1 from waivers w where w.patient_id = g.patient_id and"
            " w.gap_id = g.id) on conflict do nothing",
            [
                patient.id,
                list(waiver.administrations),
                waiver.reason,
                waiver.author or waiver.author_name or "somebody, by the chart",
                waiver.author_name,
                waiver.at,
                patient.id,
                waiver.gap,
            ],
        )
        if kept.rowcount:
            audit.note(
                db,
                audit.OURSELVES,
                "read back a waiver",
                site=patient.site,
                patient_id=patient.id,
                resource=f"Gap/{waiver.gap}",
            )


def take_back(db: Db, patient: Patient, gap_id: str, by: str, role: str) -> None:
    """Ends a waiver."""
    db.execute(
        "update waivers set withdrawn_by = %s, withdrawn_at = now() where patient_id = %s and"
        " gap_id = %s and withdrawn_at is null",
        [by, patient.id, gap_id],
    )
    audit.note(
        db,
        by,
        "took back a waiver",
        role=role,
        site=patient.site,
        patient_id=patient.id,
        resource=f"Gap/{gap_id}",
    )


def waivers(db: Db, patient_id: int) -> dict[str, Waiver]:
    """The waivers in force, by gap, as `mappings.writing.detected_issue` takes them."""
    rows = db.execute(
        "select gap_id, reason, waived_at, administrations, waived_by, waived_by_name from waivers"
        " where patient_id = %s and withdrawn_at is null",
        [patient_id],
    )
    return {row[0]: Waiver(row[0], row[1], row[2], tuple(row[3]), row[4], row[5]) for row in rows}


def keep(db: Db, patient_id: int, found: Iterable[Gap], now: datetime) -> None:
    """Replaces a patient's open gaps; what is not among them any more is closed."""
    gaps = list(found)
    ids = [gap.id for gap in gaps]
    documents = msgspec.json.encode(gaps).decode()
    db.execute(_KEEP, {"now": now, "patient": patient_id, "ids": ids, "found": documents})


_KEEP = """with closed as (update gaps set closed_at = %(now)s, changed_at = %(now)s
        where patient_id = %(patient)s and id <> all(%(ids)s) and closed_at is null)
    insert into gaps as g (patient_id, id, requirement, state, blocking, waivable, severity,
    policy, administrations, lines,
        document, opened_at, changed_at)
    select %(patient)s, (gap).id, (gap).requirement, (gap).state, (gap).blocking, (gap).waivable,
        (gap).severity, (gap).policy, (gap).administrations, (gap).lines, document, %(now)s, %(now)s
    from (select document, jsonb_populate_record(null::gaps, document) as gap
        from jsonb_array_elements(%(found)s) document offset 0) named_alike
    on conflict (patient_id, id) do update set state = excluded.state, blocking = excluded.blocking,
        waivable = excluded.waivable,
        severity = excluded.severity, policy = excluded.policy,
            administrations = excluded.administrations, lines = excluded.lines,
        document = excluded.document, closed_at = null,
        opened_at = case when g.closed_at is null then g.opened_at else excluded.opened_at end,
        changed_at = case when g.closed_at is null
            and g.document = excluded.document then g.changed_at else excluded.changed_at end"""
