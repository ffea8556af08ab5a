"""Each element of each kind of resource, replaced by what it never is: an assessment comes out all
the same."""

from typing import Any

import pytest

from mappings.document import to_json
from tests import builders
from tests.builders import Resource, chart, document_of


def nested(name: str | None) -> Any:
    """Deeper than Python calls itself: lists in each other, or objects by an element's name."""
    found: Any = "x"
    for _ in range(1_100):
        found = {name: found} if name else [found]
    return found


NEVER: list[Any] = [[None], [[]], [{"x": [None]}], {"x": []}, 3, True]
DEEP = [nested(None), nested("coding"), [nested("extension")]]
REPORT = {
    "resourceType": "DiagnosticReport",
    "id": "report",
    "status": "final",
    "subject": {"reference": "Patient/p1"},
}
PLAN = {
    "resourceType": "CarePlan",
    "id": "plan",
    "status": "active",
    "intent": "plan",
    "subject": {"reference": "Patient/p1"},
}
ACTIVITY = {
    "detail": {
        "status": "scheduled",
        "productCodeableConcept": {"text": "iron sucrose"},
        "scheduledString": "weekly",
    }
}
MORE: list[Resource] = [
    {
        **REPORT,
        "result": [{"reference": "Observation/ferritin-2026-10-12"}],
        "effectiveDateTime": "2026-10-12",
    },
    {**PLAN, "period": {"start": "2026-10-01"}, "created": "2026-10-01", "activity": [ACTIVITY]},
    builders.oral_iron("2026-06-01", "2026-09-01"),
    builders.dispense(),
    builders.authorization(),
    builders.note(),
    builders.dialysis(),
]
EVERYTHING = chart(*MORE)


@pytest.mark.parametrize(
    "resource",
    EVERYTHING,
    ids=[f"{resource['resourceType']}/{resource['id']}" for resource in EVERYTHING],
)
def test_no_element_breaks_an_assessment(resource: Resource) -> None:
    for element in resource.keys() - {"resourceType"}:
        for value in NEVER + DEEP * (element not in ("id", "effectiveDateTime")):
            assert to_json(
                document_of(
                    chart(
                        *(row for row in MORE if row is not resource), {**resource, element: value}
                    )
                )
            )
