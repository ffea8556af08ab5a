"""Lines of one type in the form that an export usually has, read in whole columns: most of any
export. Whatever differs in the least is for `survey`, which reads it by itself.

Held by tests/unit/test_bulk_survey.py.
"""

import zlib
from array import array
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct, defstruct

from integration.bulk.surveying import names
from mappings.reading.bundles.heads import DOSE, OPENED, SHARED, SUBJECT
from mappings.reading.sifting.screening import NAMING

ADMINISTRATION = "MedicationAdministration"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Types of which an export has few, or that hold others, or name doses.
_OTHERWISE = SHARED | OPENED | {"List"}
_ABSENT = Raw(b"")
_WHOSE = {kind: attrgetter(f"{element}.reference") for kind, element in SUBJECT.items()}
_IDENTITY, _DRUG = attrgetter("id"), attrgetter(*NAMING)
_INSIDE = NAMING.index("contained")


class _Whose(Struct, frozen=True, gc=False):
    reference: str


class Columns(NamedTuple):
    """Of consecutive lines what the index has of each; of administrations the texts of what names
    a drug."""

    names: array
    owners: array
    drugs: list[tuple[bytes, ...]]


class Owners(dict[str, int]):
    """The number of whom a reference means; ValueError for a reference that is not like others."""

    def __missing__(self, reference: str) -> int:
        if not names.is_whose(reference) or not _is_clean(reference):
            raise ValueError("no usual reference")
        number = self[reference] = names.handle(reference)
        return number


def columns(kind: str, lines: list[bytes], owners: Owners) -> Columns | None:
    """Of those at the front of LINES that have all the usual form of a type; None if none has, or
    if the type has none."""
    if kind in _OTHERWISE or not kind.isalpha():
        return None
    decoder, found = _decoder(kind), list[Any]()
    try:
        found.extend(map(decoder.decode, lines))
    except UNREADABLE:
        lines = lines[: len(found)]
    if not found or len(lines) != len(found):
        return None
    if kind not in SUBJECT:
        nothing = array("I", [0]) * len(found)
        return Columns(nothing, nothing, [])
    identities = list(map(_IDENTITY, found))
    if not all(identities) or not _is_clean("".join(identities)):
        return None
    try:
        whose = array("I", map(owners.__getitem__, map(_WHOSE[kind], found)))
    except ValueError:
        return None
    numbers = map(zlib.crc32, map(str.encode, identities), repeat(names.code(kind)))
    drugs = [tuple(map(bytes, _DRUG(given))) for given in found] if kind == ADMINISTRATION else []
    if any(DOSE in words[_INSIDE] for words in set(drugs)):
        return None
    return Columns(array("I", numbers), whose, drugs)


def _is_clean(text: str) -> bool:
    return text.isascii() and "\0" not in text


@lru_cache(256)
def _decoder(kind: str) -> msgspec.json.Decoder[Any]:
    """All of its fields but the drug's are required, so that no other line is taken for one, and
    where nothing may live inside nothing does."""
    fields: list[Any] = [("kind", Literal[kind]), ("id", str)]
    if kind in SUBJECT:
        fields.append((SUBJECT[kind], _Whose))
    if kind == ADMINISTRATION:
        fields += [(name, Raw, _ABSENT) for name in NAMING]
    else:
        fields.append(("contained", None, None))
    form = defstruct("Line", fields, frozen=True, gc=False, rename={"kind": "resourceType"})
    return msgspec.json.Decoder(form)
