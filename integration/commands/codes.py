"""`codes`: the tables behind the lines; what a quarter's published files bring, checked and
compared with what is in force.

Held by tests/contract/test_codes_command.py.
"""

from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integration.commands.formats import name_unread, show_json, show_mistakes
from integration.commands.options import AsOfBoth, Config, Json, Records, Zone, day_of
from integration.errors import ConfigurationError
from integration.terminal.listing import Listing
from mappings.values.us_dates import us_date

if TYPE_CHECKING:
    from integration.codes.imports import ImportOutcome
    from integration.configuration.site import Site

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    help="Codes, prices and packages: what is in force, how old, and how to bring it up to date.",
)
Folder = Annotated[Path | None, typer.Option("--code-dir", help="Where the site's own rows stand.")]
SiteName = Annotated[
    str | None, typer.Option("--site", help="A site of the configuration: its code_dir.")
]


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="codes")


@app.command("import")
def bring_in(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="As published: zip, csv, xlsx, txt.")
    ],
    code_dir: Folder = None,
    site: SiteName = None,
    config: Config = None,
    quarter: Annotated[
        str | None,
        typer.Option(
            "--quarter", help="From when a file holds that doesn't say it itself, such as 2026Q4."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace rows of the same quarter that differ.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written.")] = False,
) -> None:
    """Read published files, and write the rows of your drugs. A file that is not understood whole
    changes nothing (exit status 1)."""
    from integration.codes.imports import import_files

    folder, named = _folder(code_dir, site, config)
    if folder is None:
        raise ConfigurationError(
            "Say where the rows go: --code-dir DIR, or --site NAME with a code_dir in the"
            " configuration."
        )
    aliases = named.drug_aliases if named else {}
    outcomes = import_files(
        files, folder, aliases, _quarter(quarter), _today(), replace=replace, dry_run=dry_run
    )
    for outcome in outcomes:
        _show_outcome(outcome, dry_run)
    raise typer.Exit(1 if any(outcome.state == "refused" for outcome in outcomes) else 0)


@app.command("list")
def every(
    code_dir: Folder = None,
    site: SiteName = None,
    config: Config = None,
    on: Annotated[str | None, typer.Option("--on", help="As on this day; default today.")] = None,
    as_json: Json = False,
) -> None:
    """What is in force, of what day it is, and until when that is normally current."""
    from integration.codes.folder import tables_of
    from mappings.codes import built_in
    from mappings.codes.freshness import ages

    folder, _ = _folder(code_dir, site, config)
    tables = tables_of(folder) if folder else built_in()
    name_unread([folder] if folder else [])
    found = ages(tables, day_of(on) or _today())
    if as_json:
        show_json({"tables": found, "imported": tables.published})
        return
    for table in found:
        typer.echo(f"{'!' if table.stale else ' '} {table.says} ({table.by or 'none'})")
    for one in tables.published:
        typer.echo(
            f"    {one.kind} from {us_date(one.start)}: {one.kept} of {one.read} rows, {one.file}"
        )


@app.command()
def check(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; default: the site's code_dir."),
    ] = None,
    code_dir: Folder = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """Whether the rows of a site can be used; every mistake with file, line and what to write."""
    from integration.codes.folder import ended_denials, mistakes, odd_prices, tables_from

    folder, _ = _folder(code_dir, site, config)
    names = [*(paths or []), *([str(folder)] if folder else [])]
    if not names:
        raise ConfigurationError(
            "Name files or folders to check, or --code-dir DIR, or --site NAME."
        )
    found = mistakes(names)
    name_unread(map(Path, names))
    show_mistakes(found)
    if not any(found.values()):
        ended = chain.from_iterable(ended_denials(tables_from(name)) for name in names)
        for said in dict.fromkeys(chain(ended, chain.from_iterable(map(odd_prices, names)))):
            typer.echo(said)
    raise typer.Exit(2 if any(found.values()) else 0)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A folder or file of rows, or `built-in`.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    on: Records,
    as_of: AsOfBoth = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Which lines and gaps, and how much money, other tables would move."""
    from integration.assessing.clients import policies_for
    from integration.assessing.code_changes import difference
    from integration.commands.inputs import facts_of, moment_of, named_site
    from integration.commands.policy import report_difference
    from mappings.policy import choosing

    named = named_site(site, config)
    facts = facts_of(named, time_zone)
    policies = policies_for(named) if named else choosing.built_in()
    report_difference(*difference(old, new, on, facts, policies, moment_of(as_of, facts)), as_json)


def _folder(
    code_dir: Path | None, site: str | None, config: Path | None
) -> "tuple[Path | None, Site | None]":
    """The folder that is named, else the site's; and the site."""
    from integration.commands.inputs import named_site

    named = named_site(site or None, config)
    return code_dir or (named.code_dir if named else None), named


def _quarter(text: str | None) -> date | None:
    from mappings.codes.quarters import quarter_start

    found = quarter_start(text) if text else None
    if text and found is None:
        raise ConfigurationError(f"--quarter {text!r} is not a quarter such as 2026Q4.")
    return found


def _today() -> date:
    return datetime.now(UTC).date()


def _show_outcome(outcome: "ImportOutcome", dry_run: bool) -> None:
    """What was read goes to standard output, what needs a person to standard error."""
    from mappings.codes.quarters import quarter_name

    if outcome.state == "refused":
        for said in outcome.says:
            typer.echo(said, err=True)
        typer.echo(f"{outcome.where}: nothing was taken from it.", err=True)
    elif outcome.state == "aside":
        typer.echo(f"{outcome.where}: skipped, not one of the files that are read here")
    elif outcome.published:
        done = {
            "same": "is there already",
            "written": "would be written" if dry_run else "written",
        }[outcome.state]
        counted = f"{outcome.published.read} rows read, {outcome.published.kept} kept"
        of_quarter = f"{outcome.title}, {quarter_name(outcome.published.start)}"
        typer.echo(f"{outcome.where}: {of_quarter}: {counted}; {outcome.path} {done}")
        for said in outcome.says:
            typer.echo(f"  {said}")
