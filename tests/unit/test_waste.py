"""R12: which phrases of a note say what was discarded, and which say nothing."""

from decimal import Decimal

import pytest

from mappings.reading.waste import discarded


def said(note: str) -> list[str]:
    return [f"{amount.value} {amount.unit}" for amount in discarded(note)]


@pytest.mark.parametrize(
    ("note", "amount"),
    [
        ("wasted 50 mg", "50 mg"),
        ("Wasted 50mg.", "50 mg"),
        ("WASTED 50 MG", "50 mg"),
        ("discarded 2.5 mL", "2.5 mL"),
        ("discarded 2.5 cc", "2.5 mL"),
        ("50 mg discarded", "50 mg"),
        ("50 mg was wasted", "50 mg"),
        ("50 mg of Venofer wasted", "50 mg"),
        ("residual 2.5 mL of iron sucrose discarded", "2.5 mL"),
        ("wasted the remaining 50 mg", "50 mg"),
        ("waste: 50 mg", "50 mg"),
        ("waste was 50 mg", "50 mg"),
        ("amount wasted: 50 mg", "50 mg"),
        ("50 mg (2.5 mL) wasted", "2.5 mL"),
        ("wasted 50 mg (2.5 mL)", "50 mg"),
        ("wasted 50 mg per policy, witnessed by RN", "50 mg"),
        ("50 mg wasted and documented", "50 mg"),
        ("wasted 50 mcg", "50 ug"),
        ("wasted 50 µg", "50 ug"),
        ("wasted 0.05 g", "0.05 g"),
        ("Gave 150 mg, wasted 50 mg", "50 mg"),
        ("Dose 150 mg, 50 mg wasted, 100 mg given", "50 mg"),
        ("150 mg given and 50 mg wasted", "50 mg"),
        ("Flushed with 10 mL saline; wasted 50 mg", "50 mg"),
        ("IV not patent at first. Wasted 50 mg.", "50 mg"),
        ("no waste", "0 mg"),
        ("No wastage.", "0 mg"),
        ("no drug wasted", "0 mg"),
        ("No Venofer was discarded", "0 mg"),
        ("zero waste", "0 mg"),
        ("nothing discarded", "0 mg"),
        ("Waste: none", "0 mg"),
        ("0 mg wasted", "0 mg"),
        ("wasted 0 mL", "0 mL"),
    ],
)
def test_an_unambiguous_phrase(note: str, amount: str) -> None:
    assert said(note) == [amount]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "Tolerated well",
        "wasted",
        "wasted 1 vial",
        "wasted 50",
        "if needed, may waste 50 mg",
        "discard 50 mg",
        "waste 50 mg",
        "please waste: 50 mg",
        "will be wasted: 50 mg",
        "approx 50 mg wasted",
        "~50 mg wasted",
        "<50 mg wasted",
        "up to 50 mg wasted",
        "50 mg wasted?",
        "wasted 25-50 mg",
        "wasted 50 mg x 2",
        "wasted 20 mg/mL",
        "wasted 1,5 mg",
        "50 mg was not wasted",
        "didn't waste: 50 mg",
        "no waste documented",
        "No documentation of waste",
        "no waste container in the room",
        "wasted 50 mg yesterday",
        "previous dose: wasted 50 mg",
        "wasted 50 mg from another patient",
        "wasted 10 mL saline",
        "5 mL of blood wasted",
        "wasted 25 mg of Benadryl",
        "wasted 25 mg of something",
    ],
)
def test_what_says_nothing(note: str) -> None:
    assert said(note) == []


@pytest.mark.parametrize(
    ("note", "amounts"),
    [
        ("gave 150 mg wasted 50 mg", ["150 mg", "50 mg"]),
        ("wasted 50 mg and 25 mg", ["50 mg", "25 mg"]),
        ("wasted 50 mg; correction: wasted 25 mg", ["50 mg", "25 mg"]),
        ("no waste of the first vial, 50 mg wasted of the second", ["0 mg", "50 mg"]),
    ],
)
def test_two_readings_are_both_given(note: str, amounts: list[str]) -> None:
    """They disagree, and so hold the line."""
    assert said(note) == amounts


def test_the_phrase_is_kept_for_the_chain() -> None:
    (found,) = discarded("Tolerated well. Wasted 50 mg, RN witness.")
    assert (found.value, found.says) == (Decimal(50), "Wasted 50 mg")
