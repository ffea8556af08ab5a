"""Encounters, their locations, and dialysis treatments: what decides setting and dialysis (R7,
R8).

Held by tests/unit/test_reading_people.py.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import chain
from typing import NamedTuple

from msgspec import UNSET

from mappings import codes
from mappings.codes.tables import EncounterTypes
from mappings.reading import people
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.groups import Kept
from mappings.reading.bundles.heads import Held, text_of
from mappings.reading.conditions import reason
from mappings.reading.encounter_classes import ClassReader
from mappings.reading.fhir import elements, reasons
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource, moment
from mappings.reading.fhir.statuses import PLAIN, StatusReader, quoted, statements
from mappings.reading.kidney.dialysis import dialysis_kind
from mappings.reading.kidney.words import in_words, says_dialysis
from mappings.record import (
    VISIT_IN_WORDS,
    Administration,
    Coding,
    Concept,
    Encounter,
    Location,
    PastClass,
    Stay,
)
from mappings.values.moment import Moment
from mappings.values.remembered import Remembered
from mappings.values.stated import Unread

_ROLE_CODE = frozenset(
    {
        "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
        "http://hl7.org/fhir/v3/RoleCode",
        "urn:oid:2.16.840.1.113883.5.111",
    }
)

_BESIDE = timedelta(days=2)
# No rule asks for a dialysis that was over so long before a dose (90 days).
_LONG_BEFORE = timedelta(days=366)
_NOT_THERE = frozenset({"planned", "reserved"})


class OfDoses:
    """The encounters of doses: those that they name, and those of their days."""

    def __init__(self, doses: Iterable[Administration]) -> None:
        given = list(doses)
        self._named = {dose.encounter for dose in given}
        starts = [dose.start for dose in given if dose.start]
        # A day beside, for the zones in which the days are told.
        self._first = min((start.first for start in starts), default=date.max) - _BESIDE
        self._long_before = self._first - _LONG_BEFORE
        self._last = max((start.last for start in starts), default=date.min + _BESIDE) + _BESIDE

    def may_be_in(self, reference: str, start: Moment | None, end: Moment | None) -> bool:
        """Whether it may be the encounter of one of them."""
        return reference in self._named or self._meets(start, end, self._first)

    def bearing(self, visits: Iterable[Encounter]) -> tuple[Encounter, ...]:
        """Those that may bear on a dose: named by one, of its days, a dialysis of the year before,
        the whole of which such a one is a part, or that links diagnoses with each other."""
        listed = list(visits)
        bearing = [visit for visit in listed if self._bears(visit)]
        wholes = {visit.part_of for visit in bearing}
        kept = {visit.source for visit in bearing}
        return tuple(
            visit for visit in listed if visit.source in kept or visit.source.resource in wholes
        )

    def _bears(self, visit: Encounter) -> bool:
        start, end = visit.start, visit.end
        is_linking = len(visit.diagnoses) > 1
        if is_linking or self.may_be_in(visit.source.resource, start, end):
            return True
        is_dialysis = bool(visit.dialysis or visit.dialysis_in_words)
        return is_dialysis and self._is_near(start, end)

    def _is_near(self, start: Moment | None, end: Moment | None) -> bool:
        return self._meets(start, end, self._long_before)

    def _meets(self, start: Moment | None, end: Moment | None, since: date) -> bool:
        """Whether it had begun when the last dose was given, and was not over by SINCE."""
        begun = start is None or start.first <= self._last
        return begun and (end is None or end.last >= since)

    def visits(self, kept: Kept, collection: Collection) -> Kept:
        """Of unopened encounters those of which it can't be told that they don't bear on a dose."""
        bearing = [one for one in kept if not isinstance(one, Held) or self._may_bear(one)]
        if len(bearing) == len(kept):
            return kept
        wholes = {collection.key(_part_of(one)) for one in bearing}
        others = [one for one in kept if isinstance(one, Held) and one.key in wholes]
        return [*bearing, *(one for one in others if not self._may_bear(one))]

    def _may_bear(self, held: Held) -> bool:
        head = held.head
        links = head.diagnosis or head.reasonReference or head.reason is not UNSET
        if links or head.period is None or held.key in self._named:
            return True
        start, end = moment(head.period.start), moment(head.period.end)
        if end is None or self._meets(start, end, self._first):
            return True
        about = head.type, head.serviceType, head.reasonCode
        return self._is_near(start, end) and _may_be_dialysis(tuple(map(text_of, about)))


@codes.remembered
def _may_be_dialysis(about: tuple[bytes, ...]) -> bool:
    """By the texts of the elements that say what an encounter was for."""
    said = chain.from_iterable(elements.concepts(decode(one)) for one in about if one)
    return any(dialysis_kind(one) or says_dialysis(one) for one in said)


def _part_of(visit: Held | Resource) -> object:
    if not isinstance(visit, Held):
        return visit.get("partOf")
    whole = visit.head.partOf
    return whole.reference if whole else None


class _Said(NamedTuple):
    """What the types of an encounter say."""

    inpatient: str | None
    facility: str | None
    dialysis: str | None
    dialysis_in_words: Unread | None


class EncounterReader:
    """Reads encounters for one site."""

    def __init__(self, statuses: StatusReader = PLAIN, classes: ClassReader | None = None) -> None:
        self._statuses, self._classes = statuses, classes or ClassReader()
        self._said = Remembered(_said_by)

    def encounter(self, resource: Resource, collection: Collection, doses: "OfDoses") -> Encounter:
        """An Encounter, whether it took place or not; who took part, where it may be that of a
        dose."""
        period = elements.either(resource, "period", "actualPeriod")
        start, end = elements.period(period)
        undated = None if start and end else _unread(period, "Encounter.period")
        status = self._statuses.read("Encounter.status", resource.get("status"))
        goes_on = status == "in-progress" or isinstance(status, Unread)
        said = self._said[tuple(_types(resource))]
        why = reasons.coded(resource)
        source = elements.source(resource)
        end = end or (None if goes_on or undated else _day_of(start))
        near = doses.may_be_in(source.resource, start, end)
        return Encounter(
            source=source,
            identifiers=elements.identifiers(resource.get("identifier")),
            status=status,
            unread_period=undated,
            klass=self._classes.read(resource.get("class")),
            past_classes=tuple(self._past_classes(resource)),
            inpatient_type=said.inpatient,
            facility_stay=said.facility,
            discharge=_discharge(resource),
            part_of=collection.key(resource.get("partOf")),
            start=start,
            end=end,
            stays=tuple(self._stays(resource, collection)),
            diagnoses=tuple(_diagnoses(resource, collection)),
            reason=reason(why, source, source.resource, of_visit=True) if why else None,
            service_provider=collection.key(resource.get("serviceProvider")),
            dialysis=said.dialysis or next(filter(None, map(dialysis_kind, why)), None),
            dialysis_in_words=said.dialysis_in_words,
            participants=people.participants(resource, collection) if near else (),
        )

    def _past_classes(self, resource: Resource) -> Iterator[PastClass]:
        """Of R4's history of the class; one without times that are read may be of any."""
        said = resource.get("classHistory")
        if said and not elements.items(said):
            yield PastClass(Unread("Encounter.classHistory", quoted(list(statements(said)))))
        for item in elements.items(said):
            klass = self._classes.read(item.get("class"))
            if isinstance(klass, Unread) or (klass and klass.kind == "inpatient"):
                yield PastClass(klass, *elements.period(item.get("period")))

    def _stays(self, resource: Resource, collection: Collection) -> Iterator[Stay]:
        """Where the patient was; a status that is not understood says nothing of a place."""
        for item in elements.items(resource.get("location")):
            key = collection.key(item.get("location"))
            status = self._statuses.read("Encounter.location.status", item.get("status"))
            if key and status not in _NOT_THERE and not isinstance(status, Unread):
                yield _stay(key, item.get("period"))


def _stay(location: str, period: object) -> Stay:
    start, end = elements.period(period)
    undated = None if start and end else _unread(period, "Encounter.location.period")
    return Stay(location, start, end, undated=undated is not None)


def _unread(period: object, element: str) -> Unread | None:
    return None if period is None else next(elements.unread_period(period, element), None)


def _types(resource: Resource) -> Iterator[Concept]:
    for element in ("type", "serviceType"):
        yield from elements.concepts(resource.get(element))


def _said_by(types: tuple[Concept, ...]) -> _Said:
    table = codes.settings()
    return _Said(
        _of_type(types, table.inpatient_type),
        _of_type(types, table.facility_stay),
        next(filter(None, map(dialysis_kind, types)), None),
        next((in_words(one, VISIT_IN_WORDS) for one in types if says_dialysis(one)), None),
    )


def _of_type(types: Iterable[Concept], table: EncounterTypes) -> str | None:
    """The words of the first type that is in the table."""
    for concept in types:
        for said in concept.words:
            if table.named_in(said):
                return said
        for coding in concept.codings:
            if coding.system == elements.SNOMED and coding.code in table.snomed:
                return f"SNOMED CT {coding.code}"
    return None


def _discharge(resource: Resource) -> str | None:
    admission = elements.mapping(elements.either(resource, "hospitalization", "admission"))
    if "dischargeDisposition" not in admission:
        return None
    return quoted(list(statements(admission.get("dischargeDisposition")))) or None


def _day_of(start: Moment | None) -> Moment | None:
    """An encounter that is over and does not say when covers the day of its start."""
    return Moment(*start.days(None)) if start else None


def _diagnoses(resource: Resource, collection: Collection) -> Iterator[str]:
    listed = elements.items(resource.get("diagnosis"))
    for item in listed:
        yield from collection.keys(reasons.either_way(item.get("condition")))
    yield from collection.keys(reasons.references(resource))


def location(resource: Resource, collection: Collection) -> Location:
    """A Location; `place_of_service` by CMS code in type or identifier, else by HL7 location
    type."""
    codings: list[Coding] = []
    for concept in elements.concepts(resource.get("type")):
        codings += concept.codings
    found = [coding.code for coding in codings if coding.system == elements.PLACE_OF_SERVICE]
    identifiers = elements.items(resource.get("identifier"))
    found += [
        elements.text(item.get("value"))
        for item in identifiers
        if elements.system(item.get("system")) == elements.PLACE_OF_SERVICE
    ]
    if not found:
        table = codes.settings().location_type
        by_hl7 = [table.get(coding.code) for coding in codings if coding.system in _ROLE_CODE]
        found = list(filter(None, by_hl7))
    return Location(
        source=elements.source(resource),
        place_of_service=tuple(dict.fromkeys(found)),
        organization=collection.key(resource.get("managingOrganization")),
        part_of=collection.key(resource.get("partOf")),
    )


def locations(visits: Iterable[Encounter], collection: Collection) -> list[Resource]:
    """The Locations of encounters, and those that they lie in: of a Bundle's encounter, the
    Bundle's own."""
    found: dict[str, Resource] = {}
    open_: dict[str, str] = {}
    for visit in visits:
        open_ |= {stay.location: visit.source.resource for stay in visit.stays}
    while open_:
        key, asker = open_.popitem()
        resource = None if key in found else collection.get(key, collection.get(asker))
        if resource and resource["resourceType"] == "Location":
            found[key] = resource
            around = collection.key(resource.get("partOf"))
            open_ |= {around: key} if around else {}
    return [found[key] for key in sorted(found)]
