"""Names of ours in resources stand once, but for where a docstring tells of one."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def names_ours(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return any(
        isinstance(node, ast.Constant)
        and id(node) not in docstrings
        and "urn:ferroclaim" in str(node.value)
        for node in ast.walk(tree)
    )


def test_each_is_written_in_one_place() -> None:
    found = [
        str(path.relative_to(ROOT))
        for room in ("mappings", "integration")
        for path in (ROOT / room).rglob("*.py")
        if names_ours(path)
    ]
    assert found == ["mappings/values/own_names.py"]
