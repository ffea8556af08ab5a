"""Resources gathered from Bundles, NDJSON or a server: newest versions, references resolved, sorted
to their patients.

Held by tests/unit/test_collection.py.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from msgspec import UNSET, Struct

from mappings.reading.bundles import entries, inside, paging
from mappings.reading.bundles.copies import Copies, opened
from mappings.reading.bundles.entries import Deletion, Item
from mappings.reading.bundles.envelopes import Envelope, envelope
from mappings.reading.bundles.groups import Group, Grouping
from mappings.reading.bundles.heads import (
    READ,
    Held,
    Hold,
    Other,
    concerns_nobody,
    holder,
    is_plain,
    meant,
    other,
)
from mappings.reading.bundles.inside import ListedDose
from mappings.reading.bundles.merging import Merges, merges
from mappings.reading.bundles.references import References
from mappings.reading.fhir import elements, naming, outcomes
from mappings.reading.fhir.decoding import TooDeep, decode
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem

# How many Bundles, lists and Parameters may stand in each other.
_MOST_NESTED = 20


class Contents(Struct, frozen=True):
    """What a collection took: every copy of each resource by the Bundle that brought it (0: none),
    the addresses that entries gave (address → Type/id), and what was said beside them."""

    resources: dict[int, list[Resource]]
    addresses: dict[str, str]
    bases: list[str]
    deletions: list[Deletion]
    pages: list[paging.Page]
    listed: list[ListedDose]
    problems: list[Problem]


class Collection:
    """Add resources in any order; then ask for each patient's group. `problems` names what could
    not be taken. `whole`: False where this is a part of what there is, so that it can't be told
    from it whether all pages of a search are here."""

    def __init__(self, bases: Iterable[str] = (), whole: bool = True) -> None:
        self._references = References(bases)
        self._copies = Copies(self._references.servers)
        self.key: Callable[[object], str | None] = self._references.key
        self.keys: Callable[[object], Iterator[str]] = self._references.keys
        self._pages: list[paging.Page] = []
        self._bundles = 0
        self._merges: Merges | None = None
        self._listed: list[ListedDose] = []
        self._whole = whole
        self.problems: list[Problem] = []

    def contents(self) -> Contents:
        """All that was taken, before anything of it is settled."""
        by_bundle: dict[int, list[Resource]] = {}
        for resource in chain.from_iterable(self._copies.all()):
            by_bundle.setdefault(self._copies.home(resource), []).append(resource)
        return Contents(
            by_bundle,
            dict(self._references.addresses),
            sorted(self._references.bases),
            list(self._copies.deletions),
            list(self._pages),
            list(self._listed),
            list(self.problems),
        )

    def add_deletion(self, deletion: Deletion) -> None:
        self._copies.deletions.add(deletion)

    def add_bundle(
        self, bundle: Resource, where: str = "the Bundle", home: int = 0, depth: int = 0
    ) -> None:
        """Every entry of a Bundle, of Bundles inside it (batch answers), too."""
        home = home or self._next_bundle()
        found = paging.page(bundle, where)
        if found:
            self._pages.append(found)
        for part in entries.parts(bundle, where):
            if isinstance(part, Problem):
                self.problems.append(part)
            elif isinstance(part, Deletion):
                self.add_deletion(part)
            else:
                self._add(part, home, depth + 1)

    def _next_bundle(self) -> int:
        self._bundles += 1
        return self._bundles

    def add(self, resource: Any, where: str) -> None:
        """One resource, a Bundle, Parameters around some, or a list; `where` names it in problems
        where it has no id."""
        self._add(Item(resource, where), 0)

    def add_text(self, text: bytes, where: str) -> bool:
        """A resource, or a Bundle of resources alone, none of which is opened before somebody asks
        for it. False, and nothing is added, for any other text: `decode` it, and `add` that."""
        if not is_plain(text):
            return False
        hold = holder(text)
        held = hold(text, 0)
        if held:
            self._merges = None
            self._copies.add_held(held)
            return True
        found = envelope(text)
        if found:
            return self._add_entries(found, where, hold)
        unread = other(text)
        return bool(unread and unread.id and concerns_nobody(unread, text))

    def add_opened(self, resource: Resource, text: bytes, where: str) -> None:
        """`add` of a resource that was decoded from TEXT: readers that read text need not look into
        it."""
        held = holder(text)(text, 0) if is_plain(text) else None
        if held is None:
            self.add(resource, where)
            return
        held.opened = resource
        self._merges = None
        self._copies.add_held(held)

    def _add_entries(self, found: Envelope, where: str, hold: Hold) -> bool:
        home = self._next_bundle()
        resources = [hold(one.resource, home) or _unheld(one.resource) for one in found.entry]
        if None in resources:
            return False
        if found.type == "searchset":
            self._add_page(found, resources, where)
        self._merges = None
        for number, (entry, resource) in enumerate(zip(found.entry, resources, strict=True), 1):
            if isinstance(resource, Held):
                self._copies.add_held(resource)
                if entry.fullUrl:
                    self._references.add(entry.fullUrl, resource.key)
            elif not isinstance(resource, Other):
                place = f"entry {number} of {where}"
                self._add(Item(resource, place, entry.fullUrl), home)
        return True

    def _add_page(self, found: Envelope, resources: list[Any], where: str) -> None:
        is_counted = found.total is not UNSET
        pairs = zip(found.entry, resources, strict=True) if is_counted else ()
        listed = [
            {
                "resource": _named(resource),
                "search": None if entry.search is UNSET else decode(entry.search),
            }
            for entry, resource in pairs
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

    def _add(self, item: Item, home: int, depth: int = 0) -> None:
        resource, where = item.resource, item.where
        if self._is_too_deep(where, depth):
            return
        if isinstance(resource, list):
            for number, part in enumerate(resource, 1):
                self._add(Item(part, f"item {number} of {where}"), home, depth + 1)
            return
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            self.problems.append(Problem(where, "not a FHIR resource: resourceType is missing"))
            return
        kind = resource["resourceType"]
        self.problems += inside.doses(resource, where)
        self._listed += inside.listed_doses(resource, where)
        if kind in READ:
            self._take(item, home)
        elif kind == "Bundle":
            self.add_bundle(resource, where, home, depth)
        elif meant(kind):
            says = f'resourceType "{kind}" is none of FHIR\'s, which writes {meant(kind)}'
            self.problems.append(Problem(where, f"{says}: it was not read"))
        elif kind == "Parameters":
            self._add_parameters(resource, where, home, depth)
        elif kind == "OperationOutcome" and (said := outcomes.left_out(resource)):
            self.problems.append(
                Problem(where, f"an OperationOutcome says that something was left out ({said})")
            )

    def _add_parameters(self, element: Resource, where: str, home: int, depth: int) -> None:
        if self._is_too_deep(where, depth):
            return
        for part in elements.items(element.get("parameter", element.get("part"))):
            if "resource" in part:
                self._add(Item(part["resource"], where), home, depth + 1)
            self._add_parameters({"part": part.get("part")}, where, home, depth + 1)

    def _is_too_deep(self, where: str, depth: int) -> bool:
        if depth > _MOST_NESTED:
            self.problems.append(Problem(where, str(TooDeep())))
        return depth > _MOST_NESTED

    def _take(self, item: Item, home: int) -> None:
        full_url = item.full_url
        resource = naming.named(item.resource, full_url)
        kind = resource["resourceType"]
        if not naming.is_named(resource):
            if self._whole:  # of a part it was told when its file was read
                self.problems.append(Problem(item.where, f"{kind} {naming.WITHOUT_ID}"))
            apart = naming.kept_apart(resource)
            if apart is None:
                return
            resource = apart
        key = f"{kind}/{resource['id']}"
        self._copies.add(key, resource, home)
        self._merges = None
        if full_url:
            self._references.add(full_url, key)

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
        found = self._copies.get(key, parent)
        if not isinstance(found, Problem):
            return found
        if found not in self.problems:
            self.problems.append(found)
        return None

    def stands_once(self, key: str) -> bool:
        """Whether every reference to it, of whatever Bundle, means the same resource."""
        return self._copies.stands_once(key)

    def shared(self, kind: str) -> Iterator[Resource]:
        """Those of a type that count, in the order of their names."""
        copies, of_kind = self._copies, f"{kind}/"
        found = {key: one for key, one in copies.items() if key.startswith(of_kind)}
        return (
            opened(found[key])
            for key in sorted(found)
            if copies.stands_once(key) and not copies.is_deleted(key)
        )

    def groups(self) -> Iterator[Group]:
        """One group per patient, ordered by reference. What can't be tied to a patient goes to
        `problems`."""
        self._copies.settle()
        self.problems += paging.short(self._pages if self._whole else ())
        self.problems += self._not_here() if self._whole else ()
        groups = Grouping(self._copies, self.patient, self.problems).groups
        for problem in (*self.merges.problems, *self._without_their_patient(groups)):
            patient = self.merges.into.get(problem.resource, problem.resource)
            (groups[patient].problems if patient in groups else self.problems).append(problem)
        yield from (groups[patient] for patient in sorted(groups))

    def _not_here(self) -> Iterator[Problem]:
        """Doses that a List names and nobody brought."""
        for one in self._listed:
            key = self.key(one.reference)
            if key is not None and not self._copies.holds(key):
                yield inside.not_here(one, key)

    def _without_their_patient(self, groups: Iterable[str]) -> Iterator[Problem]:
        for key in groups:
            if self._copies.is_deleted(key):
                yield Problem(key, "was deleted, and records of this patient are still here")


def _unheld(text: Any) -> Resource | Other | None:
    """Opened at once, unless nobody reads its type; None where there is no resource."""
    unread = other(text)
    return unread if concerns_nobody(unread, text) else decode(text)


def _named(resource: Any) -> Any:
    """Type and id of what is not opened."""
    if isinstance(resource, Held):
        return {"resourceType": resource.head.kind, "id": resource.head.id}
    if isinstance(resource, Other):
        return {"resourceType": resource.kind, "id": resource.id}
    return resource


def _contained(parent: Resource | None, identity: str) -> Resource | None:
    contained = elements.items((parent or {}).get("contained"))
    return next(
        (item for item in contained if str(item.get("id", "")).lstrip("#") == identity), None
    )
