"""A resource as its text, with what stands at its head: enough to sort it to its patient, and to
see that it has the form that the readers expect. Whatever does not fit is opened at once, and read
as it stands (`fhir.decoding`, `fhir.forms`)."""

import codecs
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

# What only the careful decoding looks after: U+0000; its own mark, and a byte order mark.
_NUL = rb"\u0000"
_CARE = ("\ufdd0".encode(), codecs.BOM_UTF8)

Part = Raw | UnsetType


class _Object(Struct, frozen=True, gc=False):
    """Any object: what stands in it is passed over."""


_Objects = list[_Object] | _Object | None


class Reference(Struct, frozen=True, gc=False):
    reference: str | None = None


class Head(Struct, frozen=True, gc=False, rename={"kind": "resourceType", "class_": "class"}):
    """What names a resource and its patient; of the rest where it stands, and that it has a form
    that is read. An element that one type has as an object and another as a list may be both."""

    kind: str
    id: str
    subject: Reference | None = None
    patient: Reference | None = None
    beneficiary: Reference | None = None
    code: Part = UNSET
    medicationCodeableConcept: Part = UNSET  # noqa: N815 - as FHIR writes it
    medicationReference: Part = UNSET  # noqa: N815
    medication: Part = UNSET
    contained: Part = UNSET
    component: Part = UNSET
    hasMember: Part = UNSET  # noqa: N815
    modifierExtension: Part = UNSET  # noqa: N815
    type: Part = UNSET
    dosage: _Objects = None
    dosageInstruction: _Objects = None  # noqa: N815
    context: _Object | None = None
    request: _Object | None = None
    effectivePeriod: _Object | None = None  # noqa: N815
    period: _Object | None = None
    location: _Objects = None
    diagnosis: _Objects = None
    note: _Objects = None
    identifier: _Objects = None
    extension: _Objects = None
    partOf: _Objects = None  # noqa: N815
    payor: _Objects = None
    class_: _Objects = None
    ingredient: _Objects = None


_heads = msgspec.json.Decoder(Head)


class Held:
    """A resource as text, and what it says once it is opened; then HOMES is told in which Bundle it
    came."""

    __slots__ = ("head", "home", "homes", "key", "opened", "text")

    def __init__(self, text: Raw | bytes, head: Head, home: int, homes: dict[int, int]) -> None:
        self.text, self.head, self.home, self.homes = text, head, home, homes
        self.key = f"{head.kind}/{head.id}"
        self.opened: dict[str, Any] | None = None


def is_plain(text: bytes) -> bool:
    """Whether it holds only what every decoding reads alike: text that is text."""
    if _NUL in text:
        return False
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return not any(care in text for care in _CARE)


def head(text: Raw | bytes) -> Head | None:
    """The head of a resource; None where it has another form, or names no resource."""
    try:
        found = _heads.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if found.id else None


def is_object(part: Part) -> bool:
    """Whether an element is absent or an object."""
    return part is UNSET or memoryview(part)[0] == _OBJECT


_OBJECT = ord("{")


def is_in_form(head: Head) -> bool:
    """Whether `form_problem` finds none, as far as the head of an unopened resource tells."""
    return (
        head.modifierExtension is UNSET
        and head.component is UNSET
        and head.hasMember is UNSET
        and is_object(head.code)
        and is_object(head.medicationCodeableConcept)
        and is_object(head.medicationReference)
        and (head.kind != "Coverage" or is_object(head.type))
    )
