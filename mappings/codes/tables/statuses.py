"""What statuses mean, by element."""

from functools import cached_property

from msgspec import Struct

from mappings.values import words


class StatusWords(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """What the statuses of an element mean. `systems`: its own code systems, the last part of their
    address. `words`: by meaning, the other words and `system|code` for it."""

    element: str
    systems: tuple[str, ...]
    words: dict[str, tuple[str, ...]]

    @cached_property
    def meanings(self) -> dict[str, str]:
        """By word without spaces and punctuation, or by `system|code`."""
        rows = [(meaning, meaning) for meaning in self.words]
        rows += [(word, meaning) for meaning, others in self.words.items() for word in others]
        return {
            word if "|" in word else words.plain(word).replace(" ", ""): meaning
            for word, meaning in rows
        }


class StatusTable(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    elements: tuple[StatusWords, ...]
