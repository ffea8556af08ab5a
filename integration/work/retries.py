"""What is done about work that failed: its site rests, it is tried again, or a person is told.

Held by tests/unit/test_retries.py.
"""

from dataclasses import dataclass
from typing import Literal

from integration.errors import (
    BadAnswer,
    ConfigurationError,
    Conflict,
    FerroclaimError,
    Forbidden,
    NotConnected,
    NotFound,
    OutcomeUnknown,
    Unauthorized,
    Unreachable,
)

Then = Literal["site rests", "again", "given up"]

FIRST_SECONDS, LONGEST_SECONDS = 5.0, 900.0
# Tries of what should not help, but sometimes does: a proxy's page, a replica that lags, a fault of
# ours.
DOUBTS = 3


@dataclass(frozen=True)
class RetryDecision:
    then: Then
    seconds: float = 0


def decide(
    error: Exception,
    attempt: int,
    hours: float,
    retry_hours: float,
    *,
    alone: bool = False,
    known: bool = True,
) -> RetryDecision:
    """ATTEMPT counts from 0, HOURS from the first failure. Trouble of a whole site uses up no
    attempt of a patient. ALONE: others of the site were read since this failed first, so that what
    looks like the site's trouble is this one's: a chart that is kept from us, or too large for the
    server. KNOWN: whether the site is in this process's configuration; it may be in another
    worker's."""
    wait = min(FIRST_SECONDS * 2**attempt, LONGEST_SECONDS)
    if known and is_of_the_site(error) and not (alone and may_be_of_one(error)):
        return RetryDecision("site rests")
    if not known or (isinstance(error, FerroclaimError) and error.retryable):
        return RetryDecision("again", wait) if hours < retry_hours else RetryDecision("given up")
    if isinstance(error, BadAnswer | Conflict | NotFound) or not isinstance(error, FerroclaimError):
        return RetryDecision("again", wait) if attempt + 1 < DOUBTS else RetryDecision("given up")
    return RetryDecision("given up")


def may_be_of_one(error: Exception) -> bool:
    """Whether one patient alone may meet what looks like the trouble of a site."""
    if isinstance(error, Unreachable):
        return error.status is None and not isinstance(error, NotConnected)
    return isinstance(error, Unauthorized | Forbidden)


def is_of_the_site(error: Exception) -> bool:
    """Whether every patient of the site would meet the same: no connection, too many requests, no
    right to read."""
    if isinstance(error, Unreachable):
        return not isinstance(error, OutcomeUnknown) and error.status in (None, 429, 503)
    return isinstance(error, Unauthorized | Forbidden | ConfigurationError)
