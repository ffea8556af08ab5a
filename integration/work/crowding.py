"""Which sites keep the hands of this process: one whose EHR hangs must leave some to the others.

Held by tests/contract/test_workflow.py.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

LONG_SECONDS = 20.0  # of a job: most are done within one


class Crowding:
    """Threads share one. HANDS: how many jobs are done at once."""

    def __init__(self, hands: int) -> None:
        self._most = max(1, hands // 2)
        self._lock = threading.Lock()
        self._begun: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def at(self, site: str | None) -> Iterator[None]:
        """While a job of SITE is being done."""
        begun = self._begun[site or ""]
        now = time.monotonic()
        with self._lock:
            begun.append(now)
        try:
            yield
        finally:
            with self._lock:
                begun.remove(now)

    def keeps_hands(self, site: str | None) -> bool:
        """Whether half of all hands are at SITE, and have been for long."""
        before = time.monotonic() - LONG_SECONDS
        with self._lock:
            return sum(begun < before for begun in self._begun[site or ""]) >= self._most
