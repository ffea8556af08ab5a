"""What lies under an error of requests and urllib3.

Held by tests/contract/test_ehr_bad_input.py.
"""

import http.client

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)


def never_connected(error: Exception) -> bool:
    """Whether nothing can have been sent."""
    return isinstance(
        _reason(error), NewConnectionError | ConnectTimeoutError | requests.ConnectTimeout
    )


def was_late(error: Exception) -> bool:
    return isinstance(_reason(error), ReadTimeoutError | requests.Timeout)


def is_no_http(error: Exception) -> bool:
    """Whether something answered that cannot be read as HTTP. One that just hung up did not."""
    reason = _reason(error)
    within = reason.args[-1] if isinstance(reason, ProtocolError) and reason.args else None
    return isinstance(within, http.client.HTTPException) and not isinstance(
        within, http.client.RemoteDisconnected
    )


def _reason(error: Exception) -> object:
    inner = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError):
        return inner.reason
    return inner if isinstance(inner, HTTPError) else error
