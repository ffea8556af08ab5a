"""A small chart: one patient with iron, laboratory results, a diagnosis, an encounter and a
coverage."""

from collections.abc import Callable
from typing import Any

Resource = dict[str, Any]
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def resource(kind: str, identity: str, patient: str | None = "p1", **fields: Any) -> Resource:
    """KIND/IDENTITY, naming PATIENT where the type does."""
    made: Resource = {"resourceType": kind, "id": identity, "meta": {"versionId": "1"}}
    owner = {
        "Coverage": "beneficiary",
        "AllergyIntolerance": "patient",
        "DetectedIssue": "patient",
        "Claim": "patient",
    }
    if patient is not None and kind not in ("Patient", "Medication", "Location", "Organization"):
        made[owner.get(kind, "subject")] = {"reference": f"Patient/{patient}"}
    return made | fields


def ref(reference: str) -> Resource:
    return {"reference": reference}


def ferritin(
    identity: str, date: str = "2026-10-20", patient: str = "p1", **fields: Any
) -> Resource:
    return observation(identity, "2276-4", "laboratory", date, patient, **fields)


def observation(
    identity: str, loinc: str, category: str | None, date: str, patient: str = "p1", **fields: Any
) -> Resource:
    made = resource("Observation", identity, patient, status="final", effectiveDateTime=date)
    made["code"] = {"coding": [{"system": "http://loinc.org", "code": loinc}]}
    if category:
        made["category"] = [{"coding": [{"system": CATEGORY, "code": category}]}]
    return made | fields


def administration(identity: str = "ma1", patient: str = "p1", **fields: Any) -> Resource:
    return (
        resource(
            "MedicationAdministration",
            identity,
            patient,
            status="completed",
            medicationReference=ref("Medication/m1"),
            context=ref("Encounter/e1"),
            effectiveDateTime="2026-11-01T10:00:00-05:00",
            dosage={
                "dose": {
                    "value": 200,
                    "unit": "mg",
                    "system": "http://unitsofmeasure.org",
                    "code": "mg",
                }
            },
        )
        | fields
    )


def chart() -> list[Resource]:
    """What a plain read should bring, everything referenced included."""
    return [
        resource("Patient", "p1"),
        administration(),
        resource("Medication", "m1", code={"text": "iron sucrose"}),
        resource(
            "Encounter",
            "e1",
            status="finished",
            period={"start": "2026-11-01", "end": "2026-11-01"},
            location=[{"location": ref("Location/l1")}],
            serviceProvider=ref("Organization/o1"),
        ),
        resource("Location", "l1", name="Infusion"),
        resource("Organization", "o1", name="General"),
        resource("Organization", "payer", name="Medicare"),
        resource("Coverage", "c1", status="active", payor=[ref("Organization/payer")]),
        resource("Condition", "d1", code={"text": "CKD 4"}),
        ferritin("f1"),
        observation("w1", "29463-7", "vital-signs", "2026-10-20"),
    ]


def detected_issue(
    gap: str = "gap-1", status: str = "preliminary", patient: str = "p1", **fields: Any
) -> Resource:
    """Ours, as the writing side hands it over."""
    return {
        "resourceType": "DetectedIssue",
        "meta": {"tag": [{"system": "urn:ferroclaim", "code": "iron-billing-check"}]},
        "identifier": [{"system": "urn:ferroclaim:gap", "value": gap}],
        "status": status,
        "code": {
            "coding": [{"system": "urn:ferroclaim:requirement", "code": "ferritin"}],
            "text": "No ferritin",
        },
        "severity": "low",
        "patient": {"reference": f"Patient/{patient}"},
        "identifiedDateTime": "2026-11-23T15:05:00Z",
        "author": {"reference": "Device/ferroclaim"},
        "implicated": [{"reference": "MedicationAdministration/ma1"}],
        "detail": "No ferritin result within 90 days before 2026-11-01.",
    } | fields


def mitigation(text: str, author: str = "Practitioner/dr") -> Resource:
    return {
        "action": {"text": text},
        "date": "2026-11-24T08:00:00Z",
        "author": {"reference": author},
    }


def transaction(resources: list[Resource], fresh: Callable[[str], str]) -> Resource:
    """A Bundle that puts them on a server, under ids that FRESH makes of theirs; references
    follow."""
    known = {
        f"{r['resourceType']}/{r['id']}": f"{r['resourceType']}/{fresh(r['id'])}" for r in resources
    }
    made = [_renamed(r, known) for r in resources]
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
        for r in made
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _renamed(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, known) for item in value]
    if not isinstance(value, dict):
        return known.get(value, value) if isinstance(value, str) else value
    made = {key: _renamed(item, known) for key, item in value.items() if key != "meta"}
    if "resourceType" in value:
        made["id"] = known[f"{value['resourceType']}/{value['id']}"].split("/")[1]
    return made


def one_dose(patient: str) -> list[Resource]:
    """Somebody's chart with a dose of iron sucrose and nothing documented."""
    dose = administration(
        f"{patient}-ma", patient, medicationCodeableConcept={"text": "iron sucrose"}
    )
    return [
        resource("Patient", patient),
        {
            key: value
            for key, value in dose.items()
            if key not in ("medicationReference", "context")
        },
    ]
