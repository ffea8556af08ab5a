"""How old the tables in force are on a day, which have outlived the time for which they are
normally current, and which drugs lack a row of one.

Held by tests/contract/test_codes_command.py.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from msgspec import Struct

from mappings.codes.code_tables import CodeTables, built_in
from mappings.codes.rows import Kind
from mappings.codes.tables import BillingCode, Family
from mappings.datafiles.loading import packaged, structure
from mappings.values.us_dates import us_date


class Freshness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    table: str
    name: str
    days: int
    published: tuple[Kind, ...]
    source: str
    verified: bool
    built_in: date | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    tables: tuple[Freshness, ...]


class Age(Struct, frozen=True, kw_only=True):
    """A table on a day: what day it is of (None: nothing in it holds yet), where from, and until
    when that is normally current."""

    table: str
    name: str
    of: date | None
    by: str
    days: int | None
    current_until: date | None
    stale: bool

    @property
    def says(self) -> str:
        """`Payment limits (ASP): of Oct 1, 2025, 424 days old; current until Jan 1, 2026`."""
        if self.of is None:
            return f"{self.name}: nothing holds on this day yet"
        end = "was current until" if self.stale else "current until"
        return (
            f"{self.name}: of {us_date(self.of)}, {self.days} days old; {end}"
            f" {us_date(self.current_until)}"
        )


@cache
def freshness() -> tuple[Freshness, ...]:
    where, text = packaged("codes", "freshness.yaml")
    return structure(text, where, _File, rests_on=b"").tables


def ages(tables: CodeTables, day: date) -> list[Age]:
    """Each table as it is on the day."""
    return [_age(row, tables, day) for row in freshness()]


def _age(row: Freshness, tables: CodeTables, day: date) -> Age:
    known = dict.fromkeys(_built_in(row), "built in")
    imported = _imported(row, tables, day)
    known |= {imported: "imported"} if imported else {}
    of = max((start for start in known if start <= day), default=None)
    until = of + timedelta(days=row.days) if of else None
    return Age(
        table=row.table,
        name=row.name,
        of=of,
        by=known[of] if of else "",
        days=(day - of).days if of else None,
        current_until=until,
        stale=until is None or until < day,
    )


def _imported(row: Freshness, tables: CodeTables, day: date) -> date | None:
    """The day of the newest file; of a table that several files make up, the day of the oldest of
    their newest."""
    newest: dict[str, date] = {}
    for one in tables.published:
        if one.kind in row.published and one.start <= day:
            newest[one.kind] = max(one.start, newest.get(one.kind, one.start))
    if row.table in _WHOLE:
        return min(newest.values()) if len(newest) == len(row.published) else None
    return max(newest.values(), default=None)


# Tables of several files that are current only together.
_WHOLE = frozenset({"units-per-day", "denial-codes"})


def _built_in(row: Freshness) -> list[date]:
    """The days of the package's rows, where they have such. A row that somebody wrote makes no
    table newer."""
    tables = built_in()
    if row.table == "payment-limits":
        return [limits.start for limits in tables.payment.limits]
    if row.table in ("opps-status", "asc-indicators"):
        listed = tables.payment.opps if row.table == "opps-status" else tables.payment.asc
        return [listed.last_release, *listed.later_releases]
    return [row.built_in] if row.built_in else []


def lacking(tables: CodeTables) -> Iterator[str]:
    """A sentence for each code in use that has no label dose, price, MUE or OPPS status."""
    for family in tables.families.values():
        for code in family.codes:
            missing = [] if code.end else list(_missing(family, code, tables))
            if missing:
                yield f"{code.code} ({family.name}) has no {', no '.join(missing)}"


def _missing(family: Family, code: BillingCode, tables: CodeTables) -> Iterator[str]:
    if all(row.family != family.family for row in tables.dosing):
        yield "label dose"
    if all(code.code not in row.limit for row in tables.payment.limits):
        yield "price"
    if code.mue is None and all(code.code not in row.units for row in tables.units_per_day):
        yield "MUE"
    if code.code not in tables.payment.opps.status:
        yield "OPPS status"
