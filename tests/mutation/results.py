"""What mutmut keeps of the mutants of each module: a code for each, its own or pytest's.

Held by tests/unit/test_mutation_report.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SURVIVED, KILLED, NOT_CALLED, TIMED_OUT, REFUSED = 0, 1, 33, 36, 37
NOT_CHECKED = {None, 2}
NO_TEST = {5, NOT_CALLED}
CODES = "exit_code_by_key"


def metas(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each file, beside its module, and what it says."""
    for path in sorted(folder.rglob("*.meta")):
        yield path, json.loads(path.read_text("utf-8"))


def function_of(mutant: str) -> str:
    return mutant.rpartition("__mutmut_")[0]
