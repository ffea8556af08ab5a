"""What resources and patients are called, as numbers that fit in an index.

Two things that a collection may take for one have the same number here; two that it would keep
apart may have, too: then more is read than is needed, never less.

Held by tests/unit/test_bulk_soundness.py.
"""

import zlib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain, repeat
from typing import Any

from msgspec import Struct

from mappings.reading.bundles.heads import SHARED, SUBJECT

KINDS = ("", *sorted(SUBJECT), *sorted(SHARED))
CODES = {kind: code for code, kind in enumerate(KINDS)}
_HISTORY = "/_history/"
# Longer strings than any reference are text.
_LONGEST = 2048


def is_whose(reference: str | None) -> bool:
    """Whether a reference may be to a patient, for all that its form tells."""
    return bool(reference and reference[0] != "#" and ("/" in reference or ":" in reference))


def handle(reference: str) -> int:
    """Of whom a reference to a patient may mean: 32 bits of the last part of it, not 0."""
    target = reference.partition(_HISTORY)[0] if _HISTORY in reference else reference
    tail = target[max(target.rfind("/"), target.rfind(":")) + 1 :]
    return handle_of_id(tail)


def handle_of_id(identity: str) -> int:
    return zlib.crc32(identity.encode("utf-8", "surrogatepass")) or 1


def code(kind: str) -> int:
    """Of a type; 0 of one that is not read."""
    return CODES.get(kind, 0)


def key(kind: str, identity: str) -> int:
    """Of `Type/id`: 32 bits, others for an Observation and an Encounter of one id."""
    return zlib.crc32(identity.encode("utf-8", "surrogatepass"), code(kind))


def keys(kind: str, identities: Iterable[str]) -> Iterator[int]:
    """`key` of many of a type, which are text."""
    return map(zlib.crc32, map(str.encode, identities), repeat(code(kind)))


def name(reference: str) -> int:
    """Of what a reference may mean; that of `Type/id` where it ends so."""
    return key(*_target(reference))


def _typed(reference: str) -> tuple[str, int]:
    kind, identity = _target(reference)
    return kind, key(kind, identity)


def _target(reference: str) -> tuple[str, str]:
    """Type and id; without a type where it names none that is read."""
    target = reference.partition(_HISTORY)[0] if _HISTORY in reference else reference
    before, _, identity = target.rpartition("/")
    kind = before.rpartition("/")[2] if before else ""
    return kind if kind in CODES else "", identity


class Forms(Struct, frozen=True):
    """Of what references can lead anywhere in an export: the types of its resources, and the empty
    one where some are at addresses without a type (`urn:uuid:…`); `words`: where such an address
    may be a word alone."""

    kinds: frozenset[str]
    words: bool = False


def form(address: str) -> Forms:
    """Of the address of a resource."""
    words = "/" not in address and ":" not in address
    return Forms(frozenset([_target(address)[0]]), words)


def together(several: Iterable[Forms]) -> Forms:
    found = list(several)
    kinds = frozenset(chain.from_iterable(one.kinds for one in found))
    return Forms(kinds, any(one.words for one in found))


def of_texts(texts: Iterable[bytes], forms: Forms) -> Iterator[tuple[str, int]]:
    """What in UTF-8 may refer to something: its type, if it says one, and its name."""
    kinds, words = forms.kinds, forms.words
    for text in texts:
        if len(text) >= _LONGEST:
            continue
        if b"/" in text:
            kind, identity = _target(text.decode())
            if kind in kinds:
                yield kind, key(kind, identity)
        elif words or (b":" in text and "" in kinds):
            yield "", zlib.crc32(text)


def exactly(text: str) -> int:
    """Of a name that must not be taken for another: 64 bits, not 0."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) or 1


def named(value: Any) -> Iterator[tuple[str, int]]:
    """All that JSON may refer to, and the resources in it: their types, where they say one, and
    their names."""
    open_ = [value]
    while open_:
        one = open_.pop()
        if isinstance(one, dict):
            kind, identity = one.get("resourceType"), one.get("id")
            if isinstance(kind, str) and isinstance(identity, str):
                yield kind, key(kind, identity)
            said = one.get("reference")
            if isinstance(said, str):
                yield _typed(said)
            open_ += one.values()
        elif isinstance(one, list):
            open_ += one
        elif isinstance(one, str) and len(one) < _LONGEST and ("/" in one or ":" in one):
            yield _typed(one)
