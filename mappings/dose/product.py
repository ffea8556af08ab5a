"""The package and the billing code of what was given (R2).

Held by tests/unit/test_products.py.
"""

from collections.abc import Iterable
from datetime import date

from mappings import codes
from mappings.codes.tables import BillingCode, Family, Package


def package(ndcs: Iterable[str], family: str | None) -> Package | None:
    """The one known finished package among NDCs; None where there is none or several of different
    size."""
    packages = codes.packages()
    found = (packages.get(ndc) for ndc in ndcs)
    known = [package for package in found if package and package.family == family]
    return known[0] if known and len({package.mg for package in known}) == 1 else None


def billing_code(family: Family, use: str | None, day: date | None) -> BillingCode | None:
    """The HCPCS code of a family on a day (None: of its newest). `use` tells apart codes of one
    family."""
    known = [code for code in family.codes if day is None or code.holds(day)]
    known = [code for code in known if code.use is None or code.use == use]
    return known[0] if known else None
