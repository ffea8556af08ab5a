"""The worklist's questions: lines by saved view and filters, with what they wait for; and the sums
over them.

Held by tests/contract/test_worklist.py.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

import msgspec
from psycopg.rows import class_row

from integration.store import audit
from integration.store.claims import ClaimState
from integration.store.database.connection import Db
from mappings.assessment import CHARGES, ClaimLine, LineStatus, Payment, untouched_lines
from mappings.writing.answers.answer import REFUSED

View = Literal[
    "ready",
    "held-clinician",
    "held-us",
    "waived",
    "snoozed",
    "released",
    "sent",
    "denied",
    "paid",
    "written-off",
    "changed",
    "not-billable",
    "all",
]
Sort = Literal["worth", "due", "money", "age", "date", "patient"]
AnsweredState = Literal["sent", "paid", "denied", "rejected"]
PAGE_ROWS = 100
MOST_OF_A_PAIR = 2


@dataclass(frozen=True)
class Row:
    """One line, with what is said of its pair: `owner`, `labels`, `snoozed_until`, `changed`,
    `changed_at`.

    `waits_for`: what holds it; `waived_for`: what would, had nobody waived it. `changed`: after a
    release the chart says something else of one of the pair. `pair` is the id of the dose's line.
    `answered`: what became of a line that left; `paid`: in dollars, by all payers together;
    `denied_for`: CO-252, N395; `refused`: one of the pair was denied or rejected; `closed`: and
    nobody pursues it, for the reason that `written_off` names.
    """

    patient_id: int
    site: str
    patient: str
    name: str | None
    born: str | None
    line_id: str
    pair: str
    document: str
    released_document: str | None
    status: LineStatus
    owner: str | None
    labels: list[str]
    snoozed_until: date | None
    provider: str | None
    place: str | None
    value: Decimal | None
    payment: Payment | None
    service_date: date | None
    policy: str | None
    waits_for: list[str]
    waived_for: list[str]
    released_at: datetime | None
    release_reason: str | None
    release: int | None
    sent_number: str | None
    sent_file: str | None
    sent_state: ClaimState | None
    answered: AnsweredState | None
    paid: Decimal | None
    denied_for: list[str]
    refused: bool
    closed: bool
    written_off: str | None
    gone_at: datetime | None
    changed: bool
    changed_at: datetime

    @property
    def line(self) -> ClaimLine:
        return msgspec.json.decode(self.document, type=ClaimLine)

    @property
    def stamp(self) -> str:
        """Another one as soon as the line says anything else."""
        return hashlib.sha256(self.document.encode()).hexdigest()[:12]

    @property
    def leaving(self) -> ClaimLine:
        """The line as it was released, else as it is now."""
        return msgspec.json.decode(self.released_document or self.document, type=ClaimLine)

    @property
    def key(self) -> str:
        return f"{self.patient_id}:{self.line_id}"

    @property
    def state(self) -> str:
        """`paid`, `denied`, `rejected`, `written-off`, `sent`, `released`, `waived`, `ready`,
        `held` or `not-billable`."""
        if self.released_at is None:
            return "waived" if self.status == "held" and not self.waits_for else self.status
        return "written-off" if self.is_written_off else self.answered or "released"

    @property
    def is_written_off(self) -> bool:
        return self.closed and self.answered in REFUSED


# A dose with its discard: one or two lines, the dose first.
Pair = tuple[Row, ...]


@dataclass(frozen=True)
class Filters:
    """As they stand in the address; empty means: all. `since` and `until`: days of service."""

    view: View = "ready"
    site: str = ""
    policy: str = ""
    requirement: str = ""
    owner: str = ""
    provider: str = ""
    place: str = ""
    label: str = ""
    since: str = ""
    until: str = ""
    find: str = ""
    changed: str = ""
    sort: Sort = "worth"
    page: int = 1


@dataclass(frozen=True)
class ViewSums:
    """`pairs`: how many decisions these lines are; a page has `PAGE_ROWS` of them. `charges` are
    packaged or bundled, `unpriced` have no price yet."""

    count: int
    money: Decimal
    pairs: int
    charges: int
    unpriced: int

    @property
    def pages(self) -> int:
        return -(-self.pairs // PAGE_ROWS)


CHARGE = f"coalesce(payment in ({', '.join(map(repr, CHARGES))}), false)"
# Every line with what is said of its pair, as it is now (for the lines of one patient), and as it
# was kept at the end of the last transaction that changed it (for lists). Migration 109 defines it.
_WHOSE = "p.fhir_id as patient, p.name, p.birth_date as born from {} w left join patients p"
_SOURCE = f"(select w.*, {_WHOSE} on p.id = w.patient_id)"
NOW, KEPT = _SOURCE.format("worklist_now"), _SOURCE.format("worklist")
# What this transaction changed so far is kept now, not at its end.
_KEEP = "set constraints worklist_kept immediate; set constraints worklist_kept deferred"
_SNOOZED = "coalesce(snoozed_until > %(today)s, false)"
_DOCUMENTS = {
    "document": (
        "(select l.document::text from lines l where l.patient_id = x.patient_id and l.id ="
        " x.line_id) as document"
    ),
    "released_document": (
        "(select r.document::text from releases r where r.id = x.release) as released_document"
    ),
}
_COLUMNS = ", ".join(_DOCUMENTS.get(name, name) for name in Row.__dataclass_fields__)
VIEWS: dict[View, str] = {
    "ready": f"status = 'ready' and not released and not {_SNOOZED}",
    "held-clinician": f"not released and waits_for && %(clinician)s and not {_SNOOZED}",
    "held-us": (
        "not released and waits_for <> '{}' and not waits_for <@ %(clinician)s and not " + _SNOOZED
    ),
    "waived": "status = 'held' and waits_for = '{}' and not released and not " + _SNOOZED,
    "snoozed": f"{_SNOOZED} and (not released or refused and not closed)",
    "released": "released and not changed and not sent",
    "sent": "sent and not changed and not refused and not settled",
    "denied": f"sent and not changed and refused and not closed and not {_SNOOZED}",
    "paid": "sent and not changed and not refused and settled",
    "written-off": "sent and not changed and closed",
    "changed": "changed",
    "not-billable": "status = 'not-billable'",
    "all": "true",
}
_TOGETHER = "patient_id, pair, line_id <> pair"
ORDER: dict[Sort, str] = {
    "worth": "coalesce(worth, 0) * greatest(1, %(today)s - coalesce(day, %(today)s)) desc",
    "due": "due nulls last",
    "money": "worth desc nulls last",
    "age": "day nulls first",
    "date": "day desc nulls last",
    "patient": "name nulls last, patient",
}
# Released or taken back before: a person's, whatever its gaps and diagnoses.
_EVER_RELEASED = """select l.pair from lines l where l.patient_id = %(patient)s and exists
    (select 1 from releases r where r.patient_id = l.patient_id and r.line_id = l.id)"""


def rows(
    db: Db,
    filters: Filters,
    sites: Sequence[str],
    clinician: Sequence[str],
    page_rows: int | None = None,
) -> list[Row]:
    """A page of a view, pairs together; CLINICIAN: the requirements that are the clinician's.
    Whoever wants all of it takes large pages: each sorts what comes before it, too."""
    size = page_rows or PAGE_ROWS
    db.execute(_KEEP)
    where, values = _where(filters, sites, clinician)
    order = f"{ORDER[filters.sort]}, day nulls first, patient_id, pair"
    values |= {"before": size * (filters.page - 1), "last": size * filters.page}
    # Enough for the page whatever its pairs are. What is large is read for its rows alone.
    most = MOST_OF_A_PAIR * size * filters.page
    first = f"select * from {KEPT} z where {where} order by {order} limit {most}"  # noqa: S608
    ranked = f"""select patient_id, line_id, dense_rank() over (order by {order}) as rank
        from ({first}) y"""  # noqa: S608
    found = f"""({ranked}) k join {KEPT} x using (patient_id, line_id)
        where rank > %(before)s and rank <= %(last)s order by rank, line_id <> pair"""
    return _found(db, found, values)


def pair_of(db: Db, key: str, sites: Sequence[str]) -> Pair:
    """The line of `patient:line`, at one of SITES, with the other of its pair; empty: none."""
    row = get(db, key, sites)
    if row is None:
        return ()
    return tuple(_of(db, row.patient_id, "pair = %(pair)s", pair=row.pair))


def released_of(db: Db, patient_id: int) -> list[Pair]:
    """The released pairs of a patient, changed and sent ones as well."""
    return _pairs(_of(db, patient_id, "released"))


def patients_released(db: Db, site: str) -> list[int]:
    """Patients of a site with a released pair that has not left, or changed after it did."""
    query = f"""select distinct patient_id from {KEPT} x where site = %s and released
        and (changed or not sent) order by 1"""  # noqa: S608
    db.execute(_KEEP)
    return [row[0] for row in db.execute(query.encode(), [site])]


def untouched(db: Db, patient_id: int) -> list[Pair]:
    """The ready pairs of a patient that no person has to look at."""
    found = _of(db, patient_id, f"pair not in ({_EVER_RELEASED})")
    left = untouched_lines([row.line for row in found], _named(db, patient_id))
    ids = {line.id for line in left}
    return _pairs(row for row in found if row.line_id in ids)


def _of(db: Db, patient_id: int, where: str, **values: object) -> list[Row]:
    """Lines of a patient as they are now, pairs together."""
    query = f"{NOW} x where patient_id = %(patient)s and {where} order by {_TOGETHER}"
    return _found(db, query, {"patient": patient_id, **values})


def _pairs(rows: Iterable[Row]) -> list[Pair]:
    return [tuple(lines) for _, lines in groupby(rows, lambda row: row.pair)]


def _named(db: Db, patient_id: int) -> set[str]:
    """The lines that an open gap names."""
    query = "select unnest(lines) from gaps where patient_id = %s and closed_at is null"
    return {row[0] for row in db.execute(query, [patient_id])}


def _found(db: Db, source: str, values: dict[str, Any]) -> list[Row]:
    with db.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(f"select {_COLUMNS} from {source}".encode(), values).fetchall()  # noqa: S608


def sums(db: Db, filters: Filters, sites: Sequence[str], clinician: Sequence[str]) -> ViewSums:
    """Of all pages of a view."""
    db.execute(_KEEP)
    where, values = _where(filters, sites, clinician)
    wanted = f"""count(*), coalesce(sum(value), 0), count(distinct (patient_id, pair)),
        count(*) filter (where {CHARGE}), count(*) filter (where value is null and not {CHARGE})"""
    query = f"select {wanted} from {KEPT} x where {where}"  # noqa: S608
    row = db.execute(query.encode(), values).fetchone()
    return ViewSums(*row) if row else ViewSums(0, Decimal(0), 0, 0, 0)


def counts(db: Db, sites: Sequence[str], clinician: Sequence[str]) -> dict[str, int]:
    """How many lines each saved view has."""
    db.execute(_KEEP)
    columns = ", ".join(
        f'count(*) filter (where {condition}) as "{name}"' for name, condition in VIEWS.items()
    )
    query = f"select {columns} from {KEPT} x where site = any(%(sites)s)"  # noqa: S608
    row = db.execute(query.encode(), _asked(sites, clinician)).fetchone()
    return dict(zip(VIEWS, row or (), strict=True))


def get(db: Db, key: str, sites: Sequence[str]) -> Row | None:
    """The line of `patient:line`, at one of SITES."""
    patient, _, line = key.partition(":")
    if not patient.isdecimal() or len(patient) > 15:
        return None
    values = {"patient": int(patient), "line": line, "sites": list(sites)}
    where = "patient_id = %(patient)s and line_id = %(line)s and site = any(%(sites)s)"
    return next(iter(_found(db, f"{NOW} x where {where}", values)), None)


def note(db: Db, row: Row, action: str, by: str, role: str | None, **detail: str | None) -> None:
    """In the audit table: what somebody did about a line."""
    audit.note(
        db,
        by,
        action,
        role=role,
        site=row.site,
        patient_id=row.patient_id,
        resource=f"ClaimLine/{row.line_id}",
        **detail,
    )


def choices(db: Db, sites: Sequence[str]) -> dict[str, list[str]]:
    """What the filters may be set to: what occurs."""
    here = "from worklist where site = any(%s) and"
    several = {
        "label": f"select distinct unnest(labels) {here} labels <> '{{}}'",
        "requirement": f"select distinct unnest(waits_for || waived_for) {here} status = 'held'",
    }
    queries = {name: _EACH.format(name) for name in ("policy", "owner", "provider", "place")}
    return {
        name: sorted(value for (value,) in db.execute(query.encode(), [list(sites)]))
        for name, query in (queries | several).items()
    }


# The next value after the last, as long as there is one; then those that occur at the sites.
_EACH = """with recursive each (found) as (
    select min({0}) from worklist
    union all select (select min({0}) from worklist where {0} > found) from each
        where found is not null)
    select found from each where found is not null
    and exists (select 1 from worklist where {0} = found and site = any(%s))"""


def _where(
    filters: Filters, sites: Sequence[str], clinician: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    wanted = [filters.site] if filters.site in sites else list(sites)
    conditions = ["site = any(%(sites)s)", VIEWS[filters.view]]
    values = _asked(wanted, clinician)
    plain = {
        "policy": "policy = %(policy)s",
        "requirement": "%(requirement)s = any(waits_for || waived_for)",
        "owner": "owner = %(owner)s",
        "provider": "provider = %(provider)s",
        "place": "place = %(place)s",
        "label": "%(label)s = any(labels)",
        "since": "service_date >= %(since)s::date",
        "until": "service_date <= %(until)s::date",
    }
    for name, condition in plain.items():
        if value := getattr(filters, name):
            conditions.append(condition)
            values[name] = value
    if filters.owner == "-":
        conditions[conditions.index(plain["owner"])] = "owner is null"
    if filters.find:
        conditions.append(
            "(name ilike %(find)s or patient = %(exact)s or code ilike %(find)s"
            " or sent_number = %(exact)s)"
        )
        escaped = filters.find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"find": f"%{escaped}%", "exact": filters.find}
    if filters.changed:
        conditions.append("changed_at > now() - interval '1 day'")
    return " and ".join(conditions), values


def _asked(sites: Sequence[str], clinician: Sequence[str]) -> dict[str, Any]:
    """Days are those of the billing office, here, as the pages have them; the database's machine
    may be in another zone."""
    today = date.today()  # noqa: DTZ011
    return {"sites": list(sites), "clinician": list(clinician), "today": today}
