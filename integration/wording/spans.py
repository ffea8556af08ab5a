"""How long something took, in days, as people are told: once for pages and reports.

Held by tests/unit/test_figures.py.
"""

from collections.abc import Collection

# First and last day of each span; the last has no end.
_DAYS: tuple[tuple[int, int | None], ...] = ((0, 2), (3, 7), (8, 14), (15, 30), (31, None))


def counted(days: Collection[int]) -> list[tuple[str, int]]:
    """How many of DAYS are in each span."""
    return [
        (_named(low, high), sum(low <= day and (high is None or day <= high) for day in days))
        for low, high in _DAYS
    ]


def _named(low: int, high: int | None) -> str:
    return f"more than {low - 1} days" if high is None else f"{low} to {high} days"
