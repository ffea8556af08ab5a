"""Options that several commands take, worded once.

Held by tests/contract/test_command_line.py.
"""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from integration.errors import ConfigurationError

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; default ferroclaim.toml.")
]
SiteName = Annotated[str | None, typer.Option("--site", help="A site of the configuration.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="IANA name, e.g. America/New_York.")]
DecisionFiles = Annotated[
    list[Path] | None,
    typer.Option("--decisions", help="A file of what people decided (repeatable)."),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="The end of this day in the site's zone, or a moment with offset; default now.",
    ),
]
PolicyDir = Annotated[
    Path | None, typer.Option("--policy-dir", help="Policies of your own beside the built-in ones.")
]
CodeDir = Annotated[
    Path | None,
    typer.Option(
        "--code-dir", help="Rows of code tables of your own beside and over the built-in ones."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]

# Of commands that compare two assessments of the same records.
Records = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="RECORDS",
        help="A Bundle file, NDJSON, a folder of either, or - for a Bundle.",
    ),
]
AsOfBoth = Annotated[str | None, typer.Option("--as-of", help="As for `assess`; default now.")]


def day_of(text: str | None) -> date | None:
    """What --on says; None without it. ConfigurationError where it is no date."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigurationError(f"--on {text!r} is not a date such as 2026-11-01.") from None
