"""What stays of a document without its words."""

import pytest

from mappings.values.sentences import amounts, without_words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("No ferritin within 90 days before 2026-11-01.", ["2026-11-01", "90"]),
        ("Before Nov 1, 2026, 90 days: no ferritin.", ["2026-11-01", "90"]),
        ("Ferritin 42.5 ng/mL of Oct 2026", ["2026-10", "42.5"]),
        ("1,000 mg and 200 mg", ["1000", "200"]),
        ("D50.9, J1756", ["1756", "50.9"]),
        ("nothing", []),
    ],
)
def test_amounts_are_the_same_in_other_words(text: str, found: list[str]) -> None:
    assert amounts(text) == found


def test_what_is_decided_stays_whole() -> None:
    line = {"units": 200, "modifiers": ["JZ"], "notes": ["200 mg given", "as recorded"]}
    assert without_words(line) == {
        "units": 200,
        "modifiers": ["JZ"],
        "notes": [["200"], []],
    }
