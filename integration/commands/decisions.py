"""`decisions`: what people decided, into the service's store and out of it.

Held by tests/contract/test_decisions.py.
"""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from integration.commands.options import Config
from integration.terminal.listing import Listing

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    help="What people decided: who is primary, payers' answers, authorizations, a site's words.",
)
SiteName = Annotated[str, typer.Option("--site", help="A site of the configuration.")]


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="decisions")


@app.command("import")
def take_in(
    files: Annotated[list[Path], typer.Argument(help="YAML or JSON, as for `assess --decisions`.")],
    site: SiteName,
    config: Config = None,
) -> None:
    """Record the decisions of files; a newer one of the same matter takes the older one's place.
    All of them, or with any mistake none."""
    from integration.commands.inputs import decisions_of, who
    from integration.configuration import settings as configuration
    from integration.serving.process import opened
    from integration.store import decisions
    from integration.wording.words import plural
    from integration.work.queue import USUAL, Queue

    settings = configuration.load(config)
    named = settings.site(site)
    name, found = named.name, decisions_of(files, named.facts())
    by_itself = not named.only_people_read
    with opened(settings) as store, store.transaction() as db:
        touched = [
            decisions.record(db, name, decision, who(), "command line") for decision in found
        ]
        waiting = {patient.id: patient for patient in chain.from_iterable(touched)}
        if by_itself:
            Queue(settings.service).assess_all(db, waiting.values(), "person", priority=USUAL)
    when = "" if by_itself else " when somebody next opens their chart"
    again = f"{'is' if len(waiting) == 1 else 'are'} assessed again{when}"
    typer.echo(f"{len(found)} recorded; {plural(len(waiting), 'patient')} {again}.")


@app.command("list")
def every(site: SiteName, config: Config = None) -> None:
    """Those in force: number, kind, patient, what, who recorded it."""
    from integration.commands.inputs import settings_with_store
    from integration.serving.process import opened
    from integration.store import decisions

    settings = settings_with_store(config)
    name = settings.site(site).name
    with opened(settings) as store, store.transaction() as db:
        found = decisions.every(db, name)
        if not found:
            typer.echo(f"No decision is recorded of site {name}.", err=True)
        for kept in found:
            about = f"Patient/{kept.patient}" if kept.patient else "site"
            says = kept.decision.decided.says
            typer.echo(f"{kept.id}\t{kept.decision.kind}\t{about}\t{says}\t{kept.recorded_by}")


@app.command("end")
def end(
    number: Annotated[int, typer.Argument(help="As `decisions list` shows it.", min=1)],
    site: SiteName,
    config: Config = None,
) -> None:
    """Take back a decision; the patients whose lines this may change are assessed again."""
    from integration.commands.inputs import settings_with_store, who
    from integration.errors import ConfigurationError
    from integration.serving.process import opened
    from integration.store import decisions
    from integration.wording.words import plural
    from integration.work.queue import USUAL, Queue

    settings = settings_with_store(config)
    named = settings.site(site)
    with opened(settings) as store, store.transaction() as db:
        found = next((kept for kept in decisions.every(db, named.name) if kept.id == number), None)
        if found is None:
            raise ConfigurationError(f"Decision {number} of site {named.name} is not in force.")
        waiting = decisions.take_back(db, found, who(), "command line")
        if not named.only_people_read:
            Queue(settings.service).assess_all(db, waiting, "person", priority=USUAL)
    typer.echo(f"Taken back; {plural(len(waiting), 'patient')} to assess again.")
