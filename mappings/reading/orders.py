"""Orders and plans of IV iron, dispensed vials, and erythropoiesis-stimulating agents (R5, R10,
R12).

Held by tests/scenarios/orders_notes.yaml.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain

from mappings import codes
from mappings.reading import people
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.plain import plain_dose
from mappings.reading.conditions import reason
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements, reasons, timings
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.record import (
    ORDERS,
    Amount,
    Concept,
    Container,
    Dispense,
    Drug,
    EsaDose,
    Order,
    OrderedDoses,
    Source,
)
from mappings.values.moment import Moment
from mappings.values.stated import Unread, first_unread

_INTENTS = ORDERS | {"plan"}
_STATUSES = frozenset({"active", "completed"})
_PLANS = frozenset({"plan", "order"})
# Of an ESA that was given, or is to be.
_TAKEN = frozenset({"completed", "active", "in-progress", "stopped"})
_NOT_PLANNED = frozenset({"cancelled", "stopped", "entered-in-error"})


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
    instructions = elements.items(resource.get("dosageInstruction"))
    asked, each = timings.stated(instructions), tuple(_each(instructions))
    start, end = _bounds(resource, asked)
    status = statuses.read("MedicationRequest.status", resource.get("status"))
    intent = statuses.read("MedicationRequest.intent", resource.get("intent"))
    forbids = elements.flag(resource.get("doNotPerform"), "MedicationRequest.doNotPerform")
    source, visit = elements.source(resource), collection.key(resource.get("encounter"))
    counts = intent in _INTENTS and status in _STATUSES and forbids is not True
    return Order(
        source=source,
        drug=wanted,
        counts=counts and not isinstance(forbids, Unread),
        void=status if isinstance(status, str) and status not in _STATUSES else None,
        unread=_unread(status in _STATUSES and forbids is not True, status, intent, _INTENTS)
        or (forbids if counts and isinstance(forbids, Unread) else None),
        dose=_dose(instructions),
        doses_a_day=_together(instructions, list(map(timings.doses_a_day, asked))),
        doses=_together(instructions, [one.doses for one in each]),
        instructions=each,
        days_apart=_one(map(timings.days_apart, asked)),
        dates=tuple(chain.from_iterable(map(timings.dates, asked))),
        part_of=tuple(collection.keys(resource.get("basedOn"))),
        replaces=collection.key(resource.get("priorPrescription")),
        has_timing=any(map(timings.has_frequency, asked)),
        free_text=any(
            elements.text(instruction.get("text"))
            or elements.text(instruction.get("patientInstruction"))
            for instruction in instructions
        ),
        once=_is_once(asked),
        authored=elements.moment(resource.get("authoredOn")),
        start=start,
        end=end,
        unread_date=_unread_date(resource, asked),
        reason=reason(reasons.coded(resource), source, visit),
        reason_references=tuple(collection.keys(reasons.references(resource))),
        encounter=visit,
        requester=people.requester(resource, collection),
    )


def _unread(
    stands: bool,
    status: str | Unread | None,
    intent: str | Unread | None,
    intents: frozenset[str],
) -> Unread | None:
    """What is not understood of an order that would count without it."""
    if isinstance(status, Unread):
        return status if isinstance(intent, Unread) or intent in intents else None
    return intent if isinstance(intent, Unread) and stands else None


def _dose(instructions: list[Resource]) -> Amount:
    ranges = (elements.mapping(part.get("doseRange")) for part in _parts(instructions))
    highs = filter(None, (span.get("high") for span in ranges))
    return amount(next(chain(_quantities(instructions), highs), None))


def _quantities(instructions: list[Resource]) -> Iterator[object]:
    said = (part.get("doseQuantity") for part in _parts(instructions))
    return (quantity for quantity in said if quantity is not None)


def _parts(instructions: list[Resource]) -> Iterator[Resource]:
    for instruction in instructions:
        yield from elements.items(instruction.get("doseAndRate"))


def _each(instructions: list[Resource]) -> Iterator[OrderedDoses]:
    """In their sequence, as far as all have a place in it. A range of doses is no dose."""
    places = [elements.decimal(one.get("sequence")) for one in instructions]
    if None not in places:
        order = sorted(range(len(places)), key=lambda place: places[place] or 0)
        instructions = [instructions[place] for place in order]
    for one, timing in zip(instructions, timings.stated(instructions), strict=True):
        said = _quantities([one])
        yield OrderedDoses(amount(next(said, None)), timings.doses(timing))


def _one(said: Iterable[Decimal | None]) -> Decimal | None:
    """What all of them say."""
    found = set(said)
    return found.pop() if len(found) == 1 else None


def _together(instructions: list[Resource], counts: list[int | None]) -> int | None:
    """What COUNTS say of all instructions together, where each does and of the same dose; else
    None."""
    if not counts or None in counts:
        return None
    is_one = len(instructions) == 1 or len({_dose([one]) for one in instructions}) == 1
    return sum(filter(None, counts)) if is_one else None


def _bounds(resource: Resource, asked: list[Resource]) -> tuple[Moment | None, Moment | None]:
    """From the first to the last day of all instructions; what one leaves open, the prescription's
    validity says. Without either a single dose is for the day on which it was ordered."""
    first, last = elements.period(
        elements.mapping(resource.get("dispenseRequest")).get("validityPeriod")
    )
    authored = elements.moment(resource.get("authoredOn"))
    spans = [_span(timing, first, authored) for timing in asked if timing]
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


def _span(timing: Resource, start: Moment | None, ordered: Moment | None) -> timings.Span:
    late = codes.windows().days("single-order")
    return timings.span(timing, start) if start else timings.span(timing, ordered, late)


def planned(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    statuses: StatusReader = PLAIN,
) -> Iterator[Order]:
    """The activities of a CarePlan that plan an IV iron."""
    status = statuses.read("CarePlan.status", resource.get("status"))
    intent = statuses.read("CarePlan.intent", resource.get("intent"))
    unread = _unread(status in _STATUSES, status, intent, _PLANS)
    if not unread and not (status in _STATUSES and intent in _PLANS):
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
        _span(timing, start, created) if timing else elements.period(detail.get("scheduledPeriod"))
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


def dispense(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    statuses: StatusReader = PLAIN,
) -> Dispense | None:
    """Vials handed out for an order: containers only, never a discard."""
    handed = drug(resource, collection, finder)
    status = statuses.read("MedicationDispense.status", resource.get("status"))
    if not handed.concerns_us or status not in ("completed", "in-progress"):
        return None
    source = elements.source(resource)
    return Dispense(
        source=source,
        drug=handed,
        orders=tuple(collection.keys(resource.get("authorizingPrescription"))),
        when=elements.moment(resource.get("whenHandedOver"))
        or elements.moment(resource.get("whenPrepared")),
        containers=tuple(_vials(resource, handed, source)),
    )


def _vials(resource: Resource, handed: Drug, source: Source) -> Iterator[Container]:
    quantity = amount(resource.get("quantity"))
    known = [ndc for ndc in handed.ndcs if ndc in codes.packages()]
    vials = quantity.value if quantity.unit == "vial" else None
    if vials and vials % 1 == 0 and 0 < vials < 1000 and len(known) == 1:
        yield Container(codes.packages()[known[0]].mg, int(vials), known[0], source)


def esa_dose(resource: Resource) -> EsaDose | None:
    """An ESA given or ordered; NCD 110.10 covers iron beside it."""
    if elements.text(resource.get("status")) not in _TAKEN:
        return None
    name = esa(resource)
    if name is None:
        return None
    start = elements.mapping(resource.get("effectivePeriod")).get("start")
    when = _first(resource.get("effectiveDateTime"), start, resource.get("authoredOn"))
    return EsaDose(source=elements.source(resource), name=name, when=when)


def plain_esa_dose(held: Held) -> EsaDose | None:
    """`esa_dose` of one that names its drug by a concept alone; None of any other."""
    is_by_concept = held.about and held.head.medicationReference is None
    found = plain_dose(held) if is_by_concept else None
    name = _esa_of_text(held.about) if found and found.status in _TAKEN else None
    if not (found and name):
        return None
    start = found.effective_period.start if found.effective_period else None
    when = _first(found.effective_date_time, start, found.authored_on)
    return EsaDose(source=found.source(held), name=name, when=when)


def _first(*said: object) -> Moment | None:
    return next(filter(None, map(elements.moment, said)), None)


@codes.remembered
def _esa_of_text(about: bytes) -> str | None:
    return esa({"medicationCodeableConcept": decode_plain(about)})


def esa(resource: Resource) -> str | None:
    """The ESA that a medication is."""
    concept = elements.concept(resource.get("medicationCodeableConcept"))
    shown = elements.mapping(resource.get("medicationReference")).get("display")
    return _esa(concept, elements.text(shown))


@codes.remembered
def _esa(concept: Concept, shown: str) -> str | None:
    table = codes.beside_iron()
    coded = (coding.code for coding in concept.codings if coding.system == elements.HCPCS)
    found = [table.by_code.get(code or "") for code in coded]
    found += [table.named_in(text) for text in [*concept.words, shown] if text]
    return next((agent.name for agent in found if agent), None)
