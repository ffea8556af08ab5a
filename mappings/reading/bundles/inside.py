"""What lives inside another resource; inside a dose its visit and its order, where an EHR keeps no
resource of them. They go by the dose's id and their own, `Encounter/ma1#visit`. A dose inside
another resource, or one that a List names and nobody brought, is not read, and never passed over in
silence.

Held by tests/scenarios/inside_a_dose.yaml.
"""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem

_DOSE = "MedicationAdministration"


class ListedDose(Struct, frozen=True):
    """An administration that a List names, and the List."""

    where: str
    reference: str


def contained(holder: Resource, kind: str) -> Iterator[tuple[str, Resource]]:
    """Those of a type that live inside, each with its own id."""
    for item in elements.items(holder.get("contained")):
        if item.get("resourceType") == kind:
            yield elements.text(item.get("id")).lstrip("#"), item


def inside(holders: Iterable[Resource], kind: str) -> Iterator[Resource]:
    """Those of a type that live inside the holders, under the names that they go by."""
    for holder in holders:
        for own, item in contained(holder, kind):
            yield {**item, "id": f"{holder.get('id')}#{own}"}


def whole(name: str, kind: str, get: Callable[[str], Resource | None]) -> Resource | None:
    """The resource of a name: one of its own, or one inside a dose. GET finds those of their
    own."""
    dose, _, own = name.removeprefix(f"{kind}/").partition("#")
    if not own:
        return get(name)
    holder = get(f"{_DOSE}/{dose}") or {}
    return next((item for said, item in contained(holder, kind) if said == own), None)


def key(holder: Resource, reference: object, kind: str) -> str | None:
    """The name of the one inside that a Reference of its holder means."""
    said = elements.text(elements.mapping(reference).get("reference"))
    if not said.startswith("#"):
        return None
    is_there = any(own == said[1:] for own, _ in contained(holder, kind))
    return f"{kind}/{holder.get('id')}{said}" if is_there else None


def doses(holder: Resource, where: str) -> Iterator[Problem]:
    """Those that live inside another resource."""
    if "contained" in holder and any(True for _ in contained(holder, _DOSE)):
        yield Problem(
            _name(holder, where),
            f"holds a {_DOSE} inside, which is not read: give it as a resource of its own",
        )


def listed_doses(holder: Resource, where: str) -> Iterator[ListedDose]:
    """Those that a List names, as far as it says that they stand."""
    if holder["resourceType"] != "List" or holder.get("status") == "entered-in-error":
        return
    for entry in elements.items(holder.get("entry")):
        reference = elements.text(elements.mapping(entry.get("item")).get("reference"))
        if f"{_DOSE}/" in reference and entry.get("deleted") is not True:
            yield ListedDose(_name(holder, where), reference)


def not_here(one: ListedDose, key: str) -> Problem:
    """That nobody brought it."""
    return Problem(one.where, f"lists {key}, which is not here: a dose may be missing")


def _name(holder: Resource, where: str) -> str:
    return f"{holder['resourceType']}/{holder['id']}" if holder.get("id") else where
