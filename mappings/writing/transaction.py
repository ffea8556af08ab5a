"""FHIR transactions of what leaves.

Held by tests/unit/test_writing_claims.py.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

Resource = dict[str, Any]


def bundle(resources: Sequence[Resource], now: datetime) -> Resource:
    """A transaction that puts each resource where it belongs, however often it is sent."""
    entries = [entry(resource) for resource in resources]
    made: Resource = {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": now.isoformat(timespec="seconds"),
    }
    return made | ({"entry": entries} if entries else {})


def entry(resource: Resource) -> Resource:
    """Of a transaction: puts a resource under its id."""
    return {
        "fullUrl": f"urn:uuid:{UUID(resource['id'])}",
        "resource": resource,
        "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
    }


def present(elements: Resource) -> Resource:
    """Without what FHIR does not write: elements without a value, and empty lists."""
    return {name: value for name, value in elements.items() if value not in (None, [])}


def concept(system: str, code: str) -> Resource:
    """A code alone, as FHIR has it."""
    return {"coding": [{"system": system, "code": code}]}
