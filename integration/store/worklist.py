"""The worklist's questions: lines by saved view and filters, with what they wait for; and the sums
over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from psycopg.rows import class_row

from integration.store.database.connection import Db
from mappings.assessment import ClaimLine

Sort = Literal["worth", "money", "age", "date", "patient"]
PAGE_ROWS = 100


@dataclass(frozen=True)
class Row:
    """One line. `waits_for`: requirements of open, blocking, unwaived gaps; `waived_for` those that
    somebody waived."""

    patient_id: int
    site: str
    patient: str
    name: str | None
    born: str | None
    line_id: str
    document: str
    status: str
    owner: str | None
    value: Decimal | None
    service_date: date | None
    policy: str | None
    waits_for: list[str]
    waived_for: list[str]
    released_at: datetime | None
    changed: bool
    changed_at: datetime
    first_seen_at: datetime

    @property
    def line(self) -> ClaimLine:
        return msgspec.json.decode(self.document, type=ClaimLine)

    @property
    def key(self) -> str:
        return f"{self.patient_id}:{self.line_id}"

    @property
    def state(self) -> str:
        """`released`, `waived`, `ready`, `held` or `not-billable`."""
        if self.released_at is not None:
            return "released"
        return (
            "waived"
            if self.status == "held" and self.waived_for and not self.waits_for
            else self.status
        )


@dataclass(frozen=True)
class Filters:
    """As they stand in the address; empty means: all."""

    view: str = "ready"
    site: str = ""
    policy: str = ""
    requirement: str = ""
    owner: str = ""
    find: str = ""
    changed: str = ""
    sort: Sort = "worth"
    page: int = 1


@dataclass(frozen=True)
class Sums:
    count: int
    money: Decimal


# What each line waits for, in one pass over the open gaps.
_WAITING = """select g.patient_id, line_id,
    array_agg(distinct g.requirement order by g.requirement) filter (where w.id is null) as waits_for,
    array_agg(distinct g.requirement order by g.requirement) filter (where w.id is not null) as waived_for
    from gaps g cross join lateral unnest(g.lines) as line_id left join waivers w on w.patient_id = g.patient_id and w.gap_id = g.id
        and w.withdrawn_at is null and w.administrations @> g.administrations
    where g.closed_at is null and g.blocking group by 1, 2"""
_ROWS = f"""select l.patient_id, p.site, p.fhir_id as patient, p.name, p.birth_date as born, l.id as line_id, l.code,
    l.status, l.owner, l.value, l.service_date, l.policy, coalesce(o.waits_for, '{{}}') as waits_for,
    coalesce(o.waived_for, '{{}}') as waived_for, r.released_at,
    r.id is not null and (l.gone_at is not null or (l.status <> 'ready' and r.document ->> 'status' = 'ready')) as changed,
    l.changed_at, l.first_seen_at, l.gone_at
    from lines l join patients p on p.id = l.patient_id left join ({_WAITING}) o on o.patient_id = l.patient_id and o.line_id = l.id
    left join releases r on r.patient_id = l.patient_id and r.line_id = l.id and r.withdrawn_at is null"""  # noqa: S608
_KEPT = ", ".join(name for name in Row.__dataclass_fields__ if name != "document")
_DOCUMENT = (
    "(select d.document::text from lines d where d.patient_id = x.patient_id and d.id = x.line_id)"
    " as document"
)
_WAIVED_ONLY = "status = 'held' and waits_for = '{}' and waived_for <> '{}'"
VIEWS: dict[str, str] = {
    "ready": "status = 'ready' and released_at is null",
    "held-clinician": "status = 'held' and released_at is null and waits_for && %(clinician)s",
    "held-us": (
        "status = 'held' and released_at is null and waits_for <> '{}' and not waits_for <@"
        " %(clinician)s"
    ),
    "waived": f"{_WAIVED_ONLY} and released_at is null",
    "released": "released_at is not null and not changed",
    "changed": "changed",
    "not-billable": "status = 'not-billable'",
    "all": "true",
}
ORDER: dict[str, str] = {
    "worth": (
        "coalesce(value, 0) * greatest(1, current_date - coalesce(service_date, current_date)) desc"
    ),
    "money": "value desc nulls last",
    "age": "service_date nulls first",
    "date": "service_date desc nulls last",
    "patient": "name nulls last, patient",
}


def rows(db: Db, filters: Filters, sites: Sequence[str], clinician: Sequence[str]) -> list[Row]:
    """A page of a view; CLINICIAN: the requirements that are the clinician's to settle."""
    where, values = _where(filters, sites, clinician)
    order = f"{ORDER[filters.sort]}, patient_id, line_id"
    values |= {"limit": PAGE_ROWS, "offset": PAGE_ROWS * (filters.page - 1)}
    # The documents are large: they are read for the rows of this page alone.
    found = f"select {_KEPT} from ({_ROWS}) y where {where} order by {order} limit %(limit)s offset %(offset)s"  # noqa: S608
    query = f"select {_KEPT}, {_DOCUMENT} from ({found}) x order by {order}"  # noqa: S608
    with db.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def sums(db: Db, filters: Filters, sites: Sequence[str], clinician: Sequence[str]) -> Sums:
    where, values = _where(filters, sites, clinician)
    query = f"select count(*), coalesce(sum(value), 0) from ({_ROWS}) x where {where}"  # noqa: S608
    row = db.execute(query.encode(), values).fetchone()
    return Sums(*row) if row else Sums(0, Decimal(0))


def counts(db: Db, sites: Sequence[str], clinician: Sequence[str]) -> dict[str, int]:
    """How many lines each saved view has."""
    columns = ", ".join(
        f'count(*) filter (where {condition}) as "{name}"' for name, condition in VIEWS.items()
    )
    query = f"select {columns} from ({_ROWS}) x where site = any(%(sites)s)"  # noqa: S608
    row = db.execute(
        query.encode(), {"sites": list(sites), "clinician": list(clinician)}
    ).fetchone()
    return dict(zip(VIEWS, row or (), strict=True))


def get(db: Db, key: str, sites: Sequence[str]) -> Row | None:
    """The line of `patient:line`, at one of SITES."""
    patient, _, line = key.partition(":")
    if not patient.isdecimal() or len(patient) > 15:
        return None
    query = f"select {_KEPT}, {_DOCUMENT} from ({_ROWS}) x where patient_id = %s and line_id = %s and site = any(%s)"  # noqa: S608
    with db.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(query.encode(), [int(patient), line, list(sites)]).fetchone()


def choices(db: Db, sites: Sequence[str]) -> dict[str, list[str]]:
    """What the filters may be set to: policies, owners and requirements that occur."""
    queries = {
        "policy": (
            "select distinct policy from lines l join patients p on p.id = l.patient_id where"
            " policy is not null and site = any(%s)"
        ),
        "owner": (
            "select distinct owner from lines l join patients p on p.id = l.patient_id where owner"
            " is not null and site = any(%s)"
        ),
        "requirement": (
            "select distinct requirement from gaps g join patients p on p.id = g.patient_id"
            " where g.closed_at is null and g.blocking and site = any(%s)"
        ),
    }
    return {
        name: sorted(row[0] for row in db.execute(query.encode(), [list(sites)]))
        for name, query in queries.items()
    }


def _where(
    filters: Filters, sites: Sequence[str], clinician: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    wanted = [filters.site] if filters.site in sites else list(sites)
    conditions = ["site = any(%(sites)s)", VIEWS[filters.view]]
    values: dict[str, Any] = {"sites": wanted, "clinician": list(clinician)}
    plain = {
        "policy": "policy = %(policy)s",
        "requirement": "%(requirement)s = any(waits_for || waived_for)",
        "owner": "owner = %(owner)s",
    }
    for name, condition in plain.items():
        if value := getattr(filters, name):
            conditions.append(condition)
            values[name] = value
    if filters.owner == "-":
        conditions[-1] = "owner is null"
    if filters.find:
        conditions.append("(name ilike %(find)s or patient = %(exact)s or code ilike %(find)s)")
        escaped = filters.find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"find": f"%{escaped}%", "exact": filters.find}
    if filters.changed:
        conditions.append("changed_at > now() - interval '1 day'")
    return " and ".join(conditions), values
