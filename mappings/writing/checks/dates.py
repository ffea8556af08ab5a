"""Dates of segments: D8 and RD8.

Held by tests/unit/test_envelopes.py.
"""

from datetime import date


def day(text: str) -> date | None:
    """CCYYMMDD; None where it is not a date."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def span(form: str, text: str) -> tuple[date, date] | None:
    """First and last day of D8 or RD8; None where they are none, or end before they begin."""
    first, _, last = text.partition("-")
    start = day(first)
    of_one_day = None if last else start
    end = day(last) if form == "RD8" else of_one_day
    if start is None or end is None or end < start:
        return None
    return start, end
