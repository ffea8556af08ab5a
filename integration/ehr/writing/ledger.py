"""What we know of our own writes: owed, on their way, arrived.

Held by tests/contract/test_ehr_writeback.py.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

# pending: decided, not sent. sent: sent, and the answer not known. confirmed: the server has it.
State = Literal["pending", "sent", "confirmed", "refused"]


@dataclass(frozen=True)
class Entry:
    """The last write of one gap. `digest` is of the canonical DetectedIssue, without id and
    version."""

    state: State
    digest: str
    location: str | None = None  # `DetectedIssue/12`
    version: str | None = None


class Ledger(Protocol):
    """Kept durably by the store."""

    def entries(self, site: str, gaps: list[str]) -> Mapping[str, Entry]:
        """The entries of those gaps that have one."""

    def record(self, site: str, entries: Mapping[str, Entry]) -> None:
        """Replaces the entries of those gaps, all or none. They survive a crash right after it."""

    def answered(self, site: str, entries: Mapping[str, Entry]) -> None:
        """The same of what the server answered. They may be kept later, with what is made of them:
        after a crash before that the gap is `sent`, and looked up."""


class MemoryLedger:
    """For one run of the command line, and for tests."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._lock = threading.Lock()

    def entries(self, site: str, gaps: list[str]) -> dict[str, Entry]:
        with self._lock:
            return {gap: self._entries[site, gap] for gap in gaps if (site, gap) in self._entries}

    def record(self, site: str, entries: Mapping[str, Entry]) -> None:
        with self._lock:
            self._entries.update({(site, gap): entry for gap, entry in entries.items()})

    answered = record
