"""How many days a fact of the chart counts for a dose.

Held by tests/unit/test_windows.py.
"""

from functools import cached_property
from typing import Literal

from msgspec import Struct

from mappings.codes.tables.dated import Dated

WindowName = Literal[
    "dialysis-treatment",
    "single-order",
    "esa",
    "pregnancy",
    "heart",
    "weight",
    "laboratory",
    "preferred-trial",
    "overridden",
    "ordered-test",
    "safety-told",
]


class ChartWindow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`source`: of the row, where it is not that of the table."""

    window: WindowName
    title: str
    days: int
    source: str | None = None


class WindowTable(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    windows: tuple[ChartWindow, ...]
    source: str
    verified: bool

    @cached_property
    def _days(self) -> dict[str, int]:
        return {row.window: row.days for row in self.windows}

    def days(self, window: WindowName) -> int:
        return self._days[window]

    @cached_property
    def authority(self) -> Dated:
        """On whose word a finding rests that one of them decides."""
        return Dated(source=self.source, verified=self.verified)
