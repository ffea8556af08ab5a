"""The forms in which an iron is ordered: each is one order of the drug, and nothing else is."""

import time
from typing import Any

import pytest

from integration.assessing import planning
from mappings.reading import Collection
from mappings.reading.drugs.products import ProductFinder
from tests.builders import CPT, HCPCS, LOINC, Resource, coding, medication, order

ABOUT = {"status": "draft", "intent": "order", "subject": {"reference": "Patient/p1"}}
IRON = order("m", text="Venofer", dose="200 mg", status="draft")
INFUSION = {"coding": [coding(CPT, "96365")]}


def service(**more: Any) -> Resource:
    return {"resourceType": "ServiceRequest", "id": "s", **ABOUT, **more}


def plan(kind: str = "CarePlan", **more: Any) -> Resource:
    return {"resourceType": kind, "id": "set", **ABOUT, **more}


def named(resource: Resource, *chart: Resource) -> list[str]:
    return [one.says for one in irons(resource, *chart)]


def irons(resource: Resource, *chart: Resource) -> list[planning.OrderedIron]:
    collection = Collection()
    for one in (resource, *chart):
        collection.add(one, "the test")
    return list(planning.irons([resource], collection, ProductFinder({})))


def activity(**detail: Any) -> Resource:
    return {"detail": {"status": "not-started", **detail}}


ONE: dict[str, tuple[Resource, ...]] = {
    "of DSTU2": (IRON | {"resourceType": "MedicationOrder"},),
    "by a HCPCS code": (service(code={"coding": [coding(HCPCS, "J1756")]}),),
    "by words": (service(code={"text": "Venofer 200 mg infusion"}),),
    "by a detail": (service(code=INFUSION, orderDetail=[{"text": "iron sucrose 200 mg"}]),),
    "of R5": (
        service(
            code={"concept": INFUSION},
            orderDetail=[{"parameter": [{"valueCodeableConcept": {"text": "Venofer"}}]}],
        ),
    ),
    "of STU3": (
        service(code={"coding": [coding(HCPCS, "J1756")]}) | {"resourceType": "ProcedureRequest"},
    ),
    "by the order that it carries out": (
        service(code=INFUSION, basedOn=[{"reference": "MedicationRequest/m"}]),
        IRON,
    ),
    "by its reason": (
        service(
            code={"text": "Infusion therapy"}, reasonReference=[{"reference": "Medication/drug"}]
        ),
        medication("drug"),
    ),
    "inside it": (service(code=INFUSION, contained=[IRON], supportingInfo=[{"reference": "#m"}]),),
    "in an order set": (
        plan("RequestGroup", contained=[IRON], action=[{"resource": {"reference": "#m"}}]),
    ),
    "in a plan": (plan(contained=[IRON], activity=[{"reference": {"reference": "#m"}}]),),
    "as an activity": (plan(activity=[activity(productCodeableConcept={"text": "Venofer"})]),),
    "as a product of the plan": (
        plan(
            contained=[medication("d")], activity=[activity(productReference={"reference": "#d"})]
        ),
    ),
    "with its drug beside it": (
        plan(
            "RequestGroup",
            contained=[
                {
                    **IRON,
                    "medicationCodeableConcept": None,
                    "medicationReference": {"reference": "#d"},
                },
                medication("d"),
            ],
        ),
    ),
}


@pytest.mark.parametrize("resources", ONE.values(), ids=list(ONE))
def test_an_iron_is_found_in_whatever_form(resources: tuple[Resource, ...]) -> None:
    found = {one.order["id"] for one in irons(*resources)}
    assert len(found) >= 1
    assert all(one.order["resourceType"] == "MedicationRequest" for one in irons(*resources))
    assert all(one.order["subject"] == ABOUT["subject"] for one in irons(*resources))


@pytest.mark.parametrize(
    "resources",
    [
        (service(code={"coding": [coding(LOINC, "2276-4")], "text": "Ferritin"}),),
        (service(code=INFUSION),),
        (
            service(
                code={"text": "Ferritin"}, reasonReference=[{"reference": "MedicationRequest/m"}]
            ),
            IRON,
        ),
        (service(code={"text": "Venofer infusion"}, status="revoked"),),
        (service(code={"text": "Venofer infusion"}, doNotPerform=True),),
        (plan(activity=[activity(productCodeableConcept={"text": "ondansetron"})]),),
        (plan(activity=[activity(code={"text": "Venofer"}, doNotPerform=True)]),),
        (plan(activity=[activity(code={"text": "Venofer"}, status="cancelled")]),),
        ({"resourceType": "NutritionOrder", "id": "n", "oralDiet": {"type": [{"text": "iron"}]}},),
        (service(code="Venofer", orderDetail=7, contained="x", basedOn={"reference": 4}),),
        (plan(activity=[7, {"detail": "x"}], contained=[None, 4]),),
    ],
)
def test_nothing_else_is_one(resources: tuple[Resource, ...]) -> None:
    assert named(*resources) == []


def test_sets_in_each_other_end() -> None:
    inner = IRON
    for number in range(30):
        inner = plan("RequestGroup", contained=[inner]) | {"id": f"set{number}"}
    assert named(inner) == []


def test_a_large_set_takes_no_longer_for_each() -> None:
    inside = [IRON | {"id": f"m{number}"} for number in range(1500)]
    began = time.monotonic()
    assert len(named(plan("RequestGroup", contained=inside))) == 1500
    assert time.monotonic() - began < 5


def test_what_an_infusion_asks_is_read() -> None:
    (found,) = irons(
        service(
            code={"coding": [coding(HCPCS, "J1756")]},
            quantityQuantity={"value": 200, "unit": "mg"},
            occurrenceDateTime="2026-12-20",
        )
    )
    (instruction,) = found.order["dosageInstruction"]
    assert instruction["timing"] == {"event": ["2026-12-20"]}
    assert instruction["doseAndRate"][0]["doseQuantity"]["value"] == 200
    assert found.draft is None
    assert irons(IRON)[0].draft == "MedicationRequest/m"
