"""What the rows of the code tables hold. Each has its source; `verified: false` marks what no
official text was seen for."""

from mappings.codes.tables.dated import Dated
from mappings.codes.tables.drugs import (
    BillingCode,
    Family,
    LabelDose,
    NotBillable,
    Package,
    PackageTable,
    Products,
    Units,
)
from mappings.codes.tables.giving import GivingWords
from mappings.codes.tables.notes import NoteTypes
from mappings.codes.tables.payers import PayerName, Payers
from mappings.codes.tables.payment import (
    DenialCodes,
    Exempt,
    Modifier,
    Opps,
    OppsStatus,
    Payment,
    PaymentLimits,
)
from mappings.codes.tables.places import (
    ClassKind,
    EncounterClasses,
    EncounterTypes,
    PlaceOfService,
    SettingTable,
)
from mappings.codes.tables.services import AdministrationServices, BesideIron, Esa
from mappings.codes.tables.statuses import StatusTable, StatusWords
from mappings.codes.tables.systems import CodeSystems
from mappings.codes.tables.windows import WindowTable

__all__ = [
    "AdministrationServices",
    "BesideIron",
    "BillingCode",
    "ClassKind",
    "CodeSystems",
    "Dated",
    "DenialCodes",
    "EncounterClasses",
    "EncounterTypes",
    "Esa",
    "Exempt",
    "Family",
    "GivingWords",
    "LabelDose",
    "Modifier",
    "NotBillable",
    "NoteTypes",
    "Opps",
    "OppsStatus",
    "Package",
    "PackageTable",
    "PayerName",
    "Payers",
    "Payment",
    "PaymentLimits",
    "PlaceOfService",
    "Products",
    "SettingTable",
    "StatusTable",
    "StatusWords",
    "Units",
    "WindowTable",
]
