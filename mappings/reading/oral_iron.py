"""Oral iron: courses with their dates, intolerances and allergies (R10 oral-iron-history, R12)."""

from datetime import date, timedelta
from decimal import Decimal

from mappings import codes, words
from mappings.moment import Moment
from mappings.reading import fhir
from mappings.reading.collection import Collection
from mappings.reading.fhir import Resource
from mappings.record import Concept, OralIron

_NOT_TAKEN = frozenset({"entered-in-error", "not-taken", "intended", "unknown", "cancelled", "draft", "declined", "preparation"})
_INTOLERANCE = (
    "intolerance",
    "intolerant",
    "side effect",
    "side effects",
    "adverse",
    "nausea",
    "constipation",
    "vomiting",
    "gi upset",
    "ineffective",
    "no response",
    "allergy",
    "malabsorption",
)
_UNCONFIRMED = frozenset({"refuted", "entered-in-error"})
_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30, "months": 30}


def is_oral_iron(concepts: list[Concept]) -> bool:
    """Whether a medication is an iron by mouth, by RxNorm or name."""
    table = codes.products().oral_iron
    for concept in concepts:
        if any(row.system == fhir.RXNORM and row.code in table.rxnorm for row in concept.codings):
            return True
        texts = [concept.text, *(row.display for row in concept.codings)]
        if any(words.first_of(text, table.names) for text in texts if text):
            return True
    return False


def _medication(resource: Resource, collection: Collection) -> list[Concept]:
    found = [fhir.concept(resource.get("medicationCodeableConcept"))]
    reference = fhir.mapping(resource.get("medicationReference"))
    if reference:
        found.append(Concept(text=fhir.text(reference.get("display"))))
        found.append(fhir.concept(fhir.mapping(collection.resolve(reference, resource)).get("code")))
    return found


def allergy(resource: Resource) -> OralIron | None:
    """An AllergyIntolerance to an oral iron."""
    substances = [fhir.concept(resource.get("code"))]
    substances += [fhir.concept(item.get("substance")) for item in fhir.items(resource.get("reaction"))]
    if not is_oral_iron(substances) or set(fhir.codes(resource.get("verificationStatus"))) & _UNCONFIRMED:
        return None
    return OralIron(
        source=fhir.source(resource),
        intolerance=True,
        says="allergy or intolerance to oral iron",
    )


def course(resource: Resource, collection: Collection) -> OralIron | None:
    """A MedicationStatement, MedicationRequest or MedicationDispense of oral iron that was taken or handed out."""
    if resource.get("status") in _NOT_TAKEN or not is_oral_iron(_medication(resource, collection)):
        return None
    start, end = _dates(resource)
    reasons = [*fhir.concepts(resource.get("statusReason"))]
    texts = [text for row in reasons for text in (row.text, *(coding.display for coding in row.codings)) if text]
    intolerant = any(words.first_of(text, _INTOLERANCE) for text in texts)
    return OralIron(source=fhir.source(resource), intolerance=intolerant, start=start, end=end, says="oral iron")


def _dates(resource: Resource) -> tuple[Moment | None, Moment | None]:
    if resource["resourceType"] == "MedicationDispense":
        start = fhir.moment(resource.get("whenHandedOver")) or fhir.moment(resource.get("whenPrepared"))
        return start, _after(start, _days(fhir.mapping(resource.get("daysSupply"))))
    if resource["resourceType"] == "MedicationStatement":
        only = fhir.moment(resource.get("effectiveDateTime"))
        if only:
            return only, only
        start, end = fhir.period(resource.get("effectivePeriod"))
        return start, end if end or resource.get("status") == "active" else start
    return _of_request(resource)


def _of_request(resource: Resource) -> tuple[Moment | None, Moment | None]:
    for row in fhir.items(resource.get("dosageInstruction")):
        repeat = fhir.mapping(fhir.mapping(row.get("timing")).get("repeat"))
        if "boundsPeriod" in repeat:
            return fhir.period(repeat["boundsPeriod"])
    supply = fhir.mapping(resource.get("dispenseRequest"))
    start = fhir.period(supply.get("validityPeriod"))[0] or fhir.moment(resource.get("authoredOn"))
    return start, _after(start, _days(fhir.mapping(supply.get("expectedSupplyDuration")))) or start


def _days(duration: Resource) -> int | None:
    value = fhir.decimal(duration.get("value"))
    unit = (fhir.text(duration.get("code")) or fhir.text(duration.get("unit"))).lower()
    if value is None or not Decimal(0) < value < Decimal(3660) or unit not in _DAYS:
        return None
    return int(value * _DAYS[unit])


def _after(start: Moment | None, days: int | None) -> Moment | None:
    """The last day of a supply that began at `start`."""
    if start is None or days is None:
        return None
    last: date = start.first + timedelta(days=days - 1)
    return Moment(last, last)
