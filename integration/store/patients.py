"""The patients we know: a number for each, so that locks, jobs and logs need not name them.

Held by tests/contract/test_store.py.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from integration.store.database.connection import Db
from integration.wording import people
from mappings.record import PatientRecord


@dataclass(frozen=True)
class Patient:
    """`look`: the number of a look at the chart that begins now."""

    id: int
    site: str
    fhir_id: str
    concerns_us: bool
    look: int

    @property
    def reference(self) -> str:
        return f"Patient/{self.fhir_id}"


_COLUMNS = "id, site, fhir_id, concerns_us, nextval('looks') as look"


def known(db: Db, site: str, fhir_id: str) -> Patient:
    """The patient of that id, taken up where they are new."""
    return known_all(db, site, [fhir_id])[fhir_id]


def known_all(db: Db, site: str, fhir_ids: Collection[str]) -> dict[str, Patient]:
    """The same of several, by id."""
    there = _among(db, site, fhir_ids)
    if new := sorted(set(fhir_ids) - there.keys()):
        db.execute(
            "insert into patients (site, fhir_id) select %s, unnest(%s::text[]) on conflict do"
            " nothing",
            [site, new],
        )
        there |= _among(db, site, new)
    return there


def _among(db: Db, site: str, fhir_ids: Collection[str]) -> dict[str, Patient]:
    with db.cursor(row_factory=class_row(Patient)) as rows:
        query = f"select {_COLUMNS} from patients where site = %s and fhir_id = any(%s)"  # noqa: S608
        found = rows.execute(query.encode(), [site, list(fhir_ids)])
        return {patient.fhir_id: patient for patient in found}


def next_look(db: Db) -> int:
    """Of a look at a chart of which it is not known yet whose it is."""
    row = db.execute("select nextval('looks')").fetchone()
    return int(row[0]) if row else 0


def find(db: Db, site: str, fhir_id: str) -> Patient | None:
    with db.cursor(row_factory=class_row(Patient)) as rows:
        query = f"select {_COLUMNS} from patients where site = %s and fhir_id = %s"  # noqa: S608
        return rows.execute(query.encode(), [site, fhir_id]).fetchone()


def by_site(db: Db) -> dict[str, int]:
    """How many are known of each site, of the configuration or not."""
    return dict(db.execute("select site, count(*) from patients group by site").fetchall())


def by_id(db: Db, identity: int) -> Patient | None:
    with db.cursor(row_factory=class_row(Patient)) as rows:
        return rows.execute(f"select {_COLUMNS} from patients where id = %s", [identity]).fetchone()  # noqa: S608


def concerned(
    db: Db, site: str, fhir_ids: Collection[str], references: Collection[str]
) -> list[tuple[Patient, str | None]]:
    """The patients of FHIR_IDS; and with each of REFERENCES (`MedicationAdministration/ma1`) those
    whose current assessment rests on it."""
    rows = db.execute(_CONCERNED, {"site": site, "ids": list(fhir_ids), "all": list(references)})
    return [(Patient(*columns), reference) for *columns, reference in rows]


_CONCERNED = (
    f"select {_COLUMNS}, null from patients where site = %(site)s and fhir_id = any(%(ids)s)"  # noqa: S608
    f" union all select {_COLUMNS}, reference from patients, unnest(resources) reference"
    " where site = %(site)s and resources && %(all)s and reference = any(%(all)s)"
).encode()


def read_since(db: Db, site: str, moment: datetime) -> bool:
    """Whether any chart of SITE was read after MOMENT."""
    row = db.execute(
        "select exists (select 1 from patients where site = %s and assessed_at > %s)",
        [site, moment],
    ).fetchone()
    return bool(row and row[0])


def stale(db: Db, site: str, before: datetime, limit: int) -> list[str]:
    """Patients of ours with something open, whose record was not read since BEFORE; the longest
    unread first."""
    rows = db.execute(
        "select fhir_id from patients p where site = %s and concerns_us and (assessed_at is null or"
        " assessed_at < %s) and exists (select 1 from lines l where l.patient_id = p.id and"
        " l.gone_at is null and l.status <> 'not-billable'   and not exists (select 1 from releases"
        " r where r.patient_id = p.id and r.line_id = l.id and r.withdrawn_at is null)) order by"
        " assessed_at nulls first limit %s",
        [site, before, limit],
    )
    return [row[0] for row in rows]


def describe(db: Db, identity: int, record: PatientRecord) -> None:
    """Takes over name and birth date, for the worklist."""
    name = record.demographics.name
    text = people.family_first(name) if name else None
    born = record.birth_date.isoformat() if record.birth_date else None
    db.execute(
        "update patients set name = %(name)s, birth_date = %(born)s where id = %(id)s"
        " and (name, birth_date) is distinct from (%(name)s, %(born)s)",
        {"name": text, "born": born, "id": identity},
    )
