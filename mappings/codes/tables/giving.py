"""How a dose is given: routes, methods, how often.

Held by tests/scenarios/repeats.yaml.
"""

from functools import cached_property
from itertools import chain

from msgspec import Struct

from mappings.values import words


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """`codes`: a whole code or text; `names`: words in a text."""

    route: str
    codes: tuple[str, ...]
    names: tuple[str, ...]


class DosesADay(Struct, frozen=True, forbid_unknown_fields=True):
    """`once`: of a single dose, not of one each day."""

    a_day: int
    codes: tuple[str, ...]
    once: bool = False


class WordList(Struct, frozen=True, forbid_unknown_fields=True):
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def named_in(self, text: str) -> bool:
        return words.first_of(text, self.names) is not None

    def is_all_of(self, text: str) -> bool:
        """Whether a text has no other words; numbers are none."""
        said = [word for word in words.plain(text).split() if not word.isdigit()]
        return all(word in self.words for word in said)


class NoFrequency(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    codes: tuple[str, ...]

    @cached_property
    def texts(self) -> frozenset[str]:
        """Whole codes and texts, made plain."""
        return frozenset(map(words.plain, self.codes))


class GivingWords(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """How a drug was given and how often it was asked, in the words of charts."""

    routes: tuple[Route, ...]
    methods: WordList
    frequencies: tuple[DosesADay, ...]
    no_frequency: NoFrequency
    names_nothing: WordList
    other_mass: WordList
    counted: WordList
    source: str
    verified: bool

    def routes_of(self, system: str, text: str) -> tuple[str, ...]:
        """The routes that a code or a text names."""
        said = words.plain(text)
        exact = self._by_code.get(f"{system}|{text}") or self._by_code.get(said)
        if exact:
            return (exact,)
        found = (row.route for row in self.routes if words.first_of(text, row.names))
        return tuple(dict.fromkeys(found))

    @cached_property
    def _by_code(self) -> dict[str, str]:
        return words.folded({code: row.route for row in self.routes for code in row.codes})

    @cached_property
    def once(self) -> frozenset[str]:
        """The plain words of a timing's code that ask for a single dose."""
        rows = (row.codes for row in self.frequencies if row.once)
        return frozenset(map(words.plain, chain.from_iterable(rows)))

    @cached_property
    def a_day(self) -> dict[str, int]:
        """Doses a day by the plain words of a timing's code."""
        return {words.plain(code): row.a_day for row in self.frequencies for code in row.codes}
