"""Principle 4: an element that is there and not understood never leaves a line ready, unless it
says nothing about the line, listed with its reason (tests/bending/elements.yaml)."""

import os
import random
import re
from collections.abc import Iterable

import pytest

from docs.make import bending as page
from mappings.policy import choosing
from tests import builders
from tests.bending import outcomes
from tests.bending.charts import charts
from tests.bending.recorder import read_paths

# `make fuzz` bends every element, `make test` a sample that is the same every time.
SHARE = 1 if os.environ.get("FERROCLAIM_HYPOTHESIS") == "fuzz" else 2
BENT = [path for path, row in outcomes.table().items() if row.form]
SAMPLE = sorted(random.Random("bending").sample(BENT, len(BENT) // SHARE))


@pytest.mark.parametrize("name", charts())
def test_every_chart_is_complete(name: str) -> None:
    resources, site = charts()[name]
    (found,) = builders.document_of(resources, site=site).patients
    assert {line.status for line in found.lines} == {"ready"}, builders.gaps(found)


def test_everything_that_a_policy_asks_has_a_chart() -> None:
    found = [builders.document_of(rows, site=site).patients[0] for rows, site in charts().values()]
    used = {line.policy.id for row in found for line in row.lines if line.policy}
    policies = choosing.built_in().policies
    assert _asked(policies) == _asked(policy for policy in policies if policy.id in used)


def _asked(policies: Iterable[choosing.Policy]) -> set[str]:
    return {
        name
        for policy in policies
        for name in policy.requirements.__struct_fields__
        if getattr(policy.requirements, name)
    }


def _paths() -> set[str]:
    return {path for rows, site in charts().values() for path in read_paths(rows, site)}


def _is_covered(path: str) -> bool:
    """By a row of its own or of what it is part of."""
    kind, *steps = path.split(".")
    above = [".".join([kind, *steps[:count]]) for count in range(1, len(steps) + 1)]
    return steps[0] in outcomes.anywhere() or any(row in outcomes.table() for row in above)


def test_every_element_that_is_read_stands_in_the_table() -> None:
    missing = sorted(path for path in _paths() if not _is_covered(path))
    assert missing == [], "give each a row in tests/bending/elements.yaml"


def test_no_row_is_of_an_element_that_nobody_reads() -> None:
    assert sorted(set(outcomes.table()) - _paths()) == []


def test_every_row_is_bent_or_says_why_not() -> None:
    rows = outcomes.table().values()
    assert [row.path for row in rows if bool(row.form) is bool(row.unbent)] == []


@pytest.mark.parametrize("path", SAMPLE)
def test_a_bent_element_never_leaves_a_line_ready(path: str) -> None:
    row = outcomes.table()[path]
    found = outcomes.outcome(row)
    assert found, "no chart has the element: give it a `value`"
    known = outcomes.known_faults().get(path, [])
    assert sorted(outcomes.faults(row, found)) == sorted(known), (
        "what is more is a fault; what is less leaves the list: run `make docs`"
    )
    cells = " | ".join(page.cells(row, found))
    assert cells in _flat(page.PAGE.read_text("utf-8")), "docs/bending.md: run `make docs`"


def _flat(text: str) -> str:
    return re.sub(r" *\| *", " | ", text)


def test_known_faults_are_of_elements_of_the_table() -> None:
    for path, bends in outcomes.known_faults().items():
        row = outcomes.table()[path]
        assert [bend for bend in bends if bend not in row.bends or row.reason(bend)] == []


def test_the_page_has_every_element() -> None:
    text = page.PAGE.read_text("utf-8")
    named = re.findall(r"^\| `([\w.]+)`", text, re.MULTILINE)
    assert named == list(outcomes.table())


RESULTS = [path for path in BENT if path.startswith("Observation.") and path.count(".") == 1]
# What makes the newer one no result of the analyte, or none of this patient.
ANOTHER = {"Observation.code", "Observation.subject"}
# Says that there is no result, or repeats what the copy's own value says.
NONE = {"Observation.dataAbsentReason", "Observation.valueInteger", "Observation.valueString"}


@pytest.mark.parametrize("path", [path for path in RESULTS if path not in ANOTHER | NONE])
def test_a_newer_result_that_is_bent_lets_no_older_one_decide(path: str) -> None:
    """Beside results that are within the limits of the plan: held, or the newer one is named as
    unreadable as a whole."""
    row = outcomes.table()[path]
    resources, site = charts()["commercial-default"]
    for bend, change in row.bends.items():
        newer = list(filter(None, (outcomes.beside(item, row, change) for item in resources)))
        found = builders.document_of([*resources, *newer], site=site).patients[0]
        (line,) = found.lines
        held = {"ferritin", "transferrin-saturation"} <= set(line.reasons)
        named = {problem.resource for problem in found.unreadable} == {
            f"Observation/{item['id']}" for item in newer
        }
        assert held or named or row.reason(bend), (bend, line.reasons)


def test_the_page_has_no_fault_that_is_not_known() -> None:
    """Whichever half is bent here: the page was made of all."""
    rows = re.findall(r"^\| `([\w.]+)` .*\| fault ", page.PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == sorted(outcomes.known_faults())
