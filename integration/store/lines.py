"""Claim lines as they stand now, who sees to them, and their release."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from psycopg.rows import class_row

from integration.errors import FerroclaimError
from integration.store import audit
from integration.store.database.connection import Db
from mappings.assessment import ClaimLine

View = Literal["ready", "held", "waived", "released", "changed", "not-billable", "all"]
# What a claim does not carry may change after a release without anybody having to look.
_SAME_CLAIM = "'{evidence,trace,notes,id,status,reasons,valueQuarter}'::text[]"


class NotReleasable(FerroclaimError):
    """This line cannot be released."""


@dataclass(frozen=True)
class LineRow:
    """`line` is the line of the assessment document. `waived`: held only by gaps that somebody
    waived.

    `changed_after_release`: it differs from what was released, is held now, or is gone from the
    record (`gone_at`).
    """

    patient_id: int
    site: str
    patient: str
    document: str
    owner: str | None
    first_seen_at: datetime
    changed_at: datetime
    status_since: datetime
    gone_at: datetime | None
    waived: bool
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None
    released_document: str | None
    changed_after_release: bool

    @property
    def line(self) -> ClaimLine:
        return msgspec.json.decode(self.document, type=ClaimLine)

    @property
    def released_line(self) -> ClaimLine | None:
        return (
            msgspec.json.decode(self.released_document, type=ClaimLine)
            if self.released_document
            else None
        )


_UNWAIVED = """select 1 from gaps g where g.patient_id = l.patient_id and g.closed_at is null and g.blocking and l.id = any(g.lines)
    and not exists (select 1 from waivers w where w.patient_id = g.patient_id and w.gap_id = g.id and w.withdrawn_at is null
        and w.administrations @> g.administrations)"""
_ROWS = f"""select l.patient_id, p.site, p.fhir_id as patient, l.document::text, l.owner, l.first_seen_at, l.changed_at, l.status_since,
    l.gone_at, l.status = 'held' and not exists ({_UNWAIVED}) as waived, r.released_at, r.released_by, r.reason as release_reason,
    r.document::text as released_document,
    r.id is not null and (l.gone_at is not null or l.status <> 'ready' and r.document ->> 'status' = 'ready'
        or l.document - {_SAME_CLAIM} <> r.document - {_SAME_CLAIM}) as changed_after_release, l.status, l.service_date, l.value
    from lines l join patients p on p.id = l.patient_id
    left join releases r on r.patient_id = l.patient_id and r.line_id = l.id and r.withdrawn_at is null"""  # noqa: S608
_COLUMNS = ", ".join(LineRow.__dataclass_fields__)
_VIEWS: dict[str, str] = {
    "ready": "status = 'ready' and released_at is null",
    "held": "status = 'held' and not waived and released_at is null",
    "waived": "waived and released_at is null",
    "released": "released_at is not null",
    "changed": "changed_after_release",
    "not-billable": "status = 'not-billable'",
    "all": "true",
}


def of_patient(db: Db, site: str, fhir_id: str) -> list[LineRow]:
    return _select(
        db, "site = %s and patient = %s order by service_date, document ->> 'code'", [site, fhir_id]
    )


def get(db: Db, site: str, fhir_id: str, line: str) -> LineRow | None:
    return next(
        iter(
            _select(
                db,
                "site = %s and patient = %s and document::jsonb ->> 'id' = %s",
                [site, fhir_id, line],
            )
        ),
        None,
    )


def view(
    db: Db, name: View, sites: Iterable[str], *, limit: int = 200, offset: int = 0
) -> list[LineRow]:
    """A saved view of the worklist: money × age first. Filters of its own the worklist may add in
    SQL on these tables."""
    order = (
        "coalesce(value, 0) * greatest(1, current_date - coalesce(service_date, current_date))"
        " desc, patient_id, document"
    )
    return _select(
        db,
        f"site = any(%s) and {_VIEWS[name]} order by {order} limit %s offset %s",
        [list(sites), limit, offset],
    )


def counts(db: Db, sites: Iterable[str]) -> dict[str, int]:
    """How many lines each view has."""
    sums = ", ".join(
        f'count(*) filter (where {condition}) as "{name}"' for name, condition in _VIEWS.items()
    )
    row = db.execute(
        f"select {sums} from ({_ROWS}) x where site = any(%s)".encode(), [list(sites)]
    ).fetchone()  # noqa: S608
    return dict(zip(_VIEWS, row or (), strict=True))


def _select(db: Db, condition: str, values: list[Any]) -> list[LineRow]:
    with db.cursor(row_factory=class_row(LineRow)) as rows:
        condition = condition.replace("document ->>", "document::jsonb ->>")
        return rows.execute(
            f"select {_COLUMNS} from ({_ROWS}) x where {condition}".encode(), values
        ).fetchall()  # noqa: S608


def release(db: Db, row: LineRow, by: str, role: str, reason: str | None = None) -> None:
    """Lets a line go (R13): a ready one, or a held one all of whose blocking gaps are waived, for a
    REASON."""
    line = row.line
    if row.released_at or row.gone_at or line.status == "not-billable":
        why = (
            "was already released"
            if row.released_at
            else "is no longer on record"
            if row.gone_at
            else "is not billable"
        )
        raise NotReleasable(f"The line {line.code} of {line.service_date} {why}.")
    if line.status == "held":
        _may_be_overruled(db, row, reason)
    db.execute(
        "insert into releases (patient_id, line_id, document, released_by, reason) values (%s, %s,"
        " %s, %s, %s)",
        [row.patient_id, line.id, row.document, by, reason],
    )
    audit.note(
        db,
        by,
        "released",
        role=role,
        site=row.site,
        patient_id=row.patient_id,
        resource=f"ClaimLine/{line.id}",
        reason=reason,
    )


def _may_be_overruled(db: Db, row: LineRow, reason: str | None) -> None:
    line = row.line
    what = f"The line {line.code} of {line.service_date}"
    firm = db.execute(
        "select requirement from gaps where patient_id = %s and closed_at is null and blocking and"
        " not waivable and %s = any(lines)",
        [row.patient_id, line.id],
    ).fetchall()
    if firm:
        raise NotReleasable(
            f"{what} is held by {', '.join(sorted(name for (name,) in firm))}, which nobody can"
            " waive."
        )
    if not row.waived:
        raise NotReleasable(f"{what} is held by {', '.join(line.reasons)}.")
    if not (reason and reason.strip()):
        raise NotReleasable(f"{what} has a waived gap: say why it is released all the same.")


def withdraw(db: Db, row: LineRow, by: str, role: str) -> None:
    """Takes a release back, as long as nothing left with it."""
    db.execute(
        "update releases set withdrawn_by = %s, withdrawn_at = now() where patient_id = %s and"
        " line_id = %s and withdrawn_at is null",
        [by, row.patient_id, row.line.id],
    )
    audit.note(
        db,
        by,
        "withdrew",
        role=role,
        site=row.site,
        patient_id=row.patient_id,
        resource=f"ClaimLine/{row.line.id}",
    )


def assign(db: Db, row: LineRow, owner: str | None, by: str, role: str) -> None:
    db.execute(
        "update lines set owner = %s where patient_id = %s and id = %s",
        [owner, row.patient_id, row.line.id],
    )
    audit.note(
        db,
        by,
        "assigned",
        role=role,
        site=row.site,
        patient_id=row.patient_id,
        resource=f"ClaimLine/{row.line.id}",
        owner=owner,
    )


def keep(db: Db, patient_id: int, found: Iterable[ClaimLine], now: datetime) -> None:
    """Replaces a patient's lines. A released one stays, with the release, whatever becomes of
    it."""
    rows = [_columns(patient_id, line, now) for line in found]
    with db.cursor() as cursor:
        cursor.executemany(_KEEP, rows)
    gone = [patient_id, [row["id"] for row in rows]]
    db.execute(
        "update lines l set gone_at = %s where patient_id = %s and id <> all(%s) and gone_at is"
        " null and exists (select 1 from releases r where r.patient_id = l.patient_id and r.line_id"
        " = l.id and r.withdrawn_at is null)",
        [now, *gone],
    )
    db.execute(
        "delete from lines where patient_id = %s and id <> all(%s) and gone_at is null", gone
    )


_KEEP = """insert into lines as l (patient_id, id, service_date, code, modifiers, units, status, payment, reasons, policy, coverage,
        value, document, first_seen_at, changed_at, status_since)
    values (%(patient_id)s, %(id)s, %(service_date)s, %(code)s, %(modifiers)s, %(units)s, %(status)s, %(payment)s, %(reasons)s,
        %(policy)s, %(coverage)s, %(value)s, %(document)s, %(now)s, %(now)s, %(now)s)
    on conflict (patient_id, id) do update set service_date = excluded.service_date, code = excluded.code,
        modifiers = excluded.modifiers, units = excluded.units, status = excluded.status, payment = excluded.payment,
        reasons = excluded.reasons, policy = excluded.policy, coverage = excluded.coverage, value = excluded.value,
        document = excluded.document, gone_at = null,
        changed_at = case when l.document = excluded.document then l.changed_at else excluded.changed_at end,
        status_since = case when l.status = excluded.status then l.status_since else excluded.status_since end"""


def _columns(patient_id: int, line: ClaimLine, now: datetime) -> dict[str, Any]:
    return {
        "patient_id": patient_id,
        "id": line.id,
        "service_date": line.service_date,
        "code": line.code,
        "modifiers": list(line.modifiers),
        "units": line.units,
        "status": line.status,
        "payment": line.payment,
        "reasons": list(line.reasons),
        "policy": line.policy.id if line.policy else None,
        "coverage": line.coverage,
        "value": line.value,
        "document": msgspec.json.encode(line).decode(),
        "now": now,
    }
