"""What it means that the database did not do something, in words.

Held by tests/contract/test_store.py.
"""

import re

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from integration.errors import FerroclaimError

_FATAL = re.compile(r"FATAL: +(.+)")
# It is not there yet, or is just busy: https://www.postgresql.org/docs/18/errcodes-appendix.html,
# 57P03 and 53300.
_NOT_YET = re.compile(r"starting up|shutting down|recovery|not yet accepting|too many|reserved")
# What passes, or is for whoever runs the database to see to. psycopg counts the last three as
# errors of the database itself: https://www.psycopg.org/psycopg3/docs/api/errors.html
PASSING = (
    PoolTimeout,
    psycopg.OperationalError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
)
_TOO_SLOW = "ended a statement or a transaction that took longer than its own timeouts allow"
_MET = "was asked for two things at once that exclude each other"
_MEANINGS = {
    errors.QueryCanceled: _TOO_SLOW,
    errors.IdleInTransactionSessionTimeout: _TOO_SLOW,
    errors.TransactionTimeout: _TOO_SLOW,
    errors.ReadOnlySqlTransaction: "takes no changes: it is a standby, or read-only",
    errors.DeadlockDetected: _MET,
    errors.SerializationFailure: _MET,
    errors.LockNotAvailable: _MET,
}


class StoreUnavailable(FerroclaimError):
    """The database cannot be reached now; trying later may help."""

    retryable = True


class NoDescriptors(StoreUnavailable):
    """It is not the database: this process may open no more files."""


class DiskFull(StoreUnavailable):
    """It answers, and can keep nothing."""

    def __init__(self) -> None:
        super().__init__("The disk of the database is full: make room there. Nothing is lost.")


def why(error: Exception, url: str) -> str:
    """What the database does, or does not, by one of PASSING."""
    for kind, says in _MEANINGS.items():
        if isinstance(error, kind):
            return says
    found = _why_no_connection(url) if isinstance(error, PoolTimeout) else None
    return found or f"does not answer ({type(error).__name__})"


def _why_no_connection(url: str) -> str | None:
    """A pool that got none does not say why."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        said = _FATAL.search(str(error))
        return f"does not let us in: {said[1].rstrip('.')}" if said else None
    return "answers, but all connections of this process to it are at work"


def refusal(error: psycopg.OperationalError) -> str | None:
    """Why a server that answers does not let us in; None where it does not answer, or not yet."""
    said = _FATAL.search(str(error))
    return None if said is None or _NOT_YET.search(said[1]) else said[1].rstrip(".")
