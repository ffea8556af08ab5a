"""A command loads what it needs: most of a start is importing."""

from importlib import import_module
from pathlib import Path

import pytest

from integration.cli import loaded
from integration.commands import COMMANDS
from tests.starting import ROOT, SAMPLE, helped, modules_after, start

# The configuration's forms, HTTP, and keys. From 0.29 on Typer brings pydantic for the arguments of
# every command.
OF_SERVERS = {
    "cryptography", "fastapi", "fhir", "joserfc", "procrastinate", "pydantic", "pydantic_settings",
    "requests", "sqlalchemy", "urllib3",
}  # fmt: skip
# What draws on the terminal and writes pages.
OF_SHOWING = {"jinja2", "rich"}


@pytest.mark.parametrize("form", ["json", "table", "csv"])
def test_assessing_a_file_loads_nothing_of_servers(form: str) -> None:
    found = start(
        "assess", str(SAMPLE), "--format", form, "--time-zone", "America/New_York"
    ).modules
    assert "mappings.assess" in found
    assert OF_SERVERS & {name.partition(".")[0] for name in found} == set()
    assert ("rich" in found) == (form == "table")
    assert not {
        name for name in found if name.startswith(("integration.configuration", "integration.ehr"))
    }


# What is for other processes, for other commands, or for a few lines.
OF_OTHERS = {
    "concurrent.futures",
    "email",
    "importlib.metadata",
    "mappings.trials",
    "multiprocessing",
}


def test_a_bulk_run_over_files_loads_nothing_of_servers(tmp_path: Path) -> None:
    found = start("-q", "bulk", str(SAMPLE), "--out", str(tmp_path), "--workers", "1").modules
    assert "mappings.assess" in found
    assert not {name for name in found if name.startswith("mappings.writing.form837")}
    assert OF_SERVERS & {name.partition(".")[0] for name in found} == set()
    assert OF_OTHERS & found == set()


def test_a_bulk_run_shows_and_writes_pages_at_its_end_alone() -> None:
    found = modules_after("import integration.commands.bulk, integration.bulk.run")
    assert "integration.bulk.steps" in found
    assert OF_SHOWING & found == set()


def test_the_help_of_a_command_loads_nothing_of_what_it_does() -> None:
    # Options of `policy` and `codes` are days; each command keeps what it reads.
    few = ("mappings.datafiles", "mappings.values")
    loaded_by = {
        command: sorted(
            name
            for name in modules
            if name.partition(".")[0] in OF_SERVERS | OF_SHOWING | {"yaml", "structlog"}
            or (
                name.startswith(("mappings.", "integration.ehr", "integration.assessing"))
                and not name.startswith(few)
            )
        )
        for command, modules in helped().items()
    }
    assert set(loaded_by) == set(COMMANDS)
    assert {command: names for command, names in loaded_by.items() if names} == {}


@pytest.mark.parametrize(
    "arguments",
    [("codes", "list"), ("claims", "check", "tests/data/claims/837I_esrd_722.x12")],
    ids=" ".join,
)
def test_what_asks_for_no_site_loads_nothing_of_servers(arguments: tuple[str, ...]) -> None:
    found = start(*arguments).modules
    assert OF_SERVERS & {name.partition(".")[0] for name in found} == set()


def test_help_loads_no_rule_and_no_command() -> None:
    found = start("--help").modules
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
