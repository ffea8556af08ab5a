"""Encounters, their locations, and dialysis treatments: what decides setting and dialysis (R7,
R8)."""

from collections.abc import Iterator
from datetime import date

from mappings import codes
from mappings.reading import people
from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.elements import Resource
from mappings.record import Concept, DialysisTreatment, Encounter, Location, Stay
from mappings.values.moment import Moment

_ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"

_NEVER = Moment(date.max, date.max)
_NOT_HELD = frozenset({"planned", "cancelled", "entered-in-error"})
_GOING_ON = frozenset({"arrived", "triaged", "in-progress", "onleave"})


def encounter(resource: Resource, collection: Collection) -> Encounter | None:
    """An Encounter that took place; None for a planned, cancelled or mistaken one."""
    if elements.text(resource.get("status")) in _NOT_HELD:
        return None
    start, end = elements.period(resource.get("period"))
    return Encounter(
        source=elements.source(resource),
        klass=_klass(resource),
        start=start,
        end=end or (None if elements.text(resource.get("status")) in _GOING_ON else _day_of(start)),
        stays=tuple(_stays(resource, collection)),
        diagnoses=tuple(_diagnoses(resource, collection)),
        reasons=elements.concepts(resource.get("reasonCode")),
        service_provider=collection.key(resource.get("serviceProvider")),
        dialysis=next(filter(None, map(dialysis_kind, _services(resource))), None),
        participants=people.participants(resource, collection),
    )


def _klass(resource: Resource) -> str | None:
    klass = elements.mapping(resource.get("class"))
    code = elements.text(klass.get("code")) or next(elements.codes(klass), "")
    return code.strip().upper() or None


def _day_of(start: Moment | None) -> Moment | None:
    """An encounter that is over and does not say when covers the day of its start."""
    return Moment(*start.days(None)) if start else None


def _services(resource: Resource) -> Iterator[Concept]:
    """What was done, and why."""
    for element in ("type", "serviceType", "reasonCode"):
        yield from elements.concepts(resource.get(element))


def _stays(resource: Resource, collection: Collection) -> Iterator[Stay]:
    for item in elements.items(resource.get("location")):
        key = collection.key(item.get("location"))
        if key and elements.text(item.get("status")) not in ("planned", "reserved"):
            yield Stay(key, *elements.period(item.get("period")))


def _diagnoses(resource: Resource, collection: Collection) -> Iterator[str]:
    rows = [
        elements.mapping(item.get("condition"))
        for item in elements.items(resource.get("diagnosis"))
    ]
    yield from filter(
        None, map(collection.key, [*rows, *elements.items(resource.get("reasonReference"))])
    )


def location(resource: Resource, collection: Collection) -> Location:
    """A Location; `place_of_service` by CMS code in type or identifier, else by HL7 location
    type."""
    found: list[str] = []
    concepts = [elements.concept(item) for item in elements.items(resource.get("type"))]
    for concept in concepts:
        found += [
            coding.code for coding in concept.codings if coding.system == elements.PLACE_OF_SERVICE
        ]
    for item in elements.items(resource.get("identifier")):
        if elements.system(item.get("system")) == elements.PLACE_OF_SERVICE:
            found.append(elements.text(item.get("value")))
    if not found:
        table = codes.settings().location_type
        found = [
            table[row.code]
            for concept in concepts
            for row in concept.codings
            if row.system == _ROLE_CODE and row.code in table
        ]
    return Location(
        source=elements.source(resource),
        place_of_service=tuple(dict.fromkeys(found)),
        organization=collection.key(resource.get("managingOrganization")),
    )


def dialysis_kind(concept: Concept) -> str | None:
    table = codes.diagnoses().dialysis_codes
    return next(
        (table[key] for row in concept.codings for key in [(row.system, row.code)] if key in table),
        None,
    )


def dialysis_treatments(procedures: list[Resource]) -> Iterator[DialysisTreatment]:
    """Procedures that are dialysis and were done or under way."""
    for resource in procedures:
        kind = dialysis_kind(elements.concept(resource.get("code")))
        if kind and elements.text(resource.get("status")) in ("completed", "in-progress"):
            start, end = elements.period(resource.get("performedPeriod"))
            goes_on = start is not None and resource.get("status") == "in-progress"
            yield DialysisTreatment(
                source=elements.source(resource),
                kind=kind,
                when=elements.moment(resource.get("performedDateTime")) or start or end,
                until=end or (_NEVER if goes_on else None),
            )
