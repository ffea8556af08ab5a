"""The worklist's questions: lines by saved view and filters, with what they wait for; and the sums
over them.

Held by tests/contract/test_worklist.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

import msgspec
from psycopg.rows import class_row

from integration.store.claims import ClaimState
from integration.store.database.connection import Db
from mappings.assessment import CHARGES, ClaimLine, LineStatus, Payment, untouched_lines

Sort = Literal["worth", "due", "money", "age", "date", "patient"]
PAGE_ROWS = 100


@dataclass(frozen=True)
class Row:
    """One line, with what is said of its pair: `owner`, `labels`, `snoozed_until`, `changed`,
    `changed_at`.

    `waits_for`: what holds it; `waived_for`: what would, had nobody waived it. `changed`: after a
    release the chart says something else of one of the pair. `pair` is the id of the dose's line.
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
    sent_at: datetime | None
    gone_at: datetime | None
    changed: bool
    changed_at: datetime
    first_seen_at: datetime

    @property
    def line(self) -> ClaimLine:
        return msgspec.json.decode(self.document, type=ClaimLine)

    @property
    def leaving(self) -> ClaimLine:
        """The line as it was released, else as it is now."""
        return msgspec.json.decode(self.released_document or self.document, type=ClaimLine)

    @property
    def key(self) -> str:
        return f"{self.patient_id}:{self.line_id}"

    @property
    def state(self) -> str:
        """`sent`, `released`, `waived`, `ready`, `held` or `not-billable`."""
        if self.released_at is not None:
            return "sent" if self.sent_number else "released"
        return "waived" if self.status == "held" and not self.waits_for else self.status


# A dose with its discard: one or two lines, the dose first.
Pair = tuple[Row, ...]


@dataclass(frozen=True)
class Filters:
    """As they stand in the address; empty means: all. `since` and `until`: days of service."""

    view: str = "ready"
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
class Sums:
    """`pairs`: how many decisions these lines are; a page has `PAGE_ROWS` of them. `charges` are
    packaged or bundled, `unpriced` have no price yet."""

    count: int
    money: Decimal
    pairs: int
    charges: int
    unpriced: int


CHARGE = f"coalesce(payment in ({', '.join(map(repr, CHARGES))}), false)"
# What of each line is waived, in one pass over the open gaps.
_WAIVED = """select patient_id, line_id, array_agg(requirement
    order by requirement) as waived_for from (
    select g.patient_id, line_id, g.requirement
    from gaps g cross join lateral unnest(g.lines) as line_id
    left join waivers w on w.patient_id = g.patient_id and w.gap_id = g.id
        and w.withdrawn_at is null and w.administrations @> g.administrations
    where g.closed_at is null and g.blocking
    group by 1, 2, 3 having bool_and(w.id is not null and g.waivable)) x group by 1, 2"""
# The claim in which a release left: one that counts before a test.
_SENT = """select distinct on (cl.release_id) cl.release_id, c.number, c.state, f.name as file,
    f.written_at as at from claim_lines cl join claims c on c.id = cl.claim_id
    join claim_files f on f.id = c.file_id
    order by cl.release_id, cl.production desc, cl.claim_id desc"""
_LINES = f"""select l.patient_id, p.site, p.fhir_id as patient, p.name, p.birth_date as born,
    l.id as line_id, l.pair, l.code, l.status, l.owner, l.value, l.service_date, l.policy, l.claim,
    l.changed_at, l.first_seen_at, l.gone_at, l.payment, l.provider, l.labels, l.snoozed_until,
    l.document ->> 'placeOfService' as place,
    l.document ->> 'fileBy' as file_by, r.id as release, r.released_at,
    r.reason as release_reason, r.claim as released_claim,
    r.status as released_status, s.number as sent_number, s.file as sent_file,
    s.state as sent_state, s.at as sent_at,
    case when l.status = 'held' then array(select unnest(l.reasons) except
        select unnest(o.waived_for) order by 1) else '{{}}' end as waits_for,
    case when l.status = 'held' then coalesce(o.waived_for, '{{}}') else '{{}}' end as waived_for
    from lines l join patients p on p.id = l.patient_id
    left join ({_WAIVED}) o on o.patient_id = l.patient_id and o.line_id = l.id
    left join releases r on r.patient_id = l.patient_id and r.line_id = l.id
        and r.withdrawn_at is null
    left join ({_SENT}) s on s.release_id = r.id"""  # noqa: S608
# A release is of a line as a claim carries it, held by nothing or by what was waived then.
_DIFFERS = """release is not null and (gone_at is not null or claim <> released_claim
    or status = 'not-billable'
    or status = 'held' and (released_status = 'ready' or waits_for <> '{}'))"""
# Every line with what is said of its pair: the one definition of held, waived, released and
# changed.
ROWS = f"""select patient_id, site, patient, name, born, line_id, pair, code, status, value,
    service_date, policy, released_at, release_reason, gone_at, first_seen_at, waits_for,
    waived_for, release, sent_number, sent_file, sent_state, sent_at, payment, place, labels,
    max(provider) over one as provider, max(snoozed_until) over one as snoozed_until,
    coalesce(max(snoozed_until) over one > current_date, false) as snoozed,
    count(sent_number) over one > 0 as sent, max(owner) over one as owner,
    max(changed_at) over one as changed_at,
    sum(value) over one as worth, min(service_date) over one as day, min(file_by) over one as due,
    count(release) over one > 0 as released,
    bool_or({_DIFFERS}) over one or count(release) over one between 1 and count(*) over one - 1
        as changed
    from ({_LINES}) x window one as (partition by patient_id, pair)"""  # noqa: S608
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
VIEWS: dict[str, str] = {
    "ready": "status = 'ready' and not released and not snoozed",
    "held-clinician": "not released and waits_for && %(clinician)s and not snoozed",
    "held-us": (
        "not released and waits_for <> '{}' and not waits_for <@ %(clinician)s and not snoozed"
    ),
    "waived": "status = 'held' and waits_for = '{}' and not released and not snoozed",
    "snoozed": "snoozed and not released",
    "released": "released and not changed and not sent",
    "sent": "sent and not changed",
    "changed": "changed",
    "not-billable": "status = 'not-billable'",
    "all": "true",
}
_TOGETHER = "patient_id, pair, line_id <> pair"
ORDER: dict[str, str] = {
    "worth": "coalesce(worth, 0) * greatest(1, current_date - coalesce(day, current_date)) desc",
    "due": "due nulls last",
    "money": "worth desc nulls last",
    "age": "day nulls first",
    "date": "day desc nulls last",
    "patient": "name nulls last, patient",
}
# Released or taken back before: a person's, whatever its gaps and diagnoses.
_EVER_RELEASED = """select l.pair from lines l where l.patient_id = %(patient)s and exists
    (select 1 from releases r where r.patient_id = l.patient_id and r.line_id = l.id)"""


def rows(db: Db, filters: Filters, sites: Sequence[str], clinician: Sequence[str]) -> list[Row]:
    """A page of a view, pairs together; CLINICIAN: the requirements that are the clinician's."""
    where, values = _where(filters, sites, clinician)
    order = ORDER[filters.sort]
    values |= {"before": PAGE_ROWS * (filters.page - 1), "last": PAGE_ROWS * filters.page}
    # The documents are large: they are read for the rows of this page alone.
    rank = f"dense_rank() over (order by {order}, patient_id, pair) as rank"
    ranked = f"select *, {rank} from ({ROWS}) y where {where}"  # noqa: S608
    found = f"({ranked}) x where rank > %(before)s and rank <= %(last)s"
    return _found(db, f"{found} order by rank, line_id <> pair", values)


def pair_of(db: Db, key: str, sites: Sequence[str]) -> Pair:
    """The line of `patient:line`, at one of SITES, with the other of its pair; empty: none."""
    row = get(db, key, sites)
    if row is None:
        return ()
    values = {"patient": row.patient_id, "pair": row.pair}
    where = "patient_id = %(patient)s and pair = %(pair)s"
    return tuple(_found(db, f"({ROWS}) x where {where} order by {_TOGETHER}", values))


def released_of(db: Db, patient_id: int) -> list[Pair]:
    """The released pairs of a patient, changed and sent ones as well."""
    where = "patient_id = %(patient)s and released"
    found = _found(db, f"({ROWS}) x where {where} order by {_TOGETHER}", {"patient": patient_id})
    return [tuple(lines) for _, lines in groupby(found, lambda row: row.pair)]


def patients_released(db: Db, site: str) -> list[int]:
    """Patients of a site with a released pair that has not left, or changed after it did."""
    query = f"""select distinct patient_id from ({ROWS}) x where site = %s and released
        and (changed or not sent) order by 1"""  # noqa: S608
    return [row[0] for row in db.execute(query.encode(), [site])]


def untouched(db: Db, patient_id: int) -> list[Pair]:
    """The ready pairs of a patient that no person has to look at."""
    where = f"patient_id = %(patient)s and pair not in ({_EVER_RELEASED})"
    found = _found(db, f"({ROWS}) x where {where} order by {_TOGETHER}", {"patient": patient_id})
    left = untouched_lines([row.line for row in found], _named(db, patient_id))
    ids = {line.id for line in left}
    rows = [row for row in found if row.line_id in ids]
    return [tuple(lines) for _, lines in groupby(rows, lambda row: row.pair)]


def _named(db: Db, patient_id: int) -> set[str]:
    """The lines that an open gap names."""
    query = "select unnest(lines) from gaps where patient_id = %s and closed_at is null"
    return {row[0] for row in db.execute(query, [patient_id])}


def _found(db: Db, source: str, values: dict[str, Any]) -> list[Row]:
    with db.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(f"select {_COLUMNS} from {source}".encode(), values).fetchall()  # noqa: S608


def sums(db: Db, filters: Filters, sites: Sequence[str], clinician: Sequence[str]) -> Sums:
    where, values = _where(filters, sites, clinician)
    wanted = f"""count(*), coalesce(sum(value), 0), count(distinct (patient_id, pair)),
        count(*) filter (where {CHARGE}), count(*) filter (where value is null and not {CHARGE})"""
    query = f"select {wanted} from ({ROWS}) x where {where}"  # noqa: S608
    row = db.execute(query.encode(), values).fetchone()
    return Sums(*row) if row else Sums(0, Decimal(0), 0, 0, 0)


def counts(db: Db, sites: Sequence[str], clinician: Sequence[str]) -> dict[str, int]:
    """How many lines each saved view has."""
    columns = ", ".join(
        f'count(*) filter (where {condition}) as "{name}"' for name, condition in VIEWS.items()
    )
    query = f"select {columns} from ({ROWS}) x where site = any(%(sites)s)"  # noqa: S608
    row = db.execute(
        query.encode(), {"sites": list(sites), "clinician": list(clinician)}
    ).fetchone()
    return dict(zip(VIEWS, row or (), strict=True))


def get(db: Db, key: str, sites: Sequence[str]) -> Row | None:
    """The line of `patient:line`, at one of SITES."""
    patient, _, line = key.partition(":")
    if not patient.isdecimal() or len(patient) > 15:
        return None
    values = {"patient": int(patient), "line": line, "sites": list(sites)}
    where = "patient_id = %(patient)s and line_id = %(line)s and site = any(%(sites)s)"
    return next(iter(_found(db, f"({ROWS}) x where {where}", values)), None)


def choices(db: Db, sites: Sequence[str]) -> dict[str, list[str]]:
    """What the filters may be set to: what occurs."""
    queries = {
        "policy": (
            "select distinct policy from lines l join patients p on p.id = l.patient_id where"
            " policy is not null and site = any(%s)"
        ),
        "owner": (
            "select distinct owner from lines l join patients p on p.id = l.patient_id where owner"
            " is not null and site = any(%s)"
        ),
        "provider": (
            "select distinct provider from lines l join patients p on p.id = l.patient_id where"
            " provider is not null and site = any(%s)"
        ),
        "place": (
            "select distinct document ->> 'placeOfService' from lines l join patients p on p.id ="
            " l.patient_id where document ->> 'placeOfService' is not null and site = any(%s)"
        ),
        "label": (
            "select distinct unnest(labels) from lines l join patients p on p.id = l.patient_id"
            " where site = any(%s)"
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
        conditions.append("(name ilike %(find)s or patient = %(exact)s or code ilike %(find)s)")
        escaped = filters.find.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"find": f"%{escaped}%", "exact": filters.find}
    if filters.changed:
        conditions.append("changed_at > now() - interval '1 day'")
    return " and ".join(conditions), values
