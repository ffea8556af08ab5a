"""Turns at EHRs, for requests of people and of order entries: one that is slow must not keep the
threads that all others need.

Held by tests/contract/test_slow_and_many.py.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from integration.errors import Unreachable

MOST = 24  # of the 40 threads that a process answers with
OF_ONE_SITE = 12
PATIENCE_SECONDS = 3.0

_all = threading.BoundedSemaphore(MOST)
_of_site: dict[str, threading.BoundedSemaphore] = defaultdict(
    lambda: threading.BoundedSemaphore(OF_ONE_SITE)
)


@contextmanager
def turn(site: str) -> Iterator[None]:
    """While one chart of SITE is read; `Unreachable` where too many are being read already."""
    with ExitStack() as held:
        for some in (_of_site[site], _all):
            if not some.acquire(timeout=PATIENCE_SECONDS):
                raise Unreachable(
                    site,
                    "as many charts are being read as may be at once",
                    "Try again in a moment; where that stays so, see how fast the EHR answers",
                )
            held.callback(some.release)
        yield
