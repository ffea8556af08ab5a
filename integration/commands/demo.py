"""`demo`: the sample patients on the terminal, or in the browser with --pages.

Held by tests/contract/test_demo_pages.py.
"""

import sys
import threading
from typing import Annotated

import typer

from integration.errors import ConfigurationError

HOST, USUAL_PORT = "127.0.0.1", 8000


def mount(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    pages: Annotated[
        bool, typer.Option("--pages", help="Open the chart page and the worklist in a browser.")
    ] = False,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="With --pages: open them, or only say where."),
    ] = True,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="With --pages; default 8000, or a free one."),
    ] = None,
) -> None:
    """Assess the sample records that come with the package: no configuration, no network."""
    if not pages and (port is not None or not browser):
        raise ConfigurationError("--port and --no-browser go with --pages.")
    if pages:
        _pages(browser, port)
    else:
        _table()


def _table() -> None:
    from integration import samples
    from integration.assessing.sources import from_collection
    from integration.terminal import tables
    from integration.terminal.signs import console
    from mappings.policy import choosing
    from mappings.reading import Collection
    from mappings.site import Site

    collection = Collection()
    for name, bundle in samples.bundles().items():
        collection.add(bundle, name)
    facts = Site(time_zone=samples.TIME_ZONE)
    result = from_collection(collection, facts, choosing.built_in(), samples.AS_OF)
    tables.show(result.document, console(), result.names)
    tables.next_steps(console())


def _pages(browser: bool, port: int | None) -> None:
    from integration.serving.demo import running
    from integration.serving.listening import bound
    from integration.serving.process import until_asked_to_stop

    stop = threading.Event()
    until_asked_to_stop(stop.set)
    taken = bound(HOST, _free_port() if port is None else port)
    _say("Setting up a store that is thrown away, and assessing the sample patients …")
    with running(taken, stop.is_set) as address:
        if not stop.is_set():
            _tell(address, browser)
        while not stop.wait(0.5):
            pass
    _say("Stopped. Nothing was kept.")


def _tell(address: str, browser: bool) -> None:
    places = {"Clinician": f"{address}/demo", "Biller": f"{address}/sign-in"}
    for who, place in places.items():
        print(f"{who:<10} {place}", flush=True)
    _say("Every patient is invented; no EHR is behind it. Ctrl-C ends it and removes everything.")
    if browser:
        _open(list(places.values()))


def _open(places: list[str]) -> None:
    """In the person's own browser, where there is one to be seen."""
    import webbrowser

    for place in places:
        try:
            webbrowser.get()
        except webbrowser.Error:
            _say("No browser was found here: open the addresses in yours.")
            return
        webbrowser.open(place)


def _free_port() -> int:
    """The usual port, or any where that is taken."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
