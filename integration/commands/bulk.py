"""`bulk`: every patient of an export, however large."""

from pathlib import Path
from typing import Annotated

import typer

from integration.commands.options import (
    AsOf,
    CodeDir,
    Config,
    DecisionFiles,
    PolicyDir,
    SiteName,
    Zone,
)


def mount(app: typer.Typer) -> None:
    app.command()(bulk)


def bulk(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder or file of NDJSON or Bundles, plain or compressed: an export."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A folder to write to.")],
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes; default one a processor.")
    ] = 0,
    charts: Annotated[
        bool,
        typer.Option(
            "--charts", help="Keep the charts with an iron, too, for `policy diff --on DIR`."
        ),
    ] = False,
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    decisions: DecisionFiles = None,
    as_of: AsOf = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """A whole population in bounded memory. What was stopped goes on: run the same again."""
    from integration.bulk import run
    from integration.bulk.reporting import terminal
    from integration.commands.assessing import (
        console,
        decisions_of,
        facts_of,
        moment_of,
        named_site,
        policies_of,
    )
    from integration.terminal.progress import loudness, steps

    facts = facts_of(site, config, time_zone, code_dir)
    policies = policies_of(policy_dir, named_site(site, config) if site else None, facts)
    decided = decisions_of(decisions or ())
    with steps() as tell:
        found = run.bulk(
            source,
            out,
            lambda at: facts.deciding(decided, at),
            policies,
            moment_of(as_of, facts) if as_of else lambda: moment_of(None, facts),
            workers,
            charts,
            tell=tell,
        )
    if found.resumed and loudness() != "quiet":
        typer.echo("went on where it was stopped", err=True)
    terminal.show(found.summary, policies, console())
    typer.echo(f"\n{out}: report.html, assessments.ndjson, lines.csv, summary.json")
    if found.summary.problems:
        typer.echo(f"{out}/problems.ndjson names what could not be read", err=True)
    raise typer.Exit(1 if found.summary.problems else 0)
