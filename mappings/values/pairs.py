"""Pairs among many, each told once.

Held by tests/unit/test_repeats.py.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Told(Generic[T]):
    """Of which of ENTRIES it was told that they belong together: doses of one day are close to each
    other in as many ways as they are."""

    def __init__(self, entries: Sequence[T]) -> None:
        self._entries = entries
        self._place = {id(entry): place for place, entry in enumerate(entries)}
        # Of each the places of those with which it was told, as the bits of a number.
        self._told = [0] * len(entries)

    def pairs(self, together: Sequence[T]) -> Iterator[tuple[T, T]]:
        """Those of which it was not, in the order of the entries."""
        places = [self._place[id(entry)] for entry in together]
        left = sum(1 << place for place in places)
        for place in places:
            left &= ~(1 << place)
            new = left & ~self._told[place]
            self._told[place] |= left
            while new:
                lowest = new & -new
                new ^= lowest
                yield self._entries[place], self._entries[lowest.bit_length() - 1]
