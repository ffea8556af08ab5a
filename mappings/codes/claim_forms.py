"""What the table of claim files holds: limits, who may stand on a claim, what a dialysis claim
needs.

Held by tests/unit/test_claim_contents.py.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct


class FormLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`lines` and `diagnoses` by kind of claim; `charge` in dollars."""

    claims_in_set: int
    lines: dict[str, int]
    diagnoses: dict[str, int]
    pointers: int
    modifiers: int
    charge: Decimal
    source: str
    verified: bool


class Practitioners(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Taxonomies by their first characters, and words and codes of credentials."""

    rendering: tuple[str, ...]
    never: tuple[str, ...]
    never_words: tuple[str, ...]
    rendering_words: tuple[str, ...]
    source: str
    verified: bool


class Frequency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    still_patient: tuple[str, ...]
    ended: tuple[str, ...]
    source: str
    verified: bool


class Dialysis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`treatment_revenue`: the first three digits of a treatment's revenue code. `kt_v`: the value
    code of the dialysis's Kt/V, which says by `kt_v_not_measured` that there is none."""

    conditions: tuple[str, ...]
    acute_condition: str
    values: tuple[str, ...]
    kt_v: str
    kt_v_not_measured: Decimal
    one_of_values: tuple[str, ...]
    occurrence: str
    treatment_revenue: tuple[str, ...]
    source: str
    verified: bool

    def lacks(self, values: Mapping[str, Decimal | None], *, acute: bool) -> list[str]:
        """The value codes that a claim does not have; of an acute injury no Kt/V is asked."""
        asked = (code for code in self.values if not (acute and code == self.kt_v))
        return [code for code in asked if code not in values]

    def asks_when(self, values: Mapping[str, Decimal | None], *, acute: bool) -> bool:
        """Whether the day of the Kt/V stands on a claim (`occurrence`): where it was measured."""
        return not acute and values.get(self.kt_v) != self.kt_v_not_measured


class FilingName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Payers of some kinds whose name has such words."""

    filing: str
    kinds: tuple[str, ...]
    words: tuple[str, ...]


class PayerFiling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """SBR09 by kind of payer, and by names."""

    kinds: dict[str, str]
    named: tuple[FilingName, ...]
    source: str
    verified: bool


class SecondaryReasons(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    types: dict[str, str]
    source: str
    verified: bool


class SeveralNdcs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    first: str
    other: str
    source: str
    verified: bool


class SecondVisit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    drug: str
    service: str
    source: str
    verified: bool


class Lists(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`headings`: diagnoses that are divided further; `placeholders` stand where nobody knew a
    number."""

    states: frozenset[str]
    places_of_service: frozenset[str]
    headings: frozenset[str]
    without_practitioner: frozenset[str]
    placeholders: frozenset[str]
    source: str
    verified: bool


class Medicare(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`discards_named_at`: places of service where JW or JZ must stand. `part_b_frequency`: the one
    CLM05-3 of an 837P."""

    years_to_file: int
    discards_named_at: frozenset[str]
    part_b_frequency: str
    change_reasons: dict[str, tuple[str, ...]]
    source: str
    verified: bool


class ClaimForms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limits: FormLimits
    practitioners: Practitioners
    frequency: Frequency
    dialysis: Dialysis
    filing: PayerFiling
    medicare_secondary: SecondaryReasons
    several_ndcs: SeveralNdcs
    repeated: SecondVisit
    lists: Lists
    medicare: Medicare
