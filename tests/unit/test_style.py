"""Forms that read badly, in any file of Python."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_repository import repository_texts

SOURCES = {path: text for path, text in repository_texts().items() if Path(path).suffix == ".py"}


def over_one(tree: ast.AST) -> Iterator[int]:
    """Lines of `for x in [f(y)]`: a name in disguise."""
    for node in ast.walk(tree):
        if isinstance(node, ast.comprehension | ast.For):
            things = node.iter.elts if isinstance(node.iter, ast.List | ast.Tuple) else []
            if len(things) == 1 and not isinstance(things[0], ast.Starred):
                yield node.target.lineno


def chained(tree: ast.AST) -> Iterator[int]:
    """Lines of `a if b else c if d else e`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp) and ast.IfExp in (type(node.body), type(node.orelse)):
            yield node.lineno


def test_no_conditional_expression_holds_another() -> None:
    assert "mappings/assess.py" in SOURCES
    found = {path: list(chained(ast.parse(text))) for path, text in SOURCES.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("a if b else c if d else e", True),
        ("(a if b else c) if d else e", True),
        ("a if b else c", False),
        ("f(a if b else c) if d else e", False),
    ],
)
def test_a_chain_is_seen(code: str, seen: bool) -> None:
    assert bool(list(chained(ast.parse(code)))) is seen


def test_nothing_loops_over_one_thing() -> None:
    assert "mappings/assess.py" in SOURCES
    found = {path: list(over_one(ast.parse(text))) for path, text in SOURCES.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("[y for x in a for y in [f(x)] if y]", True),
        ("for x in (f(y),): pass", True),
        ("[x for x in [a, b]]", False),
        ("[x for x in [*a]]", False),
        ("[y for x in a if (y := f(x))]", False),
    ],
)
def test_a_loop_over_one_thing_is_seen(code: str, seen: bool) -> None:
    assert bool(list(over_one(ast.parse(code)))) is seen
