"""R12: which phrases of a note say what was discarded, and which say nothing."""

from decimal import Decimal

import pytest

from mappings import codes
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.discards import discarded, repeats
from tests.builders import administration, chart, document_of, encounter, quantity


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
        ("Waste: nil, RN Smith", "0 mg"),
        ("No waste per RN", "0 mg"),
        ("No waste and no spill", "0 mg"),
        ("No waste witnessed by RN Smith", "0 mg"),
        ("No waste - whole vials", "0 mg"),
        ("No waste (JZ)", "0 mg"),
        ("No waste of drug this visit", "0 mg"),
        ("No waste was generated today", "0 mg"),
        ("No waste at this time", "0 mg"),
        ("No waste/discard", "0 mg"),
        ("Dose 150 mg. No waste 100 mg vials", "0 mg"),
        ("50 mg wasted w/ RN Smith", "50 mg"),
        ("50 mg wasted by RN", "50 mg"),
        ("wasted 50 mg witness RN Smith", "50 mg"),
        ("wasted 50 mg - RN Smith", "50 mg"),
        ("wasted 50 mg of the opened vial", "50 mg"),
        ("wasted 50 mg IV iron into sharps", "50 mg"),
        ("wasted 50 mg (from 200 mg vial)", "50 mg"),
        ("wasted 50 mg and 150 mg given", "50 mg"),
        ("wasted 50 mg and gave 150 mg", "50 mg"),
        ("50 mg wasted 150 mg given", "50 mg"),
        ("150 mg given, 50 mg wasted of 200 mg", "50 mg"),
        ("wasted total of 50 mg", "50 mg"),
        ("wasted 100 mg of 200 mg", "100 mg"),
        ("Used 2 x 100 mg vials, 50 mg wasted", "50 mg"),
        ("Blood pressure stable. Wasted 2.5 mL.", "2.5 mL"),
        ("Labs drawn from PICC. Wasted 50 mg.", "50 mg"),
        ("Promethazine given first. Wasted 50 mg.", "50 mg"),
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
        # A share, or one of several.
        "100 mg of 200 mg wasted",
        "100 mg of the 200 mg wasted",
        "100 mg out of 200 mg wasted",
        "100 mg (of 200 mg wasted)",
        "100 mg from a total 200 mg wasted",
        "50 mg and 25 mg wasted",
        "50 mg + 25 mg wasted",
        "2 x 25 mg wasted",
        "25 mg wasted x 2",
        "25 mg wasted x2 vials",
        "25 mg wasted (x2)",
        "25 mg wasted, x 2",
        "25 mg wasted × 2",
        "25 mg wasted 2 times",
        "25 mg wasted 2x",
        "25 mg wasted 2 vials",
        "wasted 25 mg times 2",
        "wasted 25 mg twice",
        "25 mg wasted from both vials",
        "25 mg from each vial wasted",
        "25 mg wasted of every vial",
        # Not of waste, but of its witness, form or record.
        "No waste witness available",
        "No waste amount listed in MAR",
        "No waste form on chart",
        "No waste quantity given",
        "No waste info",
        "No waste yet",
        "No waste so far",
        "no waste of time",
        "No waste was noted",
        "No waste in MAR",
        "No waste (form missing)",
        "No waste-form",
        "No waste: 50 mg",
        "zero waste: 50 mg",
        "Zero waste policy",
        "none wasted yet",
        "Waste: none recorded",
        "Ensure no waste",
        "Unable to verify no waste",
        # Another drug, or blood.
        "wasted 50 mg phenergan",
        "wasted 25 mg promethazine with RN",
        "wasted 25 mg IV promethazine",
        "wasted 25 mg gabapentin",
        "wasted 25 mg (gabapentin)",
        "25 mg wasted gabapentin",
        "Accessed PICC, wasted 10 mL, labs drawn.",
        "Port accessed. Wasted 5 mL then CBC drawn.",
        "Discarded first 5 mL",
        "Central line: wasted 5 mL",
        "Blood pressure stable, blood sent. Wasted 5 mL.",
    ],
)
def test_what_says_nothing(note: str) -> None:
    assert said(note) == []


@pytest.mark.parametrize(
    ("note", "amounts"),
    [
        ("gave 150 mg wasted 50 mg", ["150 mg", "50 mg"]),
        ("wasted 50 mg and 25 mg", ["50 mg", "25 mg"]),
        ("wasted 50 mg + 25 mg, RN", ["50 mg", "25 mg"]),
        ("wasted 50 mg and 25 mg gabapentin", ["50 mg"]),
        ("Labs drawn; wasted 50 mg; discarded 2.5 mL", ["50 mg"]),
        ("wasted 50 mg; correction: wasted 25 mg", ["50 mg", "25 mg"]),
        ("no waste of the first vial, 50 mg wasted of the second", ["0 mg", "50 mg"]),
    ],
)
def test_two_readings_are_both_given(note: str, amounts: list[str]) -> None:
    """They disagree, and so hold the line."""
    assert said(note) == amounts


def test_waste_of_another_iron_is_quoted_and_not_this_dose_s() -> None:
    (found,) = discarded("Wasted 50 mg of Injectafer.", "venofer")
    assert (found.value, found.contradicted, found.says) == (None, True, "Wasted 50 mg")
    assert found.problem == 'in a note that names another iron ("Wasted 50 mg")'


@pytest.mark.parametrize(
    ("said", "known", "same"),
    [
        ("waste 50 mg w/ RN", "50 mg", True), ("waste 50MG w/ RN", "50 mg", True),
        ("waste 2.5 cc w/ RN", "2.5 mL", True),
        ("gave 150 mg, waste 50 mg w/ RN", "50 mg", True),
        ("waste 40 mg w/ RN", "50 mg", False), ("waste 50 mL w/ RN", "50 mg", False),
        ("waste w/ RN at 50", "50 mg", False),
    ],
)  # fmt: skip
def test_words_that_are_not_read_may_repeat_an_amount_that_is(
    said: str, known: str, same: bool
) -> None:
    assert repeats(said, amount(quantity(known))) is same


def test_the_phrase_is_kept_for_the_chain() -> None:
    (found,) = discarded("Tolerated well. Wasted 50 mg, RN witness.")
    assert (found.value, found.says) == (Decimal(50), "Wasted 50 mg")


@pytest.mark.parametrize("name", codes.products().beside_iron.names)
def test_waste_of_what_is_given_beside_the_iron_is_left_alone(name: str) -> None:
    assert said(f"{name.upper()}: wasted 50 mg") == []


@pytest.mark.parametrize("name", codes.products().line_draws.names)
def test_beside_a_blood_draw_no_milliliter_is_read(name: str) -> None:
    assert said(f"{name.title()} ok. Wasted 5 mL. Wasted 50 mg.") == ["50 mg"]


def test_a_dose_and_its_discard_are_a_pair_and_stand_together() -> None:
    """Two encounters of one day, each with a discard: no line of the one comes between the
    other's."""
    doses = [
        administration(
            name,
            dose="150 mg",
            on=f"2026-11-01T{hour}:00:00-05:00",
            encounter=name,
            discarded="50 mg",
        )
        for name, hour in (("a", "09"), ("b", "15"))
    ]
    visits = [encounter("a"), encounter("b")]
    (found,) = document_of(chart(*doses, *visits, without=["administration", "encounter"])).patients
    assert [(line.modifiers, line.discard_of is None) for line in found.lines] == [
        ((), True),
        (("JW",), False),
    ] * 2
    for dose, discard in zip(found.lines[::2], found.lines[1::2], strict=True):
        assert discard.discard_of == dose.id == dose.pair == discard.pair
