"""The comparison of two revisions sees what differs, and tells sentences from the rest."""

import pytest

from mappings.values.sentences import SENTENCES
from tests.equality import charts, differing, is_let_pass

DOCUMENT = {"patients": [{"lines": [{"units": 200, "modifiers": ["JZ"]}], "gaps": [{"fix": "a"}]}]}


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        (DOCUMENT, []),
        ({"patients": [{"lines": [{"units": 1, "modifiers": ["JZ"]}], "gaps": [{"fix": "a"}]}]},
         ["patients.lines.units"]),
        ({"patients": [{"lines": [{"units": 200, "modifiers": []}], "gaps": [{"fix": "b"}]}]},
         ["patients.gaps.fix", "patients.lines.modifiers"]),
        ({"patients": [{"lines": [], "gaps": [{"fix": "a"}]}]}, ["patients.lines"]),
        ({}, ["patients"]),
    ],
)  # fmt: skip
def test_what_differs(changed: dict[str, object], paths: list[str]) -> None:
    assert list(differing(DOCUMENT, changed)) == paths


def test_sentences_are_let_pass_and_nothing_else() -> None:
    assert is_let_pass("patients.gaps.fix", SENTENCES)
    assert not is_let_pass("patients.lines.units", SENTENCES)
    assert not is_let_pass("patients.lines.trace.source", SENTENCES)


def test_every_sample_and_scenario_is_compared() -> None:
    names = [chart["name"] for chart in charts()]
    assert len(names) > 1500
    assert sum(name.startswith("sample ") for name in names) == 34
