"""Care plans with IV iron (R5).

Held by tests/scenarios/orders_notes.yaml.
"""

from collections.abc import Iterator

from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements, timings
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.orders.requests import STANDING, span, unread_status
from mappings.record import Drug, Order
from mappings.values.stated import Unread, first_unread

_INTENTS = frozenset({"plan", "order"})
_NOT_PLANNED = frozenset({"cancelled", "stopped", "entered-in-error"})


def planned(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    statuses: StatusReader = PLAIN,
) -> Iterator[Order]:
    """The activities of a CarePlan that plan an IV iron."""
    status = statuses.read("CarePlan.status", resource.get("status"))
    intent = statuses.read("CarePlan.intent", resource.get("intent"))
    unread = unread_status(status in STANDING, status, intent, _INTENTS)
    if not unread and not (status in STANDING and intent in _INTENTS):
        return
    for activity in elements.items(resource.get("activity")):
        detail = elements.mapping(activity.get("detail"))
        product = {
            "medicationCodeableConcept": detail.get("productCodeableConcept") or detail.get("code"),
            "medicationReference": detail.get("productReference"),
        }
        wanted = drug(
            {name: value for name, value in product.items() if value}
            | {"contained": resource.get("contained")},
            collection,
            finder,
        )
        stated = statuses.read("CarePlan.activity.detail.status", detail.get("status"))
        forbids = elements.flag(detail.get("doNotPerform"), "CarePlan.activity.detail.doNotPerform")
        doubt = first_unread((unread, stated, forbids))
        asked = stated not in _NOT_PLANNED and forbids is not True
        if wanted.concerns_us and asked:
            yield _activity(resource, detail, wanted, doubt)


def _activity(plan: Resource, detail: Resource, wanted: Drug, unread: Unread | None) -> Order:
    timing = elements.mapping(detail.get("scheduledTiming"))
    start, end = elements.period(plan.get("period"))
    created = elements.moment(plan.get("created"))
    first, last = (
        span(timing, start, created) if timing else elements.period(detail.get("scheduledPeriod"))
    )
    return Order(
        source=elements.source(plan),
        drug=wanted,
        counts=unread is None,
        unread=unread,
        dose=amount(detail.get("dailyAmount") or detail.get("quantity")),
        doses_a_day=timings.doses_a_day(timing) if "dailyAmount" not in detail else 1,
        has_timing=timings.has_frequency(timing),
        free_text=bool(
            elements.text(detail.get("description")) or elements.text(detail.get("scheduledString"))
        ),
        authored=created,
        start=first or start,
        end=last or end,
        unread_date=next(elements.unread_period(plan.get("period"), "CarePlan.period"), None),
    )
