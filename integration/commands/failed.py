"""`failed`: work that was given up and needs a person."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from integration.commands.options import Config
from integration.configuration.settings import Settings
from integration.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True, help="Work that was given up: look, try again, or let it be."
)
Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers of `failed list`.")]
Every = Annotated[bool, typer.Option("--all", help="All of them.")]


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="failed")


@app.command("list")
def every(
    site: Annotated[str | None, typer.Option(help="Of this site only.")] = None,
    config: Config = None,
) -> None:
    """What was given up, why, and after how many tries."""
    from integration.serving.process import opened
    from integration.store import failures
    from integration.wording import words

    with opened(_settings(config)) as store, store.transaction() as db:
        for row in failures.every(db, site):
            about = f"Patient/{row.patient}" if row.patient else row.key
            since = words.at(row.failed_at, None) if row.failed_at else "no time"
            tried = f"{since}, tries: {row.attempts}"
            typer.echo(f"{row.id}\t{row.site}\t{row.task}\t{about}\t{tried}\t{row.message}")


@app.command()
def retry(numbers: Numbers = None, every: Every = False, config: Config = None) -> None:
    """Queue it again."""
    from integration.serving.process import opened
    from integration.work import giving_up
    from integration.work.queue import Queue

    settings = _settings(config)
    with opened(settings) as store, store.transaction() as db:
        for identity in giving_up.chosen(db, numbers, everything=every):
            giving_up.retry(db, Queue(store, settings.service), identity, getpass.getuser())
            typer.echo(f"{identity}\tqueued")


@app.command()
def discard(
    numbers: Numbers = None,
    every: Every = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit table.")] = "",
    config: Config = None,
) -> None:
    """Let it be."""
    from integration.serving.process import opened
    from integration.work import giving_up

    if not reason.strip():
        raise ConfigurationError("Say why with --reason.")
    with opened(_settings(config)) as store, store.transaction() as db:
        for identity in giving_up.chosen(db, numbers, everything=every):
            giving_up.discard(db, identity, getpass.getuser(), reason)
            typer.echo(f"{identity}\tdiscarded")


def _settings(config: Path | None) -> Settings:
    from integration.configuration import settings as configuration
    from integration.store.database.connection import FOLDER

    settings = configuration.load(config)
    if settings.database_url is None and not (settings.data_dir / FOLDER).exists():
        raise ConfigurationError(
            f"There is no database of ferroclaim in {settings.data_dir}. Start it where the service"
            " runs, or name its file with --config."
        )
    return settings
