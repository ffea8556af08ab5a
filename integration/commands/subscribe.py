"""`subscribe`: our Subscriptions at the EHRs, made, verified, repaired, removed.

Held by tests/contract/test_operating.py.
"""

from typing import Annotated

import typer

from integration.commands.options import Config


def mount(app: typer.Typer) -> None:
    app.command()(subscribe)


def subscribe(
    sites: Annotated[
        list[str] | None, typer.Argument(help="Sites of the configuration; all by default.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take all of ours away.")] = False,
    config: Config = None,
) -> None:
    """Have EHRs tell us of changes. May be run again at any time: it makes what is missing and
    leaves the rest."""
    from integration.configuration import settings as configuration
    from integration.ehr.client import EhrClient
    from integration.serving.process import opened
    from integration.triggers import subscribing

    settings = configuration.load(config)
    chosen = settings.read_by_itself(sites)
    bad = 0
    with opened(settings) as store:
        for site in chosen:
            name = site.name
            with EhrClient(site) as client:
                done = (
                    subscribing.remove(store, client)
                    if remove
                    else subscribing.establish(store, settings, client)
                )
            for outcome in done:
                typer.echo(
                    f"{name}\t{outcome.name}\t{outcome.did}\t{outcome.status}"
                    + (f"\t{outcome.problem}" if outcome.problem else "")
                )
            if not done:
                typer.echo(
                    f"{name}: accepts no Subscription from us; `ferroclaim sweep` looks for changes"
                    " instead.",
                    err=True,
                )
            bad += sum(outcome.did != "removed" and outcome.status != "active" for outcome in done)
    raise typer.Exit(1 if bad else 0)
