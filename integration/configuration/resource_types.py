"""The types of resources that concern us: what each is read for, and which wake us."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceType:
    """`what_for`: what of a chart it settles; only such a type wakes us (R12): what we write
    ourselves never does. `subscribed`: with a subscription little is missed that the daily look at
    open records does not find. `every_line`: without it no line can become ready. `launched`: read
    in a launch as well, with the person's own rights.
    """

    name: str
    what_for: str | None = None
    subscribed: bool = False
    every_line: bool = False
    launched: bool = True


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
    ResourceType("Location"),
    ResourceType("Medication"),
    ResourceType("Organization"),
    ResourceType("Patient"),
    ResourceType("DetectedIssue"),
    ResourceType("Communication", launched=False),
    ResourceType("Task", launched=False),
)

WHAT_FOR = {row.name: row.what_for for row in RESOURCE_TYPES if row.what_for}
WAKING = tuple(WHAT_FOR)
SUBSCRIBED = tuple(row.name for row in RESOURCE_TYPES if row.subscribed)
EVERY_LINE = tuple(row.name for row in RESOURCE_TYPES if row.every_line)
READ = tuple(sorted(row.name for row in RESOURCE_TYPES))
READ_WHEN_LAUNCHED = tuple(sorted(row.name for row in RESOURCE_TYPES if row.launched))
# The forms in which a gap can stand in a chart.
WRITE_FORMS = ("Communication", "DetectedIssue", "DocumentReference", "Task")
