"""Lines of those who are wanted, undecoded, to a file for each part of them. Of a Bundle each part
gets its own patients' resources and what is nobody's, as one Bundle, so that they stay together.

Held by tests/unit/test_bulk_soundness.py.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from integration.bulk.sifting import Wanted
from integration.bulk.surveying import names
from integration.bulk.surveying.index import Index
from integration.bulk.surveying.sources import Range, lines_at
from mappings.reading import Collection, NotJson, of_line
from mappings.reading.bundles.collection import Contents
from mappings.reading.bundles.heads import SUBJECT, is_plain, other
from mappings.reading.fhir.decoding import Damaged
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.twofold import Twofold

_encoder = msgspec.json.Encoder(decimal_format="number")
_BUFFER, _MOST_OPEN = 1 << 13, 400
# The narrative of a resource that holds broken text, so that it is found broken again: nothing else
# is read or compared of a narrative.
_BROKEN = "\0"
# Two narratives in one, so that it is found again that one element stands twice.
_TWOFOLD = rb'{"text":"\u0000","text":"",'


class Spill:
    """A file for each part, within a folder of its own for each task; of many parts not all are
    open."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._files: dict[int, BinaryIO] = {}
        self._seen: dict[int, set[int]] = {}

    def add(self, part: int, line: bytes) -> None:
        """Once for each content."""
        line = line.strip().replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"
        self._write(part, {hash(line)}, line)

    def add_all(self, part: int, lines: list[bytes]) -> None:
        """As `add`, of lines as they stand in a file."""
        text, contents = b"".join(lines), set(map(hash, lines))
        at_once = len(contents) == len(lines) and text.endswith(b"\n") and b"\r" not in text
        if not (at_once and self._write(part, contents, text)):
            for line in lines:
                self.add(part, line)

    def _write(self, part: int, contents: set[int], text: bytes) -> bool:
        """Unless some of it is there."""
        file = self._files.get(part) or self._opened(part)
        seen = self._seen[part]
        if not seen.isdisjoint(contents):
            return False
        seen |= contents
        file.write(text)
        return True

    def _opened(self, part: int) -> BinaryIO:
        if len(self._files) == _MOST_OPEN:
            self._stack.close()
            self._files.clear()
        self._seen.setdefault(part, set())
        file = (self._folder / str(part)).open("ab", buffering=_BUFFER)
        self._files[part] = self._stack.enter_context(file)
        return self._files[part]


def gather(ranges: Iterable[tuple[Range, Index]], who: Wanted, folder: Path) -> None:
    """All that is somebody's who is wanted."""
    with ExitStack() as stack:
        spill = Spill(folder, stack)
        for range_, index in ranges:
            _spill(range_, index, spill, who)


def _spill(range_: Range, index: Index, spill: Spill, who: Wanted) -> None:
    ones, others = index.of_owners(who.members)
    if not ones and not others:
        return
    home = {owner: who.part(owner) for owner in set(ones.values())}
    parts = dict(zip(ones, map(home.__getitem__, ones.values()), strict=True))
    several: dict[int, set[int]] = {}
    for resource in others:
        several.setdefault(resource.line, set()).add(who.part(resource.owner) or 0)
    numbers = sorted([*parts, *several])
    found = zip(map(parts.get, numbers), numbers, lines_at(range_, index, numbers), strict=False)
    for part, run in groupby(found, key=itemgetter(0)):
        if part is not None:
            spill.add_all(part, [line for _, _, line in run])
            continue
        for _, number, line in run:
            _spill_some(line, several[number], spill, who)


def _spill_some(line: bytes, parts: set[int], spill: Spill, who: Wanted) -> None:
    """Of a line that may hold several resources."""
    contents = opened(line)
    for part in sorted(parts):
        if contents is None:
            spill.add(part, line)
            continue
        for made in _own(contents, lambda resource, part=part: _is_of(resource, part, who)):
            spill.add(part, made)


def opened(line: bytes) -> Contents | None:
    """What is in a Bundle, a list or Parameters; None of one resource."""
    found = other(line) if is_plain(line) else None
    if found and found.id and found.kind not in ("Bundle", "Parameters"):
        return None
    said = of_line(line)
    kind = said.get("resourceType") if isinstance(said, dict) else None
    if isinstance(said, NotJson) or (isinstance(kind, str) and kind in names.CODES):
        return None
    collection = Collection()
    collection.add(said, "")
    return collection.contents()


def _is_of(resource: Resource, part: int, who: Wanted) -> bool:
    """Whether it belongs to a patient of the part, or to nobody."""
    kind = resource["resourceType"]
    if kind == "Patient":
        return who.part(names.handle_of_id(resource["id"])) == part
    if kind not in SUBJECT:
        return True
    said = resource.get(SUBJECT[kind])
    reference = said.get("reference") if isinstance(said, dict) else said
    return not isinstance(reference, str) or who.part_of(reference) == part


def _own(contents: Contents, is_wanted: Any) -> Iterator[bytes]:
    for home, resources in contents.resources.items():
        own = [resource for resource in resources if is_wanted(resource)]
        if home:
            yield bundle(own, contents)
        else:
            yield from (_encoder.encode(_marked(resource)) for resource in own)


def bundle(resources: Iterable[Resource], contents: Contents) -> bytes:
    """A Bundle of these resources, each under every address that it had."""
    addresses: dict[str, list[str]] = {}
    for address, key in contents.addresses.items():
        addresses.setdefault(key, []).append(address)
    entries = [
        {"resource": _marked(resource)} | ({"fullUrl": address} if address else {})
        for resource in resources
        for address in addresses.get(f"{resource['resourceType']}/{resource['id']}", [""])
    ]
    return _encoder.encode({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _marked(resource: Resource) -> Resource | msgspec.Raw:
    if isinstance(resource, Twofold):
        return msgspec.Raw(_TWOFOLD + _encoder.encode(resource)[1:])
    return {**resource, "text": _BROKEN} if isinstance(resource, Damaged) else resource
