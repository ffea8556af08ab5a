"""What is known of each resource of a range without reading it again: where it stands, its name and
whose it is."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct, field

from mappings.reading.bundles.entries import Deletion
from mappings.reading.bundles.paging import Page


class Index:
    """One row for each resource in the order of the text, those of a Bundle at its place; of
    administrations that refer to a Medication whose they are, which one, and at which address."""

    def __init__(self) -> None:
        self.places = array("Q")
        self.names = array("I")
        self.owners = array("I")
        self.aim_owners = array("I")
        self.aims = array("Q")
        self.aim_bases = array("Q")

    def add(self, place: int, name: int, owner: int) -> None:
        self.places.append(place)
        self.names.append(name)
        self.owners.append(owner)

    def aim(self, owner: int, medication: int, base: int) -> None:
        """An administration that is ours only if its Medication is."""
        self.aim_owners.append(owner)
        self.aims.append(medication)
        self.aim_bases.append(base)

    def _columns(self) -> list[array]:
        rows = [self.places, self.names, self.owners]
        return [*rows, self.aim_owners, self.aims, self.aim_bases]

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
                size = array("Q")
                size.fromfile(stream, 1)
                column.fromfile(stream, size[0])
        return found

    def aimed(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.aim_owners, self.aims, self.aim_bases, strict=True)


class Facts(Struct):
    """What a range says beside its rows. Numbers as in `names`.

    `lines`: how many it has. `counts`: resources by type.
    `ours`: patients with an administration that may be an iron. `same`: two names of one patient.
    `medications`: name and content of a Medication that is provably no iron; content 0: of one
    that may be. `problems`: place and what; a line's number in the range stands between two U+0000.
    """

    lines: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    ours: list[int] = field(default_factory=list)
    same: list[tuple[int, int]] = field(default_factory=list)
    medications: list[tuple[int, int]] = field(default_factory=list)
    bases: list[str] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


_facts = msgspec.msgpack.Decoder(Facts)


def write_facts(facts: Facts, path: Path) -> None:
    path.write_bytes(msgspec.msgpack.encode(facts))


def read_facts(path: Path) -> Facts:
    return _facts.decode(path.read_bytes())
