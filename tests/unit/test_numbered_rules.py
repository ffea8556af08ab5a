"""Rules by number: each number that is named stands in the table, and none is a source."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from docs.make.__main__ import pages
from integration import samples
from mappings.rules import NumberedRule, numbered, title_of
from tests import builders

ROOT = Path(__file__).parents[2]
_NUMBER = re.compile(r"(?<![\w/.-])R[0-9]{1,2}[ab]?(?![\w-])")
# What else is called so: releases of FHIR.
FHIR = {"R4", "R5"}


def written() -> Iterator[tuple[str, str]]:
    """(file, text) of code and data."""
    for room in ("mappings", "integration"):
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in (".py", ".yaml") and path.name != "rules.yaml":
                yield str(path.relative_to(ROOT)), path.read_text()


def sources(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "source" and isinstance(value, str):
                yield value
            yield from sources(value)
    elif isinstance(document, list | tuple):
        for row in document:
            yield from sources(row)


def assessed() -> Iterator[Any]:
    for bundle in samples.bundles().values():
        yield msgspec.to_builtins(builders.document_of([bundle], samples.AS_OF))


def test_every_number_that_is_named_stands_in_the_table() -> None:
    named = {number for _, text in written() for number in _NUMBER.findall(text)}
    assert named - FHIR <= set(numbered())
    assert len(named) > 10


@pytest.mark.parametrize("rule", numbered().values(), ids=lambda rule: rule.number)
def test_a_row_leads_somewhere(rule: NumberedRule) -> None:
    assert all((ROOT / path).is_file() for path in rule.held_in)
    assert all(page in pages() for page in rule.pages)
    assert f"## {rule.number}\n" in pages()["by-number.md"]


def test_a_number_is_never_a_source() -> None:
    data = [yaml.safe_load(text) for name, text in written() if name.endswith(".yaml")]
    said = {source for row in (*data, *assessed()) for source in sources(row)}
    assert len(said) > 100
    wrong = {source for source in said if set(_NUMBER.findall(source)) - FHIR}
    assert not wrong
    assert not {source for source in said if re.search(r"\brules? R[0-9]", source)}


def test_each_step_names_a_rule_of_the_table() -> None:
    steps = {
        step["rule"]
        for document in assessed()
        for patient in document["patients"]
        for line in patient["lines"]
        for step in line["trace"]
    }
    assert steps <= set(numbered())
    assert all(map(title_of, steps))
