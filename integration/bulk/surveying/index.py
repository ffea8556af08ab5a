"""What is known of each resource of a range without reading it again: where it stands, its name and
whose it is.

Held by tests/unit/test_bulk.py.
"""

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from itertools import compress, count, pairwise
from operator import ne
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from integration.bulk.surveying.names import Forms
from mappings.reading.bundles.entries import Deletion
from mappings.reading.bundles.inside import ListedDose
from mappings.reading.bundles.paging import Page

_SEVERAL = 255


class BlockPlace(NamedTuple):
    """Lines that were read together: of which type (by `names.code`), the number of the first in
    the range and of the one behind the last, where they begin in the file, and how many bytes they
    are."""

    kind: int
    first: int
    behind: int
    place: int
    bytes: int


class NamedLine(NamedTuple):
    """A resource: the number of its line in the range, its name and whose it is."""

    line: int
    name: int
    owner: int


class Index:
    """An entry for each line of a range: the name and owner of the resource in it. Of a line that
    holds another number of resources, or an odd one, `more` has a row for each; of administrations
    that refer to a Medication, `aimed` whose they are, and which Medication at which address. Where
    lines stand is kept of each block of them."""

    def __init__(self, start: int = 0) -> None:
        self._kinds = array("B")
        self._places = array("Q", [start])
        self._firsts = array("I", [0])
        self._members = array("I")
        self._ends = array("I", [0])
        self._open_kinds = set[int]()
        self._more_bytes = array("Q", [0])
        self.names = array("I")
        self.owners = array("I")
        self._more_lines = array("I")
        self._more_names = array("I")
        self._more_owners = array("I")
        self._aim_owners = array("I")
        self._aims = array("Q")
        self._aim_bases = array("Q")

    def add(self, kind: int = 0, name: int = 0, owner: int = 0) -> None:
        """The next line."""
        self._open_kinds.add(kind)
        self._members.append(owner)
        self.names.append(name)
        self.owners.append(owner)

    def add_more(self, name: int, owner: int) -> None:
        """A resource of the last line."""
        self._more_lines.append(len(self.names) - 1)
        self._more_names.append(name)
        self._more_owners.append(owner)

    def add_opened(self, length: int) -> None:
        """How long a line is whose resources have rows of their own."""
        self._more_bytes[0] += length

    def extend(self, kind: int, name_numbers: array, owners: array) -> None:
        """The next lines."""
        self._open_kinds.add(kind)
        self._members.extend(set(owners))
        self.names.extend(name_numbers)
        self.owners.extend(owners)

    def end_block(self, place: int) -> None:
        """The lines since the last block end here."""
        self._places.append(place)
        self._firsts.append(len(self.names))
        kinds = self._open_kinds - {0} or {0}
        self._kinds.append(kinds.pop() if len(kinds) == 1 else _SEVERAL)
        self._ends.append(len(self._members))
        self._open_kinds = set()

    def blocks(self) -> Iterator[BlockPlace]:
        bounds = zip(self._kinds, pairwise(self._firsts), pairwise(self._places), strict=True)
        for kind, (first, behind), (place, end) in bounds:
            yield BlockPlace(kind, first, behind, place, end - place)

    def blocks_with(self, lines: list[int]) -> Iterator[tuple[BlockPlace, list[int]]]:
        """Those that hold any of these lines, which are in order, and the places of those in it."""
        left = 0
        for block in self.blocks():
            end = bisect_left(lines, block.behind, left)
            if end > left:
                yield block, [line - block.first for line in lines[left:end]]
                left = end

    def aim(self, owner: int, medication: int, base: int) -> None:
        """An administration that is ours only if its Medication is."""
        self._aim_owners.append(owner)
        self._aims.append(medication)
        self._aim_bases.append(base)

    def aimed(self) -> Iterator[tuple[int, int, int]]:
        return zip(self._aim_owners, self._aims, self._aim_bases, strict=True)

    def of_owners(self, members: Set[int]) -> tuple[dict[int, int], list[NamedLine]]:
        """Lines that hold one resource of theirs, with whose it is, and rows of other lines."""
        lines = self._lines(self._blocks_of(members), members, self.owners)
        ones = dict(zip(lines, map(self.owners.__getitem__, lines), strict=True))
        return ones, self._several(members, self._more_owners)

    def _blocks_of(self, members: Set[int]) -> Iterator[BlockPlace]:
        """Those that hold anything of theirs."""
        those = (self._members[first:behind] for first, behind in pairwise(self._ends))
        return compress(self.blocks(), (not members.isdisjoint(own) for own in those))

    def having(self, asked: Set[int], kinds: Set[int]) -> set[int]:
        """The names of those ASKED, which are of these KINDS, that anything has."""
        found = set(filter(asked.__contains__, self._more_names))
        for block in self._blocks_with(asked, kinds):
            found.update(asked & set(self.names[block.first : block.behind]))
        return found

    def named(
        self, asked: Mapping[int, object], kinds: Set[int], homes: Mapping[int, object]
    ) -> list[NamedLine]:
        """Whatever has one of the names ASKED, which are of these KINDS, unless what asks for it is
        the very home of its owner."""
        lines = self._lines(self._blocks_with(asked.keys(), kinds), asked, self.names)
        asking = map(asked.__getitem__, map(self.names.__getitem__, lines))
        having = map(homes.__getitem__, map(self.owners.__getitem__, lines))
        away = compress(lines, map(ne, asking, having))
        found = [NamedLine(line, self.names[line], self.owners[line]) for line in away]
        return found + self._several(asked, self._more_names)

    def _blocks_with(self, asked: Set[int], kinds: Set[int]) -> Iterator[BlockPlace]:
        kinds = (kinds | {_SEVERAL}) - {0}
        for block in self.blocks():
            own = self.names[block.first : block.behind] if block.kind in kinds else ()
            if not asked.isdisjoint(own):
                yield block

    @staticmethod
    def _lines(blocks: Iterable[BlockPlace], wanted: Container[int], column: array) -> list[int]:
        found: list[int] = []
        for block in blocks:
            own = column[block.first : block.behind]
            found += compress(count(block.first), map(wanted.__contains__, own))
        return found

    def _several(self, wanted: Container[int], column: array) -> list[NamedLine]:
        columns = self._more_lines, self._more_names, self._more_owners
        resources = zip(*columns, strict=True)
        return list(map(NamedLine._make, compress(resources, map(wanted.__contains__, column))))

    def bytes_of(self, members: Set[int]) -> int:
        """About how long all is that is theirs."""
        found = 0
        for block in self._blocks_of(members):
            own = self.owners[block.first : block.behind]
            found += block.bytes * sum(map(members.__contains__, own)) // len(own)
        share = sum(map(members.__contains__, self._more_owners))
        return found + self._more_bytes[0] * share // (len(self._more_owners) or 1)

    def _columns(self) -> list[array]:
        blocks = [self._kinds, self._places, self._firsts, self._members, self._ends]
        lines = [self.names, self.owners, self._more_bytes]
        more = [self._more_lines, self._more_names, self._more_owners]
        return [*blocks, *lines, *more, self._aim_owners, self._aims, self._aim_bases]

    def write(self, path: Path) -> None:
        with path.open("wb") as stream:
            for column in self._columns():
                array("Q", [len(column)]).tofile(stream)
                column.tofile(stream)

    @classmethod
    def read(cls, path: Path) -> "Index":
        found = cls()
        with path.open("rb") as stream:
            for column in found._columns():
                del column[:]
                size = array("Q")
                size.fromfile(stream, 1)
                column.fromfile(stream, size[0])
        return found


class RangeFacts(Struct):
    """What a range says beside its rows. Numbers as in `names`.

    `lines`: how many it has. `taken`: those of them that are FHIR. `counts`: resources by type.
    `patients`: whose Patient is here, each once. `ours`: patients with an administration that may
    be an iron. `same`: two names of one patient. `medications`: name and content of a Medication
    that is provably no iron; content 0: of one that may be. `forms`: of what leads to them.
    `listed`: administrations that a List names.
    `problems`: place and what; a line's number in the range stands between two U+0000.
    """

    lines: int = 0
    taken: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    patients: list[int] = field(default_factory=list)
    ours: list[int] = field(default_factory=list)
    same: list[tuple[int, int]] = field(default_factory=list)
    medications: list[tuple[int, int]] = field(default_factory=list)
    forms: Forms = Forms(frozenset())
    bases: list[str] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    listed: list[ListedDose] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


_facts = msgspec.msgpack.Decoder(RangeFacts)


def write_facts(facts: RangeFacts, path: Path) -> None:
    path.write_bytes(msgspec.msgpack.encode(facts))


def read_facts(path: Path) -> RangeFacts:
    return _facts.decode(path.read_bytes())
