"""A command loads what it needs: most of a start is importing."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from integration.cli import loaded
from integration.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "integration/samples/ada-sampleton.json"
# The configuration's forms, HTTP, and keys. From 0.29 on Typer brings pydantic for the arguments of
# every command.
OF_SERVERS = {
    "cryptography", "fastapi", "fhir", "joserfc", "procrastinate", "pydantic", "pydantic_settings",
    "requests", "sqlalchemy", "urllib3",
}  # fmt: skip

RUN = """
import json, sys
from integration.cli import main
sys.argv = ["ferroclaim", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def modules_of(*arguments: str) -> set[str]:
    """What a run of the command line has loaded at its end."""
    run = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(run.stderr.splitlines()[-1]))


@pytest.mark.parametrize("form", ["json", "table", "csv"])
def test_assessing_a_file_loads_nothing_of_servers(form: str) -> None:
    found = modules_of("assess", str(SAMPLE), "--format", form, "--time-zone", "America/New_York")
    assert "mappings.assess" in found
    assert OF_SERVERS & {name.partition(".")[0] for name in found} == set()
    assert ("rich" in found) == (form == "table")
    assert not {
        name for name in found if name.startswith(("integration.configuration", "integration.ehr"))
    }


def test_a_bulk_run_over_files_loads_nothing_of_servers(tmp_path: Path) -> None:
    found = modules_of("-q", "bulk", str(SAMPLE), "--out", str(tmp_path))
    assert "mappings.assess" in found
    assert OF_SERVERS & {name.partition(".")[0] for name in found} == set()


def test_help_loads_no_rule_and_no_command() -> None:
    found = modules_of("--help")
    ours = {name for name in found if name.startswith(("mappings", "integration.commands."))}
    assert ours == set()
    assert (OF_SERVERS | {"msgspec", "rich", "yaml"}) & found == set()


def test_what_help_lists_is_what_the_commands_say() -> None:
    for name, listed in COMMANDS.items():
        said = loaded(name).help or ""
        first = said.partition("\n\n")[0]
        assert first == listed.says, f"write it into integration/commands/__init__.py: {name}"


def test_every_command_is_listed() -> None:
    files = {path.stem for path in (ROOT / "integration/commands").glob("*.py")}
    mounting = {
        name
        for name in files - {"__init__"}
        if hasattr(import_module(f"integration.commands.{name}"), "mount")
    }
    assert {command.file for command in COMMANDS.values()} == mounting
