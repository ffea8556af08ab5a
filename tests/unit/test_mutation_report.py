"""What `make mutation` prints: a mutant counts as killed only where a test failed on it."""

import json
from pathlib import Path

from tests.mutation.report import report

SOURCE = """
def x_units__mutmut_orig(mg):
    return mg / 1

def x_units__mutmut_1(mg):
    return mg * 1

def x_says__mutmut_orig():
    return "a dose of iron"

def x_says__mutmut_1():
    return "XXa dose of ironXX"
"""
CODES = {
    "x_units__mutmut_1": 0,
    "x_units__mutmut_2": 1,
    "x_units__mutmut_3": 37,
    "x_units__mutmut_4": None,
    "x_units__mutmut_5": 36,
    "x_says__mutmut_1": 0,
    "x_left__mutmut_1": 33,
    "x_left__mutmut_2": 5,
}


def _report(folder: Path, texts: bool = False) -> list[str]:
    (folder / "dose").mkdir()
    (folder / "dose" / "units.py").write_text(SOURCE)
    results = {f"mappings.dose.units.{name}": code for name, code in CODES.items()}
    meta = json.dumps({"exit_code_by_key": results})
    (folder / "dose" / "units.py.meta").write_text(meta)
    (folder / "empty.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    return list(report(folder, texts))


def test_what_no_test_calls_is_not_killed(tmp_path: Path) -> None:
    *listed, header, _, row, whole = _report(tmp_path)
    assert listed == [
        "dose/units: x_units__mutmut_1\n    -    return mg / 1\n    +    return mg * 1",
        "dose/units: x_left is called by no test",
    ]
    assert "| no test | killed |" in header
    assert row == "| dose/units | 8 | 1 | 1 | 2 | 2 | 1 | 1 | 2 of 6 (33 %) |"
    assert whole == row.replace("dose/units", "**all**")


def test_words_are_listed_where_they_are_asked_for(tmp_path: Path) -> None:
    assert "XXa dose of ironXX" in "".join(_report(tmp_path, texts=True))
