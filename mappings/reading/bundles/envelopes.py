"""A Bundle as text: its entries unopened, where nothing happened to any of them.

Held by tests/unit/test_files.py.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

# Whose entries are more than resources: versions, deletions, answers.
_TOLD = frozenset({"history", "transaction", "batch", "transaction-response", "batch-response"})


class Entry(Struct, frozen=True, gc=False):
    """A resource, and nothing that happened to it."""

    resource: Raw
    fullUrl: str | None = None  # noqa: N815 - as FHIR writes it
    search: Raw | UnsetType = UNSET
    request: None = None
    response: None = None


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
    return None if found.type in _TOLD else found
