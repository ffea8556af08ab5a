"""A Bundle as text: its entries unopened, where nothing happened to any of them."""

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

# Whose entries are more than resources: versions, deletions, answers.
_TOLD = frozenset({"history", "transaction", "batch", "transaction-response", "batch-response"})


class Entry(Struct, frozen=True, gc=False):
    resource: Raw
    fullUrl: str | None = None  # noqa: N815 - as FHIR writes it
    search: Raw | UnsetType = UNSET
    request: Raw | UnsetType = UNSET
    response: Raw | UnsetType = UNSET


class Envelope(Struct, frozen=True):
    """A Bundle of nothing but resources."""

    resourceType: Literal["Bundle"]  # noqa: N815
    entry: list[Entry]
    type: str | None = None
    total: Raw | UnsetType = UNSET
    link: Raw | UnsetType = UNSET


_envelopes = msgspec.json.Decoder(Envelope)


def envelope(text: bytes) -> Envelope | None:
    """The Bundle; None for anything else, or one that tells what happened to a resource."""
    try:
        found = _envelopes.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    if found.type in _TOLD or any(map(_is_told, found.entry)):
        return None
    return found


def _is_told(entry: Entry) -> bool:
    """Whether more than a resource stands there, or none."""
    told = entry.request is not UNSET or entry.response is not UNSET
    return told or bytes(entry.resource) == b"null"
