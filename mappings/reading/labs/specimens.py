"""When the specimen of a result was collected, which one it is, and whether it is the patient's.

Held by tests/scenarios/results.yaml.
"""

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.values import words
from mappings.values.moment import Moment

TIMES = ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "effectiveTiming")
_COLLECTED = ("collectedDateTime", "collectedInstant", "collectedPeriod", "collectedTiming")
_NO_SPECIMEN = ("unsatisfactory", "entered-in-error")


def collected(resource: Resource, collection: Collection, holder: Resource) -> Moment | None:
    """When the specimen was collected, else the time that the result is about."""
    specimens = elements.items(resource.get("specimen"))
    if len(specimens) == 1:
        specimen = elements.mapping(collection.resolve(specimens[0], holder))
        when = _time(elements.mapping(specimen.get("collection")), _COLLECTED)
        if when:
            return when
    return _time(resource, TIMES)


def _time(element: Resource, names: tuple[str, str, str, str]) -> Moment | None:
    """`collected[x]` or `effective[x]`; of a Timing only a single event."""
    date_time, instant, period, timing = names
    point = elements.moment(element[date_time] if date_time in element else element.get(instant))
    lasting, timed = element.get(period), element.get(timing)
    if point or (lasting is None and timed is None):
        return point
    start, end = elements.period(lasting)
    events = elements.texts(elements.mapping(timed).get("event"))
    return start or end or (elements.moment(events[0]) if len(events) == 1 else None)


def only(resource: Resource, home: str | None, collection: Collection) -> str | None:
    """The one specimen as `Type/id`; one that lives inside HOME as part of that."""
    found = elements.items(resource.get("specimen"))
    return key(found[0], home, collection) if len(found) == 1 else None


def key(reference: Resource, home: str | None, collection: Collection) -> str | None:
    said = elements.text(reference.get("reference"))
    return f"{home}{said}" if home and said.startswith("#") else collection.key(reference)


def of_another(resource: Resource, holder: Resource, collection: Collection) -> str | None:
    """Why it is no result of the patient's own blood, or of no blood that could be used."""
    whose = collection.key(holder.get("subject"))
    if any(collection.key(focus) != whose for focus in elements.items(resource.get("focus"))):
        return "about somebody or something else"
    for reference in elements.items(resource.get("specimen")):
        specimen = elements.mapping(collection.resolve(reference, holder))
        owner = collection.key(specimen.get("subject"))
        if owner and owner != whose:
            return "of another patient's specimen"
        if specimen.get("status") in _NO_SPECIMEN:
            return "of a specimen that could not be used"
        said = [
            *elements.concept(specimen.get("type")).words,
            elements.text(reference.get("display")),
        ]
        if any(words.first_of(text, codes.labs().names.fluids) for text in said):
            return "of another fluid than blood"
    return None
