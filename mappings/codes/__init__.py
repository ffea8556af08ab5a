"""The code tables: products, packages, laboratory analytes, diagnoses, units, settings, payers,
payment, administration services, dosing, requirements.

Each function gives a table of those in force: the built-in ones, with a site's own rows where
`using` was handed them.
"""

from mappings.codes.claim_forms import ClaimForms
from mappings.codes.clinical import Diagnoses, Labs
from mappings.codes.code_tables import CodeTables, built_in, in_force, remembered, using
from mappings.codes.finished_packages import FinishedPackages
from mappings.codes.requirement import Requirement, RequirementTable
from mappings.codes.rows import UnitsPerDay
from mappings.codes.tables import (
    AdministrationServices,
    BesideIron,
    CodeSystems,
    Family,
    GivingWords,
    LabelDose,
    NoteTypes,
    PackageTable,
    Payers,
    Payment,
    Products,
    SettingTable,
    StatusTable,
    StatusWords,
    Units,
    WindowTable,
)

__all__ = ["CodeTables", "built_in", "in_force", "remembered", "using"]


def products() -> Products:
    return in_force().products


def families() -> dict[str, Family]:
    return in_force().families


def family_of(code: str) -> Family:
    """The iron that a HCPCS code is for; KeyError of any other code."""
    family, _ = in_force().billing_codes[code]
    return families()[family]


def package_table() -> PackageTable:
    return in_force().package_table


def packages() -> FinishedPackages:
    """Finished packages by 11-digit NDC."""
    return in_force().packages


def labs() -> Labs:
    return in_force().labs


def diagnoses() -> Diagnoses:
    return in_force().diagnoses


def units() -> Units:
    return in_force().units


def settings() -> SettingTable:
    return in_force().settings


def payers() -> Payers:
    return in_force().payers


def payment() -> Payment:
    return in_force().payment


def administration_services() -> AdministrationServices:
    return in_force().administration_services


def beside_iron() -> BesideIron:
    """ESAs: what is billed beside the iron."""
    return in_force().beside_iron


def dosing() -> tuple[LabelDose, ...]:
    return in_force().dosing


def requirement_table() -> RequirementTable:
    return in_force().requirement_table


def requirements() -> dict[str, Requirement]:
    return in_force().requirements


def units_per_day() -> tuple[UnitsPerDay, ...]:
    """NCCI's units of a day (MUE) that the site imported; the built-in ones stand in the
    policies."""
    return in_force().units_per_day


def systems() -> CodeSystems:
    """Code systems by all their names."""
    return in_force().systems


def status_table() -> StatusTable:
    return in_force().status_table


def statuses() -> dict[str, StatusWords]:
    """What statuses mean, by element: `Condition.clinicalStatus`."""
    return in_force().statuses


def giving() -> GivingWords:
    """Routes, methods and how often an order asks for a dose."""
    return in_force().giving


def note_types() -> NoteTypes:
    """Which documents are progress, consult or history-and-physical notes."""
    return in_force().note_types


def windows() -> WindowTable:
    """How many days a fact of the chart counts for a dose."""
    return in_force().windows


def claim_forms() -> ClaimForms:
    """What claim files may hold, and who and what may stand on them."""
    return in_force().claim_forms
