"""The package and the billing code of what was given (R2).

Held by tests/unit/test_products.py.
"""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_CEILING, Decimal

from mappings import codes
from mappings.codes.tables import BillingCode, Family, Package


def package(ndcs: Iterable[str], family: str | None) -> Package | None:
    """The one known finished package among NDCs; None where there is none or several of different
    size."""
    packages = codes.packages()
    found = (packages.get(ndc) for ndc in ndcs)
    known = [package for package in found if package and package.family == family]
    return known[0] if known and len({package.mg for package in known}) == 1 else None


def contents(family: str | None) -> set[Decimal]:
    """mg in each of the finished packages of a family."""
    return {package.mg for package in codes.packages().values() if package.family == family}


def whole(mg: Decimal, size: Decimal) -> Decimal:
    """mg in the fewest containers of a size that cover an amount."""
    return size * (mg / size).to_integral_value(ROUND_CEILING)


def billing_code(family: Family, use: str | None, day: date | None) -> BillingCode | None:
    """The HCPCS code of a family on a day (None: of its first): of several the one that began last.
    `use` tells apart codes of one family."""
    known = [code for code in family.codes if code.use is None or code.use == use]
    known = [code for code in known if day is None or code.holds(day)]
    if day is None:
        return known[0] if known else None
    return max(known, key=lambda code: code.start or date.min, default=None)
