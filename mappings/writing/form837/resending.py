"""A claim that left before, out of its file: to be voided, it is sent once more with the same
lines.

Held by tests/unit/test_envelopes.py.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from mappings.site import ClaimKind
from mappings.writing.x12.reading import Numbered
from mappings.writing.x12.segments import COMPONENT, Segment

_AFTER_ORIGINAL = frozenset({"K3", "NTE", "CR1", "CR2", "CR3", "CRC", "HI", "HCP", "NM1", "SBR"})


class Voiding(Struct, frozen=True):
    """`about`: our number of the claim that is void; `number`: the void's own; `original`: the
    payer's number of the claim; `reason`: why, as Medicare's Part A asks (a condition code)."""

    about: str
    number: str
    original: str
    reason: str | None = None


class Resent(Struct, frozen=True):
    """`biller`: 2000A to 2010AC; `loops`: 2000B to the claim's end, HL01 and HL02 still to be
    numbered."""

    void: Voiding
    kind: ClaimKind
    receiver_id: str
    biller: tuple[Segment, ...]
    loops: tuple[Segment, ...]

    @property
    def total(self) -> Decimal:
        claim = next(segment for segment in self.loops if segment[0] == "CLM")
        return Decimal(claim[2])

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(segment[2] for segment in self.loops if segment[:2] == ("REF", "6R"))


def voided(segments: Iterable[Numbered], void: Voiding) -> Resent | None:
    """The void (frequency 8) of a claim in a file; None where the file does not have it."""
    biller: list[Segment] = []
    subscriber: list[Segment] = []
    dependent: list[Segment] = []
    claim: list[Segment] = []
    kept: list[Segment] = []
    kind: ClaimKind = "professional"
    receiver = ""
    for _, segment in segments:
        if claim and segment[0] in ("CLM", "HL", "SE"):
            break
        if segment[0] == "ISA":
            receiver = segment[8].strip()
        elif segment[0] == "ST":
            kind = "institutional" if segment[3].startswith("005010X223") else "professional"
        elif segment[0] == "HL":
            kept = {"20": biller, "22": subscriber, "23": dependent}.get(segment[3], [])
            kept.clear()
            if kept is not dependent:
                dependent.clear()
        elif segment[0] == "CLM":
            kept = claim if segment[1] == void.about else []
        kept.append(segment)
    if not claim:
        return None
    loops = [*subscriber, *dependent, *_void(claim, void)]
    return Resent(void, kind, receiver, tuple(biller), tuple(loops))


def _void(claim: Sequence[Segment], void: Voiding) -> list[Segment]:
    """With a number of its own, frequency 8, and REF*F8 and the reason in their places."""
    place, kind, *_ = claim[0][5].split(COMPONENT)
    head = (*claim[0][:1], void.number, *claim[0][2:5], COMPONENT.join((place, kind, "8")))
    segments: list[Segment] = [(*head, *claim[0][6:])]
    rest = [segment for segment in claim[1:] if segment[:2] != ("REF", "F8")]
    at = next(place for place, segment in enumerate(rest) if segment[0] in _AFTER_ORIGINAL)
    segments += [*rest[:at], ("REF", "F8", void.original), *rest[at:]]
    if void.reason:
        last = max(place for place, segment in enumerate(segments) if segment[0] == "HI")
        segments.insert(last + 1, ("HI", f"BG{COMPONENT}{void.reason}"))
    return segments


def numbered(loops: Sequence[Segment], first: int, parent: int) -> list[Segment]:
    """HL01 and HL02 as the file that it goes into has them."""
    segments: list[Segment] = []
    own = first
    for segment in loops:
        if segment[0] == "HL":
            above = parent if segment[3] == "22" else own - 1
            segments.append(("HL", str(own), str(above), *segment[3:]))
            own += 1
        else:
            segments.append(segment)
    return segments
