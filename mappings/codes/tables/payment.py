"""What Medicare pays, and how a line says so: limits, OPPS, consolidated billing, modifiers.

Held by tests/scenarios/payment.yaml.
"""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from mappings.codes.tables.dated import Dated

_FAR = 3


class PaymentLimits(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    quarter: str
    start: date
    limit: dict[str, Decimal]
    source: str
    verified: bool


class OppsStatus(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "status": "is"}
):
    """`source`: of this row, where it is not that of the table."""

    start: date
    status: str
    source: str | None = None
    verified: bool = True


class Opps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment system's status of codes. Every release up to the last one is known, after it the
    `later_releases`."""

    source: str
    verified: bool
    last_release: date
    status: dict[str, tuple[OppsStatus, ...]]
    packaged: tuple[str, ...]
    separate: tuple[str, ...]
    later_releases: tuple[date, ...] = ()


class Exempt(Dated, frozen=True, kw_only=True):
    codes: tuple[str, ...]


class ConsolidatedBilling(Struct, frozen=True, forbid_unknown_fields=True):
    """Every IV iron is in the bundle, by the rule of the day, but for what is `exempt`."""

    every_iron: tuple[Dated, ...]
    exempt: tuple[Exempt, ...] = ()

    def rule_for(self, code: str, day: date) -> Dated | None:
        """The rule that puts the drug into the bundle on that day."""
        if any(row.holds(day) and code in row.codes for row in self.exempt):
            return None
        return next((row for row in self.every_iron if row.holds(day)), None)


class Modifier(Dated, frozen=True, kw_only=True):
    modifier: str


class NoDiscards(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Places of service where JW and JZ are not asked."""

    places: tuple[str, ...]
    source: str
    verified: bool


class Payment(Struct, frozen=True, forbid_unknown_fields=True):
    limits: tuple[PaymentLimits, ...]
    opps: Opps
    asc: Opps
    esrd_consolidated_billing: ConsolidatedBilling
    discard_modifiers: tuple[Modifier, ...]
    off_campus_modifiers: tuple[Modifier, ...]
    no_discard_modifiers: NoDiscards
    esrd_discard_modifiers: Dated

    def far(self, code: str, price: Decimal, day: date) -> str | None:
        """`0.223 in 2026Q2`: what a code is in the quarter that is nearest to the day, where PRICE
        is three times that, or less than a third of it."""
        known = (row for row in self.limits if code in row.limit)
        near = min(known, key=lambda row: (abs((row.start - day).days), row.start), default=None)
        if near is None or 1 / _FAR < price / near.limit[code] < _FAR:
            return None
        return f"{near.limit[code]} in {near.quarter}"


class DenialCodes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    carc: str
    rarc: tuple[str, ...] = ()
