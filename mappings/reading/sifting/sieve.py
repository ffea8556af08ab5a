"""Resources of which no rule could read anything: most of a chart is about something else.

What a resource is about stands in one element. The readers are asked of that element once, however
often an EHR repeats it; a resource that says more of what it is about is always read."""

from collections.abc import Callable
from operator import attrgetter

from msgspec import UNSET

from mappings.reading import orders
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.heads import Head, Held
from mappings.reading.conditions import icd10_codes
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.encounters import dialysis_kind
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.labs.results import LabReader
from mappings.reading.oral_iron import is_oral_iron, medication

_CODE = attrgetter("code", "component", "hasMember", "contained")
_MEDICATION = attrgetter(
    "medicationCodeableConcept", "medicationReference", "medication", "contained"
)
_ABSENT = (UNSET, UNSET, UNSET)
_ORDERED = frozenset({"MedicationRequest", "MedicationDispense", "MedicationStatement"})
# What a type is about, and beside which elements that is not all of it.
_ABOUT = {
    "Observation": _CODE,
    "Condition": _CODE,
    "Procedure": _CODE,
    "MedicationAdministration": _MEDICATION,
    "MedicationRequest": _MEDICATION,
    "MedicationDispense": _MEDICATION,
    "MedicationStatement": _MEDICATION,
}
_NOTHING_ELSE = Collection()
# Distinct texts of such an element that are remembered; a site has a few thousand.
_MOST = 50_000


class Sieve:
    """For one site; keep it for many patients."""

    def __init__(self, labs: LabReader, finder: ProductFinder) -> None:
        self._labs, self._finder = labs, finder
        self._known: dict[tuple[str, bytes], bool] = {}
        self._concerns: dict[str, Callable[[Resource], bool]] = {
            "Observation": labs.knows,
            "Condition": _is_diagnosis,
            "Procedure": _is_dialysis,
            "MedicationAdministration": self._may_be_iron_given,
            "MedicationRequest": self._is_iron,
            "MedicationDispense": self._is_iron,
            "MedicationStatement": self._is_iron,
        }

    def asks(self, held: Held, collection: Collection) -> bool:
        """Whether a reader may find anything in it."""
        about = _about(held.head)
        if about is None:
            return self._asks_by_reference(held.head, collection)
        key = (held.head.kind, about)
        found = self._known.get(key)
        if found is None:
            found = self._asks(*key)
            if len(self._known) < _MOST:
                self._known[key] = found
        return found

    def _asks_by_reference(self, head: Head, collection: Collection) -> bool:
        """By the Medication that an order points to, which is another one in another chart."""
        beside = (head.medicationCodeableConcept, head.medication, head.contained)
        if head.kind not in _ORDERED or head.medicationReference is UNSET or beside != _ABSENT:
            return True
        reference = decode(head.medicationReference)
        key = collection.key(reference)
        if key is not None and not collection.stands_once(key):
            return True
        said = {"resourceType": head.kind, "id": "one of many", "medicationReference": reference}
        return self._is_iron(said, collection)

    def _asks(self, kind: str, about: bytes) -> bool:
        resource = {"resourceType": kind, "id": "one of many"}
        if about:
            is_coded = _ABOUT[kind] is _CODE
            resource["code" if is_coded else "medicationCodeableConcept"] = decode(about)
        return self._concerns[kind](resource)

    def _may_be_iron_given(self, resource: Resource) -> bool:
        """Also one that names no drug: its order, or its text, may."""
        given = drug(resource, _NOTHING_ELSE, self._finder)
        return given.concerns_us or given.unnamed or orders.esa(resource) is not None

    def _is_iron(self, resource: Resource, collection: Collection = _NOTHING_ELSE) -> bool:
        if drug(resource, collection, self._finder).concerns_us:
            return True
        is_oral = is_oral_iron(medication(resource, collection))
        return is_oral or orders.esa(resource) is not None


def _about(head: Head) -> bytes | None:
    """The text of the element, empty where it is absent; None where that is not all that the
    resource is about."""
    naming = _ABOUT.get(head.kind)
    if naming is None:
        return None
    part, *beside = naming(head)
    if tuple(beside) != _ABSENT:
        return None
    return b"" if part is UNSET else bytes(part)


def _is_diagnosis(resource: Resource) -> bool:
    return bool(icd10_codes(elements.concept(resource.get("code"))))


def _is_dialysis(resource: Resource) -> bool:
    return dialysis_kind(elements.concept(resource.get("code"))) is not None
