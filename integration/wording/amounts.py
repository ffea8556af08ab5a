"""What lines are worth, in words: money, or why there is none. What has no price is never $0.00.

Held by tests/unit/test_tables.py.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from mappings.assessment import CHARGES, ClaimLine, Payment


class Sum(Struct, frozen=True):
    """Lines and their money; `charges` are packaged or bundled (worth nothing apart), `unpriced`
    have no price yet."""

    lines: int
    money: Decimal
    charges: int = 0
    unpriced: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.lines + other.lines,
            self.money + other.money,
            self.charges + other.charges,
            self.unpriced + other.unpriced,
        )


NOTHING = Sum(0, Decimal(0))


def one(value: Decimal | None, payment: Payment | None) -> Sum:
    """Of one line."""
    charge = payment in CHARGES
    return Sum(1, value or Decimal(0), int(charge), int(value is None and not charge))


def total(lines: Iterable[ClaimLine]) -> Sum:
    sums = [one(Decimal(line.value) if line.value else None, line.payment) for line in lines]
    return sum(sums, NOTHING)


def money(value: Decimal | None) -> str:
    if value is None:
        return "not priced"
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def worth(line: ClaimLine) -> str:
    """Money, or the word for why there is none; nothing of a line that is not billed."""
    if not line.is_billable:
        return ""
    if line.payment in CHARGES:
        return line.payment
    return money(Decimal(line.value) if line.value else None)


def amount(found: Sum) -> str:
    """`$44.60`, `not priced`, `$44.60 and 2 not priced`, `packaged`; `—` of no line."""
    priced = found.lines - found.charges - found.unpriced
    parts = [money(found.money)] if priced else []
    if found.unpriced:
        parts.append(
            "not priced" if found.unpriced == found.lines else f"{found.unpriced} not priced"
        )
    if found.charges:
        parts.append("packaged" if found.charges == found.lines else f"{found.charges} packaged")
    return " and ".join(parts) or "—"
