"""What a clinician records on the page, as the FHIR resources that go into the chart.

Held by tests/contract/test_chart_page.py.
"""

from datetime import date, datetime
from typing import Any

from mappings import codes
from mappings.codes.requirement import OrderableTest
from mappings.values import systems
from mappings.values.own_names import DISCARDED_AMOUNT
from mappings.writing.transaction import concept

Resource = dict[str, Any]


def tests() -> dict[str, OrderableTest]:
    """By requirement, the test that meets it."""
    return {
        requirement.id: requirement.test
        for requirement in codes.requirements().values()
        if requirement.test
    }


def with_discard(administration: Resource, mg: str) -> Resource:
    """The administration with what was discarded of its containers, instead of what was said
    before."""
    others = [
        extension
        for extension in administration.get("extension") or []
        if extension.get("url") != DISCARDED_AMOUNT
    ]
    amount = {"value": float(mg), "unit": "mg", "system": systems.UCUM, "code": "mg"}
    return {
        **administration,
        "extension": [*others, {"url": DISCARDED_AMOUNT, "valueQuantity": amount}],
    }


def trial(
    patient: str, drug: str, start: str, end: str, reason: str, author: Resource | None, today: date
) -> Resource:
    """A course of oral iron that ended, and why."""
    return _with_author(
        "informationSource",
        author,
        {
            "resourceType": "MedicationStatement",
            "status": "stopped",
            "statusReason": [{"text": reason}],
            "medicationCodeableConcept": {"text": drug},
            "subject": {"reference": f"Patient/{patient}"},
            "effectivePeriod": {"start": start, "end": end},
            "dateAsserted": today.isoformat(),
        },
    )


def intolerance(
    patient: str, drug: str, reason: str, author: Resource | None, today: date
) -> Resource:
    """Oral iron that is not tolerated."""
    return _with_author(
        "recorder",
        author,
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
            "verificationStatus": _coded("allergyintolerance-verification", "confirmed"),
            "type": "intolerance",
            "category": ["medication"],
            "code": {"text": drug},
            "patient": {"reference": f"Patient/{patient}"},
            "recordedDate": today.isoformat(),
            "reaction": [{"manifestation": [{"text": reason}]}],
        },
    )


def order(
    test: OrderableTest,
    patient: str,
    encounter: str | None,
    author: Resource | None,
    now: datetime,
) -> Resource:
    """A draft of the test, which the clinician signs in the EHR."""
    about: Resource = {"authoredOn": now.isoformat(timespec="seconds")}
    if encounter:
        about["encounter"] = {"reference": f"Encounter/{encounter}"}
    return _with_author("requester", author, draft_order(test, patient) | about)


def draft_order(test: OrderableTest, patient: str) -> Resource:
    """A draft for one test."""
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": systems.LOINC, "code": test.loinc}], "text": test.name},
        "subject": {"reference": f"Patient/{patient}"},
    }


def _with_author(element: str, author: Resource | None, resource: Resource) -> Resource:
    return {**resource, element: author} if author else resource


def _coded(system: str, code: str) -> Resource:
    return concept(f"http://terminology.hl7.org/CodeSystem/{system}", code)
