"""Where a dose is given: places of service, classes and types of encounters.

Held by tests/scenarios/settings.yaml.
"""

from functools import cached_property
from typing import Literal

from msgspec import Struct

from mappings.codes.tables.dated import Names


class PlaceOfService(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of service and the kind of claim it is billed on."""

    code: str
    name: str
    claim: Literal["professional", "institutional"]
    bill_type: str | None = None
    revenue_code: str | None = None


ClassKind = Literal[
    "inpatient", "ambulatory", "emergency", "observation", "home", "undecided", "none"
]


class EncounterClasses(Struct, frozen=True, dict=True, kw_only=True, forbid_unknown_fields=True):
    """The classes of a code system, by kind: `code`, or `code|display`. `alone`: also without a
    system."""

    systems: tuple[str, ...]
    kinds: dict[ClassKind, tuple[str, ...]]
    alone: bool = False
    source: str
    verified: bool

    @cached_property
    def by_code(self) -> dict[str, ClassKind]:
        """By what stands there, case aside."""
        return {code.lower(): kind for kind, found in self.kinds.items() for code in found}


class EncounterTypes(Names, frozen=True, kw_only=True):
    """Types of encounters by whole words or SNOMED CT code."""

    snomed: tuple[str, ...]


class SettingTable(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    place_of_service: tuple[PlaceOfService, ...]
    place_of_kind: dict[str, str]
    encounter_classes: tuple[EncounterClasses, ...]
    plain_words: dict[str, ClassKind]
    inpatient_type: EncounterTypes
    facility_stay: EncounterTypes
    location_type: dict[str, str]

    @cached_property
    def by_code(self) -> dict[str, PlaceOfService]:
        return {row.code: row for row in self.place_of_service}
