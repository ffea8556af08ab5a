"""What a token endpoint answered: an access token and how long it is good for, or what is wrong
with it.

Held by tests/contract/export/test_export_tokens.py.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What a header can carry. RFC 6750 (2.1) allows less; servers have their own tokens.
_CARRIED = re.compile(r"[\x21-\x7e]+")
LONGEST_TOKEN = 32_768  # characters: what goes beyond is more than web servers take as a header
LONGEST_SECONDS = 86_400.0


class UnusableToken(ValueError):
    """What is wrong, to follow on `answered 200`; never the token itself."""


@dataclass(frozen=True)
class AccessToken:
    """`seconds`: how long it is good for, at most a day; None where that was not said. `scopes`:
    those that were given, none where the server did not say."""

    text: str
    seconds: float | None
    scopes: frozenset[str]


def read_token(answer: Mapping[str, Any] | None) -> AccessToken:
    """The access token of a token response; raises `UnusableToken`."""
    if answer is None:
        raise UnusableToken("with what is not a JSON object, or is nested too deeply")
    given = answer.get("scope")
    return AccessToken(
        carried(answer.get("access_token")),
        _seconds(answer.get("expires_in")),
        frozenset(given.split() if isinstance(given, str) else ()),
    )


def carried(token: object) -> str:
    """TOKEN, if a request can carry it; raises `UnusableToken`."""
    if not isinstance(token, str) or not token:
        raise UnusableToken("without an access token")
    if len(token) > LONGEST_TOKEN:
        raise UnusableToken(f"with an access token of more than {LONGEST_TOKEN} characters")
    if not _CARRIED.fullmatch(token):
        raise UnusableToken(
            "with an access token that holds a line break, a space or another character that no"
            " request can carry"
        )
    return token


def _seconds(value: object) -> float | None:
    """Some servers write the number as text."""
    if value is None:
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UnusableToken("with an expires_in that is not a number of seconds")
    return min(max(0.0, seconds), LONGEST_SECONDS)
