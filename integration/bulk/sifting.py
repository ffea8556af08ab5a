"""Of whom charts are gathered: everybody with an administration that may be an iron, and whoever
is the same patient.

Held by tests/unit/test_bulk.py.
"""

from array import array
from collections.abc import Iterable
from itertools import chain

import msgspec
from msgspec import Struct

from integration.bulk.surveying import names
from integration.bulk.surveying.index import Index, RangeFacts


class Wanted(Struct):
    """`members`: the numbers of all patients whose charts are gathered; `roots`: the number that
    stands for several of one patient, where it is another."""

    members: set[int]
    roots: dict[int, int]
    parts: int = 1

    @property
    def count(self) -> int:
        """How many patients they are."""
        return len({self.roots.get(one, one) for one in self.members})

    def others(self, patients: Iterable[int]) -> int:
        """How many of PATIENTS are none of them; several numbers of one patient are one."""
        return len({self.roots.get(one, one) for one in patients} - self.members)

    def part(self, owner: int) -> int | None:
        """In which part a patient's chart is; None where it is not gathered."""
        return self.roots.get(owner, owner) % self.parts if owner in self.members else None

    def part_of(self, patient: str) -> int | None:
        return self.part(names.handle(patient))


def wanted(
    facts: Iterable[RangeFacts],
    indexes: Iterable[Index],
    bases: Iterable[str],
    deleted: Iterable[str],
) -> Wanted:
    """BASES: of the servers' addresses; DELETED: names of what was."""
    pairs: list[tuple[int, int]] = []
    ours: set[int] = set()
    medications: dict[int, int] = {}
    doubtful = set(map(names.exactly, deleted))
    for of_range in facts:
        pairs += of_range.same
        ours.update(of_range.ours)
        for name, content in of_range.medications:
            if not content or medications.setdefault(name, content) != content:
                doubtful.add(name)
    # Of which every copy says that they are no iron, and all the same.
    harmless = medications.keys() - doubtful
    known = set(map(names.exactly, bases))
    for index in indexes:
        for owner, medication, base in index.aimed():
            is_here = not base or not known or base in known
            if medication not in harmless or not is_here:
                ours.add(owner)
    roots = _together(pairs)
    ours = {roots.get(owner, owner) for owner in ours}
    return Wanted(ours | {owner for owner, root in roots.items() if root in ours}, roots)


def _together(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The number that stands for each of several of one patient."""
    above: dict[int, int] = {}

    def root(one: int) -> int:
        while above.get(one, one) != one:
            one = above[one]
        return one

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        above[second] = first
    return {one: root(one) for one in above}


def encoded(who: Wanted) -> bytes:
    pairs = array("I", chain.from_iterable(who.roots.items()))
    return msgspec.msgpack.encode((array("I", who.members).tobytes(), pairs.tobytes(), who.parts))


def decoded(data: bytes) -> Wanted:
    members, pairs, parts = msgspec.msgpack.decode(data, type=tuple[bytes, bytes, int])
    numbers = array("I", pairs)
    roots = dict(zip(numbers[::2], numbers[1::2], strict=True))
    return Wanted(set(array("I", members)), roots, parts)
