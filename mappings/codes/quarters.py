"""Calendar quarters, by which prices and codes are published.

Held by tests/unit/test_published_files.py.
"""

import re
from datetime import date


def quarter_of(day: date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3 + 1


def quarter_name(day: date) -> str:
    """2026-11-29 → `2026Q4`."""
    return "{}Q{}".format(*quarter_of(day))


def quarter_start(text: str) -> date | None:
    """`2026Q4` → 2026-10-01; None for what is no quarter."""
    found = re.fullmatch(r"(20\d\d)-?[Qq]([1-4])", text.strip())
    return date(int(found[1]), 3 * int(found[2]) - 2, 1) if found else None


def quarters_between(earlier: date, later: date) -> int:
    (year, quarter), (to_year, to_quarter) = quarter_of(earlier), quarter_of(later)
    return 4 * (to_year - year) + to_quarter - quarter
