"""How the segments of an 837 stand: loops by kind of claim, and the elements of each segment.

Held by tests/unit/test_claim_structure.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain

from msgspec import Struct

from mappings.datafiles.loading import packaged, structure

MANY, UNTOLD = 0, -1
_SPEC = re.compile(r"([A-Z0-9]+)(\*([A-Z0-9|,]+))?(/(\d+|n))?(!?)")
_ELEMENT = re.compile(r"(!?)(-|\*|\((\d+)|([RNDT]?)(\d+)-(\d+))(=([A-Z0-9|]+))?\)?")


class _Loop(Struct, frozen=True, forbid_unknown_fields=True):
    begins: str
    holds: str = ""
    inside: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    professional: dict[str, _Loop]
    institutional: dict[str, _Loop]
    elements: dict[str, str]
    health_care_codes: dict[str, str]
    together: dict[str, str]


class SegmentRow(Struct, frozen=True):
    """A segment where it may stand. `says`: what its first element is (nothing: whatever it is);
    `at`: its place among those of the loop; `most`: how often, or MANY."""

    name: str
    says: frozenset[str]
    at: int = 0
    most: int = 1
    needed: bool = False

    def takes(self, segment: Sequence[str]) -> bool:
        if segment[0] != self.name:
            return False
        if self.name == "HL":
            return len(segment) > 3 and segment[3] in self.says
        return not self.says or (len(segment) > 1 and segment[1] in self.says)

    @property
    def title(self) -> str:
        return "*".join([self.name, *sorted(self.says)[:1]])


class Inner(Struct, frozen=True):
    """A loop within another, and what it begins with; `at` and `most` as those of a row."""

    loop: str
    begins: SegmentRow
    at: int
    most: int
    needed: bool


class Loop(Struct, frozen=True):
    """What it holds and the loops inside it, by the name of the segment."""

    holds: dict[str, list[SegmentRow]]
    inside: dict[str, list[Inner]]
    needed: tuple[SegmentRow | Inner, ...]


class Element(Struct, frozen=True):
    """`kind`: R, N, D, T, or nothing for text; `parts`: of a composite how many it may have, of
    which `codes` are the first's; `most` is 0 where nothing stands, or UNTOLD."""

    needed: bool = False
    least: int = 0
    most: int = 0
    kind: str = ""
    parts: int = 1
    codes: frozenset[str] = frozenset()


HEADER = "header"
Loops = dict[str, Loop]


@cache
def loops(kind: str) -> Loops:
    """The loops of `professional` or `institutional` claims, from HEADER."""
    file = _file()
    table = file.professional if kind == "professional" else file.institutional
    return {name: _loop(row, table) for name, row in table.items()}


@cache
def elements() -> dict[str, tuple[Element, ...]]:
    """By segment."""
    return {name: _elements(said) for name, said in _file().elements.items()}


@cache
def health_care_codes() -> dict[str, tuple[Element, ...]]:
    """By the kind of a code in HI, from the code on."""
    return {
        kind: _elements(said)
        for kinds, said in _file().health_care_codes.items()
        for kind in kinds.split("|")
    }


@cache
def together() -> dict[str, tuple[tuple[int, ...], ...]]:
    """By segment, places of elements that stand together or not at all."""
    return {
        name: tuple(tuple(map(int, pair.split("-"))) for pair in said.split())
        for name, said in _file().together.items()
    }


@cache
def _file() -> _File:
    where, text = packaged("codes", "segments.yaml")
    return structure(text, where, _File, rests_on=b"")


def _loop(row: _Loop, table: Mapping[str, _Loop]) -> Loop:
    holds: dict[str, list[SegmentRow]] = {}
    for said in row.holds.split():
        name = said.partition("*")[0].partition("/")[0].rstrip("!")
        holds.setdefault(name, []).extend(_rows(said, len(holds.keys() | {name})))
    inside: dict[str, list[Inner]] = {}
    for at, together in enumerate(row.inside.split(",")):
        for said in together.split():
            (one,) = _rows(said, at)
            (begins,) = _rows(table[one.name].begins, 0)
            inner = Inner(one.name, begins, at, one.most, one.needed)
            inside.setdefault(begins.name, []).append(inner)
    every: list[SegmentRow | Inner] = [*chain.from_iterable(holds.values())]
    every += chain.from_iterable(inside.values())
    return Loop(holds, inside, tuple(one for one in every if one.needed))


def _rows(said: str, at: int) -> Iterator[SegmentRow]:
    """`REF*EI|SY/2!`: one row; with a comma one for each."""
    found = _SPEC.fullmatch(said)
    if found is None:
        raise ValueError(f"segments.yaml: {said} is no segment")
    name, _, codes, _, most, needed = found.groups()
    times = MANY if most == "n" else int(most or 1)
    for some in (codes or "").split(","):
        says = frozenset(some.split("|")) if some else frozenset[str]()
        yield SegmentRow(name, says, at, times, bool(needed))


def _elements(said: str) -> tuple[Element, ...]:
    return tuple(map(_element, said.split()))


def _element(said: str) -> Element:
    found = _ELEMENT.fullmatch(said)
    if found is None:
        raise ValueError(f"segments.yaml: {said} is no element")
    needed, what, parts, kind, least, most, _, codes = found.groups()
    known = frozenset(codes.split("|")) if codes else frozenset[str]()
    if what in "-*":
        return Element(most=UNTOLD if what == "*" else 0)
    if parts:
        return Element(needed=bool(needed), most=1, parts=int(parts), codes=known)
    return Element(bool(needed), int(least), int(most), kind, codes=known)
