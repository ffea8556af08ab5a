"""Names compared as whole words, case and punctuation aside.

Held by tests/unit/test_coverages.py.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

# Fullwidth forms of ASCII (U+FF01 to U+FF5E).
_WIDE = {0xFF01 + place: 0x21 + place for place in range(94)}
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Lower case, single spaces, no punctuation, no accents, a space at each end: `contains` needs
    only `in`."""
    said = text if text.isascii() else _bare(text)
    return f" {_NOT_WORD.sub(' ', said.lower()).strip()} "


def _bare(text: str) -> str:
    """Without accents, and what nobody sees: soft hyphens, spaces of no width; wide letters as
    others."""
    apart = unicodedata.normalize("NFD", text.translate(_WIDE))
    return "".join(letter for letter in apart if unicodedata.category(letter) not in ("Mn", "Cf"))


def squeezed(text: str) -> str:
    """Letters and digits alone: `in-progress`, `inProgress` and `In progress` are one word."""
    return plain(text).replace(" ", "")


def within(text: str) -> str:
    """A text that begins a sentence, as it stands within one: `transferrin saturation`, but `NDC …`
    and `J1756 …` as they are."""
    goes_on_as_code = text[1:2].isupper() or text[1:2].isdigit()
    return text if goes_on_as_code else text[:1].lower() + text[1:]


def contains(text: str, name: str) -> bool:
    """Whether `name` stands in `text` as whole words."""
    return plain(name) in plain(text)


def begins(text: str, names: Iterable[str]) -> bool:
    """Whether `text` begins with one of `names`, as whole words."""
    return plain(text).startswith(tuple(map(plain, names)))


def is_one_of(text: str, names: Iterable[str]) -> bool:
    """Whether `text` is one of `names`, and nothing else."""
    return plain(text) in set(map(plain, names))


def apart(text: str, names: Iterable[str]) -> list[str]:
    """The `names` that stand in `text`, without those that are part of an earlier one or lie across
    it."""
    said, found = plain(text), []
    for name in names:
        if plain(name) in said:
            found.append(name)
            said = said.replace(plain(name), " | ")
    return found


@lru_cache(maxsize=8192)
def first_of(text: str, names: tuple[str, ...]) -> str | None:
    """The first of `names` that stands in `text`."""
    said = plain(text)
    return next((name for name in names if plain(name) in said), None)


def folded(aliases: Mapping[str, str]) -> dict[str, str]:
    """Aliases with their texts made plain, so that they compare as texts do (`system|code` keys
    stay as they are)."""
    return {key if "|" in key else plain(key): value for key, value in aliases.items()}
