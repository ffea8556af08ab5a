"""A resource as its text, with what stands at its head: enough to sort it to its patient, to see
that it has the form that the readers expect, and what it is about. Whatever does not fit is opened
at once, and read as it stands (`fhir.decoding`, `fhir.forms`).

Held by tests/unit/test_files.py.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from mappings.reading.fhir.forms import FORMS, OBJECT, SUBSETTED
from mappings.values.words import squeezed

MEDICATIONS = (
    "MedicationAdministration", "MedicationRequest", "MedicationDispense", "MedicationStatement",
)  # fmt: skip
# Where each type that the rules read says whose it is.
SUBJECT = {
    **dict.fromkeys(MEDICATIONS, "subject"),
    "Observation": "subject",
    "DiagnosticReport": "subject",
    "Condition": "subject",
    "Procedure": "subject",
    "Encounter": "subject",
    "DocumentReference": "subject",
    "CarePlan": "subject",
    "AllergyIntolerance": "patient",
    "Claim": "patient",
    "ClaimResponse": "patient",
    "Coverage": "beneficiary",
    "CoverageEligibilityResponse": "patient",
    "RelatedPerson": "patient",
}
_PLACES = {"Location", "Organization", "Practitioner", "PractitionerRole"}
SHARED = frozenset({"Patient", "Medication", "Substance", "Specimen"} | _PLACES)
READ = SHARED | SUBJECT.keys()
# What holds resources, or tells of them.
OPENED = frozenset({"Bundle", "Parameters", "OperationOutcome"})
# By their letters alone.
_KINDS = {squeezed(kind): kind for kind in READ | OPENED}

# What only the careful decoding looks after: U+0000; its own mark, and a byte order mark.
_NUL = rb"\u0000"
_CARE = ("\ufdd0".encode(), codecs.BOM_UTF8)

# What may turn the meaning of a whole resource, wherever it stands in it (`fhir.forms`); JSON lets
# any letter of its name stand as an escape, and few texts escape a letter of ASCII.
_MODIFIER = b'"modifierExtension"'
_ESCAPE = rb"\u00"
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")

_BRACE = ord("{")
# What may hold a dose, or lists doses.
DOSE = b"MedicationAdministration"

Part = Raw | UnsetType


class _Object(Struct, frozen=True, gc=False):
    """Any object: what stands in it is passed over."""


class Reference(Struct, frozen=True, gc=False):
    reference: str | None = None


class Shown(Struct, frozen=True, gc=False):
    """A Reference and what it shows."""

    reference: str | None = None
    display: str | None = None


class Period(Struct, frozen=True, gc=False):
    start: str | None = None
    end: str | None = None


class Coded(Struct, frozen=True, gc=False):
    """A part of a result: what it is about."""

    code: Part = UNSET


class _Tag(Struct, frozen=True, gc=False):
    code: Annotated[str, Meta(pattern=f"^(?!{SUBSETTED}$)")] | None = None


class _Tags(Struct, frozen=True, gc=False):
    """That none of them says that it is a part of a resource."""

    tag: list[_Tag] | _Tag | None = None


class Head(Struct, frozen=True, gc=False, kw_only=True, tag_field="resourceType"):
    """What names a resource, and that nothing modifies it. The head of each type has more to it:
    whose it is, what it is about, as text, and that the rest has a form that is read."""

    kind: ClassVar[str]
    about: ClassVar[Part] = UNSET
    id: str
    contained: Part = UNSET
    meta: _Tags | None = None
    modifierExtension: None = None  # noqa: N815 - as FHIR writes it
    implicitRules: None = None  # noqa: N815


class Other(Struct, frozen=True, gc=False, rename={"kind": "resourceType"}):
    """Any resource."""

    kind: str
    id: str | None = None
    contained: Part = UNSET


_LIST: Any = list[_Object] | _Object | None
_MEDICATION = {"medicationReference": Shown | None, "medication": Part}
# What more the sifting looks at.
_LOOKED_AT: Mapping[str, Mapping[str, Any]] = {
    "Observation": {
        "component": list[Coded] | Coded | None,
        "hasMember": _LIST,
        "result": _LIST,
    },
    "DiagnosticReport": {"result": _LIST},
    "Encounter": {
        "period": Period | None,
        "actualPeriod": Part,
        "partOf": Reference | None,
        "diagnosis": _LIST,
        "reasonReference": _LIST,
        **dict.fromkeys(("reason", "reasonCode", "serviceType", "type"), Part),
    },
    **dict.fromkeys(MEDICATIONS, _MEDICATION),
}
# The element that says what a resource is about.
_ABOUT = {
    "Observation": "code",
    "Condition": "code",
    "Procedure": "code",
    **dict.fromkeys(MEDICATIONS, "medicationCodeableConcept"),
}


def _head_of(kind: str) -> Any:
    forms = FORMS.get(kind, {})
    looked_at = _LOOKED_AT.get(kind, {})
    fields: list[Any] = [(name, form, _field(name, form)) for name, form in looked_at.items()]
    about = _ABOUT.get(kind)
    if about:
        fields.append(("about", Part, _field(about, Part)))
    for name, form in forms.items():
        if name not in looked_at and name != about:
            seen = _Object | None if form is OBJECT else _LIST
            fields.append((f"{name}_", seen, _field(name, seen)))
    if kind in SUBJECT:
        fields.append(("whose", Reference | None, _field(SUBJECT[kind], None)))
    return msgspec.defstruct(
        f"{kind}Head",
        fields,
        bases=(Head,),
        namespace={"kind": kind},
        tag=kind,
        frozen=True,
        gc=False,
        kw_only=True,
    )


def _field(name: str, form: Any) -> Any:
    return field(name=name, default=UNSET if form == Part else None)


_heads: msgspec.json.Decoder[Any] = msgspec.json.Decoder(reduce(or_, map(_head_of, sorted(READ))))
_others = msgspec.json.Decoder(Other)


class Held(Struct, eq=False, gc=False):
    """A resource as text: its Type/id, what stands at its head and in the element that says what it
    is about, the Bundle that it came in (0: none), and what it says once it is opened."""

    key: str
    head: Any
    text: Raw | bytes
    about: bytes
    home: int
    opened: dict[str, Any] | None = None


# Makes one of a text and the number of its Bundle, or leaves it to be opened.
Hold = Callable[[Raw | bytes, int], Held | None]


def is_plain(text: bytes) -> bool:
    """Whether it holds only what every decoding reads alike: text that is text."""
    if b"\\" in text and _NUL in text:
        return False
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return not any(care in text for care in _CARE)


def holder(text: bytes) -> Hold:
    """What holds the resources in a text: `hold`, unless a part of one of them may turn the meaning
    of its whole. That one is opened."""
    return _hold_unmodified if _may_be_modified(text) else hold


def _may_be_modified(text: bytes) -> bool:
    is_escaped = b"\\" in text and _ESCAPE in text
    return _MODIFIER in text or (is_escaped and bool(_ESCAPED_LETTER.search(text)))


def _hold_unmodified(text: Raw | bytes, home: int) -> Held | None:
    return None if _may_be_modified(bytes(text)) else hold(text, home)


def hold(text: Raw | bytes, home: int) -> Held | None:
    """A resource unopened; None where its head has not the form that the readers expect, or it is
    of a type that none of them reads."""
    try:
        head = _heads.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    about = b"" if head.about is UNSET else bytes(head.about)
    if not head.id or (about and about[0] != _BRACE):
        return None
    if head.contained is not UNSET and holds_a_dose(head):
        return None
    return Held(f"{head.kind}/{head.id}", head, text, about, home)


def text_of(part: Part) -> bytes:
    """Empty where there is none."""
    return b"" if part is UNSET else bytes(part)


def holds_a_dose(head: Any) -> bool:
    """Whether one may live inside."""
    return head.contained is not UNSET and DOSE in bytes(head.contained)


def other(text: Raw | bytes) -> Other | None:
    """Type and id of any resource; None where it has no type."""
    try:
        return _others.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


@lru_cache(maxsize=512)
def meant(kind: str) -> str | None:
    """The type that a name means which is written otherwise than FHIR's own."""
    return None if kind in _KINDS.values() else _KINDS.get(squeezed(kind.rpartition("/")[2]))


def concerns_nobody(one: Other | None, text: Raw | bytes) -> bool:
    """Whether it is of a type that none of the readers reads, holds no resource, and tells of no
    dose."""
    if one is None or one.kind in READ | OPENED:
        return False
    if meant(one.kind):
        return False
    return not (holds_a_dose(one) or (one.kind == "List" and DOSE in bytes(text)))
