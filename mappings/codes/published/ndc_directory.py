"""The FDA's list of drugs: products with their strength, and packages with what is in one
container.

Held by tests/unit/test_published_files.py.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from mappings.codes.published.form import (
    Form,
    Known,
    ListedProduct,
    NotUnderstood,
    Reading,
    Taken,
    amount,
    compact_day,
)
from mappings.codes.published.packages import Packages, elevens
from mappings.codes.rows import OwnPackage, OwnRows

# "10 VIAL, SINGLE-DOSE in 1 CARTON (0517-2340-10) / 5 mL in 1 VIAL, SINGLE-DOSE (0517-2340-01)":
# the last one is the container.
_CONTENT = re.compile(r"(\d*\.?\d+) mL in 1 [A-Z]", re.IGNORECASE)
_NDC = re.compile(r"\((\d{4,5}-\d{3,4}-\d{1,2})\)")
_PER = re.compile(r"\[?mg\]?/(\d*\.?\d*) ?mL", re.IGNORECASE)


def products(reading: Reading, known: Known) -> Mapping[str, ListedProduct]:
    """Intravenous irons by the directory's own NDC of the product."""
    found: dict[str, ListedProduct] = {}
    for _, (ndc, brand, name, route, labeler, number, unit) in reading.rows():
        family = known.family_named(name) or known.family_named(brand)
        strength = _strength(number, unit) if family and "INTRAVENOUS" in route.upper() else None
        if family and strength:
            found[ndc] = ListedProduct(family, strength, f"{brand or name}, {labeler}")
    reading.check()
    return found


def _strength(number: str, unit: str) -> Decimal | None:
    """mg in one mL."""
    mg, per = amount(number), _PER.fullmatch(unit)
    return mg / Decimal(per[1] or 1) if mg and per else None


def read_products(reading: Reading, known: Known) -> Taken:  # noqa: ARG001 - as every form is read
    """By itself it says no package."""
    raise NotUnderstood(
        f"{reading.table.where}: it lists no packages: import package.txt together with it"
    )


def read_packages(reading: Reading, known: Known) -> Taken:
    if not known.listed:
        told = (
            "no product list with an intravenous iron is beside it: import product.txt together"
            " with package.txt"
        )
        raise NotUnderstood(f"{reading.table.where}: {told}")
    found = Packages(reading, known)
    for number, (product, ndc, description, *days) in reading.rows():
        if product in known.listed:
            _package(found, number, known.listed[product], ndc, description, days)
    return reading.taken(OwnRows(packages=found.rows()))


def _package(
    found: Packages,
    number: int,
    product: ListedProduct,
    ndc: str,
    description: str,
    days: Sequence[str],
) -> None:
    """What no container of ours is, or is listed with another strength, is left out: each labeler
    lists its own."""
    reading, contents = found.reading, _CONTENT.findall(description)
    ndcs = {each: elevens(each) for each in [ndc, *_NDC.findall(description)]}
    try:
        start, end = map(compact_day, days)
    except ValueError as problem:
        reading.wrong(number, f"NDC {ndc}: there is no date {problem}")
        return
    if not contents:
        reading.leave_out(number, f"NDC {ndc}: {description!r} says no mL of one container")
        return
    ml = Decimal(contents[-1])
    for each, eleven in ndcs.items():
        if eleven is None:
            reading.wrong(number, f"{each!r} is not an NDC of the form 0517-2340-10")
            continue
        package = OwnPackage(
            ndc=eleven,
            family=product.family,
            mg=product.strength * ml,
            ml=ml,
            label=product.label,
            start=start,
            end=end,
        )
        wrong = found.add(number, package)
        if wrong:
            reading.leave_out(number, wrong)


PRODUCTS = Form(
    kind="ndc-directory",
    title="FDA NDC directory, products",
    columns={
        "ndc": "productndc",
        "brand": "proprietaryname",
        "name": "nonproprietaryname",
        "route": "routename",
        "labeler": "labelername",
        "strength": "active numerator strength",
        "unit": "active ingred unit",
    },
    read=read_products,
)
PACKAGES = Form(
    kind="ndc-directory",
    title="FDA NDC directory",
    columns={
        "product": "productndc",
        "ndc": "ndcpackagecode",
        "description": "packagedescription",
        "start": "startmarketingdate",
        "end": "endmarketingdate",
    },
    read=read_packages,
)
