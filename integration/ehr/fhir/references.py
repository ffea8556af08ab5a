"""Where a resource points: to its patient, to what a rule needs besides it, and how new it is.

Held by tests/unit/test_forms.py.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from integration.ehr.fhir.answers import Json
from integration.errors import ConfigurationError
from mappings.reading.bundles.heads import SUBJECT
from mappings.reading.fhir import elements

Bases = tuple[str, ...]
WHOSE = {**SUBJECT, "DetectedIssue": "patient", "Task": "for", "Communication": "subject"}
# The references that R12 follows.
FOLLOWED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "MedicationAdministration": (
        ("medicationReference",), ("context",), ("request",), ("reasonReference",),
    ),
    "MedicationRequest": (("medicationReference",), ("reasonReference",)),
    "MedicationDispense": (("medicationReference",),),
    "MedicationStatement": (("medicationReference",),),
    "Medication": (("ingredient", "itemReference"),),
    "Encounter": (("location", "location"), ("serviceProvider",), ("partOf",)),
    "Location": (("partOf",),),
    "Coverage": (("payor",),),
    "DiagnosticReport": (("result",),),
    "Observation": (("hasMember",),),
}  # fmt: skip
READABLE = frozenset({"Condition", "Encounter", "Location", "Medication", "MedicationRequest",
    "Observation",
                      "Organization", "Substance"})  # fmt: skip
_SERVER = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://[A-Za-z0-9.\-:\[\]]+")
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]+)?")


def subject(resource: Json, bases: Bases) -> str | None:
    """`Patient/p1`; the empty text where it should name a patient and does not; None for what
    belongs to nobody."""
    place = WHOSE.get(resource["resourceType"])
    if place is None:
        return None
    said = resource.get(place)
    named = said if isinstance(said, list) else [said]
    for reference in named:
        key = local(reference, bases)
        if key:
            return key
    return ""


def server_named(resource: Json) -> str | None:
    """The server of which RESOURCE names a patient, where it writes its address out."""
    return _server(resource.get(WHOSE.get(resource["resourceType"], "")))


def _server(reference: object) -> str | None:
    text = reference.get("reference") if isinstance(reference, dict) else None
    return server_of(text) if isinstance(text, str) else None


def server_of(address: str) -> str | None:
    """`https://ehr.example.org` of an address there."""
    found = _SERVER.match(address)
    return found[0] if found else None


def needed(resource: Json, bases: Bases) -> Iterator[str]:
    """`Medication/m1` and the like: what the rules follow from here and the same server holds; the
    whole address of what another does."""
    for path in FOLLOWED.get(resource["resourceType"], ()):
        for reference in at(resource, path) if path[0] in resource else ():
            key = local(reference, bases)
            if key and key.split("/")[0] in READABLE:
                yield key
            elif not key and _server(reference):
                yield reference["reference"]


def local(reference: object, bases: Bases) -> str | None:
    """`Type/id` of a reference into this server; None for contained, logical and foreign ones."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    return _key(text, bases) if isinstance(text, str) else None


@lru_cache(maxsize=1024)
def _key(text: str, bases: Bases) -> str | None:
    """A chart names its patient in every resource."""
    found = _RELATIVE.fullmatch(under(text, bases))
    return f"{found[1]}/{found[2]}" if found else None


def under(address: str, bases: Bases) -> str:
    """ADDRESS without the one of BASES that it begins with: `Site.addresses`."""
    for base in bases:
        if address.startswith(base) and address[len(base) : len(base) + 1] == "/":
            return address[len(base) + 1 :]
    return address


def age(resource: Json) -> tuple[tuple[datetime, ...], int]:
    """Orders resources by when they were stored, then by number."""
    meta = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    number = str(meta.get("versionId", ""))
    stored = elements.moment(meta.get("lastUpdated"))
    return stored.order if stored else (), int(number) if number.isdecimal() else 0


def at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Everything at PATH, through lists."""
    if isinstance(value, list):
        for item in value:
            yield from at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from at(value[path[0]], path[1:])


FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def patient_id(text: str) -> str:
    """`p1` of `p1` or `Patient/p1`."""
    identity = text.removeprefix("Patient/")
    if not FHIR_ID.fullmatch(identity):
        raise ConfigurationError(
            "A patient is named by the FHIR id: letters, digits, hyphens and dots, at most 64."
        )
    return identity
