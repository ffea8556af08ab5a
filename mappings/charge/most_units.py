"""NCCI's most units of a code in one day (MUE): the site's newer table, else the built-in one.

Held by tests/unit/test_own_codes.py.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from mappings import codes
from mappings.charge.charge import Charge
from mappings.codes.rows import UnitsPerDay


def listed_units(charge: Charge) -> UnitsPerDay | None:
    """The newest of the site's tables up to the day, for this kind of claim."""
    code, day, claim = charge.code, charge.day, claim_of(charge)
    rows = [
        row
        for row in codes.units_per_day()
        if code and day and code.code in row.units and row.claim == claim and row.holds(day)
    ]
    return max(rows, key=lambda row: row.start or date.min, default=None)


def claim_of(charge: Charge) -> Literal["professional", "institutional"]:
    """NCCI has a table of each."""
    return "institutional" if charge.setting.bill_type else "professional"


def most_mg(charge: Charge) -> Decimal | None:
    """mg of the drug in a day's most units; of a code without a limit that of the family's
    others."""
    code, row = charge.code, listed_units(charge)
    if code and row:
        return row.units[code.code] * code.mg_per_unit
    family = charge.family.codes if charge.family else ()
    own = [code] if code and code.mue is not None else family
    return max((one.mue * one.mg_per_unit for one in own if one.mue is not None), default=None)
