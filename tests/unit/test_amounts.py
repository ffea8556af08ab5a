"""R3: quantities and their units, with UCUM's own grammar as the oracle; strengths of vials and
bags."""

import warnings
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import codes
from mappings.codes.conversions import mg, ml
from mappings.codes.tables import Package
from mappings.dose.strength import mg_of
from mappings.reading.drugs.amounts import amount, unit_of
from mappings.values.numbers import exact, plain
from tests import builders
from tests.builders import UCUM

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ucumvert import PintUcumRegistry

    ORACLE = PintUcumRegistry()


def by_the_oracle(code: str, target: str) -> Decimal:
    return Decimal(str(ORACLE.from_ucum(code).to(ORACLE.from_ucum(target)).magnitude)).normalize()


@pytest.mark.parametrize("code", sorted(codes.units().ucum))
def test_a_ucum_code_is_what_ucum_says(code: str) -> None:
    found = amount({"value": 1, "system": UCUM, "code": code})
    mass, volume = mg(found), ml(found)
    assert (mass is None) != (volume is None)
    expected = by_the_oracle(code, "mg" if mass is not None else "mL")
    assert abs((mass or volume or Decimal(0)) / expected - 1) < Decimal("1e-12")


# The text that EHRs write, and the UCUM code that it means.
TEXTS = {
    "mg": "mg",
    "MG": "mg",
    "milligram": "mg",
    "milligrams": "mg",
    "mcg": "ug",
    "ug": "ug",
    "µg": "ug",
    "μg": "ug",
    "g": "g",
    "gram": "g",
    "grams": "g",
    "mL": "mL",
    "ml": "mL",
    "ML": "mL",
    "cc": "mL",
    "milliliter": "mL",
    "milliliters": "mL",
    "milliliter (iso1000)": "mL",
    "Milliliter (ISO1000)": "mL",
}
# What stands behind a unit and does not change it.
REMARKS = ["mg{iron}", "mg {iron}", "mg of iron", "mg of elemental iron", "mg (elemental)",
    "MG (as iron)", "mg iron", "mg elemental iron", "mg elemental", "MG Fe",
    "mg iron (elemental)"]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), TEXTS.items())
def test_a_unit_text_means_its_ucum_code(text: str, code: str) -> None:
    assert unit_of({"unit": text}) == code
    assert unit_of({"code": text}) == code


@pytest.mark.parametrize("text", REMARKS)
def test_a_remark_behind_a_unit_does_not_change_it(text: str) -> None:
    assert unit_of({"unit": text}) == "mg"
    assert amount({"value": 200, "unit": text, "system": UCUM, "code": "mg{iron}"}).unit == "mg"


def test_every_unit_text_of_the_table_is_held_here() -> None:
    vials = {"vial", "vials", "{vial}"}
    assert {text.lower() for text in codes.units().texts} == {
        text.lower() for text in TEXTS
    } | vials


@pytest.mark.parametrize(
    "unit",
    [
        "",
        " ",
        "mgs",
        "mg/mL",
        "mg iron/mL",
        "mg iron/kg",
        "mg ironstone",
        "iron",
        "mg/min",
        "mg/kg",
        "meq",
        "milliequivalents (chemical)",
        "unit",
        "units",
        "[iU]",
        "application",
        "kg",
        "ng",
        "mL/h",
        "%",
        "tablet",
        "G",
    ],
)
def test_any_other_unit_is_refused(unit: str) -> None:
    assert amount({"value": 1, "unit": unit}).problem
    assert amount({"value": 1, "system": UCUM, "code": unit}).problem


@pytest.mark.parametrize(
    ("quantity", "problem"),
    [
        (None, "missing"),
        ("200 mg", "not a Quantity (a number with a unit)"),
        ([{"value": 200, "unit": "mg"}], "not a Quantity (a number with a unit)"),
        ({"unit": "mg"}, "without a value"),
        ({"value": None, "unit": "mg"}, "without a value"),
        ({"value": "200", "unit": "mg"}, "with its value written as text"),
        ({"value": True, "unit": "mg"}, "with a value that is not a number"),
        ({"value": [200], "unit": "mg"}, "with a value that is not a number"),
        ({"value": Decimal("NaN"), "unit": "mg"}, "with a value that is not a number"),
        ({"value": Decimal("Infinity"), "unit": "mg"}, "with a value that is not a number"),
        ({"value": Decimal("1E+999999"), "unit": "mg"}, "with a value out of any range"),
        ({"value": Decimal("1e30"), "unit": "mg"}, "with a value out of any range"),
        ({"value": Decimal("1e-30"), "unit": "mg"}, "with a value out of any range"),
        ({"value": Decimal("1e-18"), "unit": "mg"}, None),
        ({"value": 10**10, "unit": "mg"}, "with a value out of any range"),
        (
            {"value": 200, "unit": "mg", "comparator": "<"},
            "with a comparator instead of an exact value",
        ),
        ({"value": 200}, "without a unit"),
        ({"value": 200, "unit": "drops"}, 'in a unit that is not read here ("drops")'),
        (
            {"value": 200, "unit": "mg", "system": UCUM, "code": "mL"},
            "as 200 mg, and as mL by its code",
        ),
        ({"value": 200, "unit": "mg", "code": "mL"}, "as 200 mg, and as mL by its code"),
        (
            {"value": 200, "unit": "g", "system": UCUM, "code": "mg"},
            "as 200 g, and as mg by its code",
        ),
        ({"value": 200, "unit": "doses", "system": UCUM, "code": "mg"}, None),
        ({"value": 200, "unit": "mg", "system": "urn:oid:1.2.3", "code": "mL"}, None),
        ({"value": 13, "unit": "mL/hr"}, "as a rate instead of a dose"),
        (
            {"value": 200, "unit": "mg", "system": UCUM, "code": "[iU]"},
            'in a unit that is not read here ("[iU]")',
        ),
        ({"value": 1, "unit": "bag", "system": UCUM}, 'in a unit that is not read here ("bag")'),
        ({"value": 1, "unit": "bag", "code": "{bag}"}, 'in a unit that is not read here ("bag")'),
    ],
)
def test_what_is_wrong_with_a_quantity_is_said(quantity: Any, problem: str | None) -> None:
    assert amount(quantity).problem == problem


def test_a_long_number_is_not_written_out() -> None:
    assert len(amount({"value": Decimal("1E-999999"), "unit": "mg"}).says) < 20


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("200", "200"), ("2E+2", "200"), ("0.50", "0.5"), ("10.0", "10"), ("0", "0"),
        ("0.000", "0"), ("-1.50", "-1.5"),
        ("100.0000000001", "100.0000000001"),
        ("123456789012345678901234.567", "123456789012345678901234.567"),
        ("66.66666666666666666666666667", "66.666666667"),
        ("6.666666666666666666666666667", "6.666666667"),
    ],
)  # fmt: skip
def test_numbers_are_written_plainly(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@given(st.decimals("0.001", "99999", places=3))
def test_what_is_written_is_what_was_meant(number: Decimal) -> None:
    assert Decimal(plain(number)) == number


# --- strengths


def given_mg(dose: str, medication: builders.Resource) -> str | None:
    """mg of a dose of that Medication, as the assessment says."""
    reference = {"reference": f"Medication/{medication['id']}"}
    chart = builders.assessed(
        builders.administration(
            dose=dose, medicationCodeableConcept=None, medicationReference=reference
        ),
        medication,
    )
    (found,) = [
        requirement for requirement in chart.requirements if requirement.requirement == "dose"
    ]
    return found.value


def mixture(numerator: Any, denominator: Any, **extra: Any) -> builders.Resource:
    ingredient = {
        "itemCodeableConcept": {"text": "iron sucrose"},
        "strength": {"numerator": numerator, "denominator": denominator},
    }
    return builders.medication(ingredient=[ingredient], **extra)


M110 = builders.quantity("110 mL")


@pytest.mark.parametrize(
    ("dose", "medication", "mg"),
    [
        ("10 mL", builders.medication(), "200"),
        ("10 mL", builders.medication(ndc=builders.VENOFER_50), "200"),
        ("0.01 L", builders.medication(), "200"),
        ("110 mL", builders.bag(200, 110), "200"),
        ("55 mL", builders.bag(200, 110), "100"),
        ("265 mL", builders.bag(300, 265), "300"),
        ("5 mL", mixture(builders.quantity("100 mg"), builders.quantity("5 mL")), "100"),
        ("5 mL", mixture(builders.quantity("0.1 g"), builders.quantity("5 mL")), "100"),
        # A strength by the vial says what a vial holds; its volume is then the label's.
        ("5 mL", mixture(builders.quantity("100 mg"), {"value": 1, "unit": "vial"}), "100"),
        # By the amount of the whole Medication.
        ("110 mL",
            mixture(builders.quantity("200 mg"), {"value": 1, "unit": "bag"},
            amount={"numerator": M110}), "200"),
        # Not known, and never guessed.
        ("110 mL", builders.bag(20, 1), None),
        ("110 mL", mixture({"value": 40, "unit": "meq"}, builders.quantity("250 mL")), None),
        ("110 mL", mixture({"value": 0, "unit": "mg"}, builders.quantity("250 mL")), None),
        ("100 mL", builders.medication(text="Venofer 200 mg in NS 100 mL"), None),
        ("100 mL", builders.medication(text="Venofer IVPB"), None),
        ("100 mL", builders.medication(text="iron sucrose 200 mg/100 mL"), None),
        ("10 mL", builders.medication(text="iron sucrose 20 mg/mL"), "200"),
        ("20 mL", builders.medication(text="Injectafer 1,000 mg/20 mL", id="fcm"), "1000"),
    ],
)  # fmt: skip
def test_the_strength_of_what_was_given(
    dose: str, medication: builders.Resource, mg: str | None
) -> None:
    assert given_mg(dose, medication) == mg


@pytest.mark.parametrize(
    ("dose", "says"),
    [
        ("200 mg", "200 mg"),
        ("0.2 g", "0.2 g = 200 mg"),
        ("10 mL", "10 mL × 20 mg/mL = 200 mg"),
        ("2 vial", "2 vial = 200 mg by NDC"),
        ("0 mg", "The dose is recorded as 0 mg: it must be more than zero."),
        ("200 drops", 'The dose is recorded in a unit that is not read here ("drops").'),
        ({"value": 200}, "The dose is recorded without a unit."),
        ({"value": "200", "unit": "mg"}, "The dose is recorded with its value written as text."),
        (None, "No dose is recorded."),
    ],
)
def test_the_arithmetic_or_what_is_wrong_is_said(dose: Any, says: str) -> None:
    chart = builders.assessed(builders.administration(dose=dose))
    assert [
        requirement.says for requirement in chart.requirements if requirement.requirement == "dose"
    ] == [says]


def test_a_bag_is_part_of_the_arithmetic() -> None:
    given = builders.administration(
        dose="55 mL",
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/bag"},
    )
    chart = builders.assessed(given, builders.bag(200, 120))
    assert [
        requirement.says for requirement in chart.requirements if requirement.requirement == "dose"
    ] == ["55 mL × 1.666667 mg/mL = 91.666666667 mg"]


@pytest.mark.parametrize("package", codes.package_table().packages, ids=lambda package: package.ndc)
def test_a_vial_is_its_content_and_its_volume(package: Package) -> None:
    label = codes.families()[package.family].strength_mg_per_ml
    assert label is None or package.mg == package.ml * label


@pytest.mark.parametrize(
    ("number", "same"),
    [
        ("100.0000000001", "100.0000000001"),
        ("100.000000000000000001", "100.000000000000000001"),
        ("1E-18", "1E-18"),
        ("200.0000000000000000000000001", "200"),
        ("199.9999999999999999999999999", "200"),
        ("99.99999999999999999999999999", "100"),
        ("100.0000000009999999999999999", "100.000000001"),
    ],
)
def test_only_the_tail_of_a_division_is_dropped(number: str, same: str) -> None:
    assert exact(Decimal(number)) == Decimal(same)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(2, 7))
def test_the_parts_of_a_bag_are_exactly_the_bag(mg: int, ml: int, parts: int) -> None:
    from mappings.record import Amount, Drug

    drug = Drug("iron-sucrose", strength=(Decimal(mg), Decimal(ml)))
    part = mg_of(Amount(Decimal(ml) / parts, "mL"), drug)
    assert part is not None
    assert exact(sum([part] * parts, Decimal(0))) == mg
