"""What lives inside another resource; inside a dose its visit and its order, where an EHR keeps no
resource of them. They go by the dose's id and their own, `Encounter/ma1#visit`.

Held by tests/scenarios/inside_a_dose.yaml.
"""

from collections.abc import Iterable, Iterator

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource


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


def key(holder: Resource, reference: object, kind: str) -> str | None:
    """The name of the one inside that a Reference of its holder means."""
    said = elements.text(elements.mapping(reference).get("reference"))
    if not said.startswith("#"):
        return None
    is_there = any(own == said[1:] for own, _ in contained(holder, kind))
    return f"{kind}/{holder.get('id')}{said}" if is_there else None
