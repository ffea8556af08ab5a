"""The id of a resource: its own, or that in the address of its entry. A result without either is
kept, so that it is told; it proves nothing, since nobody could look it up.

Held by tests/unit/test_naming.py.
"""

import re

import msgspec

from mappings.reading.fhir.elements import Resource
from mappings.values.identity import stable_id

# What is said of such a resource, behind its type.
WITHOUT_ID = "without an id"
_NOBODYS = "without-id."
_RESULTS = ("Observation", "DiagnosticReport")
_UUID = "urn:uuid:"
_ADDRESS = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]+)?/?")


def is_named(resource: Resource) -> bool:
    """Whether it has an id."""
    return isinstance(resource.get("id"), str) and bool(resource["id"])


def named(resource: Resource, full_url: str | None) -> Resource:
    """With the id that its entry gives it, where it has none of its own."""
    if resource.get("id") is not None or not full_url:
        return resource
    identity = _of_address(resource["resourceType"], full_url)
    return type(resource)({**resource, "id": identity}) if identity else resource


def _of_address(kind: str, full_url: str) -> str | None:
    if full_url.startswith(_UUID):
        return full_url.removeprefix(_UUID) or None
    parts = re.split(r"/(?=[A-Z])", full_url)
    found = _ADDRESS.fullmatch(parts[-1])
    return found[2] if len(parts) > 1 and found and found[1] == kind else None


def kept_apart(resource: Resource) -> Resource | None:
    """Somebody's result without an id under a mark of ours; None of anything else."""
    if resource["resourceType"] not in _RESULTS or not resource.get("subject"):
        return None
    said = msgspec.json.encode(resource, order="deterministic").decode()
    return type(resource)({**resource, "id": f"{_NOBODYS}{stable_id('without id', said)[:12]}"})


def is_kept_apart(resource: Resource) -> bool:
    return str(resource.get("id")).startswith(_NOBODYS)
