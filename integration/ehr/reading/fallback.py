"""Where an EHR has no MedicationAdministration (athenahealth): what is the next best evidence that
a drug was given.

A completed order, or a procedure coded with the drug's HCPCS code, becomes a
MedicationAdministration that carries the tag `administration-fallback`. The rules never call a line
from such a record ready without a person.

Held by tests/contract/test_ehr_reading.py.
"""

from collections.abc import Iterator
from typing import Any

from integration.ehr.fhir.answers import Json
from mappings.values import own_names

TAG = {"system": own_names.EVIDENCE, "code": "administration-fallback"}
HCPCS = (
    "urn:oid:2.16.840.1.113883.6.285",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
)
DRUG_CODES = ("J", "Q")


def administrations(resource: Json) -> Iterator[Json]:
    """None or one MedicationAdministration made of RESOURCE."""
    if resource["resourceType"] == "MedicationRequest" and resource.get("status") == "completed":
        yield _of_order(resource)
    elif (
        resource["resourceType"] == "Procedure"
        and resource.get("status") == "completed"
        and _drug(resource)
    ):
        yield _of_procedure(resource)


def _of_order(order: Json) -> Json:
    found = {
        **_common(order, "order"),
        **_some(
            order,
            "medicationCodeableConcept",
            "medicationReference",
            "contained",
            "reasonCode",
            "reasonReference",
        ),
        "request": {"reference": f"MedicationRequest/{order['id']}"},
    }
    if order.get("authoredOn"):
        found["effectiveDateTime"] = order["authoredOn"]
    if dose := _dose(order):
        found["dosage"] = {"dose": dose}
    return found


def _of_procedure(procedure: Json) -> Json:
    return {
        **_common(procedure, "procedure"),
        "medicationCodeableConcept": procedure["code"],
        **_some(procedure, "reasonCode", "reasonReference", "note"),
        **{
            f"effective{form}": procedure[f"performed{form}"]
            for form in ("DateTime", "Period")
            if f"performed{form}" in procedure
        },
    }


def _common(source: Json, kind: str) -> Json:
    meta = source.get("meta") or {}
    return {
        "resourceType": "MedicationAdministration",
        "id": f"{kind}.{source['id']}"[:64],
        "meta": {**_some(meta, "versionId", "lastUpdated"), "tag": [TAG]},
        "status": "completed",
        **_some(source, "subject"),
        **({"context": source["encounter"]} if "encounter" in source else {}),
    }


def _dose(order: Json) -> Any:
    """The dose of the one instruction; of several none is taken."""
    instructions = order.get("dosageInstruction")
    if (
        not isinstance(instructions, list)
        or len(instructions) != 1
        or not isinstance(instructions[0], dict)
    ):
        return None
    rates = instructions[0].get("doseAndRate")
    return (
        rates[0].get("doseQuantity")
        if isinstance(rates, list) and rates and isinstance(rates[0], dict)
        else None
    )


def _drug(procedure: Json) -> bool:
    code = procedure.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    return any(
        isinstance(c, dict)
        and c.get("system") in HCPCS
        and str(c.get("code")).startswith(DRUG_CODES)
        for c in codings or []
    )


def _some(resource: Json, *keys: str) -> Json:
    return {key: resource[key] for key in keys if key in resource}
