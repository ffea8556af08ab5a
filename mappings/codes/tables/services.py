"""What is billed for giving the drug, and beside it: administration services, ESAs.

Held by tests/scenarios/services.yaml.
"""

from functools import cached_property

from msgspec import Struct

from mappings.codes.tables.dated import Dated
from mappings.values import words


class AdministrationServices(Dated, frozen=True, kw_only=True):
    """CPT codes for giving the drug, and the minutes that decide between them."""

    push_minutes: int
    most_minutes: int
    further_hour_over_minutes: int
    initial_push: str
    initial_infusion: str
    further_hour: str
    sequential_push: str
    sequential_infusion: str
    repeated_push: str
    repeated_push_minutes: int
    not_for_professionals_in: tuple[str, ...]
    revenue_code: str


class EsaCode(Dated, frozen=True, kw_only=True):
    code: str


class Esa(Struct, frozen=True, forbid_unknown_fields=True):
    """An ESA by name, with its code for a patient with ESRD on dialysis and for others."""

    name: str
    names: tuple[str, ...]
    other: EsaCode
    dialysis: EsaCode
    source: str
    verified: bool


class EsaModifiers(Dated, frozen=True, kw_only=True):
    codes: tuple[str, ...]


class BesideIron(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """What is billed beside the iron. `result`: from when a hemoglobin or hematocrit is asked."""

    modifiers: EsaModifiers
    result: Dated
    esas: tuple[Esa, ...]

    @cached_property
    def by_code(self) -> dict[str, Esa]:
        return {row.code: esa for esa in self.esas for row in (esa.other, esa.dialysis)}

    def named_in(self, text: str) -> Esa | None:
        """The first whose name stands in a text as whole words."""
        return next((esa for esa in self.esas if words.first_of(text, esa.names)), None)
