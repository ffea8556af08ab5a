"""Whose each resource is: one group per patient.

Held by tests/unit/test_collection.py.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from msgspec import Struct, field

from mappings.reading.bundles.copies import Copies, opened
from mappings.reading.bundles.heads import SUBJECT, Held
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem

Kept = list[Resource | Held]
# What else a resource may be about goes by the name of a type (R5 allows nearly any).
_OTHER_TYPE = re.compile(r"(?!Patient)[A-Z][A-Za-z]+")


class Group(Struct):
    """One patient's resources, by type, and what of the patient could not be taken. `deleted`:
    administrations of which a version is there, of one that appears twice each copy."""

    patient: str
    by_type: defaultdict[str, Kept] = field(default_factory=lambda: defaultdict(list))
    deleted: list[Resource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Grouping:
    """Sorts what counts of COPIES to its patients, whom PATIENT tells from a Reference. What can't
    be tied to one goes to PROBLEMS."""

    def __init__(
        self, copies: Copies, patient: Callable[[object], str | None], problems: list[Problem]
    ) -> None:
        self._copies, self._patient, self._problems = copies, patient, problems
        self.groups: dict[str, Group] = {}
        # By what a reference says; None where that is nobody's chart.
        self._named: dict[str, Group | None] = {}
        unusual = copies.unusual
        for key, resource in copies.items():
            if isinstance(resource, Held) and key not in unusual:
                self._put_held(key, resource)
            else:
                self._put(key, resource)
        for group in map(self._of, copies.mixed & self.groups.keys()):
            # Nothing tells whose of two people its records are.
            group.by_type.clear()
            group.deleted.clear()

    def _put_held(self, key: str, held: Held) -> None:
        """As nearly all are."""
        head = held.head
        kind = head.kind
        if kind not in SUBJECT:
            return
        whose = head.whose
        group = self._named.get(whose.reference) if whose else None
        if group is None:
            group = self._group(key, whose.reference if whose else None)
            if group is None:
                return
        group.by_type[kind].append(held)

    def _put(self, key: str, resource: Resource | Held) -> None:
        kind = key.partition("/")[0]
        for group in self._groups(key, resource):
            if self._copies.is_deleted(key):
                if kind == "MedicationAdministration":
                    group.deleted += self._own_copies(key, resource, group)
            elif key in self._copies.spoiled:
                group.problems.append(Problem(key, self._copies.spoiled[key]))
            else:
                group.by_type[kind].append(resource)

    def _own_copies(self, key: str, resource: Resource | Held, group: Group) -> list[Resource]:
        """Of one that appears twice, those that name this patient, in whatever order they came."""
        if key not in self._copies.spoiled:
            return [opened(resource)]
        kind = key.partition("/")[0]
        copies = sorted(self._copies.of(key), key=repr)
        return [copy for copy in copies if self._group(key, _reference(copy, kind)) is group]

    def _groups(self, key: str, resource: Resource | Held) -> Iterable[Group]:
        """Of one that appears twice, those of all whom a copy names."""
        kind = key.partition("/")[0]
        if key not in self._copies.spoiled:
            group = self._group(key, _reference(resource, kind)) if kind in SUBJECT else None
            return [group] if group else []
        if kind == "Patient":
            return [self._of(key)]
        if kind not in SUBJECT:
            problem = Problem(key, self._copies.spoiled[key])
            if problem not in self._problems and not self._copies.serves_its_own(key):
                self._problems.append(problem)
            return []
        found = [self._group(key, _reference(copy, kind)) for copy in self._copies.of(key)]
        return {group.patient: group for group in found if group}.values()

    def _group(self, key: str, said: object) -> Group | None:
        """The patient whom a resource names as its own; None for a Group, Device or Location."""
        if isinstance(said, str) and said in self._named:
            return self._named[said]
        patient = self._patient(said)
        kind = (patient or "").rpartition("/")[0].rpartition("/")[2]
        is_one = kind == "Patient" or (patient or "").startswith("urn:")
        if patient is None or not (is_one or _OTHER_TYPE.fullmatch(kind)):
            element = SUBJECT[key.partition("/")[0]]
            self._problems.append(Problem(key, f"{element} does not name a patient"))
            return None
        found = self._named[str(said)] = self._of(patient) if is_one else None
        return found

    def _of(self, patient: str) -> Group:
        if patient not in self.groups:
            self.groups[patient] = Group(patient)
        return self.groups[patient]


def _reference(resource: Resource | Held, kind: str) -> object:
    """What it says of whose it is, in whatever form that stands there."""
    if isinstance(resource, Held):
        return resource.head.whose.reference if resource.head.whose else None
    said = resource.get(SUBJECT[kind])
    return said.get("reference") if isinstance(said, dict) else said
