"""Complete charts: `ready`, and nothing in them that the payer does not need, so that a bent
element shows. Between them they hold every element that the readers look at."""

from functools import cache

from mappings.site import Site
from tests import builders
from tests.builders import HCPCS, LOINC, SNOMED, UCUM, Resource

Chart = tuple[list[Resource], Site]

_SITE = Site()


@cache
def charts() -> dict[str, Chart]:
    """Name → resources and site. The names of the plain ones are those of the policies."""
    return {**_of_policies(), **_in_other_shapes()}


def _of_policies() -> dict[str, Chart]:
    authorized = builders.authorization()
    return {
        "medicare-part-b": _chart(),
        "medicare-esrd-pps": _chart(
            builders.location("65"),
            builders.condition("N18.6"),
            builders.condition("Z99.2"),
            builders.administration(dose="100 mg"),
            without=("intolerance", "ckd"),
        ),
        "medicare-advantage-default": _chart(builders.coverage("11", "Sunrise"), authorized),
        "commercial-default": _chart(builders.commercial(), builders.note(), authorized),
        "centene": _chart(builders.coverage("5", "Ambetter"), authorized),
        "bcbs-south-carolina": _chart(
            builders.coverage("6", "BlueCross BlueShield of South Carolina"),
            authorized,
            without=("intolerance",),
        ),
        "uhc-commercial": _chart(builders.commercial("UnitedHealthcare"), without=("intolerance",)),
        "medicaid-default": _chart(
            builders.coverage("2", "State Medicaid"),
            authorized,
            builders.oral_iron("2026-07-01", "2026-09-28"),
            without=("intolerance",),
        ),
    }


def _chart(*changes: Resource, without: tuple[str, ...] = (), site: Site = _SITE) -> Chart:
    return builders.chart(*changes, without=without), site


def _in_other_shapes() -> dict[str, Chart]:
    """The same facts in other resources and elements."""
    return {
        "by reference": _by_reference(),
        "a plan instead of an order": _chart(
            builders.administration(order=None), _care_plan(), without=("order",)
        ),
        "oral iron dispensed": _chart(_oral_dispense(), without=("intolerance",)),
        "oral iron ordered": _chart(_oral_order(), without=("intolerance",)),
        "a contraindication": _chart(builders.condition("K90.9"), without=("intolerance",)),
        "results in a report": _chart(*_report(), without=("ferritin", "tsat")),
        "results as components": _chart(_panel(), without=("ferritin", "tsat")),
        "iron deficiency by its results": _chart(builders.tsat(14), without=("iron-deficiency",)),
        "an authorization by number": _chart(
            builders.coverage("11", "Sunrise"), _claim_with_number()
        ),
        "an authorization on the coverage": _chart(
            builders.coverage("11", "Sunrise", extension=[_NUMBER_ON_COVERAGE])
        ),
        "waste documented": _chart(
            builders.administration(dose="50 mg", discarded="50 mg", opened=[_OPENED])
        ),
        "vials dispensed": _chart(
            builders.administration(text="iron sucrose", ndc=None, codings=[]), builders.dispense()
        ),
        "pregnant": _chart(
            builders.coverage("5", "Ambetter"),
            builders.authorization(),
            builders.ferritin(20),
            builders.tsat(25),
            _pregnant(),
            without=("ckd", "anemia-in-ckd"),
        ),
        "a hemoglobin": _chart(
            builders.coverage("5", "Ambetter"),
            builders.authorization(),
            builders.ferritin(40),
            builders.tsat(25),
            builders.lab("hemoglobin", 11),
            without=("ckd", "anemia-in-ckd"),
        ),
        "dialysis": _chart(
            builders.commercial(),
            builders.note(),
            builders.authorization(),
            builders.dialysis(),
            builders.condition("N18.6"),
            builders.administration(dose="100 mg"),
            without=("intolerance", "ckd"),
        ),
    }


_OPENED = {"ndc": builders.VENOFER_100, "count": 1}
_NUMBER_ON_COVERAGE = {"url": "urn:ferroclaim:preAuthRef", "valueString": "PA123"}


def _by_reference() -> Chart:
    """Everything that may stand in a resource of its own does."""
    return _chart(
        builders.administration(
            text=None,
            ndc=None,
            medicationCodeableConcept=None,
            medicationReference={"reference": "Medication/medication"},
            until=f"{builders.DAY}T09:30:00-05:00",
            category={
                "coding": [
                    builders.coding(
                        "http://terminology.hl7.org/CodeSystem/medication-admin-category",
                        "outpatient",
                    )
                ]
            },
            dosage={
                "text": "iron sucrose 200 mg",
                "route": {"coding": [builders.coding(SNOMED, "47625008")]},
                "dose": builders.quantity("200 mg"),
            },
            performer=[{"actor": {"reference": "Practitioner/nurse"}}],
        ),
        {**builders.medication(ndc=builders.VENOFER_100), "status": "active"},
        {
            "resourceType": "Practitioner",
            "id": "nurse",
            "name": [{"family": "Nurse", "given": ["N"]}],
        },
        {
            **builders.coverage(),
            "payor": [{"reference": "Organization/payer"}],
            "order": 1,
            "subscriberId": "1EG4TE5MK73",
            "relationship": {"coding": [{"code": "self"}]},
            "class": [{"type": {"coding": [{"code": "plan"}]}, "value": "B", "name": "Part B"}],
        },
        {"resourceType": "Organization", "id": "payer", "name": "Medicare", "active": True},
        builders.ferritin(specimen="s"),
        builders.tsat(specimen="s"),
        {"resourceType": "Specimen", "id": "s", "collection": {"collectedDateTime": "2026-10-12"}},
    )


def _care_plan() -> Resource:
    detail = {
        "kind": "MedicationRequest",
        "status": "in-progress",
        "productCodeableConcept": {"text": "iron sucrose"},
        "dailyAmount": builders.quantity("200 mg"),
        "scheduledTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}},
    }
    return builders.resource(
        resourceType="CarePlan",
        id="plan",
        status="active",
        intent="plan",
        subject={"reference": f"Patient/{builders.PATIENT}"},
        created="2026-10-01",
        period={"start": "2026-10-01", "end": "2026-12-31"},
        activity=[{"detail": detail}],
    )


def _oral_dispense() -> Resource:
    return builders.resource(
        resourceType="MedicationDispense",
        id="oral",
        status="completed",
        subject={"reference": f"Patient/{builders.PATIENT}"},
        medicationCodeableConcept={"text": "ferrous sulfate 325 mg"},
        whenHandedOver="2026-07-01",
        daysSupply={"value": 90, "unit": "d", "system": UCUM, "code": "d"},
    )


def _oral_order() -> Resource:
    return builders.resource(
        resourceType="MedicationRequest",
        id="oral",
        status="completed",
        intent="order",
        subject={"reference": f"Patient/{builders.PATIENT}"},
        medicationCodeableConcept={"text": "ferrous sulfate 325 mg"},
        authoredOn="2026-07-01",
        dispenseRequest={"validityPeriod": {"start": "2026-07-01", "end": "2026-09-30"}},
    )


def _report() -> list[Resource]:
    """Members without a time of their own."""
    members = [
        builders.ferritin(effectiveDateTime=None, on="f"),
        builders.tsat(effectiveDateTime=None, on="t"),
    ]
    report = builders.resource(
        resourceType="DiagnosticReport",
        id="report",
        status="final",
        subject={"reference": f"Patient/{builders.PATIENT}"},
        code={"text": "Iron studies"},
        effectiveDateTime="2026-10-12",
        result=[{"reference": f"Observation/{member['id']}"} for member in members],
    )
    return [*members, report]


def _panel() -> Resource:
    results = [("2276-4", "42 ng/mL"), ("2502-3", "14 %")]
    component = [
        {
            "code": {"coding": [builders.coding(LOINC, code)]},
            "valueQuantity": builders.quantity(value),
        }
        for code, value in results
    ]
    return builders.lab("50190-8", id="panel", component=component)


def _claim_with_number() -> Resource:
    return builders.resource(
        resourceType="Claim",
        id="claim",
        status="active",
        use="claim",
        patient={"reference": f"Patient/{builders.PATIENT}"},
        billablePeriod={"start": "2026-10-01", "end": "2026-12-31"},
        item=[{"productOrService": {"coding": [builders.coding(HCPCS, "J1756")]}}],
        insurance=[{"coverage": {"reference": "Coverage/coverage"}, "preAuthRef": ["PA123"]}],
    )


def _pregnant() -> Resource:
    answer = {"coding": [builders.coding(SNOMED, "77386006")]}
    return builders.lab("82810-3", id="pregnancy", valueCodeableConcept=answer)
