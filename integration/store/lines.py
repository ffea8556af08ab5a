"""Claim lines of the newest assessment; a released one outlives it.

Held by tests/contract/test_workflow.py.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from integration.store.database.connection import Db, records
from mappings.assessment import ClaimLine


def keep(db: Db, patient_id: int, found: Iterable[ClaimLine], now: datetime) -> None:
    """Replaces a patient's lines. A released one stays, with the release, whatever becomes of
    it."""
    kept = [_columns(patient_id, line, now) for line in found]
    ids = [columns["id"] for columns in kept]
    db.execute(_KEEP, {"now": now, "patient": patient_id, "ids": ids, "found": records(kept)})


def name_providers(db: Db, patient_id: int, providers: Mapping[str, str]) -> None:
    """Who is on the claim of each line, by its id."""
    if providers:
        db.execute(
            "update lines l set provider = n.provider"
            " from unnest(%s::text[], %s::text[]) n (id, provider)"
            " where l.patient_id = %s and l.id = n.id and l.provider is distinct from n.provider",
            [list(providers), list(providers.values()), patient_id],
        )


def restore(db: Db, patient_id: int, documents: Iterable[str]) -> None:
    """Puts lines back that are no longer on record, as they were released, unless they are
    there."""
    found = [msgspec.json.decode(document, type=ClaimLine) for document in documents]
    now = datetime.now(UTC)
    kept = [_columns(patient_id, line, now) for line in found]
    db.execute(_RESTORE, {"now": now, "found": records(kept)})


_RELEASED = """exists (select 1 from releases r where r.patient_id = l.patient_id
    and r.line_id = l.id and r.withdrawn_at is null)"""
_KEEP = f"""with released as (update lines l set gone_at = %(now)s
        where patient_id = %(patient)s and id <> all(%(ids)s) and gone_at is null and {_RELEASED}),
    gone as (delete from lines l where patient_id = %(patient)s and id <> all(%(ids)s)
        and gone_at is null and not {_RELEASED})
    insert into lines as l (patient_id, id, service_date, code, modifiers, units, status,
    payment, reasons, policy, coverage,
        value, document, first_seen_at, changed_at, status_since)
    select patient_id, id, service_date, code, modifiers, units, status, payment, reasons, policy,
        coverage, value, document, first_seen_at, changed_at, status_since
    from jsonb_populate_recordset(null::lines, %(found)s)
    on conflict (patient_id, id) do update set service_date = excluded.service_date,
        code = excluded.code,
        modifiers = excluded.modifiers, units = excluded.units, status = excluded.status,
            payment = excluded.payment,
        reasons = excluded.reasons, policy = excluded.policy, coverage = excluded.coverage,
            value = excluded.value,
        document = excluded.document, gone_at = null,
        changed_at = case when l.document = excluded.document then l.changed_at
            else excluded.changed_at end,
        status_since = case when l.status = excluded.status then l.status_since
            else excluded.status_since end"""  # noqa: S608


_RESTORE = """insert into lines (patient_id, id, service_date, code, modifiers, units, status,
        payment, reasons, policy, coverage, value, document, first_seen_at, changed_at,
        status_since, gone_at)
    select patient_id, id, service_date, code, modifiers, units, status, payment, reasons, policy,
        coverage, value, document, first_seen_at, changed_at, status_since, %(now)s
    from jsonb_populate_recordset(null::lines, %(found)s) on conflict do nothing"""


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
        "document": line,
        **dict.fromkeys(("first_seen_at", "changed_at", "status_since"), now),
    }
