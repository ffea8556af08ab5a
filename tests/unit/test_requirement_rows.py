"""Adding a requirement is a row, a function and its tests: nothing else names it."""

import ast
from collections.abc import Iterator
from inspect import getmembers, isfunction, signature
from pathlib import Path
from types import ModuleType

import pytest

from integration.cds.evidence import PREFETCH, WEIGHTS
from integration.ehr.profile import profile
from mappings import codes
from mappings.assessment import WORST_FIRST
from mappings.policy.choosing import Requirements
from mappings.policy.laboratory import LAB_VALUES
from mappings.requirements.checks import WRITTEN_IN
from mappings.requirements.result import Result

ROOT = Path(__file__).parents[2]
# Where a requirement is named beside its row, and why.
NAMED = {
    ("mappings/authorizing/drawing.py", "place-of-service"): "what speaks against a request",
    ("mappings/authorizing/drawing.py", "esrd-consolidated-billing"): "what speaks against it",
    ("mappings/authorizing/drawing.py", "service-date"): "what speaks against it",
    ("mappings/charge/building.py", "timely-filing"): "a reason of a line that is not billable",
    ("mappings/lines/claim_lines.py", "timely-filing"): "the same",
    ("mappings/writing/detected_issue.py", "timely-filing"): "the same",
    ("mappings/policy/laboratory.py", "transferrin-saturation"): "what a policy's `tsat` is",
    ("mappings/values/own_names.py", "discarded-amount"): "an extension of ours",
    ("mappings/values/own_names.py", "drug-source"): "the same",
    ("mappings/writing/table.py", "transferrin-saturation"): "a column of the table",
    ("integration/web/worklist/settling.py", "prior-authorization"): "what a biller can answer",
}


def texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_nothing_else_names_a_requirement() -> None:
    """Names with a hyphen, which mean nothing else."""
    ids = {name for name in codes.requirements() if "-" in name}
    found = {
        (str(path.relative_to(ROOT)), text)
        for room in ("mappings", "integration")
        for path in (ROOT / room).rglob("*.py")
        for text in texts(path)
        if text in ids
    }
    assert found == set(NAMED)


@pytest.mark.parametrize("module", WRITTEN_IN)
def test_every_function_that_decides_has_a_row(module: ModuleType) -> None:
    deciding = {
        name.replace("_", "-")
        for name, function in getmembers(module, isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and signature(function).return_annotation in (Result, Result | None)
    }
    assert deciding
    assert deciding <= set(codes.requirements())


def test_a_card_rests_on_types_that_are_read() -> None:
    """And which the EHR is asked for: of what nobody asked nobody can say that it did not come."""
    wanted = set[str]()
    told = [one for one in codes.requirements().values() if one.group]
    for requirement in told:
        wanted |= requirement.known_by("").union(*requirement.rests_on_where.values())
        assert set(requirement.rests_on_where) <= set(WORST_FIRST)
    assert wanted - {WEIGHTS, "Patient"} <= set(profile("generic").searches)
    asked = {template.partition("?")[0].partition("/")[0] for template in PREFETCH.values()}
    assert wanted - {WEIGHTS} <= asked


def test_what_a_policy_can_ask_is_asked_by_its_rule() -> None:
    """But for dosing and iron overload, which are asked of everybody, with limits of a policy."""
    labs = {lab.requirement for lab in LAB_VALUES.values()}
    fields = set(Requirements.__struct_encode_fields__) - {"laboratory"} | labs
    by_rule = {
        requirement.id
        for requirement in codes.requirements().values()
        if requirement.asked == "by-rule"
    }
    assert fields - by_rule == {"dosing", "iron-overload"}
    assert by_rule <= fields


def test_a_laboratory_value_of_policies_is_of_its_analyte() -> None:
    for lab in LAB_VALUES.values():
        assert lab.unit == codes.labs().by_name[lab.analyte].unit
        assert codes.requirements()[lab.requirement].title.lower() == lab.says
