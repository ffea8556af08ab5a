"""The order dialog as a hook's context tells it: the drafts, of order-select those that were just
chosen, with the drugs that came beside them.

Held by tests/unit/test_cds_dialogs.py.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from integration.cds.evidence import key, may_be_of
from mappings.reading.fhir import elements
from mappings.reading.orders.forms import DRUG_ORDERS

Resource = dict[str, Any]
# Orders that are read whatever was chosen: a test beside the iron settles what it tells.
_ALWAYS = "ServiceRequest"
_NAMES = ("reference", "id")


def drafts(context: Resource, hook: str, patient: str) -> list[Resource]:
    """The draft orders for the patient, each with an id."""
    entries = list(_entries(context.get("draftOrders")))
    medications = _medications(entries)
    orders = [
        (
            _with_its_medication(order, medications)
            | {"id": elements.text(order.get("id")) or f"unnamed-{number}"},
            elements.text(entry.get("fullUrl")),
        )
        for number, entry in enumerate(entries)
        if (order := elements.mapping(entry.get("resource"))) and may_be_of(order, patient)
    ]
    chosen = context.get("selections")
    if hook != "order-select" or not isinstance(chosen, list):
        return [order for order, _ in orders]
    names = _within_sets(set(_chosen(chosen)), [order for order, _ in orders])
    return [
        order
        for order, url in orders
        if order.get("resourceType") == _ALWAYS or not names.isdisjoint(_names_of(order, url))
    ]


def _entries(listed: object) -> Iterator[Resource]:
    """Of a Bundle; some EHRs send the orders as a list."""
    if isinstance(listed, list):
        yield from ({"resource": one} for one in elements.items(listed))
    else:
        yield from elements.items(elements.mapping(listed).get("entry"))


def _chosen(selections: Iterable[object]) -> Iterator[str]:
    """Type and id as the specification has it, an address, an id alone, or a Reference."""
    for said in selections:
        of_object = elements.mapping(said)
        for name in (said, *(of_object.get(one) for one in _NAMES)):
            if isinstance(name, str) and name:
                yield from (name, key(name))


def _names_of(order: Resource, url: str) -> set[str]:
    kind, name = elements.text(order.get("resourceType")), order["id"]
    return {f"{kind}/{name}", name} | ({url} if url else set())


def _within_sets(names: set[str], orders: list[Resource]) -> set[str]:
    """With what a chosen order set or plan refers to."""
    found = set(names)
    for order in orders:
        if not names.isdisjoint(_names_of(order, "")):
            found |= set(map(key, _references(order)))
    return found


def _references(order: Resource) -> Iterator[str]:
    for action in elements.items(order.get("action")):
        yield elements.text(elements.mapping(action.get("resource")).get("reference"))
    for activity in elements.items(order.get("activity")):
        for name in ("reference", "plannedActivityReference"):
            yield elements.text(elements.mapping(activity.get(name)).get("reference"))


def _medications(entries: list[Resource]) -> dict[str, Resource]:
    """The Medications that came with the drafts, by what a Reference may call them."""
    found: dict[str, Resource] = {}
    for entry in entries:
        resource = elements.mapping(entry.get("resource"))
        if resource.get("resourceType") == "Medication":
            found[f"Medication/{resource.get('id')}"] = resource
            found[elements.text(entry.get("fullUrl"))] = resource
    return found


def _with_its_medication(order: Resource, medications: dict[str, Resource]) -> Resource:
    """The order with the Medication that it refers to inside: no chart has one that came with the
    drafts."""
    _, reference = elements.concept_or_reference(order, "medication")
    target = elements.text(reference.get("reference"))
    found = medications.get(target) or medications.get(key(target))
    if elements.text(order.get("resourceType")) not in DRUG_ORDERS or not target or found is None:
        return order
    rest = {name: value for name, value in order.items() if name != "medication"}
    inside = [found | {"id": "drafted"}, *elements.items(order.get("contained"))]
    return rest | {"medicationReference": {"reference": "#drafted"}, "contained": inside}
