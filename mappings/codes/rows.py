"""A file of a site's own rows: what it may hold, in the forms of the built-in tables.

Held by tests/unit/test_published_files.py.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mappings.codes.tables import BillingCode, Dated, Exempt, Modifier, Package, PaymentLimits

Kind = Literal[
    "asp-pricing",
    "asp-crosswalk",
    "noc-crosswalk",
    "opps-addendum-b",
    "asc-addenda",
    "mue-practitioner",
    "mue-outpatient-hospital",
    "hcpcs",
    "icd-10-cm",
    "ndc-directory",
    "x12-carc",
    "x12-rarc",
]
Hcpcs = Annotated[
    str, Meta(pattern="^[A-Z0-9][0-9]{4}$", description="a code of five characters such as J1756")
]
Ndc = Annotated[
    str,
    Meta(pattern="^[0-9]{11}$", description="an NDC is eleven digits without dashes, in quotes"),
]
Status = Annotated[
    str, Meta(pattern="^[A-Z][0-9]?$", description="a status is a letter such as N, in quotes")
]
Indicator = Annotated[
    str, Meta(pattern="^[A-Z][0-9]$", description="an indicator is a letter and a digit such as N1")
]
Diagnosis = Annotated[
    str,
    Meta(pattern=r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$", description="a code such as N18.32"),
]
Limit = Annotated[Decimal, Meta(extra_json_schema={"exclusiveMinimum": 0})]


class Published(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from"}
):
    """The published file that the rows are of: from when it holds, and how many of its rows were
    read and kept."""

    kind: Kind
    start: date
    file: str
    read: int
    kept: int
    imported: date | None = None


class OwnLimits(PaymentLimits, frozen=True, kw_only=True):
    limit: dict[Hcpcs, Limit]


class Release(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from"}
):
    """The status of codes in one release of a payment system."""

    start: date
    status: dict[Hcpcs, Status]
    source: str
    verified: bool


class Indicators(Release, frozen=True, kw_only=True):
    """Those of surgery centers."""

    status: dict[Hcpcs, Indicator]


class OwnModifier(Modifier, frozen=True, kw_only=True):
    modifier: Annotated[
        str, Meta(pattern="^[A-Z0-9]{2}$", description="a modifier has two characters such as JZ")
    ]


class OwnPackage(Package, frozen=True, kw_only=True):
    ndc: Ndc
    mg: Limit
    ml: Limit


class OwnCode(BillingCode, frozen=True, kw_only=True):
    """A code of a family: a known one with its dates, or one that the product does not know yet."""

    family: str
    code: Hcpcs
    mg_per_unit: Limit


class UnitsPerDay(Dated, frozen=True, kw_only=True):
    """NCCI's most units of a code in one day (MUE), on one kind of claim."""

    claim: Literal["professional", "institutional"]
    units: dict[Hcpcs, Annotated[int, Meta(ge=0)]]


class OwnExempt(Exempt, frozen=True, kw_only=True):
    """Irons that are paid apart from the dialysis facility's claim for a patient with ESRD."""

    codes: Annotated[tuple[Hcpcs, ...], Meta(min_length=1)]


class OwnDiagnosis(Dated, frozen=True, kw_only=True):
    """A billable ICD-10-CM code, between which days it is one, and in which groups of the rules it
    is."""

    code: Diagnosis
    groups: tuple[str, ...] = ()


class DenialCode(Dated, frozen=True, kw_only=True):
    """An X12 claim adjustment reason or remark code, and between which days it is in use."""

    kind: Literal["carc", "rarc"]
    code: str


class OwnRows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a site's `code_dir`. Without `published` a person wrote it."""

    published: Published | None = None
    limits: tuple[OwnLimits, ...] = ()
    opps: tuple[Release, ...] = ()
    asc: tuple[Indicators, ...] = ()
    packages: tuple[OwnPackage, ...] = ()
    units_per_day: tuple[UnitsPerDay, ...] = ()
    esrd_exempt: tuple[OwnExempt, ...] = ()
    codes: tuple[OwnCode, ...] = ()
    modifiers: tuple[OwnModifier, ...] = ()
    diagnoses: tuple[OwnDiagnosis, ...] = ()
    denial_codes: tuple[DenialCode, ...] = ()

    @property
    def count(self) -> int:
        """How many facts stand in the file."""
        rows = (
            self.packages,
            self.esrd_exempt,
            self.codes,
            self.modifiers,
            self.diagnoses,
            self.denial_codes,
        )
        in_maps = sum(len(row.limit) for row in self.limits) + sum(
            len(row.units) for row in self.units_per_day
        )
        return (
            sum(len(row) for row in rows)
            + in_maps
            + sum(len(row.status) for row in (*self.opps, *self.asc))
        )
