"""Resources of which no rule could read anything: most of a chart is about something else.

What a resource is about stands in one element. The readers are asked of that element once, however
often an EHR repeats it; a resource that says more of what it is about is always read."""

from collections.abc import Callable

from msgspec import UNSET

from mappings.reading import orders
from mappings.reading.conditions import icd10_codes
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.encounters import dialysis_kind
from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.labs.results import LabReader
from mappings.reading.oral_iron import is_oral_iron
from mappings.reading.unopened.resources import Head, Held

_CODE = ("code", ("component", "hasMember", "contained"))
_MEDICATION = ("medicationCodeableConcept", ("medicationReference", "medication", "contained"))
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
            "MedicationStatement": _is_oral,
        }

    def asks(self, held: Held) -> bool:
        """Whether a reader may find anything in it."""
        about = _about(held.head)
        if about is None:
            return True
        key = (held.head.kind, about)
        found = self._known.get(key)
        if found is None:
            found = self._asks(*key)
            if len(self._known) < _MOST:
                self._known[key] = found
        return found

    def _asks(self, kind: str, about: bytes) -> bool:
        resource = {"resourceType": kind, "id": "one of many"}
        if about:
            resource[_ABOUT[kind][0]] = decode(about)
        return self._concerns[kind](resource)

    def _may_be_iron_given(self, resource: Resource) -> bool:
        """Also one that names no drug: its order, or its text, may."""
        given = drug(resource, Collection(), self._finder)
        return given.concerns_us or given.unnamed or orders.esa(resource) is not None

    def _is_iron(self, resource: Resource) -> bool:
        wanted = drug(resource, Collection(), self._finder)
        return wanted.concerns_us or _is_oral(resource) or orders.esa(resource) is not None


def _about(head: Head) -> bytes | None:
    """The text of the element, empty where it is absent; None where that is not all that the
    resource is about."""
    row = _ABOUT.get(head.kind)
    if row is None:
        return None
    element, beside = row
    if any(getattr(head, name) is not UNSET for name in beside):
        return None
    part = getattr(head, element)
    return b"" if part is UNSET else bytes(part)


def _is_diagnosis(resource: Resource) -> bool:
    return bool(icd10_codes(elements.concept(resource.get("code"))))


def _is_dialysis(resource: Resource) -> bool:
    return dialysis_kind(elements.concept(resource.get("code"))) is not None


def _is_oral(resource: Resource) -> bool:
    return is_oral_iron([elements.concept(resource.get("medicationCodeableConcept"))])
