"""Which documents are progress, consult or history-and-physical notes.

Held by tests/scenarios/orders_notes.yaml.
"""

from functools import cached_property
from itertools import product

from msgspec import Struct

from mappings.values import words


class NoteTypes(Struct, frozen=True, dict=True, kw_only=True, forbid_unknown_fields=True):
    """`names`: whole texts, with one of `before` in front of them or not. `of_any_kind`: codes that
    do not say which."""

    loinc: tuple[str, ...]
    of_any_kind: tuple[str, ...] = ()
    names: tuple[str, ...]
    before: tuple[str, ...]
    source: str
    verified: bool

    def has_name(self, text: str) -> bool:
        return words.plain(text) in self._texts

    @cached_property
    def _texts(self) -> frozenset[str]:
        pairs = product(("", *self.before), self.names)
        return frozenset(words.plain(f"{before} {name}") for before, name in pairs)
