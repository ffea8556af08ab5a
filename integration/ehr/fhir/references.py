"""Where a resource points: to its patient, to what a rule needs besides it, and how new it is.

Held by tests/unit/test_forms.py.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from integration.ehr.fhir.answers import Json
from integration.errors import ConfigurationError
from mappings.reading.bundles.heads import SUBJECT
from mappings.reading.fhir import elements

WHOSE = {**SUBJECT, "DetectedIssue": "patient", "Task": "for", "Communication": "subject"}
# The references that R12 follows.
FOLLOWED = {
    "MedicationAdministration": ("medicationReference", "context", "request", "reasonReference"),
    "MedicationRequest": ("medicationReference", "reasonReference"),
    "MedicationDispense": ("medicationReference",),
    "MedicationStatement": ("medicationReference",),
    "Medication": ("ingredient.itemReference",),
    "Encounter": ("location.location", "serviceProvider", "partOf"),
    "Location": ("partOf",),
    "Coverage": ("payor",),
    "DiagnosticReport": ("result",),
    "Observation": ("hasMember",),
}
READABLE = frozenset({"Condition", "Encounter", "Location", "Medication", "MedicationRequest",
    "Observation",
                      "Organization", "Substance"})  # fmt: skip
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]+)?")


def subject(resource: Json, base_url: str) -> str | None:
    """`Patient/p1`; the empty text where it should name a patient and does not; None for what
    belongs to nobody."""
    place = WHOSE.get(resource["resourceType"])
    if place is None:
        return None
    said = resource.get(place)
    named = said if isinstance(said, list) else [said]
    return next((key for reference in named if (key := local(reference, base_url))), "")


def needed(resource: Json, base_url: str) -> Iterator[str]:
    """`Medication/m1` and the like: what the rules follow from here and the same server holds."""
    for path in FOLLOWED.get(resource["resourceType"], ()):
        for reference in at(resource, tuple(path.split("."))):
            key = local(reference, base_url)
            if key and key.split("/")[0] in READABLE:
                yield key


def local(reference: object, base_url: str) -> str | None:
    """`Type/id` of a reference into this server; None for contained, logical and foreign ones."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str):
        return None
    found = _RELATIVE.fullmatch(text.removeprefix(base_url + "/"))
    return f"{found[1]}/{found[2]}" if found else None


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
