"""The forms in which an iron is ordered, each as a MedicationRequest: orders as they were before
R4, infusions, and what plans and order sets hold.

Held by tests/unit/test_order_forms.py.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource

DRUG_ORDERS = frozenset({"MedicationRequest", "MedicationOrder", "MedicationPrescription"})
SERVICES = frozenset({"ServiceRequest", "ProcedureRequest"})
_SETS = frozenset({"CarePlan", "RequestGroup", "RequestOrchestration"})
_ORDERS = DRUG_ORDERS | SERVICES | _SETS
# Sets that stand in each other.
_MOST_NESTED = 3
_MOST_LETTERS = 64  # of an id
# What an order of any form says of itself alike.
_ALIKE = ("id", "status", "intent", "doNotPerform", "authoredOn", "requester", "basedOn")
_REASONS = ("reasonCode", "reasonReference")
_ABOUT: tuple[str, ...] = ("subject", "encounter")
_BEFORE_R4 = {"subject": "patient", "encounter": "context", "authoredOn": "dateWritten"}


class Chart(NamedTuple):
    """Where references lead, and which drugs are irons."""

    collection: Collection
    finder: ProductFinder

    def is_iron(self, resource: Resource) -> bool:
        return drug(resource, self.collection, self.finder).concerns_us


def drug_orders(resource: Resource, chart: Chart, depth: int = 0) -> Iterator[Resource]:
    """The drugs that RESOURCE orders; of what is no order of a drug, the irons alone. What stands
    inside another has the id of both."""
    kind = elements.text(resource.get("resourceType"))
    if kind in DRUG_ORDERS:
        yield _alike(resource) if kind != "MedicationRequest" else resource
    elif kind in SERVICES:
        yield from _of_service(resource, chart)
    elif kind in _SETS:
        yield from _of_activities(resource, chart)
    if kind in SERVICES | _SETS and depth < _MOST_NESTED:
        for inner in elements.items(resource.get("contained")):
            if elements.text(inner.get("resourceType")) in _ORDERS:
                yield from drug_orders(_taken_out(inner, resource), chart, depth + 1)


def _alike(order: Resource) -> Resource:
    """An order of before R4, under the names of R4."""
    old = {new: order[name] for new, name in _BEFORE_R4.items() if name in order}
    return {**old, **order, "resourceType": "MedicationRequest"}


def _taken_out(inner: Resource, outer: Resource) -> Resource:
    """A contained order, with the drugs that are contained beside it."""
    contained = elements.items(outer.get("contained"))
    beside = [one for one in contained if elements.text(one.get("resourceType")) not in _ORDERS]
    name = f"{outer.get('id')}-{elements.text(inner.get('id'))}"[:_MOST_LETTERS]
    about = {key: outer[key] for key in _ABOUT if key in outer}
    return {**about, **inner, "id": name, "contained": beside}


# Infusions


def _of_service(service: Resource, chart: Chart) -> Iterator[Resource]:
    """The iron that a service names by its code or its details; of an infusion, also by the order
    that it carries out."""
    named = ({"medicationCodeableConcept": one} for one in _concepts(service))
    found = next(filter(chart.is_iron, named), None)
    if found is None and _is_infusion(service):
        found = next(filter(chart.is_iron, _carried_out(service, chart)), None)
    if found:
        about = _alike({name: service[name] for name in _naming(service)})
        dose = elements.mapping(service.get("quantityQuantity"))
        each = [{"doseQuantity": dose}] if dose else []
        asked = {"timing": _timing(service), "doseAndRate": each}
        yield {"dosageInstruction": [asked], **found, **about}


def _naming(service: Resource) -> list[str]:
    names = {*_ALIKE, *_REASONS, *_ABOUT, *_BEFORE_R4.values(), "contained"}
    return [name for name in service if name in names]


def _concepts(service: Resource) -> Iterator[object]:
    """Of R5 they stand a level deeper."""
    code = elements.mapping(service.get("code"))
    yield code.get("concept") or code
    for detail in elements.items(service.get("orderDetail")):
        yield detail
        for parameter in elements.items(detail.get("parameter")):
            yield parameter.get("valueCodeableConcept")
            yield {"text": elements.text(parameter.get("valueString"))}


def _is_infusion(service: Resource) -> bool:
    table, named = codes.administration_services(), elements.concept(service.get("code"))
    said = (*named.words, *(one.code for one in named.codings))
    own = {table.initial_push, table.initial_infusion, table.further_hour}
    own |= {table.sequential_push, table.sequential_infusion}
    return any(text in own or codes.giving().methods.named_in(text) for text in said)


def _carried_out(service: Resource, chart: Chart) -> Iterator[Resource]:
    """The orders that an infusion names, and Medications."""
    listed = (elements.items(service.get(name)) for name in ("basedOn", "reasonReference"))
    for reference in chain(*listed, elements.items(service.get("supportingInfo"))):
        target = chart.collection.resolve(reference, service) or {}
        kind = elements.text(target.get("resourceType"))
        if kind == "Medication":
            yield {"medicationReference": reference, "contained": service.get("contained")}
        elif kind in DRUG_ORDERS:
            yield _alike(target)


def _timing(service: Resource) -> Resource:
    if service.get("occurrenceDateTime"):
        return {"event": [service["occurrenceDateTime"]]}
    period = service.get("occurrencePeriod")
    return elements.mapping(service.get("occurrenceTiming")) or _within(period)


def _within(period: object) -> Resource:
    return {"repeat": {"boundsPeriod": period}} if period else {}


# Plans and order sets


def _of_activities(plan: Resource, chart: Chart) -> Iterator[Resource]:
    """The activities of a CarePlan that stand in it."""
    for number, activity in enumerate(elements.items(plan.get("activity")), 1):
        detail = elements.mapping(activity.get("detail"))
        concept = detail.get("productCodeableConcept") or detail.get("code")
        named = {
            "medicationCodeableConcept": concept,
            "medicationReference": detail.get("productReference"),
            "contained": plan.get("contained"),
        }
        made = {name: value for name, value in named.items() if value}
        if chart.is_iron(made):
            about = {name: plan[name] for name in _ABOUT if name in plan}
            yield {
                **made,
                **about,
                "resourceType": "MedicationRequest",
                "id": f"{plan.get('id')}-{number}"[:_MOST_LETTERS],
                "status": detail.get("status"),
                "intent": "plan",
                "doNotPerform": detail.get("doNotPerform"),
                "dosageInstruction": [_instruction(detail)],
            }


def _instruction(detail: Resource) -> Resource:
    dose = detail.get("dailyAmount") or detail.get("quantity")
    timing = elements.mapping(detail.get("scheduledTiming"))
    said = timing or _within(detail.get("scheduledPeriod"))
    return {"timing": said, "doseAndRate": [{"doseQuantity": dose}] if dose else []}
