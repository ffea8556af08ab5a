"""Why something was done, as R4 and R5 have it: a code, or a resource that says it.

Held by tests/scenarios/as_r5.yaml.
"""

from collections.abc import Iterator
from itertools import chain

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Concept


def coded(resource: Resource) -> tuple[Concept, ...]:
    """The reasons that are codes."""
    found = elements.concepts(resource.get("reasonCode"))
    if "reason" not in resource:
        return found
    return (*found, *(elements.concept(one.get("concept")) for one in _of_r5(resource)))


def references(resource: Resource) -> list[Resource]:
    """References to the resources that are reasons."""
    found = elements.items(resource.get("reasonReference"))
    if "reason" not in resource:
        return found
    return found + [elements.mapping(one.get("reference")) for one in _of_r5(resource)]


def either_way(listed: object) -> list[Resource]:
    """References, also where R5 has a list of them, or each in a CodeableReference."""
    found: list[Resource] = []
    for one in elements.items(listed):
        within = one.get("reference")
        found.append(within if isinstance(within, dict) else one)
    return found


def _of_r5(resource: Resource) -> Iterator[Resource]:
    """CodeableReferences; those of an encounter stand one level deeper."""
    said = elements.items(resource.get("reason"))
    return chain.from_iterable(elements.items(one.get("value")) or [one] for one in said)
