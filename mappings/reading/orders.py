"""Orders and plans of IV iron, dispensed vials, and erythropoiesis-stimulating agents (R5, R10,
R12)."""

from collections.abc import Iterator

from mappings import codes
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements, timings
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.elements import Resource
from mappings.record import Amount, Concept, Container, Dispense, Drug, EsaDose, Order, Source
from mappings.values.moment import Moment

# An order or a plan, and what FHIR's request-intent defines as kinds of order.
_INTENTS = frozenset(
    {"order", "plan", "original-order", "filler-order", "instance-order", "reflex-order"}
)
# Between an order and its first dose lie the payer's authorization and a free chair. Ours, not
# verified.
_LATE_DAYS = 30
_STATUSES = frozenset({"active", "completed"})
_NOT_PLANNED = frozenset({"cancelled", "stopped", "entered-in-error"})


def order(resource: Resource, collection: Collection, finder: ProductFinder) -> Order | None:
    """A MedicationRequest for an IV iron; None for any other drug."""
    wanted = drug(resource, collection, finder)
    if not wanted.concerns_us:
        return None
    instructions = elements.items(resource.get("dosageInstruction"))
    start, end = _bounds(resource, instructions)
    return Order(
        source=elements.source(resource),
        drug=wanted,
        counts=elements.text(resource.get("intent")) in _INTENTS
        and elements.text(resource.get("status")) in _STATUSES
        and resource.get("doNotPerform") is not True,
        dose=_dose(instructions),
        has_timing=any(
            timings.has_frequency(elements.mapping(row.get("timing"))) for row in instructions
        ),
        free_text=any(
            elements.text(row.get("text")) or elements.text(row.get("patientInstruction"))
            for row in instructions
        ),
        authored=elements.moment(resource.get("authoredOn")),
        start=start,
        end=end,
        reasons=elements.concepts(resource.get("reasonCode")),
        reason_references=tuple(
            filter(None, map(collection.key, elements.items(resource.get("reasonReference"))))
        ),
        encounter=collection.key(resource.get("encounter")),
    )


def _dose(instructions: list[Resource]) -> Amount:
    doses = [
        elements.mapping(part).get("doseQuantity")
        for row in instructions
        for part in elements.items(row.get("doseAndRate"))
    ]
    ranges = [
        elements.mapping(part.get("doseRange")).get("high")
        for row in instructions
        for part in elements.items(row.get("doseAndRate"))
    ]
    found = next((quantity for quantity in [*doses, *ranges] if quantity is not None), None)
    return amount(found)


def _bounds(
    resource: Resource, instructions: list[Resource]
) -> tuple[Moment | None, Moment | None]:
    """From the first to the last day of all instructions; what one leaves open, the prescription's
    validity says."""
    first, last = elements.period(
        elements.mapping(resource.get("dispenseRequest")).get("validityPeriod")
    )
    schedules = [
        timing for row in instructions for timing in [elements.mapping(row.get("timing"))] if timing
    ]
    spans = [
        _span(timing, first, elements.moment(resource.get("authoredOn"))) for timing in schedules
    ]
    return timings.whole([(start or first, end or last) for start, end in spans] or [(first, last)])


def _span(timing: Resource, start: Moment | None, ordered: Moment | None) -> timings.Span:
    return timings.span(timing, start) if start else timings.span(timing, ordered, _LATE_DAYS)


def planned(resource: Resource, collection: Collection, finder: ProductFinder) -> Iterator[Order]:
    """The activities of a CarePlan that plan an IV iron."""
    if elements.text(resource.get("status")) not in ("active", "completed") or elements.text(
        resource.get("intent")
    ) not in ("plan", "order"):
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
        if (
            wanted.concerns_us
            and elements.text(detail.get("status")) not in _NOT_PLANNED
            and detail.get("doNotPerform") is not True
        ):
            yield _activity(resource, detail, wanted)


def _activity(plan: Resource, detail: Resource, wanted: Drug) -> Order:
    timing = elements.mapping(detail.get("scheduledTiming"))
    start, end = elements.period(plan.get("period"))
    created = elements.moment(plan.get("created"))
    first, last = (
        _span(timing, start, created) if timing else elements.period(detail.get("scheduledPeriod"))
    )
    return Order(
        source=elements.source(plan),
        drug=wanted,
        counts=True,
        dose=amount(detail.get("dailyAmount") or detail.get("quantity")),
        has_timing=timings.has_frequency(timing),
        free_text=bool(
            elements.text(detail.get("description")) or elements.text(detail.get("scheduledString"))
        ),
        authored=created,
        start=first or start,
        end=last or end,
    )


def dispense(resource: Resource, collection: Collection, finder: ProductFinder) -> Dispense | None:
    """Vials handed out for an order: containers only, never a discard."""
    handed = drug(resource, collection, finder)
    if not handed.concerns_us or elements.text(resource.get("status")) not in (
        "completed",
        "in-progress",
    ):
        return None
    source = elements.source(resource)
    return Dispense(
        source=source,
        drug=handed,
        orders=tuple(
            filter(
                None, map(collection.key, elements.items(resource.get("authorizingPrescription")))
            )
        ),
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
    if elements.text(resource.get("status")) not in (
        "completed",
        "active",
        "in-progress",
        "stopped",
    ):
        return None
    concept: Concept = elements.concept(resource.get("medicationCodeableConcept"))
    table = codes.beside_iron()
    texts = [
        concept.text,
        *(row.display for row in concept.codings),
        elements.text(elements.mapping(resource.get("medicationReference")).get("display")),
    ]
    coded = (row.code for row in concept.codings if row.system == elements.HCPCS)
    found = [table.by_code.get(code or "") for code in coded]
    found += [table.named_in(text) for text in texts if text]
    name = next((esa.name for esa in found if esa), None)
    if name is None:
        return None
    start, _ = elements.period(resource.get("effectivePeriod"))
    when = (
        elements.moment(resource.get("effectiveDateTime"))
        or start
        or elements.moment(resource.get("authoredOn"))
    )
    return EsaDose(source=elements.source(resource), name=name, when=when)
