"""`failed`: work that was given up and needs a person.

Held by tests/contract/test_operating.py.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from integration.commands.options import Config
from integration.errors import ConfigurationError
from integration.terminal.listing import Listing

if TYPE_CHECKING:
    from integration.configuration.site import Site
    from integration.store import Db

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    help="Work that was given up: list it, try it again, or close it.",
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
    """What was given up, why, and after how many tries; then, without a number, what waits for
    somebody else."""
    from integration.commands.inputs import refuse_unknown_site, settings_with_store
    from integration.serving.process import opened
    from integration.store import failures
    from integration.wording import words

    settings = settings_with_store(config)
    chosen = [settings.site(site)] if site in settings.sites else list(settings.sites.values())
    with opened(settings) as store, store.transaction() as db:
        given_up = failures.every(db, site)
        elsewhere = failures.waiting_elsewhere(db, list(settings.sites))
        if site is not None and not (given_up or site in elsewhere):
            refuse_unknown_site(db, settings, site)
        for job in given_up:
            about = f"Patient/{job.patient}" if job.patient else job.key
            tried = f"{words.at(job.failed_at, None)}, tries: {job.attempts}"
            typer.echo(f"{job.id}\t{job.site}\t{job.task}\t{about}\t{tried}\t{job.message}")
        for line in _unnamed(elsewhere, site):
            typer.echo(line)
        if site is None or site in settings.sites:
            for line in _stuck(db, chosen, {job.patient_id for job in given_up}):
                typer.echo(line)


def _stuck(db: "Db", sites: "list[Site]", told: set[int | None]) -> Iterator[str]:
    """Sites that cannot be reached, and charts that only people may write; not those TOLD of."""
    from integration.store import ledger, rests
    from integration.wording import words

    by_itself = [site.name for site in sites if not site.only_people_read]
    for rest in rests.troubled(db, by_itself):
        since = f"since {words.at(rest.trouble_since, None)}, tries: {rest.failures}"
        waits = sum(waiting.count for waiting in ledger.waiting(db, [rest.site]))
        owed = f" {waits} notes for its charts wait." if waits else ""
        yield f"-\t{rest.site}\tsite\t{rest.site}\t{since}\t{rest.trouble}{owed}"
    for waiting in ledger.waiting(db, [site.name for site in sites if site.only_people_read]):
        if waiting.patient_id not in told:
            says = "Waits for the next person who opens this chart: only people may write there."
            since = f"since {words.at(waiting.since, None)}, notes: {waiting.count}"
            yield f"-\t{waiting.site}\twrite-back\tPatient/{waiting.patient}\t{since}\t{says}"


def _unnamed(waiting: Mapping[str, int], site: str | None) -> Iterator[str]:
    """Work of sites that left the configuration."""
    for name, count in waiting.items():
        if site in (None, name):
            says = (
                "This configuration does not name the site: name it so again, and its work goes on."
                " It stays here, to be retried or discarded, after service.retry_hours."
            )
            yield f"-\t{name}\tsite\t{name}\tjobs: {count}\t{says}"


@app.command()
def retry(numbers: Numbers = None, every: Every = False, config: Config = None) -> None:
    """Queue it again."""
    from integration.commands.inputs import settings_with_store, who
    from integration.serving.process import opened
    from integration.work import giving_up
    from integration.work.queue import Queue

    settings = settings_with_store(config)
    with opened(settings) as store, store.transaction() as db:
        for identity in giving_up.chosen(db, numbers, everything=every):
            giving_up.retry(db, Queue(settings.service), identity, who())
            typer.echo(f"{identity}\tqueued")


@app.command()
def discard(
    numbers: Numbers = None,
    every: Every = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit table.")] = "",
    config: Config = None,
) -> None:
    """Let it be."""
    from integration.commands.inputs import settings_with_store, who
    from integration.serving.process import opened
    from integration.work import giving_up

    if not reason.strip():
        raise ConfigurationError("Say why with --reason.")
    with opened(settings_with_store(config)) as store, store.transaction() as db:
        for identity in giving_up.chosen(db, numbers, everything=every):
            giving_up.discard(db, identity, who(), reason)
            typer.echo(f"{identity}\tdiscarded")
