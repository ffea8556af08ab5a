"""A claim that left before, out of its file: to be voided, it is sent once more with the same
lines."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from mappings.writing.preparing.drafts import Kind
from mappings.writing.x12.reading import Numbered
from mappings.writing.x12.segments import COMPONENT, Segment

_AFTER_ORIGINAL = frozenset({"K3", "NTE", "CR1", "CR2", "CR3", "CRC", "HI", "HCP", "NM1", "SBR"})


class Voiding(Struct, frozen=True):
    """`about`: our number of the claim that is void; `number`: the void's own; `original`: the
    payer's number of the claim."""

    about: str
    number: str
    original: str


class Resent(Struct, frozen=True):
    """`biller`: 2000A to 2010AC; `loops`: 2000B to the claim's end, HL01 and HL02 still to be
    numbered."""

    void: Voiding
    kind: Kind
    receiver_id: str
    biller: tuple[Segment, ...]
    loops: tuple[Segment, ...]

    @property
    def total(self) -> Decimal:
        claim = next(row for row in self.loops if row[0] == "CLM")
        return Decimal(claim[2])

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(row[2] for row in self.loops if row[:2] == ("REF", "6R"))


def voided(rows: Iterable[Numbered], void: Voiding) -> Resent | None:
    """The void (frequency 8) of a claim in a file; None where the file does not have it."""
    biller: list[Segment] = []
    subscriber: list[Segment] = []
    dependent: list[Segment] = []
    claim: list[Segment] = []
    kept: list[Segment] = []
    kind: Kind = "professional"
    receiver = ""
    for _, row in rows:
        if claim and row[0] in ("CLM", "HL", "SE"):
            break
        if row[0] == "ISA":
            receiver = row[8].strip()
        elif row[0] == "ST":
            kind = "institutional" if row[3].startswith("005010X223") else "professional"
        elif row[0] == "HL":
            kept = {"20": biller, "22": subscriber, "23": dependent}.get(row[3], [])
            kept.clear()
            if kept is not dependent:
                dependent.clear()
        elif row[0] == "CLM":
            kept = claim if row[1] == void.about else []
        kept.append(row)
    if not claim:
        return None
    loops = [*subscriber, *dependent, *_void(claim, void.number, void.original)]
    return Resent(void, kind, receiver, tuple(biller), tuple(loops))


def _void(claim: Sequence[Segment], number: str, original: str) -> list[Segment]:
    """With a number of its own, frequency 8, and REF*F8 in its place."""
    place, kind, *_ = claim[0][5].split(COMPONENT)
    head = (*claim[0][:1], number, *claim[0][2:5], COMPONENT.join((place, kind, "8")))
    rows: list[Segment] = [(*head, *claim[0][6:])]
    rest = [row for row in claim[1:] if row[:2] != ("REF", "F8")]
    at = next(place for place, row in enumerate(rest) if row[0] in _AFTER_ORIGINAL)
    return [*rows, *rest[:at], ("REF", "F8", original), *rest[at:]]


def numbered(loops: Sequence[Segment], first: int, parent: int) -> list[Segment]:
    """HL01 and HL02 as the file that it goes into has them."""
    rows: list[Segment] = []
    own = first
    for row in loops:
        if row[0] == "HL":
            above = parent if row[3] == "22" else own - 1
            rows.append(("HL", str(own), str(above), *row[3:]))
            own += 1
        else:
            rows.append(row)
    return rows
