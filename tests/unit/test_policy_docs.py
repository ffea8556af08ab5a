"""docs/policies.md is true: its tables are those of the structures, its example is a policy whose
cases pass, its commands are there."""

import re
from pathlib import Path

import pytest

from docs.make.policy_guide import GUIDE, filled, parts
from integration.commands.policy import app
from mappings.policy import choosing, conditions
from mappings.policy.cases import CaseFacts
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.measures import MEASURES
from mappings.policy.policy import Policy
from mappings.policy.rules import Requirements
from mappings.trials.cases import run_cases

TEXT = GUIDE.read_text("utf-8")


def test_the_tables_are_not_stale() -> None:
    assert filled(TEXT) == TEXT, "run `make docs`"


@pytest.mark.parametrize("name", parts())
def test_each_table_stands_in_the_guide(name: str) -> None:
    assert f"<!-- made: {name} -->\n| " in TEXT


def test_everything_that_can_be_said_is_named() -> None:
    found = set(re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE))
    everything = {
        *Requirements.__struct_encode_fields__,
        *CaseFacts.__struct_encode_fields__,
        *conditions.FLAGS,
        *LAB_VALUES,
        *MEASURES,
    }
    assert (
        everything
        | set(Policy.__struct_encode_fields__)
        - {"for", "requirements", "modifiers", "notes", "cases"}
        <= found
    )


def test_the_example_is_a_policy_and_its_cases_pass(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "sunrise.yaml").write_text(example, "utf-8")
    found = choosing.load(tmp_path).get("sunrise")
    assert found
    results = run_cases(found)
    assert results
    assert [result for result in results if not result.passed] == []


def test_the_commands_are_there() -> None:
    there = {
        registered_command.name or getattr(registered_command.callback, "__name__", "")
        for registered_command in app.registered_commands
    }
    assert set(re.findall(r"ferroclaim policy (\w+)", TEXT)) <= there
