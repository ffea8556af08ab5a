"""Resources gathered from Bundles, NDJSON or a server: newest versions, references resolved, sorted
to their patients."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import BROKEN_TEXT, Damaged
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem

# Where each type that the rules read says whose it is.
SUBJECT = {
    "MedicationAdministration": "subject",
    "MedicationRequest": "subject",
    "MedicationDispense": "subject",
    "MedicationStatement": "subject",
    "Observation": "subject",
    "DiagnosticReport": "subject",
    "Condition": "subject",
    "Procedure": "subject",
    "Encounter": "subject",
    "DocumentReference": "subject",
    "CarePlan": "subject",
    "AllergyIntolerance": "patient",
    "Claim": "patient",
    "ClaimResponse": "patient",
    "Coverage": "beneficiary",
    "RelatedPerson": "patient",
}
SHARED = frozenset(
    {
        "Patient",
        "Medication",
        "Location",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "Substance",
        "Specimen",
    }
)

# The form of the elements that the rules read; a resource whose elements have another form is
# unreadable.
_OBJECT, _LIST, _TEXT = (dict,), (list, dict), (str,)
_FORMS: dict[str, dict[str, tuple[type, ...]]] = {
    "MedicationAdministration": {
        "medicationCodeableConcept": _OBJECT,
        "medicationReference": _OBJECT,
        "dosage": _LIST,
        "context": _OBJECT,
        "request": _OBJECT,
        "effectivePeriod": _OBJECT,
        "partOf": _LIST,
        "extension": _LIST,
        "note": _LIST,
        "identifier": _LIST,
    },
    "Observation": {
        "code": _OBJECT,
        "component": _LIST,
        "hasMember": _LIST,
    },
    # Statuses, categories and classes are read in any form, by `fhir.statuses`.
    "Condition": {"code": _OBJECT},
    "Coverage": {"type": _OBJECT, "period": _OBJECT, "payor": _LIST, "class": _LIST},
    "Encounter": {"period": _OBJECT, "location": _LIST, "diagnosis": _LIST},
    "Medication": {"code": _OBJECT, "ingredient": _LIST},
    "MedicationRequest": {"dosageInstruction": _LIST, "medicationCodeableConcept": _OBJECT},
}


class Group(Struct):
    """One patient's resources, by type, and what of the patient could not be taken."""

    patient: str
    by_type: dict[str, list[Resource]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def all(self, kind: str) -> list[Resource]:
        return sorted(self.by_type.get(kind, ()), key=lambda resource: str(resource["id"]))


class Collection:
    """Add resources in any order; then ask for each patient's group. `problems` names what could
    not be taken."""

    def __init__(self, bases: Iterable[str] = ()) -> None:
        self._by_key: dict[str, Resource] = {}
        self._rivals: dict[str, list[Resource]] = {}
        self._suspects: set[str] = set()
        self._spoiled: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._bases = {base.rstrip("/") for base in bases}
        self.problems: list[Problem] = []

    def add_bundle(self, bundle: Resource, where: str = "Bundle") -> None:
        """Every entry of a Bundle, of Bundles inside it (batch answers), too."""
        for number, entry in enumerate(_entries(bundle), 1):
            place = f"entry {number} of the {where}"
            if not isinstance(entry, dict):
                self.problems.append(Problem(place, "not a Bundle entry"))
                continue
            resource = entry.get("resource")
            if resource is None or elements.mapping(entry.get("search")).get("mode") == "outcome":
                continue
            full_url = entry.get("fullUrl")
            self.add(resource, place, full_url if isinstance(full_url, str) else None)

    def add(self, resource: Any, where: str, full_url: str | None = None) -> None:
        """One resource; `where` names it in problems where it has no id."""
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            self.problems.append(Problem(where, "not a FHIR resource: resourceType is missing"))
            return
        kind = resource["resourceType"]
        if kind == "Bundle":
            self.add_bundle(resource, where if "Bundle" in where else "Bundle")
        elif kind in SUBJECT or kind in SHARED:
            self._take(resource, where, full_url)

    def _take(self, resource: Resource, where: str, full_url: str | None) -> None:
        kind, identity = resource["resourceType"], resource.get("id")
        if identity is None and full_url and full_url.startswith("urn:uuid:"):
            identity = full_url.removeprefix("urn:uuid:")
            resource = type(resource)({**resource, "id": identity})
        if not isinstance(identity, str) or not identity:
            self.problems.append(Problem(where, f"{kind} without an id"))
            return
        key = f"{kind}/{identity}"
        if full_url:
            self._aliases[full_url] = key
            if full_url.endswith("/" + key):
                self._bases.add(full_url.removesuffix("/" + key))
        held = self._by_key.setdefault(key, resource)
        if held is not resource:
            self._rivals.setdefault(key, [held]).append(resource)
            self._suspects.add(key)
        if _form_problem(resource, kind):
            self._suspects.add(key)

    def _settle(self) -> None:
        """The newest version of each resource counts; where that is broken, or stands twice with
        different content, none does."""
        for key in self._suspects:
            self._spoiled.pop(key, None)
            newest = _newest(self._rivals[key]) if key in self._rivals else self._by_key[key]
            if newest is None:
                self._by_key[key] = min(self._rivals[key], key=repr)
                self._spoiled[key] = "the same version stands twice with different content"
                continue
            self._by_key[key] = newest
            problem = _form_problem(newest, newest["resourceType"])
            if problem:
                self._spoiled[key] = problem
        self._suspects.clear()

    def key(self, reference: object) -> str | None:
        """The `Type/id` that a Reference means here; a foreign absolute URL stays as it is; None
        for `#contained` and none."""
        target = reference.get("reference") if isinstance(reference, dict) else reference
        if not isinstance(target, str) or not target or target.startswith("#"):
            return None
        if target in self._aliases:
            return self._aliases[target]
        if "/_history/" in target:
            return self.key(target.split("/_history/")[0])
        if "://" not in target:
            return target
        base, _, rest = target.rpartition("/")
        base, _, kind = base.rpartition("/")
        return f"{kind}/{rest}" if base in self._bases or not self._bases else target

    def resolve(self, reference: object, parent: Resource | None = None) -> Resource | None:
        """The resource that a Reference points to: contained in `parent`, or one of ours."""
        target = reference.get("reference") if isinstance(reference, dict) else reference
        if isinstance(target, str) and target.startswith("#"):
            return _contained(parent, target[1:])
        key = self.key(reference)
        return None if key is None else self.get(key)

    def get(self, key: str) -> Resource | None:
        if self._suspects:
            self._settle()
        return None if key in self._spoiled else self._by_key.get(key)

    def shared(self, kind: str) -> Iterator[Resource]:
        self._settle()
        keys = sorted(key for key in self._by_key if key.startswith(kind + "/"))
        return (self._by_key[key] for key in keys if key not in self._spoiled)

    def groups(self) -> Iterator[Group]:
        """One group per patient, ordered by reference. What can't be tied to a patient goes to
        `problems`."""
        self._settle()
        groups: dict[str, Group] = {}
        for key, resource in self._by_key.items():
            kind = resource["resourceType"]
            patient = self._patient(key, resource)
            if patient is None:
                self.problems += [Problem(key, self._spoiled[key])] if key in self._spoiled else []
                continue
            group = groups.get(patient)
            if group is None:
                group = groups[patient] = Group(patient)
            if key in self._spoiled:
                group.problems.append(Problem(key, self._spoiled[key]))
            else:
                group.by_type.setdefault(kind, []).append(resource)
        yield from (groups[patient] for patient in sorted(groups))

    def _patient(self, key: str, resource: Resource) -> str | None:
        if key in self._spoiled and resource["resourceType"] == "Patient":
            return key
        element = SUBJECT.get(resource["resourceType"])
        if element is None:
            return None
        patient = self.key(resource.get(element))
        if patient is None or not (patient.startswith("urn:") or "/" in patient):
            self.problems.append(Problem(key, f"{element} does not name a patient"))
            return None
        # A Group, Device or Location as subject is nobody's chart.
        return (
            patient
            if patient.startswith("urn:") or patient.rsplit("/", 2)[-2] == "Patient"
            else None
        )


def _entries(bundle: Resource) -> list[Any]:
    entries = bundle.get("entry")
    return entries if isinstance(entries, list) else []


def _contained(parent: Resource | None, identity: str) -> Resource | None:
    contained = elements.items((parent or {}).get("contained"))
    return next(
        (item for item in contained if str(item.get("id", "")).lstrip("#") == identity), None
    )


def _form_problem(resource: Resource, kind: str) -> str | None:
    if isinstance(resource, Damaged):
        return BROKEN_TEXT
    forms = _FORMS.get(kind)
    if forms is None:
        return None
    for element, form in forms.items():
        value = resource.get(element)
        if value is not None and not isinstance(value, form):
            return (
                f"{kind}.{element} has the wrong form: expected"
                f" {'an object' if form is _OBJECT else 'a list'}"
            )
    return None


def _newest(rivals: list[Resource]) -> Resource | None:
    """The version that is newer than, or the same as, every other; None where that can't be
    said."""
    ranked = sorted(rivals, key=lambda row: repr(row.get("meta")), reverse=True)
    return next(
        (row for row in ranked if all(_stands_before(row, other) for other in rivals)), None
    )


def _stands_before(row: Resource, other: Resource) -> bool:
    newer = _newer(row, other)
    return newer is row if newer else _content(row) == _content(other)


def _newer(held: Resource, other: Resource) -> Resource | None:
    """The newer of two by versionId, else by lastUpdated; None where they are of one version."""
    ours, theirs = elements.mapping(held.get("meta")), elements.mapping(other.get("meta"))
    versions = [meta.get("versionId") for meta in (ours, theirs)]
    if versions[0] is not None and versions[0] == versions[1]:
        return None
    if all(isinstance(version, str) and version.isdecimal() for version in versions):
        first, second = (int(str(version)) for version in versions)
    else:
        moments = [elements.moment(meta.get("lastUpdated")) for meta in (ours, theirs)]
        if None in moments:
            return None
        first, second = (found.order for found in moments if found)  # type: ignore[assignment]
    return None if first == second else (held if first > second else other)


def _content(resource: Resource) -> Resource:
    """The resource without what two reads of one version may differ in."""
    return {name: value for name, value in resource.items() if name not in ("meta", "text")}
