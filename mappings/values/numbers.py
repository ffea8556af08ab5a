"""Decimals as people write them.

Held by tests/unit/test_amounts.py.
"""

from decimal import Decimal, getcontext
from functools import lru_cache
from typing import NamedTuple

CENT = Decimal("0.01")


class NumberSpan(NamedTuple):
    """A number that lies between two, both included; None: open on that side."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False


# What a division leaves behind its last digit; no quantity is recorded as finely (fhir.decimal).
_TAIL = Decimal("1e-18")


def exact(number: Decimal) -> Decimal:
    """A sum of mg without the tail that divisions by a strength leave (66.6… × 3 = 200); anything
    else stays as it is."""
    near = round(number, 9)
    return near if abs(number - near) < _TAIL else number


def with_unit(number: Decimal, unit: str) -> str:
    """`500 ng/mL`, `30%`."""
    return f"{plain(number)}{'' if unit == '%' else ' '}{unit}"


@lru_cache(maxsize=4096)
def plain(number: Decimal) -> str:
    """A decimal without exponent or trailing zeros; a quotient that never ends to nine places."""
    if len(Decimal(number).as_tuple().digits) >= getcontext().prec:
        number = round(number, 9)
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
