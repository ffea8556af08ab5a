"""Resources gathered from Bundles, NDJSON or a server: newest versions, references resolved, sorted
to their patients."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import UNSET, Raw, Struct, field

from mappings.reading.bundles import entries, paging
from mappings.reading.bundles.entries import Deletion, Deletions, Item
from mappings.reading.bundles.envelopes import Envelope, envelope
from mappings.reading.bundles.heads import Held, head, is_in_form, is_plain
from mappings.reading.bundles.merging import Merges, merges
from mappings.reading.bundles.versions import newest
from mappings.reading.fhir import elements, outcomes
from mappings.reading.fhir.decoding import decode, decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.forms import form_problem
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
_PLACES = {"Location", "Organization", "Practitioner", "PractitionerRole"}
SHARED = frozenset({"Patient", "Medication", "Substance", "Specimen"} | _PLACES)
_READ = SHARED | SUBJECT.keys()
# What holds resources, or tells of them.
_OPENED = frozenset({"Bundle", "Parameters", "OperationOutcome"})
TWICE = "the same version appears twice with different content"


class Group(Struct):
    """One patient's resources, by type, and what of the patient could not be taken. `deleted`:
    administrations of which a version is there."""

    patient: str
    by_type: dict[str, list[Resource | Held]] = field(default_factory=dict)
    deleted: list[Resource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def all(self, kind: str, asks: Callable[[Held], bool] | None = None) -> list[Resource]:
        """In the order of their ids. Of unopened ones only those that are asked for."""
        held = self.by_type.get(kind, ())
        found = [
            resource
            for resource in held
            if not asks or isinstance(resource, dict) or asks(resource)
        ]
        return sorted(map(opened, found), key=lambda resource: str(resource["id"]))


class Contents(Struct, frozen=True):
    """What a collection took: every copy of each resource by the Bundle that brought it (0: none),
    the addresses that entries gave (address → Type/id), and what was said beside them."""

    resources: dict[int, list[Resource]]
    addresses: dict[str, str]
    bases: list[str]
    deletions: list[Deletion]
    pages: list[paging.Page]
    problems: list[Problem]


class Collection:
    """Add resources in any order; then ask for each patient's group. `problems` names what could
    not be taken. `whole`: False where this is a part of what there is, so that it can't be told
    from it whether all pages of a search are here."""

    def __init__(self, bases: Iterable[str] = (), whole: bool = True) -> None:
        self._by_key: dict[str, Resource | Held] = {}
        self._rivals: dict[str, list[Resource]] = {}
        self._suspects: set[str] = set()
        self._spoiled: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._bases = {base.rstrip("/") for base in bases}
        self._deletions = Deletions()
        self._pages: list[paging.Page] = []
        # Which Bundle a resource came in, by the identity of the object; 0 for none.
        self._home: dict[int, int] = {}
        self._bundles = 0
        self._merges: Merges | None = None
        # What a reference to a patient means, while groups are made.
        self._named: dict[str, str] = {}
        self._whole = whole
        self.problems: list[Problem] = []

    def contents(self) -> Contents:
        """All that was taken, before anything of it is settled."""
        by_bundle: dict[int, list[Resource]] = {}
        for key, held in self._by_key.items():
            for resource in map(opened, self._rivals.get(key, [held])):
                by_bundle.setdefault(self._home.get(id(resource), 0), []).append(resource)
        return Contents(
            by_bundle,
            dict(self._aliases),
            sorted(self._bases),
            list(self._deletions),
            list(self._pages),
            list(self.problems),
        )

    def add_deletion(self, deletion: Deletion) -> None:
        self._deletions.add(deletion)

    def add_bundle(self, bundle: Resource, where: str = "the Bundle", home: int = 0) -> None:
        """Every entry of a Bundle, of Bundles inside it (batch answers), too."""
        if not home:
            self._bundles += 1
            home = self._bundles
        found = paging.page(bundle, where)
        if found:
            self._pages.append(found)
        for part in entries.parts(bundle, where):
            if isinstance(part, Problem):
                self.problems.append(part)
            elif isinstance(part, Deletion):
                self._deletions.add(part)
            else:
                self._add(part, home)

    def add(self, resource: Any, where: str) -> None:
        """One resource, a Bundle, Parameters around some, or a list; `where` names it in problems
        where it has no id."""
        self._add(Item(resource, where), 0)

    def add_text(self, text: bytes, where: str) -> bool:
        """A resource, or a Bundle of resources alone, none of which is opened before somebody asks
        for it. False, and nothing is added, for any other text: `decode` it, and `add` that."""
        if not is_plain(text):
            return False
        found = envelope(text)
        if found:
            self._add_entries(found, where)
            return True
        one = _held(text, 0, self._home)
        if one is None or one.head.kind in _OPENED:
            return False
        self._add_held(one, None)
        return True

    def _add_entries(self, found: Envelope, where: str) -> None:
        self._bundles += 1
        home = self._bundles
        resources: list[Resource | Held] = [
            _held(entry.resource, home, self._home) or decode(entry.resource)
            for entry in found.entry
        ]
        self._add_page(found, resources, where)
        for number, (entry, resource) in enumerate(zip(found.entry, resources, strict=True), 1):
            if isinstance(resource, Held) and resource.head.kind not in _OPENED:
                self._add_held(resource, entry.fullUrl)
            else:
                place = f"entry {number} of {where}"
                self._add(Item(opened(resource), place, entry.fullUrl), home)

    def _add_held(self, held: Held, full_url: str | None) -> None:
        if held.head.kind in _READ:
            self._keep(held.key, held, full_url)

    def _add_page(self, found: Envelope, resources: list[Any], where: str) -> None:
        if found.type != "searchset":
            return
        listed = [
            {
                "resource": {"resourceType": resource.head.kind, "id": resource.head.id}
                if isinstance(resource, Held)
                else resource,
                "search": None if entry.search is UNSET else decode(entry.search),
            }
            for entry, resource in zip(found.entry, resources, strict=True)
            if found.total is not UNSET
        ]
        bundle = {
            "type": found.type,
            "entry": listed,
            "total": None if found.total is UNSET else decode(found.total),
            "link": None if found.link is UNSET else decode(found.link),
        }
        page = paging.page(bundle, where)
        if page:
            self._pages.append(page)

    def _add(self, item: Item, home: int) -> None:
        resource, where = item.resource, item.where
        if isinstance(resource, list):
            for number, part in enumerate(resource, 1):
                self._add(Item(part, f"item {number} of {where}"), home)
            return
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            self.problems.append(Problem(where, "not a FHIR resource: resourceType is missing"))
            return
        kind = resource["resourceType"]
        if kind in _READ:
            self._take(item, home)
        elif kind == "Bundle":
            self.add_bundle(resource, where, home)
        elif kind == "Parameters":
            self._add_parameters(resource, where, home)
        elif kind == "OperationOutcome" and (said := outcomes.left_out(resource)):
            self.problems.append(
                Problem(where, f"an OperationOutcome says that something was left out ({said})")
            )

    def _add_parameters(self, element: Resource, where: str, home: int) -> None:
        for part in elements.items(element.get("parameter", element.get("part"))):
            if "resource" in part:
                self._add(Item(part["resource"], where), home)
            self._add_parameters({"part": part.get("part")}, where, home)

    def _take(self, item: Item, home: int) -> None:
        resource, full_url = item.resource, item.full_url
        kind, identity = resource["resourceType"], resource.get("id")
        if identity is None and full_url and full_url.startswith("urn:uuid:"):
            identity = full_url.removeprefix("urn:uuid:")
            resource = type(resource)({**resource, "id": identity})
        if not isinstance(identity, str) or not identity:
            self.problems.append(Problem(item.where, f"{kind} without an id"))
            return
        key = f"{kind}/{identity}"
        if home:
            self._home[id(resource)] = home
        self._keep(key, resource, full_url)
        if form_problem(resource, kind):
            self._suspects.add(key)

    def _keep(self, key: str, resource: Resource | Held, full_url: str | None) -> None:
        if full_url:
            self._aliases[full_url] = key
            if full_url.endswith("/" + key):
                self._bases.add(full_url[: -len(key) - 1])
        self._merges = None
        held = self._by_key.setdefault(key, resource)
        if held is not resource:
            rivals = self._rivals.setdefault(key, [opened(held)])
            rivals.append(opened(resource))
            self._suspects.add(key)

    def _settle(self) -> None:
        """The newest version of each resource counts; where that is broken, or appears twice with
        different content, none does."""
        for key in self._suspects:
            self._spoiled.pop(key, None)
            rivals = self._rivals.get(key)
            found = newest(rivals) if rivals else opened(self._by_key[key])
            if found is None:
                self._by_key[key] = min(self._rivals[key], key=repr)
                self._spoiled[key] = TWICE
                continue
            self._by_key[key] = found
            problem = form_problem(found, found["resourceType"])
            if problem:
                self._spoiled[key] = problem
        self._suspects.clear()

    def _deleted(self, key: str) -> bool:
        held = self._by_key.get(key)
        return bool(self._deletions) and self._deletions.stands(
            key, self._rivals.get(key, [opened(held)] if held else [])
        )

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

    def keys(self, references: object) -> Iterator[str]:
        """What a list of References means here, of those that mean anything."""
        return filter(None, map(self.key, elements.items(references)))

    def patient(self, reference: object) -> str | None:
        """The patient whom a Reference means: of merged ones, the surviving one."""
        key = self.key(reference)
        return self.merges.into.get(key, key) if key else None

    @property
    def merges(self) -> Merges:
        """Which patients are one."""
        if self._merges is None:
            patients = {f"Patient/{patient['id']}": patient for patient in self.shared("Patient")}
            self._merges = merges(patients, self.key)
        return self._merges

    def resolve(self, reference: object, parent: Resource | None = None) -> Resource | None:
        """The resource that a Reference points to: contained in `parent`, or one of ours."""
        target = reference.get("reference") if isinstance(reference, dict) else reference
        if isinstance(target, str) and target.startswith("#"):
            return _contained(parent, target[1:])
        key = self.key(reference)
        return None if key is None else self.get(key, parent)

    def get(self, key: str, parent: Resource | None = None) -> Resource | None:
        """The resource of that name. Where it appears twice, the copy in the Bundle of PARENT."""
        if self._suspects:
            self._settle()
        found = self._by_key.get(key)
        if found is None or self._deleted(key):
            return None
        return self._own_copy(key, parent) if key in self._spoiled else opened(found)

    def _own_copy(self, key: str, parent: Resource | None) -> Resource | None:
        home = self._home.get(id(parent))
        own = [
            copy for copy in self._rivals.get(key, ()) if home and self._home.get(id(copy)) == home
        ]
        found = newest(own) if own and self._spoiled[key] == TWICE else None
        if found is not None and not form_problem(found, found["resourceType"]):
            return found
        self._name(key)
        return None

    def _name(self, key: str) -> None:
        problem = Problem(key, self._spoiled[key])
        if problem not in self.problems:
            self.problems.append(problem)

    def stands_once(self, key: str) -> bool:
        """Whether every reference to it, of whatever Bundle, means the same resource."""
        if self._suspects:
            self._settle()
        return key not in self._spoiled

    def shared(self, kind: str) -> Iterator[Resource]:
        self._settle()
        keys = sorted(key for key in self._by_key if key.startswith(kind + "/"))
        return (
            opened(self._by_key[key])
            for key in keys
            if key not in self._spoiled and not self._deleted(key)
        )

    def groups(self) -> Iterator[Group]:
        """One group per patient, ordered by reference. What can't be tied to a patient goes to
        `problems`."""
        self._settle()
        self.problems += paging.short(self._pages if self._whole else ())
        groups: dict[str, Group] = {}
        self._named.clear()
        unusual = self._spoiled or self._deletions
        for key, resource in self._by_key.items():
            for patient in self._patients(key, resource):
                group = groups.get(patient)
                if group is None:
                    group = groups[patient] = Group(patient)
                if unusual:
                    self._put(group, key, resource)
                else:
                    group.by_type.setdefault(key.partition("/")[0], []).append(resource)
        for problem in (*self.merges.problems, *self._without_their_patient(groups)):
            patient = self.merges.into.get(problem.resource, problem.resource)
            (groups[patient].problems if patient in groups else self.problems).append(problem)
        yield from (groups[patient] for patient in sorted(groups))

    def _without_their_patient(self, groups: Iterable[str]) -> Iterator[Problem]:
        for key in groups:
            if self._deleted(key):
                yield Problem(key, "was deleted, and records of this patient are still here")

    def _put(self, group: Group, key: str, resource: Resource | Held) -> None:
        kind = key.partition("/")[0]
        if self._deleted(key):
            if kind == "MedicationAdministration":
                group.deleted.append(opened(resource))
        elif key in self._spoiled:
            group.problems.append(Problem(key, self._spoiled[key]))
        else:
            group.by_type.setdefault(kind, []).append(resource)

    def _patients(self, key: str, resource: Resource | Held) -> Iterable[str]:
        """Whose it is; of one that appears twice, all of whom a copy is."""
        if key not in self._spoiled:
            patient = self._patient(key, resource)
            return (patient,) if patient else ()
        kind = key.partition("/")[0]
        if kind == "Patient":
            return (key,)
        if kind not in SUBJECT and not self._serves_its_own(key):
            self._name(key)
        found = (self._patient(key, copy) for copy in self._rivals.get(key, (resource,)))
        return {patient for patient in found if patient}

    def _serves_its_own(self, key: str) -> bool:
        """Whether each of the copies came in a Bundle, whose entries it serves."""
        copies = self._rivals.get(key, ())
        return self._spoiled[key] == TWICE and all(id(copy) in self._home for copy in copies)

    def _patient(self, key: str, resource: Resource | Held) -> str | None:
        element = SUBJECT.get(key.partition("/")[0])
        if element is None:
            return None
        said = _reference(resource, element)
        patient = self._named.get(said) if isinstance(said, str) else None
        if patient is None:
            patient = self.patient(said)
            if patient is None or not (patient.startswith("urn:") or "/" in patient):
                self.problems.append(Problem(key, f"{element} does not name a patient"))
                return None
            self._named[str(said)] = patient
        # A Group, Device or Location as subject is nobody's chart.
        is_one = patient.startswith(("Patient/", "urn:")) or patient.rsplit("/", 2)[-2] == "Patient"
        return patient if is_one else None


def _held(text: Raw | bytes, home: int, homes: dict[int, int]) -> Held | None:
    """A resource unopened; None where its head has not the form that the readers expect."""
    found = head(text)
    return Held(text, found, home, homes) if found and is_in_form(found) else None


def opened(resource: Resource | Held) -> Resource:
    """What a resource says; its text is decoded when it is asked for the first time."""
    if not isinstance(resource, Held):
        return resource
    if resource.opened is None:
        resource.opened = decode_plain(resource.text)
        if resource.home:
            resource.homes[id(resource.opened)] = resource.home
    return resource.opened


def _reference(resource: Resource | Held, element: str) -> object:
    """What a Reference says, in whatever form it stands there."""
    if isinstance(resource, Held):
        found = getattr(resource.head, element)
        return found.reference if found else None
    said = resource.get(element)
    return said.get("reference") if isinstance(said, dict) else said


def _contained(parent: Resource | None, identity: str) -> Resource | None:
    contained = elements.items((parent or {}).get("contained"))
    return next(
        (item for item in contained if str(item.get("id", "")).lstrip("#") == identity), None
    )
