"""What lies under an error of requests and urllib3.

Held by tests/contract/test_ehr_bad_input.py.
"""

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)


def never_connected(error: Exception) -> bool:
    """Whether nothing can have been sent."""
    return isinstance(
        _reason(error), NewConnectionError | ConnectTimeoutError | requests.ConnectTimeout
    )


def was_late(error: Exception) -> bool:
    return isinstance(_reason(error), ReadTimeoutError | requests.Timeout)


def _reason(error: Exception) -> object:
    inner = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError):
        return inner.reason
    return inner if isinstance(inner, HTTPError) else error
