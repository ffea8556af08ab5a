"""Values of results: low and high end, whether each is open, why it can't be used, how a person
reads it."""

from decimal import Decimal
from typing import Any

import pytest

from mappings import codes
from mappings.reading.labs.quantities import value

UCUM = "http://unitsofmeasure.org"
D = Decimal


def quantity(
    number: Any, unit: str | None = "ng/mL", comparator: str | None = None, **elements: Any
) -> dict[str, Any]:
    found = {"value": number, "unit": unit, "comparator": comparator, **elements}
    return {name: element for name, element in found.items() if element is not None}


def ferritin(**element: Any) -> tuple[Any, ...]:
    return value(codes.labs().by_name["ferritin"], element)


def tsat(**element: Any) -> tuple[Any, ...]:
    return value(codes.labs().by_name["tsat"], element)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (quantity(42), (D(42), D(42), False, False, None, "42 ng/mL")),
        (quantity(0), (None, None, False, False, "of zero, which stands for none", "0 ng/mL")),
        (quantity(45, comparator="<"), (D(0), D(45), False, True, None, "<45 ng/mL")),
        (quantity(45, comparator="<="), (D(0), D(45), False, False, None, "<=45 ng/mL")),
        (quantity(45, comparator=">"), (D(45), None, True, False, None, ">45 ng/mL")),
        (quantity(45, comparator=">="), (D(45), None, False, False, None, ">=45 ng/mL")),
        (
            quantity(45, comparator="ad"),
            (None, None, False, False, "with a comparator that is not read", "ad45 ng/mL"),
        ),
        (quantity(-1), (None, None, False, False, "without a usable value", "-1 ng/mL")),
        (quantity("42"), (None, None, False, False, "without a usable value", "ng/mL")),
        (quantity(42, None), (None, None, False, False, "without a unit", "42")),
        (
            quantity(42, "mg/dL"),
            (None, None, False, False, "in a unit that is not used for it", "42 mg/dL"),
        ),
        (
            quantity(42, "nanograms", system=UCUM, code="ng/mL"),
            (D(42), D(42), False, False, None, "42 nanograms"),
        ),
        (
            quantity(42, "mg/dL", system="urn:oid:1.2.3", code="ng/mL"),
            (None, None, False, False, "in a unit that is not used for it", "42 mg/dL"),
        ),
        (quantity(42, None, code="ng/mL"), (D(42), D(42), False, False, None, "42 ng/mL")),
    ],
)
def test_a_quantity(found: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert ferritin(valueQuantity=found) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (quantity(30), quantity(50), (D(30), D(50), False, False, None, "30 ng/mL to 50 ng/mL")),
        (quantity(30), quantity(30), (D(30), D(30), False, False, None, "30 ng/mL to 30 ng/mL")),
        (quantity(30), None, (D(30), None, False, False, None, "from 30 ng/mL")),
        (None, quantity(50), (D(0), D(50), False, False, None, "up to 50 ng/mL")),
        (None, None, (None, None, False, False, "with an empty range", "")),
        (
            quantity(50),
            quantity(30),
            (None, None, False, False, "with a range that ends below its beginning", ""),
        ),
        (quantity(30, None), quantity(50), (None, None, False, False, "without a unit", "")),
        (quantity(30), quantity(50, None), (None, None, False, False, "without a unit", "")),
        (
            quantity(30, comparator=">"),
            quantity(50),
            (None, None, False, False, "with a comparator in a range", ""),
        ),
        (
            quantity(30),
            quantity(50, comparator="<"),
            (None, None, False, False, "with a comparator in a range", ""),
        ),
    ],
)
def test_a_range(
    low: dict[str, Any] | None, high: dict[str, Any] | None, expected: tuple[Any, ...]
) -> None:
    assert (
        ferritin(valueRange={name: end for name, end in (("low", low), ("high", high)) if end})
        == expected
    )


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (14, 100, (D(14), D(14), False, False, None, "14 : 100 = 14 %")),
        (1, 3, (D(100) / 3, D(100) / 3, False, False, None, "1 : 3 = 33.3 %")),
        (1, 1, (D(100), D(100), False, False, None, "1 : 1 = 100 %")),
        (D("0.14"), 1, (D(14), D(14), False, False, None, "0.14 : 1 = 14 %")),
        (D("0.1"), D("0.5"), (D(20), D(20), False, False, None, "0.1 : 0.5 = 20 %")),
        (0, 1, (D(0), D(0), False, False, None, "0 : 1 = 0 %")),
        (2, 1, (None, None, False, False, "given as a fraction above one", "")),
        (1, 0, (None, None, False, False, "given as a ratio that is not read", "")),
        (-1, 1, (None, None, False, False, "given as a ratio that is not read", "")),
    ],
)
def test_a_ratio(part: Any, whole: Any, expected: tuple[Any, ...]) -> None:
    assert (
        tsat(valueRatio={"numerator": {"value": part}, "denominator": {"value": whole}}) == expected
    )


def test_a_ratio_of_what_is_no_fraction() -> None:
    assert (
        ferritin(valueRatio={"numerator": {"value": 1}, "denominator": {"value": 2}})[4]
        == "given as a ratio that is not read"
    )


def test_other_units_show_their_factor() -> None:
    low, high, *_, says = ferritin(valueQuantity=quantity(100, "pmol/L", comparator=">"))
    assert (low, high) == (D("44.500"), None)
    assert says == ">100 pmol/L × 0.445 = >44.5 ng/mL (factor not verified)"


def test_a_number_without_a_unit_is_quoted() -> None:
    assert ferritin(valueInteger=42) == (None, None, False, False, "without a unit", "42")


@pytest.mark.parametrize(
    ("text", "problem", "says"),
    [
        (" see scan ", "written as text that is not read", "see scan"),
        ("14,123 %", "with a comma that may be a decimal comma", "14,123 %"),
    ],
)
def test_text_that_is_not_read_is_quoted(text: str, problem: str, says: str) -> None:
    unusable = (None, None, False, False, problem, says)
    assert tsat(valueString=text) == tsat(valueCodeableConcept={"text": text}) == unusable


def test_no_value_at_all() -> None:
    assert ferritin() == (None, None, False, False, "without a value that is read", "")
    assert ferritin(valueBoolean=True)[4] == "without a value that is read"
