"""What the gathered charts refer to and is nobody's (or somebody else's), and copies of what is in
them that are elsewhere: found by name in the index.

Held by tests/unit/test_bulk.py.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

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
_WITH_SLASH = re.compile(rb'"([^"]*/[^"]*)"')
# How many names are looked for at a time: about 100 bytes each.
MOST_NAMES = 75_000


class Turn(NamedTuple):
    """Name → the parts that ask for it; `kinds`: of which types the names are."""

    kinds: frozenset[int]
    parts: Mapping[int, tuple[int, ...]]


def names_in(files: Iterable[Path], forms: Forms) -> dict[str, set[int]]:
    """By type all that charts refer to, as far as that can lead anywhere, and what they are
    called."""
    found: dict[str, set[int]] = {kind: set() for kind in names.KINDS}
    strings: set[bytes] = set()
    strings_in = _any_string if "" in forms.kinds else _WITH_SLASH.findall
    for path in files:
        with path.open("rb") as stream:
            for line in stream:
                head = other(line) if is_plain(line) else None
                text = _marked(line) if head and head.id and head.kind not in OPENED else None
                if head and head.id and text:
                    if head.kind in found:
                        found[head.kind].add(names.key(head.kind, head.id))
                    strings.update(strings_in(text))
                else:
                    _add(found, _named(line))
    _add(found, names.of_texts(map(_unquoted, strings), forms))
    return found


def _add(found: dict[str, set[int]], more: Iterable[tuple[str, int]]) -> None:
    for kind, number in more:
        if kind in found:
            found[kind].add(number)


def _named(line: bytes) -> Iterator[tuple[str, int]]:
    said = of_line(line)
    return iter(()) if isinstance(said, NotJson) else names.named(said)


def _any_string(line: bytes) -> list[bytes]:
    """And what stands between two."""
    return line.split(b'"')


def _marked(line: bytes) -> bytes | None:
    """Without an escape, so that a quote is where a string begins or ends; None where it takes a
    decoder to tell."""
    if b"\\" in line:
        for escape, mark in _ESCAPES.items():
            line = line.replace(escape, mark)
        if b"\\" in line:
            return None
    return line


def _unquoted(text: bytes) -> bytes:
    """What the string of a line says."""
    return text.replace(b"\xfe", b"\\").replace(b"\xff", b'"')


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
        shared = {name: (*asked[name], part) for name in filter(asked.__contains__, own)}
        asked |= own
        asked |= shared
        kinds.add(names.code(kind))
        if len(asked) >= most:
            yield Turn(frozenset(kinds), asked)
            kinds, asked = set(), {}
    if asked:
        yield Turn(frozenset(kinds), asked)


def look_up(ranges: Iterable[tuple[Range, Index]], asked: Turn, who: Wanted, folder: Path) -> None:
    """Spills what has one of the names and is not gathered by the part that asks for it."""
    folder.mkdir()
    with ExitStack() as stack:
        spill = Spill(folder, stack)
        for range_, index in ranges:
            hits = list(_rows(index, asked, who))
            if hits:
                _spill(range_, index, hits, spill)


def _rows(index: Index, asked: Turn, who: Wanted) -> Iterator[tuple[int, int, int]]:
    """Line, name, and a part that asks for it."""
    for hit in index.named(asked.parts.keys(), asked.kinds):
        own = who.part(hit.owner)
        for part in asked.parts[hit.name]:
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
