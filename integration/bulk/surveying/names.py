"""What resources and patients are called, as numbers that fit in an index.

Two things that a collection may take for one have the same number here; two that it would keep
apart may have, too: then more is read than is needed, never less.
"""

import zlib
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from mappings.reading.bundles.heads import SHARED, SUBJECT

KINDS = ("", *sorted(SUBJECT), *sorted(SHARED))
CODES = {kind: code for code, kind in enumerate(KINDS)}
_HISTORY = "/_history/"
# Longer strings than any reference are text.
_LONGEST = 2048


def handle(reference: str) -> int:
    """Of whom a reference to a patient may mean: 32 bits of the last part of it, not 0."""
    target = reference.partition(_HISTORY)[0] if _HISTORY in reference else reference
    tail = target[max(target.rfind("/"), target.rfind(":")) + 1 :]
    return handle_of_id(tail)


def handle_of_id(identity: str) -> int:
    return zlib.crc32(identity.encode("utf-8", "surrogatepass")) or 1


def salt(kind: str) -> int:
    """So that an Observation and an Encounter of one id have two numbers."""
    return CODES.get(kind, 0)


def key(kind: str, identity: str) -> int:
    """Of `Type/id`: 32 bits."""
    return zlib.crc32(identity.encode("utf-8", "surrogatepass"), salt(kind))


def name(reference: str) -> int:
    """Of what a reference may mean; that of `Type/id` where it ends so."""
    target = reference.partition(_HISTORY)[0] if _HISTORY in reference else reference
    before, _, identity = target.rpartition("/")
    return key(before.rpartition("/")[2] if before else "", identity)


def exactly(text: str) -> int:
    """Of a name that must not be taken for another: 64 bits, not 0."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) or 1


def named(value: Any) -> Iterator[int]:
    """The numbers of all that JSON may refer to, and of the resources in it."""
    open_ = [value]
    while open_:
        one = open_.pop()
        if isinstance(one, dict):
            kind, identity = one.get("resourceType"), one.get("id")
            if isinstance(kind, str) and isinstance(identity, str):
                yield key(kind, identity)
            said = one.get("reference")
            if isinstance(said, str):
                yield name(said)
            open_ += one.values()
        elif isinstance(one, list):
            open_ += one
        elif isinstance(one, str) and len(one) < _LONGEST and ("/" in one or ":" in one):
            yield name(one)
