"""How a site's claims are written: who bills, who receives, what is charged. A part of the
configuration.

Held by tests/unit/test_settings.py.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from integration.configuration.section import ConfiguredPath, Section
from integration.configuration.table import TomlTable
from mappings import codes, record
from mappings import site as facts
from mappings.site import BillType, ClaimKind
from mappings.site_tables import PayerKind
from mappings.writing.preparing.identifiers import (
    TAXONOMY,
    is_post_box,
    tax_number_fault,
    valid_npi,
)

_ID = r"^[0-9A-Za-z]([0-9A-Za-z .&_-]{0,13}[0-9A-Za-z])$"


def _a_state(value: str) -> str:
    if value not in codes.claim_forms().lists.states:
        raise ValueError("is not a state of the United States")
    return value


def _a_place_of_service(value: str) -> str:
    if value not in codes.claim_forms().lists.places_of_service:
        raise ValueError("is not a place-of-service code of CMS, such as 11 or 22")
    return value


Address = Annotated[
    record.Address,
    TomlTable(
        says="",
        line=Field(min_length=1, max_length=2),
        state=(Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_a_state)),
        postal_code=Field(pattern=r"^\d{5}(\d{4})?$"),
    ),
]


def _right_check_digit(value: str | None) -> str | None:
    if value is not None and not valid_npi(value):
        raise ValueError("its last digit is not the check digit of an NPI")
    return value


_NPI = (Field(pattern=r"^\d{10}$"), AfterValidator(_right_check_digit))
Facility = Annotated[facts.Facility, TomlTable(within={"address": Address}, npi=_NPI)]


def _a_street(value: record.Address | None) -> record.Address | None:
    if value and any(is_post_box(line) for line in value.line):
        raise ValueError(
            "a post box can't be the billing provider's own address (2010AA): write it under"
            " pay_to, and the street here"
        )
    return value


def _a_tax_number(value: facts.BillingProvider) -> facts.BillingProvider:
    fault = tax_number_fault(value.tax_id, value.tax_id_kind)
    if fault:
        raise ValueError(f"its tax_id {fault}")
    return value


BillingProvider = Annotated[
    facts.BillingProvider,
    TomlTable(
        within={"address": Address | None, "pay_to": Address | None},
        npi=_NPI,
        tax_id=Field(pattern=r"^\d{9}$"),
        given=Field(description="the given name, where a person bills"),
        tax_id_kind=Field(description="SY: a person's social security number"),
        taxonomy=Field(pattern=TAXONOMY),
        address=(AfterValidator(_a_street), Field(description="a street; no post box")),
        phone=Field(pattern=r"^\d{10}$"),
        pay_to=Field(description="Where checks go, if elsewhere; may be a post box."),
    ),
    AfterValidator(_a_tax_number),
]
Receiver = Annotated[
    facts.Receiver,
    TomlTable(
        name=Field(min_length=1, max_length=60),
        id=Field(pattern=_ID, description="ISA08 and GS03, at most 15 characters"),
        sender_id=Field(pattern=_ID, description="our number there: ISA06, GS02, NM1*41"),
        qualifier=Field(description="ISA07"),
        sender_qualifier=Field(description="ISA05"),
        sender_name=Field(description="NM1*41; by default the billing provider's name"),
        test_id=Field(pattern=_ID, description="instead of `id` in test files"),
        payers=Field(description="claim ids, payers or kinds of payers; by default all"),
        claims=Field(description="by default both kinds"),
        production=Field(description="Files count (ISA15 `P`); until then they are tests (`T`)."),
    ),
]
Place = Annotated[
    facts.Place,
    TomlTable(
        within={"facility": Facility | None},
        pos=(
            Field(pattern=r"^\d{2}$", description="CMS place-of-service code"),
            AfterValidator(_a_place_of_service),
        ),
        bill_type=Field(description="85X: critical access hospital"),
        hospital=Field(
            description=(
                "A rural sole community, children's, PPS-exempt cancer or Maryland hospital: it"
                " reports TB for 340B drug where others reported JG."
            )
        ),
        r340b=Field(description="Drugs there are bought under 340B."),
        facility=Field(
            description="Its name and address on claims; off-campus departments need it."
        ),
    ),
]


class Payer(Section):
    """Which payer an Organization is, and how claim files name it."""

    kind: PayerKind
    payer: str | None = Field(default=None, description="the payer's own policy, e.g. `centene`")
    claim_id: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z]{2,15}$",
        description="how claim files address it (837 NM109)",
    )
    claim_name: str | None = Field(
        default=None, description="its name in claim files; by default as the chart has it"
    )
    institutional_claim_id: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z]{2,15}$",
        description="on an 837I, where it differs (Medicare's go to Part A)",
    )
    institutional_claim_name: str | None = None
    crossover_id: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z]{2,15}$",
        description="where it pays after Medicare: the COBA id of a Medigap plan (2330B)",
    )
    several_ndcs: Literal["apart", "modifiers", "one"] = Field(
        default="apart",
        description=(
            "a line of two NDCs: a service line each, the same with KP and KQ, or one service line"
        ),
    )

    def facts(self) -> facts.PayerAlias:
        on_claims = record.OnClaims(
            id=self.claim_id,
            name=self.claim_name,
            institutional_id=self.institutional_claim_id,
            institutional_name=self.institutional_claim_name,
            crossover_id=self.crossover_id,
            several_ndcs=self.several_ndcs,
        )
        return facts.PayerAlias(kind=self.kind, payer=self.payer, on_claims=on_claims)


class ClaimFiles(Section):
    """The site's own files behind its claims."""

    prices: ConfiguredPath | None = Field(
        default=None, description="CSV: hcpcs, payer, charge of one unit, from, to"
    )
    facility: ConfiguredPath | None = Field(
        default=None,
        description=(
            "CSV of what only the facility knows of its 837I: patient, period, item, code, amount,"
            " date, units, modifiers, revenue"
        ),
    )
    stand_alone: list[BillType] = Field(
        default=[],
        description=(
            "types of bill whose 837I has our lines alone; otherwise they leave as charge lines for"
            " the facility's own claim"
        ),
    )
    folder: ConfiguredPath | None = Field(
        default=None, description="Where the worklist writes; by default claims in `data_dir`."
    )


class Billing(Section):
    """What a site's section says of its claims."""

    billing_provider: BillingProvider | None = None
    billing_providers: dict[ClaimKind | BillType, BillingProvider] = Field(
        default={}, description="for a kind of claim or a type of bill, where another one bills"
    )
    receivers: list[Receiver] = Field(
        default=[], description="who takes claim files; the first that takes a claim gets it"
    )
    claims: ClaimFiles = ClaimFiles()

    @model_validator(mode="after")
    def _reachable_receivers(self) -> Self:
        """One that takes everything leaves nothing to those behind it."""
        for place, receiver in enumerate(self.receivers[:-1]):
            if not receiver.payers and not receiver.claims:
                behind = self.receivers[place + 1].name
                raise ValueError(
                    f"receivers: {receiver.name} takes every claim, so {behind} behind it gets"
                    " none: name its payers, or put it last"
                )
        return self
