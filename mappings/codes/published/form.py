"""What a published file is: sheets of rows, the form that they are recognized by, and how a row
that can't be right is told.

Held by tests/unit/test_published_files.py.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from operator import itemgetter

from msgspec import Struct

from mappings.codes.code_tables import CodeTables
from mappings.codes.quarters import quarter_name
from mappings.codes.rows import Kind, OwnRows
from mappings.codes.tables import BillingCode, Family
from mappings.values import words

MOST_MISTAKES = 20
_MONTHS = ("january", "april", "july", "october")
# "Effective October 1, 2025 through December 31, 2025", "July CY 2020", "CY 2020 Jul", "April
# 2026".
_DATED = (
    re.compile(r"(?:effective )?(?P<month>[a-z]+) 1 (?P<year>20\d\d) (?:through|to) "),
    re.compile(r"(?P<month>jan|apr|jul|oct)[a-z]* (?:cy )?(?P<year>20\d\d)"),
    re.compile(r"cy (?P<year>20\d\d) (?P<month>jan|apr|jul|oct)"),
)


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
            self._seen[text] = found.pop() if len(found) == 1 else None
        return self._seen[text]


class Taken(Struct, frozen=True):
    """What was read of a file: how many rows, the site's rows made from them, and what was left out
    and why."""

    read: int
    rows: OwnRows
    left_out: tuple[str, ...] = ()


class Form(Struct, frozen=True, kw_only=True):
    """A kind of file. `columns`: pattern of each column's title, by name, in the order in which
    `read` gets them.

    `without`: no column has such a title. `first`: what the first code looks like. `dated`: the
    file says itself from when it holds. `ends_with`: a whole file's last code is not before it.
    """

    kind: Kind
    title: str
    columns: Mapping[str, str]
    read: Callable[["Reading", Known], Taken]
    without: str = r"\b\B"
    dated: bool = False
    first: str = ""
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
        self._count, self._last = 0, ""

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Number and wanted cells of each row below the header, without blanks around them; empty
        rows are none."""
        table, rows = self.table, self.table.sheet.rows
        wanted, width = itemgetter(*table.places, table.places[0]), len(rows[table.header])
        for number, row in enumerate(rows[table.header + 1 :], table.header + 2):
            if len(row) == width:
                *cells, self._last = map(str.strip, wanted(row))
                if any(cells):
                    self._count += 1
                    yield number, tuple(cells)
            elif any(map(str.strip, row)):
                self.wrong(
                    number,
                    f"{len(row)} cells instead of {width}: the row is cut short, or of another"
                    " form",
                )

    def at(self, number: int, said: str) -> str:
        return f"{self.table.where}, row {number}: {said}"

    def wrong(self, number: int, said: str) -> None:
        self.mistakes.append(self.at(number, said))

    def leave_out(self, number: int, said: str) -> None:
        self.left_out.append(self.at(number, said))

    def taken(self, rows: OwnRows) -> Taken:
        """All that was read; NotUnderstood with every mistake where there is one: nothing is taken
        then."""
        self.check()
        return Taken(self._count, rows, tuple(self.left_out))

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


def said_day(texts: Iterator[str]) -> date | None:
    """From when a file holds, by its notes and titles."""
    for text in texts:
        for pattern in _DATED:
            for found in pattern.finditer(plain(text)):
                month = next(
                    (
                        number
                        for number, name in enumerate(_MONTHS)
                        if name.startswith(found["month"])
                    ),
                    None,
                )
                if month is not None:
                    return date(int(found["year"]), 3 * month + 1, 1)
    return None


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
