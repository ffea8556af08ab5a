"""What is known of each resource of a range without reading it again: where it stands, its name and
whose it is.

Held by tests/unit/test_bulk.py.
"""

from array import array
from collections.abc import Iterator, Set
from itertools import accumulate, compress, count
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from mappings.reading.bundles.entries import Deletion
from mappings.reading.bundles.paging import Page


class NamedLine(NamedTuple):
    """A resource: the number of its line in the range, its name and whose it is."""

    line: int
    name: int
    owner: int


class Index:
    """An entry for each line of a range: how long it is, and the name and owner of the resource in
    it. Of a line that holds another number of resources, or an odd one, `more` has a row for each;
    of administrations that refer to a Medication, `aimed` whose they are, and which Medication at
    which address."""

    def __init__(self, start: int = 0) -> None:
        self._start = array("Q", [start])
        self.lengths = array("I")
        self.names = array("I")
        self.owners = array("I")
        self._more_lines = array("I")
        self._more_names = array("I")
        self._more_owners = array("I")
        self._aim_owners = array("I")
        self._aims = array("Q")
        self._aim_bases = array("Q")

    def add(self, length: int, name: int = 0, owner: int = 0) -> None:
        """The next line."""
        self.lengths.append(length)
        self.names.append(name)
        self.owners.append(owner)

    def add_more(self, name: int, owner: int) -> None:
        """A resource of the last line."""
        self._more_lines.append(len(self.lengths) - 1)
        self._more_names.append(name)
        self._more_owners.append(owner)

    def extend(self, lengths: array, name_numbers: array, owners: array) -> None:
        """The next lines."""
        self.lengths.extend(lengths)
        self.names.extend(name_numbers)
        self.owners.extend(owners)

    def aim(self, owner: int, medication: int, base: int) -> None:
        """An administration that is ours only if its Medication is."""
        self._aim_owners.append(owner)
        self._aims.append(medication)
        self._aim_bases.append(base)

    def aimed(self) -> Iterator[tuple[int, int, int]]:
        return zip(self._aim_owners, self._aims, self._aim_bases, strict=True)

    def of_owners(self, members: Set[int]) -> tuple[list[NamedLine], list[NamedLine]]:
        """Lines that hold one resource of theirs, and rows of other lines."""
        return self._ones(members, self.owners), self._several(members, self._more_owners)

    def named(self, asked: Set[int]) -> list[NamedLine]:
        """Whatever has one of these names."""
        return self._ones(asked, self.names) + self._several(asked, self._more_names)

    def _ones(self, wanted: Set[int], column: array) -> list[NamedLine]:
        lines = compress(count(), map(wanted.__contains__, column))
        return [NamedLine(line, self.names[line], self.owners[line]) for line in lines]

    def _several(self, wanted: Set[int], column: array) -> list[NamedLine]:
        columns = self._more_lines, self._more_names, self._more_owners
        resources = zip(*columns, strict=True)
        return list(map(NamedLine._make, compress(resources, map(wanted.__contains__, column))))

    def places(self) -> list[int]:
        """Where each line begins in its file, and where the last one ends."""
        return list(accumulate(self.lengths, initial=self._start[0]))

    def bytes_of(self, members: Set[int]) -> int:
        """About how long all is that is theirs."""
        found = sum(compress(self.lengths, map(members.__contains__, self.owners)))
        if not self._more_lines:
            return found
        whole = sum(map(self.lengths.__getitem__, set(self._more_lines)))
        share = sum(map(members.__contains__, self._more_owners))
        return found + whole * share // len(self._more_owners)

    def _columns(self) -> list[array]:
        lines = [self._start, self.lengths, self.names, self.owners]
        more = [self._more_lines, self._more_names, self._more_owners]
        return [*lines, *more, self._aim_owners, self._aims, self._aim_bases]

    def write(self, path: Path) -> None:
        with path.open("wb") as stream:
            for column in self._columns():
                array("Q", [len(column)]).tofile(stream)
                column.tofile(stream)

    @classmethod
    def read(cls, path: Path) -> "Index":
        found = cls()
        del found._start[:]
        with path.open("rb") as stream:
            for column in found._columns():
                size = array("Q")
                size.fromfile(stream, 1)
                column.fromfile(stream, size[0])
        return found


class RangeFacts(Struct):
    """What a range says beside its rows. Numbers as in `names`.

    `lines`: how many it has. `taken`: those of them that are FHIR. `counts`: resources by type.
    `patients`: whose Patient is here, each once. `ours`: patients with an administration that may
    be an iron. `same`: two names of one patient. `medications`: name and content of a Medication
    that is provably no iron; content 0: of one that may be. `bare`: some address is a word alone.
    `problems`: place and what; a line's number in the range stands between two U+0000.
    """

    lines: int = 0
    taken: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    patients: list[int] = field(default_factory=list)
    ours: list[int] = field(default_factory=list)
    same: list[tuple[int, int]] = field(default_factory=list)
    medications: list[tuple[int, int]] = field(default_factory=list)
    bare: bool = False
    bases: list[str] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


_facts = msgspec.msgpack.Decoder(RangeFacts)


def write_facts(facts: RangeFacts, path: Path) -> None:
    path.write_bytes(msgspec.msgpack.encode(facts))


def read_facts(path: Path) -> RangeFacts:
    return _facts.decode(path.read_bytes())
