"""What holds for some days only, and what goes by names.

Held by tests/unit/test_own_codes.py.
"""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from mappings.values import words

# Earlier than any dose on record, and later: days next to these must still be of the calendar.
FIRST_DAY, LAST_DAY = date(1965, 1, 1), date(2099, 12, 31)


class Dated(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to"},
):
    """Something that holds from-to, both days included."""

    start: date | None = None
    end: date | None = None
    source: str = ""
    verified: bool = True

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def meets(self, start: date | None, end: date | None) -> bool:
        """Whether it holds on a day from START to END."""
        begins = (self.start or date.min) <= (end or date.max)
        return begins and (start or date.min) <= (self.end or date.max)

    def refused(self) -> Iterator[tuple[str, str]]:
        """What can't be of its days, by the name that they have in a file."""
        if self.start and self.end and self.end < self.start:
            yield "to", f"it ends ({self.end}) before it begins ({self.start})"
        for name, day in (("from", self.start), ("to", self.end)):
            if day and day < FIRST_DAY:
                yield name, f"{day} is before any dose on record: correct the year"
        if self.start and self.start > LAST_DAY:
            yield "from", f"{self.start} is after any dose on record: correct the year"


class Names(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole words that say one thing, in texts and notes; within a phrase of `but_not` they
    don't."""

    names: tuple[str, ...]
    but_not: tuple[str, ...] = ()
    source: str
    verified: bool

    def named_in(self, text: str) -> bool:
        for phrase in self.but_not:
            text = words.plain(text).replace(words.plain(phrase), "  ")
        return words.first_of(text, self.names) is not None
