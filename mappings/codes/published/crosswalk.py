"""Which NDCs a HCPCS code stands for, and what is in them (ASP and NOC NDC-HCPCS crosswalks).

Held by tests/unit/test_published_files.py.
"""

from decimal import Decimal

from mappings.codes.published.form import HCPCS, Form, Known, Reading, Taken, amount, unit_mg
from mappings.codes.published.packages import Packages, elevens
from mappings.codes.rows import OwnPackage, OwnRows

_SHARED = {
    "labeler": "labeler name",
    "ndc": "ndc2?|ndc or alternate id",
    "drug": "drug name",
    "dosage": "(hcpcs )?dosage",
    "size": "pkg size",
    "quantity": "pkg qty",
    "units": "billunits",
    "all_units": "billunitspkg",
}


def read_asp(reading: Reading, known: Known) -> Taken:
    return _read(reading, known, by_code=True)


def read_noc(reading: Reading, known: Known) -> Taken:
    return _read(reading, known, by_code=False)


def _read(reading: Reading, known: Known, by_code: bool) -> Taken:
    """By code: the first cell is a HCPCS code; otherwise a drug's name."""
    found = Packages(reading, known)
    for number, cells in reading.rows():
        first, _, ndc, *_ = cells
        family = _family(known, first, ndc, by_code)
        if family:
            unit = known.codes[first][1].mg_per_unit if by_code and first in known.codes else None
            _package(found, number, family, unit, cells)
    return reading.taken(OwnRows(packages=found.rows()))


def _family(known: Known, first: str, ndc: str, by_code: bool) -> str | None:
    """Of the code or name, else of the site's own name for the NDC."""
    if by_code and first in known.codes:
        return known.codes[first][0].family
    named = None if by_code else known.family_named(first)
    return named or (known.ndcs.get(elevens(ndc) or "") if known.ndcs else None)


def _package(
    found: Packages, number: int, family: str, unit: Decimal | None, cells: tuple[str, ...]
) -> None:
    first, labeler, text, drug, dosage, *counted = cells
    ndc, stated, numbers, reading = (
        elevens(text),
        unit_mg(dosage),
        [amount(cell) for cell in counted],
        found.reading,
    )
    if ndc is None:
        reading.wrong(number, f"{text!r} is not an NDC of the form 00517-2340-10")
    elif unit is not None and stated != unit:
        reading.wrong(number, f"the dosage of {first} is {dosage!r}, and its unit is {unit} mg")
    elif stated is None:
        reading.leave_out(number, f"NDC {ndc}: its dosage {dosage!r} is not in mg")
    elif None in numbers:
        reading.wrong(
            number, f"NDC {ndc}: package size, quantity and billing units must be numbers above 0"
        )
    else:
        ml, count, per_one, per_all = (row or Decimal(0) for row in numbers)
        if per_one * count != per_all:
            reading.wrong(number, f"NDC {ndc}: {count} × {per_one} billing units are not {per_all}")
        wrong = found.add(
            number,
            OwnPackage(
                ndc=ndc, family=family, mg=per_one * stated, ml=ml, label=f"{drug}, {labeler}"
            ),
        )
        if wrong:
            reading.wrong(number, wrong)


ASP = Form(
    kind="asp-crosswalk",
    title="CMS ASP NDC-HCPCS crosswalk",
    columns={"code": "(20[0-9]{2} )?code|hcpcs code", **_SHARED},
    read=read_asp,
    dated=True,
    code=HCPCS,
    ends_with="Q",
)
NOC = Form(
    kind="noc-crosswalk",
    title="CMS ASP NOC NDC-HCPCS crosswalk",
    columns={"name": "drug generic name", **_SHARED},
    read=read_noc,
    dated=True,
)
