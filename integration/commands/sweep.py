"""`sweep`: look for changes that nobody told of.

Held by tests/contract/test_operating.py.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from integration.commands.options import Config
from integration.errors import ConfigurationError

if TYPE_CHECKING:
    from integration.configuration.site import Site


def mount(app: typer.Typer) -> None:
    app.command()(sweep)


def sweep(
    sites: Annotated[
        list[str] | None, typer.Argument(help="Sites of the configuration; all by default.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="A date or a moment; default where the last look ended."),
    ] = None,
    config: Config = None,
) -> None:
    """Search the sites for changes, and queue their patients; the service's workers assess them."""
    from integration.commands.inputs import at_each
    from integration.configuration import settings as configuration
    from integration.serving import tasks
    from integration.serving.process import opened
    from integration.triggers import sweeping
    from integration.wording.words import plural
    from integration.work.engine import Job

    settings = configuration.load(config)
    start, chosen = _moment(since), settings.read_by_itself(sites)

    def look_at(site: "Site") -> None:
        name, key = site.name, f"{sweeping.TASK}:{site.name}"
        with store.holding(key) as hold:
            if not hold.ours:
                raise ConfigurationError(
                    f"A worker is searching site {name} right now. Try again when it is done."
                )
            sweeping.since(engine, name, start)
            found = sweeping.look(engine, Job(sweeping.TASK, key, name, {}))
        typer.echo(f"{name}\t{plural(found, 'resource')} that changed")

    with opened(settings) as store:
        engine = tasks.engine(settings, store)
        everywhere = at_each(chosen, look_at)
        engine.clients.close()
    raise typer.Exit(0 if everywhere else 1)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "--since is a date such as 2026-11-01, or a moment with its offset."
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > datetime.now(UTC):
        raise ConfigurationError(f"--since {text} is still to come: nothing has changed since.")
    return moment
