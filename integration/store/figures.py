"""The figures' questions to the database: where money waits, how long it takes, how clean the first
look was, what was wasted.

Held by tests/unit/test_figures.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from integration.store import worklist
from integration.store.database.connection import Db
from integration.store.worklist import CHARGE
from mappings.dose.vials import Wasted

# A record that was complete when it was first seen, so soon after the dose, was so at once.
SOON_DAYS = 2


@dataclass(frozen=True)
class Scope:
    """Of which lines: those at SITES, of a POLICY, given SINCE a day; None: all."""

    sites: Sequence[str]
    policy: str | None = None
    since: date | None = None


@dataclass(frozen=True)
class HeldMoney:
    """Money of held lines, under each requirement that holds them: a line with two causes stands
    under both."""

    requirement: str
    lines: int
    money: Decimal
    charges: int
    unpriced: int


@dataclass(frozen=True)
class Times:
    """Days from the dose to the complete record. `unknown`: lines that were complete when they were
    first seen, long after the dose: since when, nobody knows."""

    days: Sequence[int]
    unknown: int


@dataclass(frozen=True)
class FirstLook:
    """Of the lines first assessed in a month, those that were ready at once."""

    month: date
    lines: int
    clean: int


@dataclass(frozen=True)
class RealDenials:
    """`answered`: lines that payers decided; `lines` and what was charged for them by reason
    (CARC): a line with two stands under both."""

    answered: int
    by_carc: Mapping[str, tuple[int, Decimal]]


@dataclass(frozen=True)
class WrittenOff:
    """Lines and money of what nobody pursues: by CARC (a line with two stands under both; under
    none where a front end rejected it), and by the reason that people gave (each line once)."""

    by_carc: Mapping[str, tuple[int, Decimal]]
    by_reason: Mapping[str, tuple[int, Decimal]]

    @property
    def lines(self) -> int:
        return sum(lines for lines, _ in self.by_reason.values())

    @property
    def money(self) -> Decimal:
        return sum((money for _, money in self.by_reason.values()), Decimal(0))


@dataclass(frozen=True)
class Predicted:
    carc: str
    lines: int
    money: Decimal
    charges: int
    unpriced: int


_CARC = "substring(said from '^[A-Z]{2}-(.+)$')"
_WORTH = f"""coalesce(sum(value), 0), count(*) filter (where {CHARGE}),
    count(*) filter (where value is null and not {CHARGE})"""


def _scope(lines: str = "") -> str:
    """The condition; LINES: the name of the lines in the query, with its dot."""
    return f"""site = any(%(sites)s)
        and (%(policy)s::text is null or {lines}policy = %(policy)s)
        and (%(since)s::date is null or {lines}service_date >= %(since)s)"""


def _values(scope: Scope) -> dict[str, object]:
    return {**asdict(scope), "sites": list(scope.sites)}


def held(db: Db, scope: Scope) -> list[HeldMoney]:
    query = f"""select requirement, count(*), {_WORTH}
        from {worklist.KEPT} x cross join lateral unnest(waits_for) as requirement
        where not released and {_scope()} group by 1 order by 3 desc, 1"""  # noqa: S608
    return [HeldMoney(*row) for row in db.execute(query.encode(), _values(scope))]


def predicted(db: Db, scope: Scope) -> list[Predicted]:
    """Denials to be expected if the held lines left as they are."""
    rows = f"""select distinct g.document -> 'predictedDenial' ->> 'carc' as carc,
            x.patient_id, line_id, value, payment
        from {worklist.KEPT} x join gaps g on g.patient_id = x.patient_id
            and line_id = any(g.lines) and g.requirement = any(waits_for)
            and g.closed_at is null and g.blocking
        where not released and {_scope("x.")}"""  # noqa: S608
    query = f"""select carc, count(*), {_WORTH} from ({rows}) y
        where carc is not null group by 1 order by 3 desc, 1"""  # noqa: S608
    return [Predicted(*row) for row in db.execute(query.encode(), _values(scope))]


def denied(db: Db, scope: Scope) -> RealDenials:
    """As payers answered."""
    rows = f"""select carc, count(*), coalesce(sum(value), 0) from (
            select distinct patient_id, line_id, value, {_CARC} as carc
            from {worklist.KEPT} x cross join lateral unnest(denied_for) as said
            where {_scope()}) y where carc is not null group by 1 order by 3 desc, 1"""  # noqa: S608
    decided = f"""select count(*) from {worklist.KEPT} x
        where (sent_state in ('paid', 'denied') or denied_for <> '{{}}') and {_scope()}"""  # noqa: S608
    values = _values(scope)
    row = db.execute(decided.encode(), values).fetchone()
    found = {name: (lines, money) for name, lines, money in db.execute(rows.encode(), values)}
    return RealDenials(int(row[0]) if row else 0, found)


def written_off(db: Db, scope: Scope) -> WrittenOff:
    """As people decided."""
    closed = f"""select denied_for, written_off, value from {worklist.KEPT} x
        where closed and answered in ('denied', 'rejected') and {_scope()}"""  # noqa: S608
    carc = f"""select distinct {_CARC} as carc from unnest(denied_for) as said
        where {_CARC} is not null"""  # noqa: S608
    by_carc = f"""select coalesce(carc, ''), count(*), coalesce(sum(value), 0)
        from ({closed}) c left join lateral ({carc}) d on true
        group by 1 order by 3 desc, 1"""  # noqa: S608
    by_reason = f"""select written_off, count(*), coalesce(sum(value), 0) from ({closed}) c
        group by 1 order by 3 desc, 1"""  # noqa: S608
    carcs, reasons = (
        {name: (lines, money) for name, lines, money in db.execute(query.encode(), _values(scope))}
        for query in (by_carc, by_reason)
    )
    return WrittenOff(carcs, reasons)


def times_to_complete(db: Db, scope: Scope) -> Times:
    """From the dose to the moment since when its line is ready; not from our first look at it."""
    query = f"""select greatest(0, status_since::date - service_date),
            status_since > first_seen_at or status_since::date - service_date <= %(soon)s
        from lines l join patients p on p.id = l.patient_id
        where status = 'ready' and service_date is not null and {_scope()} order by 1"""  # noqa: S608
    values = _values(scope) | {"soon": SOON_DAYS}
    found = db.execute(query.encode(), values).fetchall()
    days = [number for number, known in found if known]
    return Times(days, len(found) - len(days))


def first_looks(db: Db, scope: Scope) -> list[FirstLook]:
    """By month of service, over the last twelve; the first assessment that has the line decides."""
    query = f"""select date_trunc('month', service_date)::date, count(*),
        count(*) filter (where status = 'ready') from (
            select distinct on (a.patient_id, l ->> 'id') l ->> 'status' as status, site,
                l -> 'policy' ->> 'id' as policy, (l ->> 'serviceDate')::date as service_date
            from assessments a join patients p on p.id = a.patient_id,
                jsonb_array_elements(a.document -> 'lines') l
            where l ->> 'serviceDate' is not null order by a.patient_id,
                l ->> 'id', a.id) x
        where status <> 'not-billable' and {_scope()}
            and service_date > now() - make_interval(months => 12)
            group by 1 order by 1"""  # noqa: S608
    return [FirstLook(*row) for row in db.execute(query.encode(), _values(scope))]


def wasted(db: Db, scope: Scope) -> list[Wasted]:
    query = f"""select w.code, coalesce(g.units, 0), w.units, w.value from lines w
        join patients p on p.id = w.patient_id
        left join lines g on g.patient_id = w.patient_id and g.id = w.pair
        where w.id <> w.pair and w.gone_at is null and {_scope("w.")}"""  # noqa: S608
    return [Wasted(*row) for row in db.execute(query.encode(), _values(scope))]
