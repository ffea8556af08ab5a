"""The types of a chart's resources: what each settles, and which we want to be told of. What SMART
scopes are asked for stands in `integration.ehr.scopes`.

Held by tests/unit/test_resource_types.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceType:
    """`what_for`: what of a chart it settles. A change of it wakes us (R12); what we write
    ourselves never does. `subscribed`: with a subscription little is missed that the daily look at
    open records does not find. `every_line`: without it no line can become ready."""

    name: str
    what_for: str
    subscribed: bool = False
    every_line: bool = False


RESOURCE_TYPES = (
    ResourceType("MedicationAdministration", "the doses", subscribed=True, every_line=True),
    ResourceType("MedicationRequest", "the treatment plan", subscribed=True, every_line=True),
    ResourceType("MedicationDispense", "the containers that were opened"),
    ResourceType("MedicationStatement", "the history of oral iron", subscribed=True),
    ResourceType(
        "Observation",
        "ferritin, transferrin saturation, hemoglobin",
        subscribed=True,
        every_line=True,
    ),
    ResourceType("DiagnosticReport", "panels of laboratory results", subscribed=True),
    ResourceType("Condition", "the diagnoses", subscribed=True, every_line=True),
    ResourceType("Procedure", "dialysis"),
    ResourceType("Encounter", "the place of service", subscribed=True, every_line=True),
    ResourceType("Coverage", "the payer", subscribed=True, every_line=True),
    ResourceType("AllergyIntolerance", "intolerance of oral iron", subscribed=True),
    ResourceType("DocumentReference", "the progress note", subscribed=True),
    ResourceType("CarePlan", "the treatment plan"),
    ResourceType("Claim", "prior authorization"),
    ResourceType("ClaimResponse", "prior authorization", subscribed=True),
)

WHAT_FOR = {kind.name: kind.what_for for kind in RESOURCE_TYPES}
WAKING = tuple(WHAT_FOR)
SUBSCRIBED = tuple(kind.name for kind in RESOURCE_TYPES if kind.subscribed)
EVERY_LINE = tuple(kind.name for kind in RESOURCE_TYPES if kind.every_line)
