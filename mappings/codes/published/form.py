"""What a published file is: sheets of rows, the form that they are recognized by, and how a row
that can't be right is told.

Held by tests/unit/test_published_files.py.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import TypeVar

from msgspec import Struct

from mappings.codes.code_tables import CodeTables
from mappings.codes.quarters import quarter_name
from mappings.codes.rows import Kind, OwnLimits, OwnRows
from mappings.codes.tables import BillingCode, Family
from mappings.values import words
from mappings.values.stated import only

T = TypeVar("T")
MOST_MISTAKES = 20
# So many rows of notes may stand before the header.
MOST_NOTES = 60
# A code of HCPCS or CPT.
HCPCS = "[A-Z0-9]{5}"
_MONTHS = ("january", "april", "july", "october")
# "Effective October 1, 2025 through December 31, 2025" says it whatever else a note speaks of.
_SPAN = re.compile(r"(?P<month>[a-z]+) 1 (?P<year>20\d\d) (?:(?:through|to) )?[a-z]+ \d\d 20\d\d")
# "July CY 2020", "CY 2020 Jul", "April 2026", "HCPC2026_OCT".
_DATED = (
    re.compile(r"\b(?P<month>jan|apr|jul|oct)[a-z]* ?(?:cy )?(?P<year>20\d\d)"),
    re.compile(r"(?<!\d)(?P<year>20\d\d) (?P<month>jan|apr|jul|oct)"),
)
# In a file's name: "Eff_10-01-2026", and a fiscal year of diagnosis codes.
_NAMED = re.compile(r"\beff (?P<month>\d\d?) 0?1 (?P<year>20\d\d)")
_FISCAL_YEAR = re.compile(r"\bicd10cm [a-z]+ (?P<year>20\d\d)")


class NotUnderstood(Exception):
    """A file is not taken: every reason, each with file and row."""

    def __init__(self, *every: str) -> None:
        super().__init__(every[0])
        self.every = every


class Sheet(Struct, frozen=True):
    """One table of a file: `where` names file, member and sheet; cells are text as it stands; rows
    count from 1.

    `damage`: what says that it is not whole. `among`: the archive or workbook that it came in with
    others.
    """

    where: str
    rows: Sequence[Sequence[str]]
    title: str = ""
    damage: str = ""
    among: str = ""


class ListedProduct(Struct, frozen=True):
    """A product of the NDC directory: whose drug it is, mg in one mL, its name."""

    family: str
    strength: Decimal
    label: str


class Known(Struct, frozen=True, dict=True, kw_only=True):
    """The drugs that the product and the site know.

    `ndcs`: those of the site's own names for drugs, with their families. `modifiers`: those that
    policies put on lines. `listed`: of a product list that is read with this file, by its own NDC.
    """

    tables: CodeTables
    ndcs: Mapping[str, str] = {}
    modifiers: frozenset[str] = frozenset()
    listed: Mapping[str, ListedProduct] = {}

    @cached_property
    def codes(self) -> dict[str, tuple[Family, BillingCode]]:
        return {
            code.code: (family, code)
            for family in self.tables.families.values()
            for code in family.codes
        }

    def in_force(self, day: date) -> frozenset[str]:
        """The codes that are billed on a day."""
        return frozenset(code for code, (_, row) in self.codes.items() if row.holds(day))

    @cached_property
    def not_billable(self) -> frozenset[str]:
        """Labeler and product, nine digits."""
        return frozenset(row.product for row in self.tables.package_table.not_billable)

    @cached_property
    def _names(self) -> tuple[dict[str, str], re.Pattern[str]]:
        families = {
            words.plain(name).strip(): row.family
            for row in self.tables.families.values()
            for name in row.names
        }
        longest_first = sorted(map(re.escape, families), key=len, reverse=True)
        return families, re.compile(rf"\b(?:{'|'.join(longest_first)})\b")

    @cached_property
    def _seen(self) -> dict[str, str | None]:
        return {}

    def family_named(self, text: str) -> str | None:
        """The one family whose name stands in a text; None where none does, or several."""
        if text not in self._seen:
            families, pattern = self._names
            found = {families[name] for name in pattern.findall(words.plain(text))}
            self._seen[text] = only(found)
        return self._seen[text]


class Taken(Struct, frozen=True):
    """What was read of a file: how many rows, the site's rows made from them, what was left out and
    why, and what a person should look at."""

    read: int
    rows: OwnRows
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Form(Struct, frozen=True, kw_only=True):
    """A kind of file. `columns`: pattern of each column's title, by name, in the order in which
    `read` gets them.

    `without`: no column has such a title. `first`: what the first code looks like. `code`: what
    each looks like. `dated`: the file says itself from when it holds. `ends_with`: a whole file's
    last code is not before it.
    """

    kind: Kind
    title: str
    columns: Mapping[str, str]
    read: Callable[["Reading", Known], Taken]
    without: str = r"\b\B"
    dated: bool = False
    first: str = ""
    code: str = ""
    ends_with: str = ""


def plain(title: str) -> str:
    """A column's title or a note: lower case, words only."""
    return " ".join(re.findall(r"[a-z0-9]+", title.lower()))


class Table(Struct, frozen=True, dict=True, kw_only=True):
    """A sheet in its form. `day`: from when it holds."""

    sheet: Sheet
    form: Form
    header: int
    places: tuple[int, ...]
    day: date

    @property
    def where(self) -> str:
        return self.sheet.where

    @property
    def quarter(self) -> str:
        return quarter_name(self.day)

    @property
    def source(self) -> str:
        return f"{self.form.title} {self.quarter} ({self.where})"


class Reading:
    """A table while it is read: rows one by one, and what is wrong with them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.mistakes: list[str] = []
        self.left_out: list[str] = []
        self.remarks: list[str] = []
        self._count, self._last = 0, ""

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Number and wanted cells of each row below the header, without blanks around them; empty
        rows and footnotes are none."""
        table, rows = self.table, self.table.sheet.rows
        wanted, width = itemgetter(*table.places, table.places[0]), len(rows[table.header])
        code = re.compile(table.form.code or ".*")
        for number, row in enumerate(rows[table.header + 1 :], table.header + 2):
            if width > 1 and _is_note(row):
                continue
            if len(row) != width:
                self.wrong(
                    number,
                    f"{len(row)} cells instead of {width}: the row is cut short, or of another"
                    " form",
                )
                continue
            *cells, last = map(str.strip, wanted(row))
            if not any(cells):
                continue
            if code.fullmatch(last):
                self._last = last
            else:
                self.wrong(number, f"{last!r} stands where a code should")
            self._count += 1
            yield number, tuple(cells)

    def at(self, number: int, said: str) -> str:
        return f"{self.table.where}, row {number}: {said}"

    def wrong(self, number: int, said: str) -> None:
        self.mistakes.append(self.at(number, said))

    def same(self, number: int, code: str, said: T, found: dict[str, T]) -> None:
        """Keeps what a row says of a code: every row of it says the same."""
        if found.setdefault(code, said) != said:
            self.wrong(number, f"{code} appears twice, with {found[code]} and {said}")

    def leave_out(self, number: int, said: str) -> None:
        self.left_out.append(self.at(number, said))

    def remark(self, said: str) -> None:
        self.remarks.append(f"{self.table.where}: {said}")

    def expect(self, wanted: Collection[str], found: Collection[str]) -> None:
        """Says which of the codes of the day that are known from earlier files this one lacks."""
        missing = sorted(set(wanted) - set(found))
        if missing:
            self.remark(f"it has no row of {', '.join(missing)}: what was known of it before stays")

    def priced(self, limits: dict[str, Decimal], known: Known) -> tuple[OwnLimits, ...]:
        """The row of these prices; says which are far from those of the quarter before."""
        for code, price in limits.items():
            far = known.tables.payment.far(code, price, self.table.day)
            if far:
                self.remark(f"{code} is {price} here, and {far}: look whether that is right")
        table = self.table
        row = OwnLimits(
            quarter=table.quarter, start=table.day, limit=limits, source=table.source, verified=True
        )
        return (row,) if limits else ()

    def taken(self, rows: OwnRows) -> Taken:
        """All that was read; NotUnderstood with every mistake where there is one: nothing is taken
        then."""
        self.check()
        return Taken(self._count, rows, tuple(self.left_out), tuple(self.remarks))

    def check(self) -> None:
        table = self.table
        if self._last < table.form.ends_with:
            said = (
                f"its last code is {self._last or 'missing'}, and a whole file goes on to"
                f" {table.form.ends_with}: download it again"
            )
            self.mistakes.append(f"{table.where}: {said}")
        more = len(self.mistakes) - MOST_MISTAKES
        if self.mistakes:
            raise NotUnderstood(
                *self.mistakes[:MOST_MISTAKES],
                *([f"{table.where}: and {more} more"] if more > 0 else []),
            )


def said_days(texts: Iterable[str]) -> list[date]:
    """From when a file holds, by its notes and titles; several where they speak of several."""
    said = [plain(text) for text in texts]
    return _quarters(said, (_SPAN,)) or _quarters(said, _DATED)


def named_days(name: str) -> list[date]:
    """From when a file may hold, by its name; none where that says nothing."""
    year = _FISCAL_YEAR.search(plain(name))
    if year:
        of_year = int(year["year"])
        return [date(of_year - 1, 10, 1), *(date(of_year, month, 1) for month in (1, 4, 7))]
    found = _quarters([plain(name)], _DATED)
    named = _NAMED.search(plain(name))
    if named and int(named["month"]) in (1, 4, 7, 10):
        found.append(date(int(named["year"]), int(named["month"]), 1))
    return list(dict.fromkeys(found))


def _quarters(said: Iterable[str], patterns: Iterable[re.Pattern[str]]) -> list[date]:
    """Each once, in the order in which they are named."""
    days: dict[date, None] = {}
    for text in said:
        for found in chain.from_iterable(pattern.finditer(text) for pattern in patterns):
            months = enumerate(_MONTHS)
            begun = (number for number, name in months if name.startswith(found["month"]))
            month = next(begun, None)
            if month is not None:
                days[date(int(found["year"]), 3 * month + 1, 1)] = None
    return list(days)


def _is_note(row: Sequence[str]) -> bool:
    """An empty row, or one with words in its first cell alone."""
    first, *others = (*row, "")
    return not any(map(str.strip, others)) and (not first.strip() or " " in first.strip())


def amount(text: str) -> Decimal | None:
    """A price or quantity above zero; None for what is none."""
    try:
        found = Decimal(text.strip().lstrip("$").replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 < found < 10**9 else None


def compact_day(text: str) -> date | None:
    """YYYYMMDD; ValueError for what is not a date, None for nothing."""
    if not text:
        return None
    try:
        return date(
            int(text[:4]), int(text[4:6]), int(text[6:] if len(text) == len("20261001") else "")
        )
    except ValueError:
        raise ValueError(text) from None


def unit_mg(text: str) -> Decimal | None:
    """`12.5 MG` → 12.5."""
    found = re.fullmatch(r"\s*(\d*\.?\d+)\s*mg\s*", text, re.IGNORECASE)
    return Decimal(found[1]) if found else None
