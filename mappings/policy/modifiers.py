"""Which modifiers a payer wants, as its policy file says it.

Held by tests/scenarios/modifiers.yaml.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mappings.codes.tables import Dated
from mappings.policy.rules import (
    Asked,
    Hcpcs,
    Text,
)


class DatedModifier(Dated, frozen=True, kw_only=True):
    """A modifier, for these codes (empty: all) on these dates of service."""

    modifier: str
    source: Text
    codes: tuple[Hcpcs, ...] = ()


class AttestingModifier(DatedModifier, frozen=True, kw_only=True):
    """KX: `attests` names the requirements that must be met for it; the policy must ask each."""

    modifier: Literal["KX"]
    attests: Annotated[tuple[Asked, ...], Meta(min_length=1)]


Hospital = Literal[
    "rural-sch", "childrens", "cancer", "critical-access", "maryland", "non-excepted"
]


class DiscountModifier(DatedModifier, frozen=True, kw_only=True):
    """For drug bought under 340B: TB and JG of Medicare, UD and SE of states. `hospitals`: of these
    alone (`non-excepted`: an off-campus department that reports PN); else of every place but those
    of `except_hospitals`."""

    modifier: Literal["JG", "TB", "UD", "SE"]
    hospitals: tuple[Hospital, ...] = ()
    except_hospitals: tuple[Hospital, ...] = ()

    def is_for(self, hospitals: frozenset[str]) -> bool:
        """Whether a place that is a department of such hospitals reports it."""
        if self.hospitals:
            return bool(hospitals & set(self.hospitals))
        return not hospitals & set(self.except_hospitals)


class SurgeryModifier(DatedModifier, frozen=True, kw_only=True):
    """For an ambulatory surgical center whose payer still asks."""

    modifier: Literal["SG"]


class Modifiers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which modifiers the payer wants. `discard`: JW and JZ. `least_waste`: drug discarded where a
    smaller vial would have done is a gap, not only a note. `kx`: with the requirements that it
    attests. `r340b`: by date.

    With these a line carries four at most: JW or JZ, KX, one of 340B, and an off-campus one or SG,
    never both.
    """

    discard: bool = True
    kx: tuple[AttestingModifier, ...] = ()
    r340b: tuple[DiscountModifier, ...] = ()
    off_campus: bool = True
    least_waste: bool = False
    ambulatory_surgery: tuple[SurgeryModifier, ...] = ()
