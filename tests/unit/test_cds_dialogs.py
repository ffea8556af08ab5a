"""The order dialog in the forms in which EHRs and sandboxes send it."""

from copy import deepcopy
from typing import Any

import pytest

from integration.cds import dialog, evidence
from tests.builders import Resource, chart, medication, order
from tests.unit.test_cds_drafts import cards, prefetch

DRAFT = order("draft1", status="draft")
OTHER = order("draft2", status="draft")
TEST = {"resourceType": "ServiceRequest", "id": "test", "code": {"text": "Ferritin"}}


def names(context: Resource, hook: str = "order-select") -> list[str]:
    return [one["id"] for one in dialog.drafts(context, hook, "p1")]


def bundle(*orders: Resource, **urls: str) -> Resource:
    entries = [
        {"resource": one} | ({"fullUrl": urls[one["id"]]} if one["id"] in urls else {})
        for one in orders
    ]
    return {"resourceType": "Bundle", "entry": entries}


CHOSEN: dict[str, Any] = {
    "as specified": ["MedicationRequest/draft1"],
    "an id alone": ["draft1"],
    "an address": ["https://ehr.example.org/fhir/MedicationRequest/draft1"],
    "a version": ["MedicationRequest/draft1/_history/2"],
    "a Reference": [{"reference": "MedicationRequest/draft1"}],
    "an object with an id": [{"resourceType": "MedicationRequest", "id": "draft1"}],
    "the fullUrl of the entry": ["urn:uuid:3c1e"],
}


@pytest.mark.parametrize("selections", CHOSEN.values(), ids=list(CHOSEN))
def test_what_was_chosen_is_named_in_many_forms(selections: Any) -> None:
    drafts = bundle(DRAFT, OTHER, TEST, draft1="urn:uuid:3c1e")
    assert names({"draftOrders": drafts, "selections": selections}) == ["draft1", "test"]


@pytest.mark.parametrize(
    "selections", [[], ["MedicationRequest/x"], [7, None, [], {}], [{"id": 7}]]
)
def test_nothing_chosen_is_nothing_chosen(selections: Any) -> None:
    assert names({"draftOrders": bundle(DRAFT, TEST), "selections": selections}) == ["test"]


def test_signing_is_of_all_orders_whatever_was_selected() -> None:
    context = {"draftOrders": bundle(DRAFT, OTHER), "selections": ["draft1"]}
    assert names(context, "order-sign") == ["draft1", "draft2"]
    assert names({"draftOrders": [DRAFT, OTHER]}, "order-sign") == ["draft1", "draft2"]


AIM = {"reference": "MedicationRequest/draft1"}


@pytest.mark.parametrize(
    "inside",
    [
        {"resourceType": "RequestGroup", "action": [{"resource": AIM}]},
        {"resourceType": "CarePlan", "activity": [{"reference": AIM}]},
        {"resourceType": "CarePlan", "activity": [{"plannedActivityReference": AIM}]},
    ],
)
def test_of_a_chosen_order_set_its_orders_are_chosen(inside: Resource) -> None:
    chosen = f"{inside['resourceType']}/set"
    context = {"draftOrders": bundle(inside | {"id": "set"}, DRAFT, OTHER), "selections": [chosen]}
    assert names(context) == ["set", "draft1"]


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationOrder"])
def test_a_drug_beside_the_draft_stands_in_it(kind: str) -> None:
    bare = {name: value for name, value in DRAFT.items() if name != "medicationCodeableConcept"}
    draft = bare | {"resourceType": kind, "medicationReference": {"reference": "urn:uuid:m"}}
    drafts = bundle(draft, medication("m"), m="urn:uuid:m")
    found = dialog.drafts({"draftOrders": drafts}, "order-sign", "p1")
    assert found[0]["medicationReference"] == {"reference": "#drafted"}
    assert found[0]["contained"][0]["code"] == medication("m")["code"]


def test_what_stands_beside_an_iron_says_nothing() -> None:
    meal = {"resourceType": "NutritionOrder", "id": "n", "patient": {"reference": "Patient/p1"}}
    device = {"resourceType": "DeviceRequest", "id": "d", "codeCodeableConcept": {"text": "pump"}}
    lens = {"resourceType": "VisionPrescription", "id": "v"}
    resources = chart(without=["administration", "ferritin"])
    assert cards(resources, meal, device, lens) == []
    assert len(cards(resources, meal, DRAFT, device, lens)) == 1


def test_a_prefetch_beside_its_http_status_is_read() -> None:
    """As sandboxes of before 1.0 sent it."""
    answers = prefetch(chart(without=["administration"]))
    old = {
        name: {"response": {"status": "200 OK"}, "resource": one} for name, one in answers.items()
    }
    assert evidence.prefetched(deepcopy(old), "p1") == evidence.prefetched(answers, "p1")
    failed = {"response": {"status": "500"}}
    assert "Observation" in evidence.prefetched(old | {"laboratory": failed}, "p1")[1]
