"""The ledger of write-backs on PostgreSQL: what `integration.ehr.writing.ledger.Ledger` asks for,
durably.

Held by tests/contract/test_store.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from psycopg.rows import class_row

from integration.ehr.writing.ledger import Entry
from integration.store.database.connection import Db, records


@dataclass(frozen=True)
class Waiting:
    """A patient whose chart is owed something. `patient`: the FHIR id; `name`: as far as known."""

    site: str
    patient_id: int
    patient: str
    name: str | None
    count: int
    since: datetime


class Kept(Protocol):
    """A `Store`, or the `Hold` of a key in it."""

    def singly(self) -> AbstractContextManager[Db]: ...


class StoredLedger:
    """One patient's part of the ledger. Each `record` is one statement, kept for itself; `answers`
    are for the caller to keep, with what became of them."""

    def __init__(self, store: Kept, patient_id: int) -> None:
        self._store, self._patient_id = store, patient_id
        self.answers: dict[str, Entry] = {}

    def entries(self, site: str, gaps: list[str]) -> dict[str, Entry]:
        with self._store.singly() as db:
            rows = db.execute(
                "select gap_id, state, digest, location, version from write_backs where site = %s"
                " and gap_id = any(%s)",
                [site, gaps],
            ).fetchall()
        return {row[0]: Entry(*row[1:]) for row in rows}

    def record(self, site: str, entries: Mapping[str, Entry]) -> None:
        with self._store.singly() as db:
            record(db, site, self._patient_id, entries)

    def answered(self, site: str, entries: Mapping[str, Entry]) -> None:  # noqa: ARG002 (the protocol's)
        self.answers |= entries


def record(db: Db, site: str, patient_id: int, entries: Mapping[str, Entry]) -> None:
    rows = [_row(site, patient_id, gap, entries[gap]) for gap in sorted(entries)]
    if rows:
        db.execute(_RECORD, [records(rows)])


def owe(db: Db, site: str, patient_id: int, digests: Mapping[str, str]) -> None:
    """Notes the write-backs to come; one that already said the same is not owed."""
    rows = [
        {"site": site, "gap_id": gap, "patient_id": patient_id, "digest": digests[gap]}
        for gap in sorted(digests)
    ]
    if rows:
        db.execute(_OWE, [records(rows)])


def waiting(db: Db, sites: Sequence[str]) -> list[Waiting]:
    """Whose charts at SITES are owed something, longest first."""
    with db.cursor(row_factory=class_row(Waiting)) as rows:
        return rows.execute(
            "select b.site, p.id as patient_id, p.fhir_id as patient, p.name, count(*) as count,"
            " min(b.owed_since) as since from write_backs b join patients p on p.id = b.patient_id"
            " where b.site = any(%s) and b.state <> 'confirmed' group by 1, 2, 3, 4"
            " order by since, patient_id",
            [list(sites)],
        ).fetchall()


def explain(db: Db, site: str, messages: Iterable[tuple[str, str]]) -> None:
    """Why the server did not take a gap."""
    rows = [{"site": site, "gap_id": gap, "message": text} for gap, text in messages]
    if rows:
        db.execute(
            "update write_backs b set message = r.message from"
            " jsonb_populate_recordset(null::write_backs, %s) r"
            " where b.site = r.site and b.gap_id = r.gap_id",
            [records(rows)],
        )


# What is on its way stays so: only the server can tell what became of it. A location once known is
# kept.
_OWE = """insert into write_backs as b (site, gap_id, patient_id, state, digest)
    select site, gap_id, patient_id, 'pending', digest
    from jsonb_populate_recordset(null::write_backs, %s)
    on conflict (site, gap_id) do update set state = case b.state when 'sent' then 'sent'
        else 'pending' end,
        digest = case b.state when 'sent' then b.digest else excluded.digest end, message = null,
            changed_at = now(),
        owed_since = case b.state when 'confirmed' then now() else b.owed_since end
    where b.state <> 'confirmed' or b.digest <> excluded.digest"""
_RECORD = """insert into write_backs as b (site, gap_id, patient_id, state, digest, location,
    version)
    select site, gap_id, patient_id, state, digest, location, version
    from jsonb_populate_recordset(null::write_backs, %s)
    on conflict (site, gap_id) do update set state = excluded.state, digest = excluded.digest,
        changed_at = now(), message = null,
        location = coalesce(excluded.location, b.location), version = excluded.version,
        owed_since = case when b.state = 'confirmed' and excluded.state <> 'confirmed' then now()
            else b.owed_since end
    where b.message is not null or (b.state, b.digest, b.location, b.version) is distinct from
        (excluded.state, excluded.digest, coalesce(excluded.location, b.location),
        excluded.version)"""


def _row(site: str, patient_id: int, gap: str, entry: Entry) -> dict[str, Any]:
    return {"site": site, "gap_id": gap, "patient_id": patient_id, **vars(entry)}
