"""Each module names the test that holds it."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests import holding, rooms

ROOT = rooms.ROOT
MODULES = {name: path for name, path in rooms.modules().items() if path.name != "__init__.py"}
TESTS = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path
    for path in (ROOT / "tests").rglob("*.py")
}
KNOWN = {**rooms.modules(), **TESTS}
HELD = {name: holding.named(path) for name, path in MODULES.items()}


STARTED = re.compile(r"(?:bin/|\")(?:ferroclaim|integration\.cli)\"")


@cache
def imported(path: Path) -> tuple[str, ...]:
    """What it imports; of what starts our command, the command line."""
    text = path.read_text(encoding="utf-8")
    starts = ["integration.cli", "integration.entry.ferroclaim"] if STARTED.search(text) else []
    return (*rooms.imported(text, KNOWN), *starts)


def reached(test: Path) -> set[str]:
    """The modules that a test imports, and those that they import; with any command all of them,
    which are found by their names."""
    found: set[str] = set()
    ahead = ["tests.conftest", *imported(test)]
    ahead += [name for name, path in TESTS.items() if path == test.parent / "conftest.py"]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += imported(KNOWN[module])
            if module == "integration.cli":
                ahead += [name for name in MODULES if name.startswith("integration.commands.")]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_names_a_test_that_there_is(module: str) -> None:
    named = HELD[module]
    assert named, "its docstring ends with the test that holds it: Held by tests/unit/…"
    assert (ROOT / named).is_file(), named


@pytest.mark.parametrize("test", sorted(filter(None, set(HELD.values()))))
def test_a_named_test_comes_to_its_modules(test: str) -> None:
    path = ROOT / test if test.endswith(".py") else ROOT / "tests/scenarios/test_scenarios.py"
    assert {name for name, named in HELD.items() if named == test} - reached(path) == set()


def test_a_name_is_found_and_written_anew(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""What it is."""\n\nLIMIT = 1\n')
    assert holding.named(module) is None
    for test in ("tests/unit/test_holding.py", "tests/scenarios/doses.yaml"):
        holding.write(module, test)
        assert holding.named(module) == test
        assert module.read_text() == f'"""What it is.\n\nHeld by {test}.\n"""\n\nLIMIT = 1\n'
