"""The figures' questions to the database: where money waits, how long it takes, how clean the first
look was, what was wasted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.store import worklist
from integration.store.database.connection import Db
from mappings.dose.vials import Wasted


@dataclass(frozen=True)
class Cause:
    """Money of held lines, under each requirement that holds them: a line with two causes stands
    under both."""

    requirement: str
    lines: int
    money: Decimal


@dataclass(frozen=True)
class FirstLook:
    """Of the lines first assessed in a month, those that were ready at once."""

    month: date
    lines: int
    clean: int


@dataclass(frozen=True)
class Predicted:
    carc: str
    lines: int
    money: Decimal


def held(db: Db, sites: Sequence[str]) -> list[Cause]:
    query = f"""select requirement, count(*), sum(coalesce(value, 0))
        from ({worklist.ROWS}) x cross join lateral unnest(waits_for) as requirement
        where not released and site = any(%s) group by 1 order by 3 desc, 1"""  # noqa: S608
    return [Cause(*row) for row in db.execute(query.encode(), [list(sites)])]


def predicted(db: Db, sites: Sequence[str]) -> list[Predicted]:
    """Denials to be expected if the held lines left as they are."""
    rows = f"""select distinct g.document -> 'predictedDenial' ->> 'carc' as carc,
            x.patient_id, line_id, coalesce(value, 0) as value
        from ({worklist.ROWS}) x join gaps g on g.patient_id = x.patient_id
            and line_id = any(g.lines) and g.requirement = any(waits_for)
            and g.closed_at is null and g.blocking
        where not released and site = any(%s)"""  # noqa: S608
    query = f"""select carc, count(*), sum(value) from ({rows}) y
        where carc is not null group by 1 order by 3 desc, 1"""  # noqa: S608
    return [Predicted(*row) for row in db.execute(query.encode(), [list(sites)])]


def days_to_complete(db: Db, sites: Sequence[str]) -> list[int]:
    """From the dose to the moment since when its line is ready."""
    query = """select greatest(0, l.status_since::date - l.service_date) from lines l
        join patients p on p.id = l.patient_id
        where l.status = 'ready' and l.service_date is not null and p.site = any(%s) order by 1"""
    return [row[0] for row in db.execute(query, [list(sites)])]


def first_looks(db: Db, sites: Sequence[str], months: int = 12) -> list[FirstLook]:
    """By month of service, over the last MONTHS; the first assessment that has the line decides."""
    query = """select date_trunc('month', day)::date, count(*),
        count(*) filter (where status = 'ready') from (
            select distinct on (a.patient_id, l ->> 'id') l ->> 'status' as status,
                (l ->> 'serviceDate')::date as day
            from assessments a join patients p on p.id = a.patient_id,
                jsonb_array_elements(a.document -> 'lines') l
            where p.site = any(%s) and l ->> 'serviceDate' is not null order by a.patient_id,
                l ->> 'id', a.id) x
        where status <> 'not-billable' and day > now() - make_interval(months => %s)
            group by 1 order by 1"""
    return [FirstLook(*row) for row in db.execute(query, [list(sites), months])]


def wasted(db: Db, sites: Sequence[str]) -> list[Wasted]:
    query = """select w.code, coalesce(g.units, 0), w.units, w.value from lines w
        join patients p on p.id = w.patient_id
        left join lines g on g.patient_id = w.patient_id and g.id = w.pair
        where w.id <> w.pair and w.gone_at is null and p.site = any(%s)"""
    return [Wasted(*row) for row in db.execute(query, [list(sites)])]
