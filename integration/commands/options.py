"""Options that several commands take, worded once."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; default ferroclaim.toml.")
]
SiteName = Annotated[str | None, typer.Option("--site", help="A site of the configuration.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="IANA name, e.g. America/New_York.")]
DecisionFiles = Annotated[
    list[Path] | None,
    typer.Option("--decisions", help="A file of what people decided (repeatable)."),
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
