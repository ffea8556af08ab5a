"""Logs: one event a line, on stderr, with a keyed hash instead of each resource's id.

Held by tests/unit/test_logs.py.
"""

import hashlib
import hmac
import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from integration.configuration.settings import Log
from integration.terminal.progress import loudness

# Keys under which an event names a resource.
IDENTIFYING = ("patient", "resource", "reference", "job")
# They write arguments, addresses and tracebacks, which may name patients, or what we say ourselves.
_SILENT = (
    "procrastinate",
    "uvicorn.access",
    "uvicorn.error",
    "asyncio",
    "urllib3",
    "psycopg",
    "psycopg.pool",
)


def configure(log: Log, key: bytes) -> None:
    """KEY is the installation's, so that all its processes write the same hash for the same
    resource."""
    text = log.format == "text" or (log.format == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False) if text else structlog.processors.JSONRenderer()
    )
    hashing = [] if log.resource_ids == "plain" else [Hashing(key)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *hashing,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[_level(log).upper()]
        ),
        logger_factory=_to_stderr,
        cache_logger_on_first_use=False,
    )
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _to_stderr(*_: object) -> structlog.PrintLogger:
    """To the stream that stands there now: the one of the moment of configuring may be closed."""
    return structlog.PrintLogger(sys.stderr)


def _level(log: Log) -> str:
    """The configured one, unless the command line asked for more or less."""
    return {"quiet": "error", "verbose": "debug"}.get(loudness(), log.level)


class Hashing:
    """`patient=p1` becomes `patient=#3f9a…`: the same resource can be followed, and nobody be
    named."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        site = str(event.get("site", ""))
        for name in IDENTIFYING:
            if event.get(name) is not None:
                event[name] = self.hashed(site, str(event[name]))
        return event

    def hashed(self, site: str, value: str) -> str:
        return (
            "#"
            + hmac.new(self._key, f"{site}\x1f{value}".encode(), hashlib.sha256).hexdigest()[:16]
        )


def where(error: BaseException) -> str:
    """File and line of an unexpected error; its message may hold a patient's data."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return (
        f"{'/'.join(frame.tb_frame.f_code.co_filename.split('/')[-2:])}:{frame.tb_lineno}"
        if frame
        else "?"
    )
