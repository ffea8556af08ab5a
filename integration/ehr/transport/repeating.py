"""When a request is repeated by itself, and after which pause.

Held by tests/contract/test_ehr_bad_input.py.
"""

from types import TracebackType
from typing import Self

from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from integration.ehr.fhir.answers import TRANSIENT, Answer

LONGEST_WAIT_SECONDS = 120
SHORT_WAIT_SECONDS = 2


class _Patient(Retry):
    """A wait that cannot be understood (fractions, ISO dates, nothing) is none: the usual pauses
    are made then."""

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except InvalidHeader:
            return 0.0


class _Impatient(_Patient):
    """Where people, or the work of other sites, would wait with us: a server that asks for a longer
    pause, or does not answer in time, is asked again later, by whoever sees to that."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, ReadTimeoutError):
            raise error
        if _pool and response and (self.get_retry_after(response) or 0) > SHORT_WAIT_SECONDS:
            raise MaxRetryError(_pool, url or "", error)
        return super().increment(method, url, response, error, _pool, _stacktrace)


def of_unsent(count: int, *, patient: bool = True) -> Retry:
    """Of what was never sent."""
    kind = _Patient if patient else _Impatient
    return kind(
        total=None, connect=count, read=0, status=0, other=0, redirect=0, backoff_factor=0.5
    )


def of_reads(unsent: Retry, count: int) -> Retry:
    """Of what changes nothing, as well."""
    return unsent.new(
        read=count,
        status=count,
        status_forcelist=TRANSIENT,
        allowed_methods=("GET", "POST"),
        retry_after_max=LONGEST_WAIT_SECONDS,
        raise_on_status=False,
    )


def asked_to_wait(answer: Answer) -> float:
    """How many seconds a server asked to be left alone."""
    return _Patient().parse_retry_after(answer.headers.get("Retry-After", ""))
