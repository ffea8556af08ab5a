"""How long something took, in days, as people are told: once for pages and reports.

Held by tests/unit/test_figures.py.
"""

# First and last day of each span; the last has no end.
DAYS: tuple[tuple[int, int | None], ...] = ((0, 2), (3, 7), (8, 14), (15, 30), (31, None))


def span_name(low: int, high: int | None) -> str:
    return f"more than {low - 1} days" if high is None else f"{low} to {high} days"


def is_within(days: int, low: int, high: int | None) -> bool:
    return low <= days and (high is None or days <= high)
