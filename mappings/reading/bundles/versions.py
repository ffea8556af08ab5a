"""Two versions of one resource: which is newer, and whether they say the same.

Held by tests/unit/test_collection.py.
"""

from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import Damaged
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.twofold import Twofold

# Of what many charts share, the elements that a rule may read: a counter that an export writes
# beside them makes no two payers of one.
_READ = {
    "Location": {
        "identifier",
        "status",
        "name",
        "alias",
        "type",
        "physicalType",
        "address",
        "managingOrganization",
        "partOf",
    },
    "Medication": {
        "identifier",
        "code",
        "status",
        "form",
        "amount",
        "totalVolume",
        "ingredient",
        "batch",
        "contained",
    },
    "Organization": {"identifier", "active", "type", "name", "alias", "partOf"},
    "Practitioner": {"identifier", "active", "name", "qualification"},
    "PractitionerRole": {
        "identifier",
        "active",
        "practitioner",
        "organization",
        "code",
        "specialty",
        "contained",
    },
    "Substance": {"identifier", "code", "ingredient"},
}


def newest(rivals: list[Resource]) -> Resource | None:
    """The version that is newer than, or the same as, every other; None where that can't be
    said."""
    ranked = sorted(rivals, key=lambda version: repr(version.get("meta")), reverse=True)
    # Of the same, the whole one.
    ranked.sort(key=lambda version: isinstance(version, Damaged | Twofold))
    return next(
        (version for version in ranked if all(_stands_before(version, other) for other in rivals)),
        None,
    )


def newer(held: Resource, other: Resource) -> Resource | None:
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
    if first == second:
        return None
    return held if first > second else other


def are_alike(copies: list[Resource]) -> bool:
    """Whether all of them say the same, of whatever version they are."""
    return all(_content(copy) == _content(copies[0]) for copy in copies[1:])


def _stands_before(version: Resource, other: Resource) -> bool:
    found = newer(version, other)
    return found is version if found else _content(version) == _content(other)


def _content(resource: Resource) -> Resource:
    """The resource without what two reads of one version may differ in, and what no rule reads."""
    read = _READ.get(resource["resourceType"])
    return {
        name: value
        for name, value in resource.items()
        if (name in read if read else name not in ("meta", "text"))
    }
