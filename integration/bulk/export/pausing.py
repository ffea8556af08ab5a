"""How long is waited before a server is asked again: as it says, else longer each time.

Held by tests/contract/export/test_export_files.py.
"""

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from threading import Event

from msgspec import Struct, structs

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
LEAST_SECONDS = 0.5
MOST_SECONDS = 3600.0  # of a server that says how long


class Pause(Struct, frozen=True):
    """`most`: never longer than that, whatever is said. `sleep`: how, where not as usual."""

    sleep: Callable[[float], object] | None = None
    now: Callable[[], float] = time.time
    most: float = MOST_SECONDS

    def until(self, stop: Event) -> "Pause":
        """The same, which STOP ends at once."""
        return self if self.sleep else structs.replace(self, sleep=stop.wait)

    def before(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Waits before attempt number ATTEMPT + 1, by Retry-After where there is one (seconds or
        a date). Returns the seconds."""
        said = self._said(headers.get("Retry-After"))
        usual = min(FIRST_SECONDS * 2 ** min(attempt, 10), LONGEST_SECONDS)
        seconds = min(usual if said is None else max(said, LEAST_SECONDS), self.most)
        (self.sleep or time.sleep)(seconds)
        return seconds

    def _said(self, text: str | None) -> float | None:
        if not text:
            return None
        if text.strip().isdecimal():
            return float(text)
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - self.now())
        except ValueError:
            return None
