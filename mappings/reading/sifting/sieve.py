"""Resources of which no rule could read anything: most of a chart is about something else.

What a resource is about stands in one element. The readers are asked of that element once, however
often an EHR repeats it; a resource that says more of what it is about is always read.

Held by tests/unit/test_files.py.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from msgspec import UNSET, to_builtins

from mappings.reading import oral_iron
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.groups import Kept
from mappings.reading.bundles.heads import MEDICATIONS, Coded, Held, Shown, text_of
from mappings.reading.conditions import is_diagnosis
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode
from mappings.reading.fhir.elements import Resource
from mappings.reading.kidney.dialysis import dialysis_kind
from mappings.reading.kidney.words import says_dialysis
from mappings.reading.labs.results import LabReader
from mappings.reading.orders import esa
from mappings.values.remembered import Bounded, Remembered

# For whom a medication is read; results that hold others; of other resources nothing is asked.
Purpose = Literal["iron", "oral iron", "esa", "panel", ""]
T = TypeVar("T")

# What a Medication says of itself beside its code.
_MORE = frozenset({"identifier", "amount", "totalVolume", "ingredient", "batch", "contained"})
_IRON: frozenset[Purpose] = frozenset({"iron"})
_ANY: frozenset[Purpose] = frozenset({"iron", "oral iron", "esa"})
_NOTHING_ELSE = Collection()
# Distinct texts of such an element that are remembered; a site has a few thousand.
_MOST = 50_000


def _about(kind: str, element: str, judge: Callable[[Resource], T]) -> Remembered[bytes, T]:
    """What a resource that is about this and nothing else may mean to a reader."""

    def asked(about: bytes) -> T:
        resource: Resource = {"resourceType": kind, "id": "one of many"}
        return judge(resource | ({element: decode(about)} if about else {}))

    return Remembered(asked, _MOST)


class Sieve:
    """For one site; keep it for many patients."""

    def __init__(self, labs: LabReader, finder: ProductFinder) -> None:
        self._finder = finder
        self._referred: Bounded[tuple[object, ...], frozenset[Purpose]] = Bounded(_MOST)
        concept = "medicationCodeableConcept"
        self._is_result = _about("Observation", "code", labs.knows)
        self._tells = {
            "Condition": _about("Condition", "code", _is_diagnosis),
            "Procedure": _about("Procedure", "code", _is_dialysis),
        }
        self._given = _about("MedicationAdministration", concept, self._purposes_of_given)
        self._ordered = _about("MedicationRequest", concept, self._purposes)

    def sift(self, kind: str, kept: Kept, collection: Collection) -> dict[Purpose, Kept]:
        """Of unopened resources those in which a reader may find anything; medications by what
        they are read for."""
        if kind in MEDICATIONS:
            return self._by_purpose(kept, collection)
        if kind == "Observation":
            return self._results(kept)
        if kind == "DiagnosticReport":
            return {"": [one for one in kept if not isinstance(one, Held) or _tells(one)]}
        tells = self._tells.get(kind)
        if tells is None:
            return {"": kept}
        return {"": [one for one in kept if not isinstance(one, Held) or tells[one.about]]}

    def _by_purpose(self, kept: Kept, collection: Collection) -> dict[Purpose, Kept]:
        found: dict[Purpose, Kept] = {}
        for one in kept:
            purposes = self._purposes_of(one, collection) if isinstance(one, Held) else _ANY
            for purpose in purposes:
                found.setdefault(purpose, []).append(one)
        return found

    def _results(self, kept: Kept) -> dict[Purpose, Kept]:
        """Those that are results, and of those the ones that may be made of others."""
        found: Kept = []
        panels: Kept = []
        for one in kept:
            if isinstance(one, Held) and _is_alone(one.head):
                if self._is_result[one.about]:
                    found.append(one)
            elif not isinstance(one, Held) or self._is_panel(one):
                found.append(one)
                panels.append(one)
        return {"": found, "panel": panels}

    def _is_panel(self, held: Held) -> bool:
        head = held.head
        parts = [head.component] if isinstance(head.component, Coded) else head.component or ()
        about = [held.about, *(text_of(part.code) for part in parts)]
        holds = head.contained is not UNSET or bool(head.hasMember)
        return holds or any(map(self._is_result.__getitem__, about))

    def _purposes_of(self, held: Held, collection: Collection) -> frozenset[Purpose]:
        head = held.head
        is_alone = head.medication is UNSET and head.contained is UNSET
        if is_alone and head.medicationReference is None:
            is_given = head.kind == "MedicationAdministration"
            return (self._given if is_given else self._ordered)[held.about]
        if is_alone and not held.about and head.kind != "MedicationAdministration":
            return self._referred_to(head.medicationReference, collection)
        return _ANY

    def _referred_to(self, reference: Shown, collection: Collection) -> frozenset[Purpose]:
        """By the Medication that an order points to, which is another one in another chart."""
        key = collection.key(reference.reference)
        if key is not None and not collection.stands_once(key):
            return _ANY
        target = elements.mapping(collection.get(key) if key else None)
        said = to_builtins(reference)
        if not _MORE.isdisjoint(target):
            return self._purposes({"medicationReference": said}, collection)
        about = (bool(reference.reference), reference.display, elements.concept(target.get("code")))
        found = self._referred.get(about)
        if found is None:
            own = [target | {"id": "it"}] if target else []
            aim = {"reference": "#it"} if reference.reference else {}
            found = self._purposes({"medicationReference": said | aim, "contained": own})
            self._referred.keep(about, found)
        return found

    def _purposes_of_given(self, resource: Resource) -> frozenset[Purpose]:
        """Also one that names no drug may be an iron: its order, or its text, may say so."""
        found = self._purposes(resource)
        is_unnamed = drug(resource, _NOTHING_ELSE, self._finder).unnamed
        return found | _IRON if is_unnamed else found

    def _purposes(
        self, resource: Resource, collection: Collection = _NOTHING_ELSE
    ) -> frozenset[Purpose]:
        found: dict[Purpose, bool] = {
            "iron": drug(resource, collection, self._finder).concerns_us,
            "oral iron": oral_iron.is_named(resource, collection),
            "esa": esa.esa(resource) is not None,
        }
        return frozenset(purpose for purpose, is_one in found.items() if is_one)


def _is_alone(head: Any) -> bool:
    holds = head.component is not None or head.hasMember is not None or head.result is not None
    return not holds and head.contained is UNSET


def _tells(held: Held) -> bool:
    """One that names no result, and holds none, tells nothing."""
    head = held.head
    return head.contained is not UNSET or bool(head.result)


def _is_diagnosis(resource: Resource) -> bool:
    return is_diagnosis(elements.concept(resource.get("code")))


def _is_dialysis(resource: Resource) -> bool:
    said = elements.concept(resource.get("code"))
    return dialysis_kind(said) is not None or says_dialysis(said)
