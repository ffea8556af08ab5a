"""2410: the NDC of a line and its quantity, beside the line's code and units.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from mappings import codes
from mappings.codes.tables.drugs import Package
from mappings.values.us_dates import us_date
from mappings.writing.checks.fault import Findings, Found, element
from mappings.writing.checks.services.service import Service
from mappings.writing.x12.segments import COMPONENT, Segment

_NDC = re.compile(r"\d{11}", re.ASCII)
_NDC_UNITS = frozenset({"F2", "GR", "ME", "ML", "UN"})
# X12 235 of 2410 beside NDCs: products that are no drugs.
_OF_SUPPLIES = frozenset({"EN", "EO", "HI", "ON", "UK", "UP"})


def ndc_faults(service: Service, segments: Sequence[Segment], start: int) -> Findings:
    """LIN and CTP stand together, and say as much as the units do, of the drug of the code."""
    places = {
        segment[0]: place
        for place, segment in enumerate(segments, start)
        if segment[0] in ("LIN", "CTP")
    }
    if len(places) == 1:
        at = next(iter(places.values()))
        yield Found("an NDC and its quantity go together", at, service.line)
    if len(places) != 2:
        return
    ndc, quantity = segments[places["LIN"] - start], segments[places["CTP"] - start]
    number = element(ndc, 3)
    if element(ndc, 2) in _OF_SUPPLIES and not service.is_iron:
        return
    if element(ndc, 2) != "N4" or not _NDC.fullmatch(number) or len(set(number)) == 1:
        yield Found(f"{number} is not an NDC of eleven digits", places["LIN"], service.line)
    unit = element(quantity, 5).partition(COMPONENT)[0]
    held = _decimal(element(quantity, 4))
    if not held or unit not in _NDC_UNITS:
        says = "an NDC quantity is more than nothing, in F2, GR, ME, ML or UN"
        yield Found(says, places["CTP"], service.line)
        return
    for says in _agreement(service, number, held, unit):
        yield Found(says, places["LIN"], service.line)


def _agreement(service: Service, ndc: str, held: Decimal, unit: str) -> list[str]:
    package, known = codes.packages().get(ndc), codes.in_force().billing_codes.get(service.code)
    if package is None:
        return []
    if known is None or known[0] != package.family:
        return [f"NDC {ndc} is {package.label.partition(',')[0]}, not the drug of {service.code}"]
    found = []
    if service.days and not package.holds(service.days[0]):
        found.append(f"NDC {ndc} was not on the market on {us_date(service.days[0])}")
    if not _comes_to(_decimal(service.units), held, unit, package, known[1]):
        counted = "mL" if unit == "ML" else unit
        says = f"{held} {counted} of NDC {ndc} are not {service.units} units of {service.code}"
        found.append(says)
    return found


def _comes_to(
    units: Decimal, held: Decimal, unit: str, package: Package, mg_per_unit: Decimal
) -> bool:
    """Units are rounded up, what is left for the discard down, and mL to thousandths. Of containers
    (UN) each line may count those opened for both."""
    mg = {"ML": package.mg / package.ml, "ME": Decimal(1), "GR": Decimal(1000)}
    if unit in mg:
        return abs(held * mg[unit] / mg_per_unit - units) <= 1
    in_one = package.mg / mg_per_unit
    return unit == "UN" and units - 1 <= held * in_one and held <= units / in_one + 2


def _decimal(text: str) -> Decimal:
    """A number of the file; what is none counts as nothing."""
    if not re.fullmatch(r"\d{0,15}(\.\d{0,6})?", text, re.ASCII):
        return Decimal(0)
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)
