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


def _says(text: str) -> Meta:
    return Meta(description=text)


class DatedModifier(Dated, frozen=True, kw_only=True):
    """A modifier, for these codes (empty: all) on these dates of service."""

    modifier: str
    source: Text
    codes: Annotated[tuple[Hcpcs, ...], _says("the drugs; none: all")] = ()


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
    hospitals: Annotated[
        tuple[Hospital, ...],
        _says("departments of these alone (`non-excepted`: one that reports PN)"),
    ] = ()
    except_hospitals: Annotated[tuple[Hospital, ...], _says("every place but these")] = ()

    def is_for(self, hospitals: frozenset[str]) -> bool:
        """Whether a place that is a department of such hospitals reports it."""
        if self.hospitals:
            return bool(hospitals & set(self.hospitals))
        return not hospitals & set(self.except_hospitals)


class SurgeryModifier(DatedModifier, frozen=True, kw_only=True):
    """For an ambulatory surgical center whose payer still asks."""

    modifier: Literal["SG"]


class Modifiers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which modifiers the payer wants. With these a line carries four at most: JW or JZ, KX, one of
    340B, and an off-campus one or SG, never both."""

    discard: Annotated[
        bool,
        _says(
            "JW and JZ, each from its day on; where false, neither, and discarded drug is not asked"
        ),
    ] = True
    kx: Annotated[tuple[AttestingModifier, ...], _says("with what it attests, which is asked")] = ()
    r340b: Annotated[tuple[DiscountModifier, ...], _says("for drug bought under 340B")] = ()
    off_campus: Annotated[bool, _says("PO, PN, ER, as the site's places have them")] = True
    least_waste: Annotated[
        bool, _says("drug discarded where smaller vials waste less is a gap, not only a note")
    ] = False
    ambulatory_surgery: Annotated[tuple[SurgeryModifier, ...], _says("in a surgery center")] = ()
