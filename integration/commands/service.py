"""`serve` and `worker`: the service, and more hands for it.

Held by tests/contract/test_operating.py.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from integration.commands.options import Config
from integration.errors import ConfigurationError

if TYPE_CHECKING:
    from integration.configuration.settings import Settings
    from integration.store import Store


def mount(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(worker)


def serve(
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Instead of service.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of service.port.")
    ] = None,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Assess in this process, too.")
    ] = True,
) -> None:
    """Run the service: hooks, pages, CDS, and a worker inside."""
    from integration.configuration import settings as configuration

    settings = _with_address(configuration.load(config), host, port)
    from integration.operating import metrics
    from integration.serving import tasks
    from integration.serving.app import create_app
    from integration.serving.listening import WebServer, address_of, bound
    from integration.serving.process import refuse_broken_files, until_asked_to_stop
    from integration.serving.worker import Worker
    from integration.store import installation

    service = settings.service
    until_asked_to_stop(sys.exit)  # what was begun by then is put away
    refuse_broken_files(settings)
    with (
        closing(bound(service.host, service.port)) as taken,
        _waited_for(settings, connections=16 + service.workers) as store,
        metrics.served(store, settings.sites, service.metrics_port),
    ):
        _tell_of_other_sites(settings, store)
        with store.transaction() as db:
            installation.serve_sites(db, settings.digests())
        inside = Worker(tasks.engine(settings, store)) if with_worker else None
        app = create_app(settings, store, worker=inside)
        server = WebServer(app, service, lambda: _tell(settings, address_of(taken)))
        until_asked_to_stop(lambda: setattr(server, "should_exit", True))
        if inside:
            inside.start()
        try:
            server.run([taken])
        finally:
            if inside:
                inside.stop()


def _waited_for(settings: "Settings", connections: int) -> "AbstractContextManager[Store]":
    """The store, whose database may still be starting."""
    from integration.serving.process import opened

    patience = settings.service.database_wait_seconds
    return opened(settings, connections=connections, patience_seconds=patience, tell=_say)


def _tell(settings: "Settings", address: str) -> None:
    _say(f"ferroclaim listens on {address} for {_sites(settings)}.")
    if not settings.sites:
        _say(
            "Without a site there is nothing to see: `ferroclaim demo --pages` shows the pages with"
            " sample patients; docs/connect-an-ehr.md says how to add a site to ferroclaim.toml."
        )


def _tell_of_other_sites(settings: "Settings", store: "Store") -> None:
    """A site that is called something else is another one: its claims could go out twice."""
    from integration.store import patients

    with store.transaction() as db:
        there = patients.by_site(db)
    for name in sorted(there.keys() - settings.sites.keys()):
        _say(
            f"The database keeps {there[name]} patients of the site {name!r}, which this"
            " configuration does not name: its work waits for a process that knows it, and its"
            " lines are in no list. If it was only renamed, call it so again: under another name"
            " nothing of it is known as released, and its claims could go out twice."
        )


def worker(config: Config = None) -> None:
    """Assess what is queued, beside `serve` or on another machine with the same database."""
    from integration.configuration import settings as configuration

    settings = configuration.load(config)
    from integration.serving import tasks
    from integration.serving.process import refuse_broken_files, until_asked_to_stop
    from integration.serving.worker import Worker

    until_asked_to_stop(sys.exit)
    refuse_broken_files(settings)
    if settings.database_url is None:
        _say(
            f"This worker uses the embedded database in {settings.data_dir}, which only this"
            " machine reaches. For workers on other machines set database_url to a PostgreSQL that"
            " they reach."
        )
    with (
        _waited_for(settings, connections=4 + settings.service.workers) as store,
        _metrics_beside(store, settings),
    ):
        _tell_of_other_sites(settings, store)
        hands = Worker(tasks.engine(settings, store))
        until_asked_to_stop(hands.ask_to_stop)
        hands.start()
        _say(f"A worker is at work for {_sites(settings)}.")
        while hands.is_alive:
            threading.Event().wait(0.5)


@contextmanager
def _metrics_beside(store: "Store", settings: "Settings") -> Iterator[None]:
    """Those of a worker, unless a process of the same configuration has the port already."""
    from integration.operating import metrics

    with ExitStack() as stack:
        try:
            stack.enter_context(
                metrics.served(store, settings.sites, settings.service.metrics_port)
            )
        except ConfigurationError as taken:
            _say(f"{taken} Until then this worker has none.")
        yield


def _with_address(settings: "Settings", host: str | None, port: int | None) -> "Settings":
    """As long as nobody signs in, nobody else may come in."""
    from integration.configuration.section import is_loopback

    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    service = settings.service.model_copy(update=given)
    signs_in = settings.ways_to_sign_in and not settings.web.local_user
    if not is_loopback(service.host) and not signs_in:
        raise ConfigurationError(
            f"Without sign-in the service listens on 127.0.0.1 only, not on {service.host}."
            " Configure web.sign_in or a site's app."
        )
    return settings.model_copy(update={"service": service})


def _sites(settings: "Settings") -> str:
    return ", ".join(sorted(settings.sites)) or "no site yet"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
