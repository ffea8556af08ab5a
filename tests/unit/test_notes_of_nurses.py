"""What nurses write beside a dose holds its line only where it tells against the dose."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import builders
from tests.builders import administration, chart, document_of, order

NOTES = Path(__file__).parents[1] / "data" / "notes"
# The drug by its name, its vial, its dose; what the patient's weight allows.
DOSES = {
    "iron sucrose 100 mg": ("iron sucrose", builders.VENOFER_100, "100 mg"),
    "iron sucrose 200 mg": ("iron sucrose", builders.VENOFER_100, "200 mg"),
    "iron sucrose 300 mg": ("iron sucrose", builders.VENOFER_100, "300 mg"),
    "ferric carboxymaltose 750 mg": ("ferric carboxymaltose", builders.INJECTAFER_750, "750 mg"),
    "ferumoxytol 510 mg": ("ferumoxytol", builders.FERAHEME, "510 mg"),
    "ferric derisomaltose 1000 mg": ("ferric derisomaltose", builders.MONOFERRIC_1000, "1000 mg"),
    "iron dextran 1000 mg": ("iron dextran", builders.INFED, "1000 mg"),
    "ferric gluconate 125 mg": ("sodium ferric gluconate", builders.FERRLECIT, "125 mg"),
}


@cache
def notes_of(name: str) -> tuple[tuple[str, str], ...]:
    """The lines of a file, each with the dose that it stands under."""
    return tuple(_read((NOTES / name).read_text(encoding="utf-8").splitlines()))


def _read(lines: list[str]) -> Iterator[tuple[str, str]]:
    dose = ""
    for line in lines:
        if line.removeprefix("# ") in DOSES:
            dose = line.removeprefix("# ")
        elif line and not line.startswith("#"):
            yield dose, line


def holding(dose: str, note: str) -> list[str]:
    """The requirements that hold the lines of a dose with a note; none where all are ready."""
    name, ndc, amount = DOSES[dose]
    given = administration(
        text=name, ndc=ndc, dose=amount, on="2026-11-20T10:05:00-05:00", note=note
    )
    found = document_of(chart(given, order(text=name, dose=amount))).patients[0]
    held = sorted({gap.requirement for gap in found.gaps if gap.blocking})
    assert bool(held) == any(line.status != "ready" for line in found.lines)
    return held


@pytest.mark.parametrize("dose", DOSES)
def test_a_dose_without_a_note_is_ready(dose: str) -> None:
    assert holding(dose, "") == []


@pytest.mark.parametrize("dose", DOSES)
def test_an_ordinary_note_holds_nothing(dose: str) -> None:
    notes = [note for one, note in notes_of("ordinary.txt") if one == dose]
    assert notes
    assert {note: held for note in notes if (held := holding(dose, note))} == {}


@pytest.mark.parametrize("dose", DOSES)
def test_a_note_that_tells_against_the_dose_holds_it(dose: str) -> None:
    notes = [row.split(": ", 1) for one, row in notes_of("telling.txt") if one == dose]
    missed = [note for requirement, note in notes if requirement not in holding(dose, note)]
    assert missed == []


@pytest.mark.parametrize(
    ("notes", "held"),
    [
        (("Infusion stopped due to flushing", "Infusion resumed at 1015, completed."), []),
        (("Infusion completed.", "Correction: infusion stopped early due to hives"), ["dose"]),
        (("Infusion stopped due to flushing", "Incident report completed"), ["dose"]),
        (("Infusion stopped due to flushing", "Dialysis completed"), ["dose"]),
    ],
)
def test_a_later_note_may_say_that_the_infusion_went_on(
    notes: tuple[str, str], held: list[str]
) -> None:
    given = administration() | {"note": [{"text": note} for note in notes]}
    found = document_of(chart(given)).patients[0]
    assert [gap.requirement for gap in found.gaps if gap.blocking] == held


@pytest.mark.parametrize("between", ["\n", "; ", "  "])
def test_ordinary_notes_together_hold_nothing(between: str) -> None:
    """An interface may leave of the ends of lines two spaces."""
    dose = "iron sucrose 200 mg"
    notes = [note.rstrip(".") for one, note in notes_of("ordinary.txt") if one == dose]
    begins = [note for note in notes if note[:1].isupper() or between != "  "]
    visits = [between.join(begins[start : start + 5]) for start in range(0, len(begins), 5)]
    assert {note: held for note in visits if (held := holding(dose, note))} == {}
