"""One class name, one meaning."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Taken twice, and why.
TWICE = {
    # What the configuration says of a site, and what the rules have of it.
    "Site",
    # A Bundle's, as an EHR answers it and as it is read from a file.
    "Entry", "Page",
    # Rooms apart: lines and resources of a patient; of the configuration and of a claim file; of a
    # status and of a claim; of a notification and of a payer.
    "Group", "Service", "Statement", "Told",
    # Of a run over a whole export, whose rooms are read by themselves.
    "Facts", "Outcome", "Setting", "Source", "Sums", "Wanted", "Worker",
}  # fmt: skip


def test_a_class_name_is_taken_once() -> None:
    places: defaultdict[str, set[str]] = defaultdict(set)
    for room in ("mappings", "integration"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].add(str(path.relative_to(ROOT)))
    assert {name for name, found in places.items() if len(found) > 1} <= TWICE
