"""Resources of which no rule could read anything: most of a chart is about something else.

What a resource is about stands in one element. The readers are asked of that element once, however
often an EHR repeats it; a resource that says more of what it is about is always read."""

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import UNSET, Raw, UnsetType

from mappings.reading import orders
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.groups import Kept
from mappings.reading.bundles.heads import Coded, Held
from mappings.reading.conditions import icd10_codes
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.encounters import OfDoses, dialysis_kind
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.labs.results import LabReader
from mappings.reading.oral_iron import is_oral_iron, medication

_NOTHING_ELSE = Collection()
# Distinct texts of such an element that are remembered; a site has a few thousand.
_MOST = 50_000


class _About:
    """Whether a resource that is about this and nothing else may mean anything to a reader."""

    def __init__(self, kind: str, element: str, judge: Callable[[Resource], bool]) -> None:
        self._kind, self._element, self._judge = kind, element, judge
        self._known: dict[bytes, bool] = {}

    def asks(self, part: Raw | UnsetType) -> bool:
        about = b"" if part is UNSET else bytes(part)
        found = self._known.get(about)
        if found is None:
            resource: Resource = {"resourceType": self._kind, "id": "one of many"}
            found = self._judge(resource | ({self._element: decode(about)} if about else {}))
            if len(self._known) < _MOST:
                self._known[about] = found
        return found


class Sieve:
    """For one site; keep it for many patients."""

    def __init__(self, labs: LabReader, finder: ProductFinder) -> None:
        self._finder = finder
        concept = "medicationCodeableConcept"
        self._result = _About("Observation", "code", labs.knows)
        self._condition = _About("Condition", "code", _is_diagnosis)
        self._procedure = _About("Procedure", "code", _is_dialysis)
        self._given = _About("MedicationAdministration", concept, self._may_be_iron_given)
        self._ordered = _About("MedicationRequest", concept, self._is_iron)

    def sift(self, kind: str, kept: Kept, collection: Collection, doses: OfDoses | None) -> Kept:
        """Of unopened resources those in which a reader may find anything; of encounters those that
        may bear on DOSES."""
        asks: Callable[[Any], bool]
        if kind == "Observation":
            asks = self._is_result
        elif kind == "Condition":
            asks = self._is_condition
        elif kind == "Procedure":
            asks = self._is_procedure
        elif kind == "DiagnosticReport":
            asks = _is_report
        elif kind == "MedicationAdministration":
            asks = self._is_given
        elif kind in ("MedicationRequest", "MedicationDispense", "MedicationStatement"):
            asks = partial(self._is_ordered, collection=collection)
        elif kind == "Encounter" and doses:
            return doses.visits(kept, collection)
        else:
            return kept
        return [one for one in kept if not isinstance(one, Held) or asks(one.head)]

    def _is_result(self, head: Any) -> bool:
        if head.contained is not UNSET or head.hasMember:
            return True
        return self._result.asks(head.code) or bool(head.component and self._is_panel(head))

    def _is_panel(self, head: Any) -> bool:
        parts: Any = head.component
        listed = [parts] if isinstance(parts, Coded) else parts
        return any(self._result.asks(part.code) for part in listed)

    def _is_condition(self, head: Any) -> bool:
        return self._condition.asks(head.code)

    def _is_procedure(self, head: Any) -> bool:
        return self._procedure.asks(head.code)

    def _is_given(self, head: Any) -> bool:
        return _says_more(head) or self._given.asks(head.medicationCodeableConcept)

    def _is_ordered(self, head: Any, collection: Collection) -> bool:
        if not _says_more(head):
            return self._ordered.asks(head.medicationCodeableConcept)
        return self._is_ordered_by_reference(head, collection)

    def _is_ordered_by_reference(self, head: Any, collection: Collection) -> bool:
        """By the Medication that an order points to, which is another one in another chart."""
        beside = (head.medicationCodeableConcept, head.medication, head.contained)
        if head.medicationReference is UNSET or beside != (UNSET, UNSET, UNSET):
            return True
        reference = decode(head.medicationReference)
        key = collection.key(reference)
        if key is not None and not collection.stands_once(key):
            return True
        said = {"resourceType": head.kind, "id": "one of many", "medicationReference": reference}
        return self._is_iron(said, collection)

    def _may_be_iron_given(self, resource: Resource) -> bool:
        """Also one that names no drug: its order, or its text, may."""
        given = drug(resource, _NOTHING_ELSE, self._finder)
        return given.concerns_us or given.unnamed or orders.esa(resource) is not None

    def _is_iron(self, resource: Resource, collection: Collection = _NOTHING_ELSE) -> bool:
        if drug(resource, collection, self._finder).concerns_us:
            return True
        is_oral = is_oral_iron(medication(resource, collection))
        return is_oral or orders.esa(resource) is not None


def _is_report(head: Any) -> bool:
    """One that names no result, and holds none, tells nothing."""
    return head.contained is not UNSET or bool(head.result)


def _says_more(head: Any) -> bool:
    """Whether the concept is not all that it is about."""
    said = (head.medicationReference, head.medication, head.contained)
    return said != (UNSET, UNSET, UNSET)


def _is_diagnosis(resource: Resource) -> bool:
    return bool(icd10_codes(elements.concept(resource.get("code"))))


def _is_dialysis(resource: Resource) -> bool:
    return dialysis_kind(elements.concept(resource.get("code"))) is not None
