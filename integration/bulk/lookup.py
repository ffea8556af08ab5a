"""What the gathered charts refer to and is nobody's (or somebody else's), and copies of what is in
them that are elsewhere: found by name in the index.

Held by tests/unit/test_bulk.py.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from integration.bulk.gathering import Spill, bundle, opened
from integration.bulk.sifting import Wanted
from integration.bulk.surveying import names
from integration.bulk.surveying.index import Index
from integration.bulk.surveying.names import Forms
from integration.bulk.surveying.sources import Range, lines_at
from mappings.reading import NotJson, of_line
from mappings.reading.bundles.collection import Contents
from mappings.reading.bundles.heads import OPENED, is_plain, other
from mappings.reading.fhir.elements import Resource

# Escapes that are in most markup, and bytes that are in no text; the backslash comes first.
_ESCAPES = {rb"\\": b"\xfe", rb"\"": b"\xff"}
# How many names are looked for at a time: about 100 bytes each.
TURN = 300_000

# Name → the parts that ask for it.
Asked = Mapping[int, tuple[int, ...]]


def names_in(files: Iterable[Path], forms: Forms) -> array:
    """All that charts refer to, as far as that can lead anywhere, and what they are called."""
    found: set[int] = set()
    strings: set[bytes] = set()
    for path in files:
        with path.open("rb") as stream:
            for line in stream:
                head = other(line) if is_plain(line) else None
                own = _strings(line) if head and head.id and head.kind not in OPENED else None
                if head and head.id and own:
                    found.add(names.key(head.kind, head.id))
                    strings.update(own)
                else:
                    decoded = of_line(line)
                    found.update(() if isinstance(decoded, NotJson) else names.named(decoded))
    found.update(names.of_texts(map(_unquoted, strings), forms))
    return array("I", sorted(found))


def _strings(line: bytes) -> list[bytes] | None:
    """All that stand in a line, and what stands between them; None where it takes a decoder to
    tell."""
    if b"\\" in line:
        for escape, mark in _ESCAPES.items():
            line = line.replace(escape, mark)
        if b"\\" in line:
            return None
    return line.split(b'"')


def _unquoted(text: bytes) -> bytes:
    """What the string of a line says."""
    return text.replace(b"\xfe", b"\\").replace(b"\xff", b'"')


def turns(by_part: Iterable[tuple[int, Iterable[int]]], most: int = TURN) -> Iterator[Asked]:
    """The names of all parts, so many at a time."""
    asked: dict[int, tuple[int, ...]] = {}
    for part, found in by_part:
        own = dict.fromkeys(found, (part,))
        shared = {name: (*asked[name], part) for name in asked.keys() & own.keys()}
        asked |= own | shared
        if len(asked) >= most:
            yield asked
            asked = {}
    if asked:
        yield asked


def look_up(ranges: Iterable[tuple[Range, Index]], asked: Asked, who: Wanted, folder: Path) -> None:
    """Spills what has one of the names and is not gathered by the part that asks for it."""
    folder.mkdir()
    with ExitStack() as stack:
        spill = Spill(folder, stack)
        for range_, index in ranges:
            hits = list(_rows(index, asked, who))
            if hits:
                _spill(range_, index, hits, spill)


def _rows(index: Index, asked: Asked, who: Wanted) -> Iterator[tuple[int, int, int]]:
    """Line, name, and a part that asks for it."""
    for hit in index.named(asked.keys()):
        own = who.part(hit.owner)
        for part in asked[hit.name]:
            if part != own:
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
