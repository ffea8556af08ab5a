"""What the gathered charts refer to and is nobody's (or somebody else's), and copies of what is in
them that are elsewhere: found by name in the index.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from integration.bulk.gathering import Spill, bundle, opened
from integration.bulk.sifting import Wanted
from integration.bulk.surveying import names
from integration.bulk.surveying.index import Index
from integration.bulk.surveying.sources import Range, lines_at
from mappings.reading.bundles.collection import Contents
from mappings.reading.fhir.elements import Resource
from mappings.values.remembered import Remembered

# How many names are looked for at a time: about 100 bytes each.
MOST_NAMES = 75_000


class Turn(NamedTuple):
    """Name → the parts that ask for it; `kinds`: of which types the names are."""

    kinds: frozenset[int]
    parts: Mapping[int, tuple[int, ...]]


def turns(
    by_part: Iterable[tuple[str, int, Iterable[int]]], most: int = MOST_NAMES
) -> Iterator[Turn]:
    """The names of all parts by type, so many at a time."""
    kinds: set[int] = set()
    asked: dict[int, tuple[int, ...]] = {}
    for kind, part, found in by_part:
        own = dict.fromkeys(found, (part,))
        if not own:
            continue
        shared = {name: (*asked[name], part) for name in asked.keys() & own.keys()}
        asked |= own
        asked |= shared
        kinds.add(names.code(kind))
        if len(asked) >= most:
            yield Turn(frozenset(kinds), asked)
            kinds, asked = set(), {}
    if asked:
        yield Turn(frozenset(kinds), asked)


# The part in which a patient's chart is, in the form in which a turn has the parts that ask for a
# name; None of those whose charts are in none.
Homes = Remembered[int, tuple[int, ...] | None]


def _homes(who: Wanted) -> Homes:
    def home(owner: int) -> tuple[int, ...] | None:
        part = who.part(owner)
        return None if part is None else (part,)

    return Remembered(home)


def look_up(ranges: Iterable[tuple[Range, Index]], asked: Turn, who: Wanted, folder: Path) -> None:
    """Spills what has one of the names and is not gathered by the part that asks for it."""
    folder.mkdir()
    homes = _homes(who)
    with ExitStack() as stack:
        spill = Spill(folder, stack)
        for range_, index in ranges:
            hits = list(_rows(index, asked, homes))
            if hits:
                _spill(range_, index, hits, spill)


def _rows(index: Index, asked: Turn, homes: Homes) -> Iterator[tuple[int, int, int]]:
    """Line, name, and a part that asks for it."""
    for hit in index.named(asked.parts, asked.kinds, homes):
        for part in asked.parts[hit.name]:
            if (part,) != homes[hit.owner]:
                yield hit.line, hit.name, part


def _spill(range_: Range, index: Index, hits: list[tuple[int, int, int]], spill: Spill) -> None:
    found: dict[int, dict[int, set[int]]] = {}
    for line, name, part in hits:
        found.setdefault(line, {}).setdefault(part, set()).add(name)
    numbers = sorted(found)
    for number, text in zip(numbers, lines_at(range_, index, numbers), strict=False):
        contents = opened(text)
        for part, wanted in sorted(found[number].items()):
            if contents is None:
                spill.add(part, text)
                continue
            for made in _each(contents, wanted):
                spill.add(part, made)


def _each(contents: Contents, wanted: set[int]) -> Iterator[bytes]:
    """Of a Bundle what has one of the names, each in a Bundle of its own."""
    called = {key for address, key in contents.addresses.items() if names.name(address) in wanted}
    for resources in contents.resources.values():
        for resource in resources:
            if _key(resource) in called or _number(resource) in wanted:
                yield bundle([resource], contents)


def _key(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _number(resource: Resource) -> int:
    return names.key(resource["resourceType"], resource["id"])
