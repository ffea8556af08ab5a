"""Patients merged into another: whose records are one (Patient.link; R1).

Held by tests/unit/test_collection.py.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, starmap

from msgspec import Struct

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem

# The `Type/id` that a Reference means.
Key = Callable[[object], str | None]

_REPLACED_BY, _REPLACES = "replaced-by", "replaces"
_OTHER_LINKS = ("refer", "seealso")
_SEXES_UNSAID = ("", "unknown")
_MOST_NAMED = 20


class Merges(Struct, frozen=True):
    """`into`: merged patient → the one that stands for both. `problems` name who could not be
    joined."""

    into: dict[str, str]
    problems: tuple[Problem, ...]

    def together(self, patient: str) -> list[str]:
        """All whose record is that patient's, the surviving one first."""
        survivor = self.into.get(patient, patient)
        return [survivor, *sorted(one for one, other in self.into.items() if other == survivor)]


class _Link(Struct, frozen=True):
    merged: str
    survivor: str


def linked(patient: Resource, key: Key) -> Iterator[str]:
    """The patients of whom a patient says that they were merged."""
    for kind, other in _links(patient, key):
        if other and kind in (_REPLACED_BY, _REPLACES):
            yield other


def reached(patient: str, patients: Mapping[str, Resource], key: Key) -> set[str]:
    """Those to whom the links lead from PATIENT on."""
    found, open_ = {patient}, [patient]
    while open_:
        new = set(linked(patients.get(open_.pop(), {}), key)) - found
        found |= new
        open_ += new
    return found


def merges(patients: Mapping[str, Resource], key: Key) -> Merges:
    """Who stands for whom among PATIENTS, by reference. Chains are followed; who differs in birth
    date or sex is not joined."""
    links: set[_Link] = set()
    problems: list[Problem] = []
    for own, patient in patients.items():
        for kind, other in _links(patient, key):
            problem = _unusable(kind, other, patients)
            if problem:
                problems.append(Problem(own, problem))
            elif other and other != own:
                links.add(_Link(own, other) if kind == _REPLACED_BY else _Link(other, own))
    into: dict[str, str] = {}
    for members in _components(links):
        refusal = _refusal(members, links, patients)
        if refusal:
            problems += [Problem(one, _with_others(one, members, refusal)) for one in members]
            continue
        survivor = _ends(members, links)[0]
        into |= {one: survivor for one in members if one != survivor}
    return Merges(into, tuple(sorted(set(problems))))


def _links(patient: Resource, key: Key) -> Iterator[tuple[str, str | None]]:
    """Type and patient of each link that may tell of a merge."""
    for link in elements.items(patient.get("link")):
        kind = elements.text(link.get("type")).strip().lower().replace("_", "-")
        other = key(link.get("other"))
        of_another_kind = other is not None and "RelatedPerson/" in other
        if kind not in _OTHER_LINKS and not of_another_kind:
            yield kind, other


def _unusable(kind: str, other: str | None, patients: Mapping[str, Resource]) -> str | None:
    if kind not in (_REPLACED_BY, _REPLACES):
        return "Patient.link has a type that is not known, so whether the two are one is not"
    if other is None:
        return f"was merged ({kind}) with a patient whom it does not name by a reference"
    if other not in patients:
        return (
            f"was merged ({kind}) with {other}, who is not here: give both, or what was recorded of"
            " the other is missing"
        )
    return None


def _components(links: set[_Link]) -> list[list[str]]:
    """Patients that hang together, in order."""
    beside: dict[str, list[str]] = {}
    for link in links:
        beside.setdefault(link.merged, []).append(link.survivor)
        beside.setdefault(link.survivor, []).append(link.merged)
    groups: list[list[str]] = []
    while beside:
        group, open_ = set[str](), [next(iter(beside))]
        while open_:
            one = open_.pop()
            group.add(one)
            open_ += beside.pop(one, ())
        groups.append(sorted(group))
    return sorted(groups)


def _ends(members: list[str], links: set[_Link]) -> list[str]:
    merged = {link.merged for link in links}
    return [one for one in members if one not in merged]


def _refusal(members: list[str], links: set[_Link], patients: Mapping[str, Resource]) -> str | None:
    if len(_ends(members, links)) != 1:
        return "their links do not say which of them stands for all"
    joined = [patients[one] for one in members]
    born = {elements.text(patient.get("birthDate")) for patient in joined}
    if any(starmap(_born_differently, combinations(born, 2))):
        return "they differ in birth date"
    sexes = {elements.text(patient.get("gender")).lower() for patient in joined} - set(
        _SEXES_UNSAID
    )
    return "they differ in sex" if len(sexes) > 1 else None


def _born_differently(ours: str, theirs: str) -> bool:
    """A year or month alone does not differ from a day in it."""
    return not (ours.startswith(theirs) or theirs.startswith(ours))


def _with_others(one: str, members: list[str], refusal: str) -> str:
    named = [member for member in members if member != one]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    others = ", ".join(named[:_MOST_NAMED]) + more
    return f"is linked as merged with {others}, but {refusal}: not joined; correct it in the EHR"
