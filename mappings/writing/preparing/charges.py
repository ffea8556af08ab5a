"""What a line is charged: by the site's price file, or, in a draft, by the payment limit.

Held by tests/unit/test_charges.py.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from msgspec import Struct

from mappings.assessment import ClaimLine
from mappings.datafiles.error import DataFileError
from mappings.values.numbers import CENT

COLUMNS = ("hcpcs", "payer", "charge", "from", "to")
EVERY_PAYER = "*"
_HCPCS, _AMOUNT = re.compile(r"[A-Z0-9]\d{3}[A-Z0-9]"), re.compile(r"\d{1,7}(\.\d{1,4})?")


class Charging(Protocol):
    """How a line comes to its charge."""

    def of(self, line: ClaimLine, payers: Iterable[str | None], /) -> Decimal | None:
        """Dollars and cents for all units of the line; None where nobody says. `payers`: what its
        payer is called, the most special first."""


class AllowedPrices:
    """A draft shows what the payer allows, where that is known."""

    def of(self, line: ClaimLine, _: Iterable[str | None], /) -> Decimal | None:
        """The value of the line; nothing where it is not known."""
        return Decimal(line.value or 0)


class Price(Struct, frozen=True):
    """The charge of one unit, in dollars, from-to, both days included."""

    hcpcs: str
    payer: str
    unit: Decimal
    start: date
    end: date
    row: int

    def meets(self, other: "Price") -> bool:
        return self.start <= other.end and other.start <= self.end


class PriceList(Struct, frozen=True):
    """The prices of a site by code and payer (a claim id, a payer, a kind, or `*`)."""

    rows: Mapping[tuple[str, str], tuple[Price, ...]]

    def of(self, line: ClaimLine, payers: Iterable[str | None], /) -> Decimal | None:
        """The payer's own price before everybody's."""
        if line.service_date is None:
            return None
        day = date.fromisoformat(line.service_date)
        for payer in (*payers, EVERY_PAYER):
            for price in self.rows.get((line.code, payer or ""), ()):
                if price.start <= day <= price.end:
                    return (price.unit * line.units).quantize(CENT, ROUND_HALF_UP)
        return None


def price_list(text: str, name: str) -> PriceList:
    """A CSV of COLUMNS: HCPCS, payer (empty: all), charge of one unit, first and last day (empty:
    open). DataFileError names the row of every mistake; two prices of one day are one."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    header = [column.strip().lower() for column in rows.fieldnames or ()]
    if not {"hcpcs", "charge"} <= set(header):
        raise DataFileError(
            f"{name}: the first row must name the columns {', '.join(COLUMNS)} (of which payer,"
            " from and to may be absent)."
        )
    rows.fieldnames = header
    mistakes: list[str] = []
    found: dict[tuple[str, str], list[Price]] = {}
    for number, cells in enumerate(rows, 2):
        row = {key: value for key, value in cells.items() if key in COLUMNS}
        try:
            price = _price(row, number)
        except ValueError as problem:
            mistakes.append(f"{name}, row {number}: {problem}.")
            continue
        others = found.setdefault((price.hcpcs, price.payer), [])
        mistakes += _overlaps(price, others, name)
        others.append(price)
    if mistakes:
        raise DataFileError(*mistakes)
    return PriceList({key: tuple(prices) for key, prices in found.items()})


def _price(row: Mapping[str, str | None], number: int) -> Price:
    cells = {key: (value or "").strip() for key, value in row.items()}
    hcpcs, amount = cells["hcpcs"].upper(), cells["charge"]
    if not _HCPCS.fullmatch(hcpcs):
        raise ValueError(f"{hcpcs or 'nothing'} is not a HCPCS code of five characters")
    if not _AMOUNT.fullmatch(amount) or not Decimal(amount):
        raise ValueError(
            f"the charge {amount or '(none)'} is not an amount of dollars for one unit, such as"
            " 0.85"
        )
    start, end = _day(cells.get("from", ""), date.min), _day(cells.get("to", ""), date.max)
    if start > end:
        raise ValueError(f"the price ends on {end}, before it begins on {start}")
    return Price(hcpcs, cells.get("payer") or EVERY_PAYER, Decimal(amount), start, end, number)


def _day(text: str, open_end: date) -> date:
    try:
        return date.fromisoformat(text) if text else open_end
    except ValueError:
        raise ValueError(f"{text} is not a date such as 2026-01-31") from None


def _overlaps(price: Price, others: Iterable[Price], name: str) -> Iterator[str]:
    for other in others:
        if price.meets(other):
            payer = "all payers" if price.payer == EVERY_PAYER else f"payer {price.payer}"
            yield (
                f"{name}, rows {other.row} and {price.row}: two prices of {price.hcpcs} for"
                f" {payer} hold on {max(price.start, other.start)}; end the first before the second"
                " begins."
            )
