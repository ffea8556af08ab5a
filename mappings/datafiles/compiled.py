"""Data files that were read and found right, kept by their content in a form that is decoded at
once: MessagePack, held against its type again, behind its SHA-256.

Nothing is kept unless a program names a place (`keep_in`) that lasts from one run to the next and
belongs to one version of it.

Held by tests/unit/test_compiled.py.
"""

import hashlib
from typing import Any, Protocol, TypeVar

import msgspec

T = TypeVar("T")


class Keeper(Protocol):
    """Bytes by name. Nothing in it is missed: what is not there, or can't be kept, is made anew."""

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, data: bytes) -> None: ...


class _Nowhere:
    def get(self, name: str) -> None: ...

    def put(self, name: str, data: bytes) -> None: ...


_place: Keeper = _Nowhere()


def keep_in(place: Keeper) -> None:
    """From now on."""
    global _place  # noqa: PLW0603 - a program says it once, as it starts
    _place = place


def key_of(text: str, form: Any, rests_on: bytes) -> str:
    """The name of what TEXT says, read as FORM and checked against what it rests on."""
    parts = (repr(form).encode(), rests_on, text.encode(errors="surrogatepass"))
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def get(key: str, form: type[T]) -> T | None:
    """What was kept; None where it was not, or is not as it was."""
    said = _place.get(key) or b""
    if said[:32] != hashlib.sha256(said[32:]).digest():
        return None
    try:
        return msgspec.msgpack.decode(said[32:], type=form)
    except msgspec.DecodeError:
        return None


def keep(key: str, value: T, form: type[T]) -> None:
    """Unless it would come back as something else."""
    data = msgspec.msgpack.encode(value)
    if msgspec.msgpack.decode(data, type=form) == value:
        _place.put(key, hashlib.sha256(data).digest() + data)
