"""The web server of a process: its port taken before anything else begins, its signals left to
us.

Held by tests/contract/test_slow_and_many.py.
"""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from integration.configuration.service import Service
from integration.errors import ConfigurationError
from integration.serving.protocol import Config

_WHY = {
    errno.EADDRINUSE: "is taken: another program listens there",
    errno.EACCES: "may not be used by you: take one above 1023",
    errno.EADDRNOTAVAIL: "is of an address that this machine does not have",
}


def bound(host: str, port: int) -> socket.socket:
    """A socket on that port; ConfigurationError where it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except (OSError, OverflowError) as error:
        why = _WHY.get(getattr(error, "errno", 0) or 0, "cannot be used")
        raise ConfigurationError(
            f"Port {port} of {host} cannot be had: it {why}. Set service.port, or --port."
        ) from None
    return taken


def address_of(taken: socket.socket) -> str:
    """As a browser wants it."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class WebServer(uvicorn.Server):
    """Leaves signals to us: uvicorn's own way ends the process before workers and database have
    stopped."""

    def __init__(
        self, app: Any, service: Service, started: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(Config(app, service))
        self._told = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._told()
