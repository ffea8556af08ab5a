"""2400: a service line as a claim has it, SV1 or SV2 with what stands around it.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.writing.checks.dates import span
from mappings.writing.checks.fault import amount, element
from mappings.writing.x12.segments import COMPONENT, Segment

# Modifiers that tell the NDCs of one drug apart.
OF_NDCS = frozenset({"KP", "KQ"})


class Service(Struct, frozen=True):
    """SV1 or SV2, with what stands around it. `place`: the revenue code of SV2, the pointers of
    SV1. `at`: where SV stands among the claim's segments. `description`: what follows the fourth
    modifier, be it a fifth."""

    at: int
    line: str
    institutional: bool
    qualifier: str
    code: str
    modifiers: tuple[str, ...]
    description: str
    charge: str
    unit: str
    units: str
    place: str
    days: tuple[date, date] | None
    number: str
    ndc: str
    rendering: str
    is_iron: bool

    @property
    def amount(self) -> Decimal:
        return amount(self.charge) or Decimal(0)


def service_of(segments: Sequence[Segment], start: int) -> Service | None:
    """The line that begins with LX at `start` among the claim's segments; None without SV1 or
    SV2."""
    found: Segment = ()
    at, days, number, ndc, rendering = start, None, "", "", ""
    for place, segment in enumerate(segments, start):
        name = segment[0]
        if name in ("SV1", "SV2") and not found:
            found, at = segment, place
        elif name == "DTP" and element(segment, 1) == "472":
            days = span(element(segment, 2), element(segment, 3))
        elif name == "REF" and element(segment, 1) == "6R":
            number = element(segment, 2)
        elif name == "LIN" and not ndc:
            ndc = element(segment, 3)
        elif segment[:2] == ("NM1", "82"):
            rendering = element(segment, 9)
    if not found:
        return None
    shift = int(found[0] == "SV2")
    qualifier, *rest = element(found, 1 + shift).split(COMPONENT)
    return Service(
        at,
        element(segments[0], 1),
        bool(shift),
        qualifier,
        rest[0] if rest else "",
        tuple(part for part in rest[1:5] if part),
        rest[5] if len(rest) > 5 else "",
        element(found, 2 + shift),
        element(found, 3 + shift),
        element(found, 4 + shift),
        element(found, 1 if shift else 7),
        days,
        number,
        ndc,
        rendering,
        bool(rest) and rest[0] in codes.in_force().billing_codes,
    )
