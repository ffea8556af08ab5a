"""Oral iron: courses with their dates, intolerances and allergies (R10 oral-iron-history, R12).

Held by tests/scenarios/oral_iron.yaml.
"""

import re
from collections.abc import Iterator
from functools import cache

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.texts import MOST_SAID
from mappings.reading.fhir import elements, timings
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.orders.dispenses import handed_over
from mappings.record import WHICH_IRON, Concept, OralIron
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.stated import Unread, first_unread

_NOT_TAKEN = frozenset(
    {
        "entered-in-error",
        "not-taken",
        "intended",
        "unknown",
        "cancelled",
        "draft",
        "declined",
        "preparation",
    }
)
_BETWEEN = (
    "any|gi|gastrointestinal|known|reported|significant|further|other|issues|problems|and|or|nor"
)
_EFFECTS = "effects?|events?|reactions?"
_DENIALS = ("no ", "not ", "lack ", "unable ", "cannot ", "can t ", "couldn t ", "didn t ")
_SENTENCES = re.compile(r"[.;]|\bbut\b")
_NO_LONGER = frozenset({"stopped", "on-hold"})
_US_CORE_ADHERENCE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-medication-adherence"
_NO_ORDERS = frozenset({"proposal", "option"})
# By which whoever could not take it can, or may, now.
_OVER = frozenset({"inactive", "resolved"})
_UNCONFIRMED = frozenset({"refuted", "entered-in-error"})


def is_named(resource: Resource, collection: Collection) -> bool:
    """Whether an order is for an iron by mouth."""
    return _is_oral_iron(_medication(resource, collection))


def allergy(resource: Resource, statuses: StatusReader = PLAIN) -> OralIron | None:
    """An AllergyIntolerance to an oral iron."""
    reactions = elements.items(resource.get("reaction"))
    substances = [resource.get("code"), *(item.get("substance") for item in reactions)]
    named = tuple(map(elements.concept, substances))
    is_oral = _is_oral_iron(named)
    unclear = None if is_oral else _unclear(named[0])
    if not (is_oral or unclear) or any(map(_is_denied, named)):
        return None
    stated = [
        statuses.read(f"AllergyIntolerance.{name}", resource.get(name))
        for name in ("clinicalStatus", "verificationStatus")
    ]
    # DSTU2 had one status for both.
    stated.append(statuses.read("AllergyIntolerance.clinicalStatus", resource.get("status")))
    if _UNCONFIRMED & {said for said in stated if said}:
        return None
    return OralIron(
        source=elements.source(resource),
        unread=unclear or first_unread(stated),
        over=next((said for said in stated if isinstance(said, str) and said in _OVER), None),
        intolerance=True,
        says="allergy or intolerance to oral iron",
    )


def course(
    resource: Resource, collection: Collection, statuses: StatusReader = PLAIN
) -> OralIron | None:
    """A MedicationStatement, MedicationRequest or MedicationDispense of oral iron that was taken or
    handed out.

    One that the patient does not take for its side effects is an intolerance.
    """
    if not is_named(resource, collection):
        return None
    intolerant = any(map(_tells_intolerance, _reasons(resource)))
    unlike = _NOT_TAKEN - {"not-taken"} if intolerant else _NOT_TAKEN
    kind = resource["resourceType"]
    status = statuses.read(f"{kind}.status", resource.get("status"))
    intent = statuses.read("MedicationRequest.intent", resource.get("intent"))
    forbids = elements.flag(resource.get("doNotPerform"), f"{kind}.doNotPerform")
    adherence = list(_adherence(resource, statuses)) if kind == "MedicationStatement" else []
    if forbids is True or intent in _NO_ORDERS or not unlike.isdisjoint((status, *adherence)):
        return None
    untaken = None if intolerant else next(_untaken(resource), None)
    goes_on = status == "active" and _NO_LONGER.isdisjoint(adherence)
    start, end, by_supply = _dates(resource, goes_on=goes_on)
    return OralIron(
        source=elements.source(resource),
        unread=first_unread((status, forbids, *adherence, untaken)),
        intolerance=intolerant,
        start=start,
        end=end,
        supply=kind if by_supply else "",
        says="oral iron",
    )


@codes.remembered
def _is_oral_iron(concepts: tuple[Concept, ...]) -> bool:
    """By RxNorm or name; what only contains some iron is none."""
    table = codes.products().oral_iron
    if any(_is_named(concept, table.none) for concept in concepts):
        return False
    for concept in concepts:
        coded = (one.code for one in concept.codings if one.system == elements.RXNORM)
        if any(code in table.rxnorm for code in coded) or _is_named(concept, table.names):
            return True
    return False


def _unclear(concept: Concept) -> Unread | None:
    """An entry for iron that does not say which: by mouth, or into a vein."""
    names = codes.products().oral_iron.unclear
    said = concept.words
    is_iron = said and all(words.plain(one).strip() in names for one in said)
    return Unread(WHICH_IRON, said[0]) if is_iron else None


def _is_denied(concept: Concept) -> bool:
    """An entry that says of an iron that it is tolerated, not known not to be, or somebody else's
    trouble."""
    table = codes.products().oral_iron
    return _is_named(concept, table.tolerated) or any(
        words.begins(text, table.denied) for text in concept.words
    )


def _is_named(concept: Concept, names: tuple[str, ...]) -> bool:
    return any(words.first_of(text, names) for text in concept.words)


def _medication(resource: Resource, collection: Collection) -> tuple[Concept, ...]:
    """What an order names, and the Medication that it points to."""
    concept, reference = elements.concept_or_reference(resource, "medication")
    named = elements.concept(concept)
    if not reference:
        return (named,)
    shown = Concept(text=elements.text(reference.get("display")))
    target = elements.mapping(collection.resolve(reference, resource))
    return named, shown, elements.concept(target.get("code"))


def _reasons(resource: Resource) -> Iterator[str]:
    adherence = elements.mapping(resource.get("adherence"))
    listed = [resource.get(name) for name in ("statusReason", "reasonNotTaken")]
    for said in (*listed, adherence.get("reason")):
        for reason in elements.concepts(said):
            yield from reason.words


def _adherence(resource: Resource, statuses: StatusReader) -> Iterator[str | Unread | None]:
    """What a statement says of taking it, beside its status: DSTU2's flag, STU3's code, R5's
    element and the extension of US Core."""
    was_not = elements.flag(resource.get("wasNotTaken"), "wasNotTaken")
    if was_not:
        yield was_not if isinstance(was_not, Unread) else "not-taken"
    said = [resource.get("taken"), elements.mapping(resource.get("adherence")).get("code")]
    for extension in elements.extensions(resource, _US_CORE_ADHERENCE):
        said += [
            part.get("valueCodeableConcept")
            for part in elements.extensions(extension, "medicationAdherence")
        ]
    for element in said:
        yield statuses.read("MedicationStatement.adherence", element)


def _untaken(resource: Resource) -> Iterator[Unread]:
    """What says, beside the status, that it was never taken."""
    said = [("statusReason", text) for text in _reasons(resource)]
    said += [("note", note) for note in elements.notes(resource.get("note"))]
    table = codes.products().oral_iron
    for element, text in said:
        if set(words.apart(text, (*table.taken, *table.untaken))) & set(table.untaken):
            yield Unread(element, text[:MOST_SAID])


def _tells_intolerance(text: str) -> bool:
    """Whether a reason names an intolerance, other than to deny it ("no side effects")."""
    parts = (_denied().sub(" ", words.plain(part)) for part in _SENTENCES.split(text.lower()))
    return any(words.first_of(part, codes.products().oral_iron.intolerance) for part in parts)


@cache
def _denied() -> re.Pattern[str]:
    """What denies one; "no response" is none."""
    named = (words.plain(name).strip() for name in codes.products().oral_iron.intolerance)
    one = "|".join(
        name for name in sorted(named, key=len, reverse=True) if not name.startswith(_DENIALS)
    )
    return re.compile(
        rf" (?:no|without|denies|denied|never)(?: (?:{_BETWEEN}))* (?:{one})(?:"
        rf" (?:{_BETWEEN}|{_EFFECTS}|{one}))*(?= )"
        rf"| (?:{one})(?: (?:{_EFFECTS}))? (?:none|denied|absent)(?= )"
    )


# First and last day, and whether the last one is by the supply.
_Dates = tuple[Moment | None, Moment | None, bool]


def _dates(resource: Resource, *, goes_on: bool) -> _Dates:
    if resource["resourceType"] == "MedicationDispense":
        start = handed_over(resource)
        return start, timings.last_day(start, timings.days(resource.get("daysSupply"))), True
    if resource["resourceType"] == "MedicationStatement":
        only = elements.moment(resource.get("effectiveDateTime"))
        if only:
            return only, only, False
        start, end = elements.period(resource.get("effectivePeriod"))
        # One that says no more than when it was made tells of that day.
        start = start or (None if end else elements.moment(resource.get("dateAsserted")))
        return start, end if end or goes_on else start, False
    return _of_request(resource)


def _of_request(resource: Resource) -> _Dates:
    """As long as the instructions say, else the supply, else the prescription's validity."""
    supply = elements.mapping(resource.get("dispenseRequest"))
    first, last = elements.period(supply.get("validityPeriod"))
    begin = first or elements.moment(resource.get("authoredOn"))
    asked = timings.stated(elements.items(resource.get("dosageInstruction")))
    start, end = timings.whole(timings.span(timing, begin) for timing in asked if timing)
    if start and not end:
        return start, None, False
    lasts = timings.last_day(begin, timings.days(supply.get("expectedSupplyDuration")))
    return start or begin, end or lasts or last or begin, not end and lasts is not None
