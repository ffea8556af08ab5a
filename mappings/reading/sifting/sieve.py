"""Resources of which no rule could read anything: most of a chart is about something else.

What a resource is about stands in one element. The readers are asked of that element once, however
often an EHR repeats it; a resource that says more of what it is about is always read."""

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import UNSET, to_builtins

from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.groups import Kept
from mappings.reading.bundles.heads import Coded, Held, Shown
from mappings.reading.conditions import icd10_codes
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.encounters import OfDoses, dialysis_kind
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.labs.results import LabReader
from mappings.reading.oral_iron import OralIronReader
from mappings.reading.orders import EsaReader

# What a Medication says of itself beside its code.
_MORE = frozenset({"identifier", "amount", "ingredient", "batch", "contained"})
_NOTHING_ELSE = Collection()
# Distinct texts of such an element that are remembered; a site has a few thousand.
_MOST = 50_000


class _About:
    """Whether a resource that is about this and nothing else may mean anything to a reader."""

    def __init__(self, kind: str, element: str, judge: Callable[[Resource], bool]) -> None:
        self._kind, self._element, self._judge = kind, element, judge
        self._known: dict[bytes, bool] = {}

    def asks(self, about: bytes) -> bool:
        found = self._known.get(about)
        if found is None:
            resource: Resource = {"resourceType": self._kind, "id": "one of many"}
            found = self._judge(resource | ({self._element: decode(about)} if about else {}))
            if len(self._known) < _MOST:
                self._known[about] = found
        return found


class Sieve:
    """For one site; keep it for many patients."""

    def __init__(
        self, labs: LabReader, finder: ProductFinder, oral: OralIronReader, esas: EsaReader
    ) -> None:
        self._finder, self._oral, self._esas = finder, oral, esas
        self._referred: dict[tuple[object, ...], bool] = {}
        concept = "medicationCodeableConcept"
        self._result = _About("Observation", "code", labs.knows)
        self._condition = _About("Condition", "code", _is_diagnosis)
        self._procedure = _About("Procedure", "code", _is_dialysis)
        self._given = _About("MedicationAdministration", concept, self._may_be_iron_given)
        self._ordered = _About("MedicationRequest", concept, self._is_iron)

    def sift(self, kind: str, kept: Kept, collection: Collection, doses: OfDoses | None) -> Kept:
        """Of unopened resources those in which a reader may find anything; of encounters those that
        may bear on DOSES."""
        asks: Callable[[Held], bool]
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
        return [one for one in kept if not isinstance(one, Held) or asks(one)]

    def _is_result(self, held: Held) -> bool:
        head = held.head
        if head.component is None and head.hasMember is None and head.contained is UNSET:
            return self._result.asks(held.about)
        return self._is_panel(held)

    def _is_panel(self, held: Held) -> bool:
        head = held.head
        parts = [head.component] if isinstance(head.component, Coded) else head.component or ()
        about = [held.about, *(b"" if part.code is UNSET else bytes(part.code) for part in parts)]
        holds = head.contained is not UNSET or bool(head.hasMember)
        return holds or any(map(self._result.asks, about))

    def _is_condition(self, held: Held) -> bool:
        return self._condition.asks(held.about)

    def _is_procedure(self, held: Held) -> bool:
        return self._procedure.asks(held.about)

    def _is_given(self, held: Held) -> bool:
        return _says_more(held.head) or self._given.asks(held.about)

    def _is_ordered(self, held: Held, collection: Collection) -> bool:
        head = held.head
        if not _says_more(head):
            return self._ordered.asks(held.about)
        is_alone = head.medication is UNSET and head.contained is UNSET
        if is_alone and not held.about:
            return self._is_referred(head.medicationReference, collection)
        return True

    def _is_referred(self, reference: Shown, collection: Collection) -> bool:
        """By the Medication that an order points to, which is another one in another chart."""
        key = collection.key(reference.reference)
        if key is not None and not collection.stands_once(key):
            return True
        target = elements.mapping(collection.get(key) if key else None)
        said = to_builtins(reference)
        if not _MORE.isdisjoint(target):
            return self._is_iron({"medicationReference": said}, collection)
        about = (bool(reference.reference), reference.display, elements.concept(target.get("code")))
        found = self._referred.get(about)
        if found is None:
            own = [target | {"id": "it"}] if target else []
            aim = {"reference": "#it"} if reference.reference else {}
            found = self._is_iron({"medicationReference": said | aim, "contained": own})
            if len(self._referred) < _MOST:
                self._referred[about] = found
        return found

    def _may_be_iron_given(self, resource: Resource) -> bool:
        """Also one that names no drug: its order, or its text, may."""
        given = drug(resource, _NOTHING_ELSE, self._finder)
        return given.concerns_us or given.unnamed or self._esas.name(resource) is not None

    def _is_iron(self, resource: Resource, collection: Collection = _NOTHING_ELSE) -> bool:
        if drug(resource, collection, self._finder).concerns_us:
            return True
        is_oral = self._oral.is_named(resource, collection)
        return is_oral or self._esas.name(resource) is not None


def _is_report(held: Held) -> bool:
    """One that names no result, and holds none, tells nothing."""
    return held.head.contained is not UNSET or bool(held.head.result)


def _says_more(head: Any) -> bool:
    """Whether the concept is not all that it is about."""
    is_alone = head.medication is UNSET and head.contained is UNSET
    return head.medicationReference is not None or not is_alone


def _is_diagnosis(resource: Resource) -> bool:
    return bool(icd10_codes(elements.concept(resource.get("code"))))


def _is_dialysis(resource: Resource) -> bool:
    return dialysis_kind(elements.concept(resource.get("code"))) is not None
