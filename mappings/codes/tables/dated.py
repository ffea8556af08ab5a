"""What holds for some days only, and what goes by names.

Held by tests/unit/test_own_codes.py.
"""

from datetime import date

from msgspec import Struct

from mappings.values import words


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
