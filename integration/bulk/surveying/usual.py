"""Lines of one type in the form that an export usually has, read in whole columns: most of any
export. Whatever differs in the least is for `survey`, which reads it by itself.

Held by tests/unit/test_bulk_survey.py.
"""

from array import array
from contextlib import suppress
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct, defstruct, field

from integration.bulk.surveying import names
from mappings.reading.bundles.heads import DOSE, OPENED, SHARED, SUBJECT, meant
from mappings.reading.sifting.screening import NAMING

ADMINISTRATION, PATIENT = "MedicationAdministration", "Patient"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Types of which an export has few, or that hold others, or name doses.
_OTHERWISE = SHARED - {PATIENT} | OPENED | {"List"}
_ABSENT = Raw(b"")
_DRUG = attrgetter(*NAMING)
_INSIDE = NAMING.index("contained")
# Between the texts of what names a drug: it is in no JSON.
BETWEEN = b"\0"


class _Whose(Struct, frozen=True, gc=False):
    reference: str


class Columns(NamedTuple):
    """Of consecutive lines what the index has of each; of administrations the texts of what names
    a drug, joined."""

    names: array
    owners: array
    drugs: list[bytes]


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
    is_odd = kind in _OTHERWISE or not kind.isalpha() or meant(kind)
    found = [] if is_odd else _decoded(kind, lines)
    if not found:
        return None
    if kind not in names.CODES:
        nothing = array("I", [0]) * len(found)
        return Columns(nothing, nothing, [])
    identities = [line.id for line in found]
    if not all(identities) or not _is_clean("".join(identities)):
        return None
    numbers = array("I", names.keys(kind, identities))
    if kind == PATIENT:
        if any(line.link is not _ABSENT for line in found):
            return None
        own = array("I", map(names.handle_of_id, identities))
        return Columns(numbers, own, [])
    try:
        own = array("I", map(owners.__getitem__, [line.whose.reference for line in found]))
    except ValueError:
        return None
    drugs = list(map(BETWEEN.join, map(_DRUG, found))) if kind == ADMINISTRATION else []
    if any(DOSE in drug.split(BETWEEN)[_INSIDE] for drug in set(drugs)):
        return None
    return Columns(numbers, own, drugs)


def _decoded(kind: str, lines: list[bytes]) -> list[Any]:
    """As far as all have the form."""
    found: list[Any] = []
    with suppress(*UNREADABLE):
        found.extend(map(_decoder(kind).decode, lines))
    return found


def _is_clean(text: str) -> bool:
    return text.isascii() and "\0" not in text


@lru_cache(256)
def _decoder(kind: str) -> msgspec.json.Decoder[Any]:
    """What tells a type and whose it is must be there, so that no other line is taken for one (the
    tag of a Struct need not), and where nothing may live inside nothing does."""
    fields: list[Any] = [("kind", Literal[kind], field(name="resourceType")), ("id", str)]
    if kind in SUBJECT:
        fields.append(("whose", _Whose, field(name=SUBJECT[kind])))
    if kind == PATIENT:
        fields.append(("link", Raw, _ABSENT))
    if kind == ADMINISTRATION:
        fields += [(name, Raw, _ABSENT) for name in NAMING]
    else:
        fields.append(("contained", None, None))
    return msgspec.json.Decoder(defstruct("Line", fields, frozen=True, gc=False))
