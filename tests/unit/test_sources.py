"""Every fact of the code tables and policies says where it is from, and whether an official text
was seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2] / "mappings"
FILES = sorted([*(ROOT / "codes").glob("*.yaml"), *(ROOT / "policy" / "built_in").glob("*.yaml")])


def unsourced(node: Any, path: str = "$", sourced: bool = False) -> Iterator[str]:
    """Facts that neither say themselves, nor stand in something that says, `source` and
    `verified`."""
    if isinstance(node, dict):
        sourced = sourced or {"source", "verified"} <= set(node)
        for name, value in node.items():
            yield from unsourced(value, f"{path}.{name}", sourced)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from unsourced(value, f"{path}[{number}]", sourced)
    elif not sourced:
        yield path


def half_sourced(node: Any, path: str = "$") -> Iterator[str]:
    """What has `verified` without a source."""
    if isinstance(node, dict):
        if "verified" in node and not node.get("source"):
            yield path
        for name, value in node.items():
            yield from half_sourced(value, f"{path}.{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from half_sourced(value, f"{path}[{number}]")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_fact_has_a_source(path: Path) -> None:
    rows = yaml.safe_load(path.read_text("utf-8"))
    assert list(unsourced(rows)) == []
    assert list(half_sourced(rows)) == []


def test_what_is_from_memory_is_not_verified() -> None:
    wrong = [
        f"{path.name}: {row}"
        for path in FILES
        for row in rows_of(yaml.safe_load(path.read_text("utf-8")))
        if "memory" in str(row.get("source")) and row.get("verified") is True
    ]
    assert wrong == []


def rows_of(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    listed = node if isinstance(node, list) else ()
    for value in node.values() if isinstance(node, dict) else listed:
        yield from rows_of(value)


def test_the_origin_of_the_reference_data_is_told() -> None:
    text = (ROOT / "codes" / "README.md").read_text("utf-8")
    assert [
        path.name for path in (ROOT / "codes").glob("*.yaml") if f"`{path.name}`" not in text
    ] == []
