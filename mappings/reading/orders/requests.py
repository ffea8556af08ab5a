"""Orders of IV iron (R5).

Held by tests/scenarios/orders_notes.yaml.
"""

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.conditions import reason
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements, reasons, timings
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.orders import instructions
from mappings.record import ORDERS, Order
from mappings.values.moment import Moment
from mappings.values.stated import Unread, first_unread

# Statuses by which an order or plan stands.
STANDING = frozenset({"active", "completed"})
_INTENTS = ORDERS | {"plan"}


def order(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    statuses: StatusReader = PLAIN,
) -> Order | None:
    """A MedicationRequest for an IV iron; None for any other drug."""
    wanted = drug(resource, collection, finder)
    if not wanted.concerns_us:
        return None
    listed = elements.items(resource.get("dosageInstruction"))
    asked = timings.stated(listed)
    start, end = _bounds(resource, asked)
    status = statuses.read("MedicationRequest.status", resource.get("status"))
    intent = statuses.read("MedicationRequest.intent", resource.get("intent"))
    forbids = elements.flag(resource.get("doNotPerform"), "MedicationRequest.doNotPerform")
    source, visit = elements.source(resource), collection.key(resource.get("encounter"))
    counts = intent in _INTENTS and status in STANDING and forbids is not True
    return Order(
        source=source,
        drug=wanted,
        counts=counts and not isinstance(forbids, Unread),
        void=status if isinstance(status, str) and status not in STANDING else None,
        unread=unread_status(status in STANDING and forbids is not True, status, intent, _INTENTS)
        or (forbids if counts and isinstance(forbids, Unread) else None),
        dose=instructions.dose(listed),
        doses_a_day=instructions.together(listed, map(timings.doses_a_day, asked)),
        has_timing=any(map(timings.has_frequency, asked)),
        free_text=any(
            elements.text(instruction.get("text"))
            or elements.text(instruction.get("patientInstruction"))
            for instruction in listed
        ),
        once=_is_once(asked),
        authored=elements.moment(resource.get("authoredOn")),
        start=start,
        end=end,
        unread_date=_unread_date(resource, asked),
        reason=reason(reasons.coded(resource), source, visit),
        reason_references=tuple(collection.keys(reasons.references(resource))),
        encounter=visit,
    )


def unread_status(
    stands: bool,
    status: str | Unread | None,
    intent: str | Unread | None,
    intents: frozenset[str],
) -> Unread | None:
    """What is not understood of an order that would count without it."""
    if isinstance(status, Unread):
        return status if isinstance(intent, Unread) or intent in intents else None
    return intent if isinstance(intent, Unread) and stands else None


def _bounds(resource: Resource, asked: list[Resource]) -> tuple[Moment | None, Moment | None]:
    """From the first to the last day of all instructions; what one leaves open, the prescription's
    validity says. Without either a single dose is for the day on which it was ordered."""
    first, last = elements.period(
        elements.mapping(resource.get("dispenseRequest")).get("validityPeriod")
    )
    authored = elements.moment(resource.get("authoredOn"))
    spans = [span(timing, first, authored) for timing in asked if timing]
    start, end = timings.whole(
        [(start or first, end or last) for start, end in spans] or [(first, last)]
    )
    return start, end or ((start or authored) if _is_once(asked) else None)


def _is_once(asked: list[Resource]) -> bool:
    return len(asked) == 1 and timings.is_once(asked[0])


def _unread_date(resource: Resource, asked: list[Resource]) -> Unread | None:
    """A date of an order that is written and can't be read."""
    supply = elements.mapping(resource.get("dispenseRequest")).get("validityPeriod")
    dates = [("authoredOn", resource.get("authoredOn")), *_ends("validityPeriod", supply)]
    for timing in asked:
        bounds = elements.mapping(timing.get("repeat")).get("boundsPeriod")
        dates += [("timing.event", said) for said in elements.texts(timing.get("event"))]
        dates += _ends("boundsPeriod", bounds)
    return first_unread(elements.stated(said, name) for name, said in dates)


def _ends(element: str, period: object) -> list[tuple[str, object]]:
    ends = elements.mapping(period)
    return [(f"{element}.{name}", ends.get(name)) for name in ("start", "end")]


def span(timing: Resource, start: Moment | None, ordered: Moment | None) -> timings.Span:
    """The days of a timing. `start`: of the order or plan, if it says; `ordered`: when it was
    written."""
    late = codes.windows().days("single-order")
    return timings.span(timing, start) if start else timings.span(timing, ordered, late)
