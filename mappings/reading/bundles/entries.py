"""What a Bundle brings: resources, deletions, and what in it can't be taken.

Held by tests/unit/test_collection.py.
"""

from collections.abc import Iterable, Iterator, Set
from itertools import chain
from typing import Any

from msgspec import Struct

from mappings.reading.bundles.versions import newer
from mappings.reading.fhir import elements, outcomes
from mappings.reading.fhir.elements import Resource
from mappings.record import Problem

_CHANGES = ("transaction", "batch", "transaction-response", "batch-response")


class Item(Struct, frozen=True):
    """A resource, where it stands, and the address that its entry gives it."""

    resource: Any
    where: str
    full_url: str | None = None
    stamp: Resource = {}
    put: bool = False

    @property
    def name(self) -> str | None:
        """Type/id, where it has both."""
        resource = elements.mapping(self.resource)
        kind, identity = resource.get("resourceType"), resource.get("id")
        return f"{kind}/{identity}" if kind and identity else None


class Deletion(Struct, frozen=True):
    """`name`: Type/id. `stamp`: a `meta` of version and moment, as far as the Bundle tells them."""

    name: str
    stamp: Resource = {}


class Deletions:
    """What was deleted, as far as no newer version tells otherwise."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Deletion]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def __iter__(self) -> Iterator[Deletion]:
        return chain.from_iterable(self._by_name.values())

    def names(self) -> Set[str]:
        return self._by_name.keys()

    def add(self, deletion: Deletion) -> None:
        self._by_name.setdefault(deletion.name, []).append(deletion)

    def stands(self, name: str, versions: list[Resource]) -> bool:
        """Whether a deletion of it stands: one without version and moment always does."""
        return any(not _outlived(deletion, versions) for deletion in self._by_name.get(name, ()))


def _outlived(deletion: Deletion, versions: list[Resource]) -> bool:
    told = {"meta": deletion.stamp}
    return bool(deletion.stamp) and any(newer(told, version) is version for version in versions)


Part = Item | Deletion | Problem


def parts(bundle: Resource, where: str) -> Iterator[Part]:
    """The entries of a Bundle, and of Bundles inside it only the Bundles. In a history the newest
    entry of a resource decides; in a transaction, putting a resource undoes its deletion
    (http://hl7.org/fhir/R4/http.html#trules: deletions come first)."""
    entries = bundle.get("entry")
    listed = [entries] if isinstance(entries, dict) else entries
    if listed is not None and not isinstance(listed, list):
        yield Problem(where, "Bundle.entry is not a list of entries, so nothing of it was read")
        return
    found: list[Part] = []
    for number, entry in enumerate(listed or [], 1):
        place = f"entry {number} of {where}"
        plain = _plain(entry, place)
        found += [plain] if plain else _of_entry(entry, place)
    if bundle.get("type") == "history":
        yield from _newest(found)
    elif bundle.get("type") in _CHANGES:
        put = {part.name for part in found if isinstance(part, Item) and part.put}
        yield from (part for part in found if not (isinstance(part, Deletion) and part.name in put))
    else:
        yield from found


def _plain(entry: object, where: str) -> Item | None:
    """A resource without anything that happened to it, as nearly all are."""
    if not isinstance(entry, dict) or "request" in entry or "response" in entry:
        return None
    full_url = entry.get("fullUrl")
    address = full_url if isinstance(full_url, str) else None
    return Item(entry["resource"], where, address) if entry.get("resource") else None


def _of_entry(entry: object, where: str) -> Iterator[Part]:
    if not isinstance(entry, dict):
        yield Problem(where, "not a Bundle entry")
        return
    if "resource" not in entry and isinstance(entry.get("resourceType"), str):
        yield Item(entry, where)  # a list of resources where entries should be
        return
    method = elements.text(elements.mapping(entry.get("request")).get("method")).upper()
    resource, response = entry.get("resource"), elements.mapping(entry.get("response"))
    full_url = elements.text(entry.get("fullUrl")) or None
    if method == "PATCH":
        yield Problem(where, "is a PATCH, which can't be applied here: give the whole resource")
    elif resource is not None:
        put = method in ("PUT", "POST")
        yield Item(resource, where, full_url, _stamp(response, resource), put)
    if method == "DELETE":
        yield _deletion(entry, where, response)
    elif resource is None and method != "PATCH":
        yield from _empty(where, response)


def _empty(where: str, response: Resource) -> Iterator[Problem]:
    """An entry without a resource: the answer to a write that went well needs none."""
    status = elements.text(response.get("status"))[:3]
    said = outcomes.left_out(elements.mapping(response.get("outcome")))
    if not response:
        yield Problem(where, "holds no resource")
    elif not status.startswith(("2", "3")):
        codes = f" ({said})" if said and response.get("outcome") else ""
        yield Problem(where, f"was answered with {status or 'no status'}{codes}, so it is missing")


def _deletion(entry: Resource, where: str, response: Resource) -> Part:
    url = elements.text(elements.mapping(entry.get("request")).get("url"))
    for address in (url, elements.text(entry.get("fullUrl"))):
        names = address.partition("/_history/")[0].split("/")[-2:]
        if len(names) == 2 and all(names) and "?" not in address and names[0][0].isupper():
            return Deletion("/".join(names), _stamp(response, {}))
    return Problem(where, "is a deletion that names no resource as Type/id, so it can't be applied")


def _stamp(response: Resource, resource: object) -> Resource:
    """Version and moment, of the resource or of what the server answered."""
    meta = elements.mapping(elements.mapping(resource).get("meta"))
    etag = elements.text(response.get("etag")).removeprefix("W/").strip('"')
    version, moment = meta.get("versionId") or etag, meta.get("lastUpdated")
    return {
        name: value
        for name, value in (
            ("versionId", version),
            ("lastUpdated", moment or response.get("lastModified")),
        )
        if value
    }


def _newest(found: Iterable[Part]) -> Iterator[Part]:
    """The newest part of each resource; of a deleted one, its last version, too. Where nothing
    tells, the one that stands first: histories have the oldest last."""
    by_name: dict[str, list[Item | Deletion]] = {}
    for part in found:
        name = None if isinstance(part, Problem) else part.name
        if isinstance(part, Problem) or name is None:
            yield part
        else:
            by_name.setdefault(name, []).append(part)
    for versions in by_name.values():
        yield from _latest(versions)


def _latest(entries: list[Item | Deletion]) -> Iterator[Part]:
    last = _first(entries)
    yield last
    versions: list[Item | Deletion] = [entry for entry in entries if isinstance(entry, Item)]
    if isinstance(last, Deletion) and versions:
        yield _first(versions)


def _first(entries: list[Item | Deletion]) -> Item | Deletion:
    first = entries[0]
    for entry in entries[1:]:
        ours, theirs = {"meta": first.stamp}, {"meta": entry.stamp}
        if newer(ours, theirs) is theirs:
            first = entry
    return first
