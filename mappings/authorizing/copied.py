"""Resources of a chart as they go to a payer: what they say, and nothing that leads elsewhere.

Held by tests/unit/test_authorization_requests.py.
"""

from collections.abc import Callable

from mappings.writing.transaction import Resource

# A resource of a chart by Type/id.
Chart = Callable[[str], Resource | None]

# What a payer needs of each, and no more (45 CFR 164.502(b), minimum necessary).
_SHARED = {
    "Observation": (
        "status", "category", "code", "effectiveDateTime", "effectivePeriod", "effectiveInstant",
        "valueQuantity", "valueString", "valueCodeableConcept", "valueRange", "valueInteger",
        "dataAbsentReason", "interpretation", "referenceRange",
    ),
    "MedicationRequest": (
        "status", "intent", "medicationCodeableConcept", "authoredOn", "dosageInstruction",
    ),
}  # fmt: skip


def copied(original: Resource, identity: str) -> Resource | None:
    """Under another id; None of a type that is not shared."""
    shared = _SHARED.get(original["resourceType"])
    if shared is None:
        return None
    said = {name: original[name] for name in shared if name in original}
    return {"resourceType": original["resourceType"], "id": identity, **said}
