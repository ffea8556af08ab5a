"""Masses in mg and volumes in mL.

Held by tests/unit/test_amounts.py.
"""

from collections.abc import Mapping
from decimal import Decimal

from mappings import codes
from mappings.record import Amount


def mg(amount: Amount) -> Decimal | None:
    """The amount in mg; None where it is not a mass."""
    return _converted(amount, codes.units().mg_per)


def ml(amount: Amount) -> Decimal | None:
    """The amount in mL; None where it is not a volume."""
    return _converted(amount, codes.units().ml_per)


def _converted(amount: Amount, factors: Mapping[str, Decimal]) -> Decimal | None:
    factor = factors.get(amount.unit or "")
    return None if amount.value is None or factor is None else amount.value * factor
