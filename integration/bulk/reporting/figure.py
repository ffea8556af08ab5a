"""What every figure of a report is: a table, and the bars drawn from it.

Held by tests/unit/test_bulk_reports.py.
"""

from msgspec import Struct

# Of a table with many names, so many are drawn; the page says how many are not.
MOST = 25


class Bar(Struct, frozen=True):
    """`parts`: name and size of each piece, of which `whole` is the sum."""

    label: str
    parts: tuple[tuple[str, float], ...]
    says: str


class Figure(Struct, frozen=True):
    """`rows` are the table behind the bars."""

    name: str
    title: str
    says: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...]

    @property
    def largest(self) -> float:
        return max((sum(size for _, size in bar.parts) for bar in self.bars), default=0) or 1
