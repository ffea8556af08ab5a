"""Text of results: what is read of it, what says that there is none, and units without remarks."""

from decimal import Decimal

import pytest

from mappings import codes
from mappings.reading.fhir.units import bare
from mappings.reading.labs import stated, texts

COMPARATORS = [
    (sign, name) for sign, names in codes.labs().words.comparators.items() for name in names
]


@pytest.mark.parametrize(("sign", "name"), COMPARATORS)
def test_every_comparator_in_words(sign: str, name: str) -> None:
    for said in (f"{name} 5 ng/mL", f"{name.upper()} 5 ng/mL", f"{name.capitalize()}  5 ng/mL"):
        found = texts.parts(said)
        assert found is not None
        assert (found.comparator, found.low, found.unit) == (sign, Decimal(5), "ng/mL")


@pytest.mark.parametrize("flag", codes.labs().words.flags)
def test_every_mark(flag: str) -> None:
    behind = [f"5 ng/mL{mark}{flag}" for mark in (" ", " - ", ", ")]
    for said in (*behind, f"5 ng/mL ({flag})", f"5 ng/mL[{flag}]", f"{flag} 5 ng/mL"):
        found = texts.parts(said)
        assert found is not None
        assert (found.comparator, found.low, found.unit) == (None, Decimal(5), "ng/mL")


@pytest.mark.parametrize("word", codes.labs().words.no_result)
def test_every_word_for_no_result(word: str) -> None:
    assert texts.says_none(word.upper())
    assert texts.says_none(f"{word}; see comment")
    assert texts.parts(f"5 ng/mL {word}") is None


@pytest.mark.parametrize("word", codes.labs().words.elsewhere)
def test_what_points_elsewhere_says_nothing_of_a_number(word: str) -> None:
    assert texts.says_none(word)
    assert not texts.says_none(f"5 ng/mL ({word})")


@pytest.mark.parametrize("text", ["normal", "markedly elevated", "5", "dependent", "", "below"])
def test_anything_else_does_not_say_that_there_is_none(text: str) -> None:
    assert not texts.says_none(text)


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("mg{iron}", "mg"),
        ("%{saturation}", "%"),
        ("% (calc)", "%"),
        ("mcg/dL (calc)", "mcg/dL"),
        ("mg of iron", "mg"),
        ("mg (elemental) of iron", "mg"),
        ("ng/mL [calc]", "ng/mL"),
        (" mg ", "mg"),
        ("{ratio}", "{ratio}"),
        ("[lb_av]", "[lb_av]"),
        ("", ""),
        ("profiles", "profiles"),
        ("g/100 mL", "g/100 mL"),
    ],
)
def test_units_without_what_does_not_change_them(written: str, unit: str) -> None:
    assert bare(written) == unit


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"valueString": "elevated"}, '"elevated" (component.valueString)'),
        (
            {"valueQuantity": {"value": 42, "unit": "unknown"}},
            '"42 unknown" (component.valueQuantity)',
        ),
        ({"valueInteger": 42}, '"42" (component.valueInteger)'),
        ({"valueBoolean": False}, '"False" (component.valueBoolean)'),
        ({"valueQuantity": {"value": 42, "comparator": "<"}}, '"<42" (component.valueQuantity)'),
        ({"valueRange": {"low": {"value": 1}}}, '"1" (component.valueRange)'),
        (
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 2}}},
            '"1 : 2" (component.valueRatio)',
        ),
        (
            {"valueCodeableConcept": {"coding": [{"code": "H"}]}},
            '"H" (component.valueCodeableConcept)',
        ),
        ({"valueString": "x" * 99}, f'"{"x" * 59}…" (component.valueString)'),
    ],
)
def test_what_stands_there_is_quoted(part: dict[str, object], says: str) -> None:
    assert str(stated.unread(part, "component.")) == says


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"valueString": ""},
        {"valueQuantity": {}},
        {"valueQuantity": None},
        {"valueString": "pending"},
        {"valueString": "elevated", "dataAbsentReason": {"text": "unknown"}},
        {
            "_valueString": {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                        "valueCode": "masked",
                    }
                ]
            }
        },
        {
            "valueCodeableConcept": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}
                ]
            }
        },
    ],
)
def test_nothing_stands_where_nothing_does_or_where_none_is_said(part: dict[str, object]) -> None:
    assert stated.unread(part) is None
