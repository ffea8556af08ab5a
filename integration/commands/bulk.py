"""`bulk`: every patient of an export, however large.

Held by tests/contract/export/test_export_runs.py.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from integration.commands import exporting
from integration.commands.options import (
    AsOf,
    CodeDir,
    Config,
    DecisionFiles,
    PolicyDir,
    SiteName,
    Zone,
)

Engine = Literal["local", "spark"]


if TYPE_CHECKING:
    from integration.bulk.engine import Pool


def mount(app: typer.Typer) -> None:
    app.command()(bulk)


def bulk(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder or file of NDJSON or Bundles, plain or compressed: an export, also in"
            " object storage (s3://bucket/prefix). Or a FHIR base URL, or a site of the"
            " configuration, to export from."
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
    remittances: Annotated[
        Path | None,
        typer.Option("--remittances", metavar="PATH", help="835s, to see beside what payers paid."),
    ] = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="local, or spark: a cluster, see docs/bulk.md.")
    ] = "local",
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Write lines.parquet beside lines.csv.")
    ] = False,
    group: exporting.Group = None,
    everyone: exporting.Everyone = False,
    system: exporting.System = False,
    patient: exporting.Patients = None,
    since: exporting.Since = None,
    types: exporting.Types = None,
    type_filter: exporting.TypeFilters = None,
    post: exporting.Post = False,
    partial: exporting.Partial = False,
    cancel: exporting.Cancel = False,
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    decisions: DecisionFiles = None,
    as_of: AsOf = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """A whole population in bounded memory. What was stopped goes on: run the same again."""
    from integration.assessing.sources import is_server
    from integration.bulk import run
    from integration.commands.inputs import moment_of, terms
    from integration.terminal.progress import loudness, steps

    wish = exporting.Wish(
        group, everyone, system, tuple(patient or ()), since, types, tuple(type_filter or ()),
        post, partial,
    )  # fmt: skip
    server = exporting.server_of(source, wish, cancel, site, config)
    if server and cancel:
        exporting.cancel(server, out)
        return
    site = site or (server.name if server and not is_server(source) else None)
    given = terms(policy_dir, code_dir, decisions, as_of, time_zone, site, config)
    facts, policies = given.facts, given.policies
    moment = given.at if as_of else lambda: moment_of(None, facts)
    with steps() as tell, exporting.fetched(server, wish, out, tell) as export:
        found = run.bulk(
            str(export.folder) if export else source,
            out,
            lambda at: facts.deciding(given.decisions, at),
            policies,
            moment,
            workers,
            charts,
            tell=tell,
            known=export.problems if export else (),
            remittances=remittances,
            pool=_pool(engine),
            parquet=parquet,
        )
    if found.resumed and loudness() != "quiet":
        typer.echo("went on where it was stopped", err=True)
    from integration.bulk.reporting import terminal
    from integration.terminal.signs import console

    terminal.show(found.summary, policies, console())
    tables = "lines.csv, lines.parquet" if parquet else "lines.csv"
    typer.echo(f"\n{out}: report.html, assessments.ndjson, {tables}, summary.json")
    if export:
        typer.echo(f"{export.folder}: as of {export.transaction_time}, all that was exported")
    if found.summary.problems:
        typer.echo(f"{out}/problems.ndjson names what could not be read", err=True)
    raise typer.Exit(1 if found.summary.problems else 0)


def _pool(engine: Engine) -> "Pool":
    if engine == "spark":
        from integration.bulk.engines import spark

        return spark.pool
    from integration.bulk.engines import local

    return local.pool
