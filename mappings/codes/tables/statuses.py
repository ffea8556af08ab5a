"""What statuses mean, by element.

Held by tests/scenarios/statuses.yaml.
"""

from functools import cached_property

from msgspec import Struct

from mappings.values.words import squeezed


class StatusWords(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """What the statuses of an element mean. `systems`: its own code systems, the last part of their
    address. `words`: by meaning, the other words and `system|code` for it."""

    element: str
    systems: tuple[str, ...]
    words: dict[str, tuple[str, ...]]

    @cached_property
    def meanings(self) -> dict[str, str]:
        """By word without spaces and punctuation, or by `system|code`."""
        found: dict[str, str] = {}
        for meaning, others in self.words.items():
            for word in (meaning, *others):
                found[word if "|" in word else squeezed(word)] = meaning
        return found


class StatusTable(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    elements: tuple[StatusWords, ...]
