"""What a site says of itself that the rules need: its time zone, places, local codes, payers and
its own decisions."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Literal

from msgspec import Struct, field

from mappings.codes import CodeTables
from mappings.record import Address
from mappings.values import moment


class Place(Struct, frozen=True, kw_only=True):
    """A location or organization of the site: its CMS place of service and how the hospital bills
    there."""

    pos: str
    bill_type: Literal["13X", "85X", "72X"] | None = None
    off_campus: Literal["PO", "PN", "ER"] | None = None
    hospital: Literal["rural-sch", "childrens", "cancer", "maryland"] | None = None
    drug_source: str | None = None
    r340b: bool | None = None


class PayerAlias(Struct, frozen=True, kw_only=True):
    """What a payer's Organization id, identifier or name means: its kind and, where it has one, its
    policy's payer.

    `claim_id`: how claim files address the payer.
    """

    kind: str
    payer: str | None = None
    claim_id: str | None = None


class BillingProvider(Struct, frozen=True, kw_only=True):
    """Who bills, and through whom: without a receiver claim files go to the payer itself, without a
    submitter id under the NPI."""

    name: str
    npi: str
    tax_id: str
    taxonomy: str | None = None
    address: Address | None = None
    phone: str | None = None
    submitter_id: str | None = None
    receiver_name: str | None = None
    receiver_id: str | None = None


class Site(Struct, frozen=True, kw_only=True):
    """Keys of `places`: Location or Organization ids. Of `lab_aliases`: `system|code` or a text;
    values: analytes.

    Of `drug_aliases`: `system|code` or a text; values: product families. Of `prior_authorization`:
    policy ids; values: whether that policy asks for one here. Of `drug_sources` and `r340b` (bought
    under 340B): payer kinds or payers. `codes`: the code tables with the site's own rows; None: the
    built-in ones.
    """

    time_zone: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    lab_aliases: Mapping[str, str] = field(default_factory=dict)
    drug_aliases: Mapping[str, str] = field(default_factory=dict)
    payer_aliases: Mapping[str, PayerAlias] = field(default_factory=dict)
    prior_authorization: Mapping[str, bool] = field(default_factory=dict)
    drug_sources: Mapping[str, str] = field(default_factory=dict)
    r340b: Mapping[str, bool] = field(default_factory=dict)
    bill_services: bool = False
    billing_provider: BillingProvider | None = None
    codes: CodeTables | None = None

    @property
    def zone(self) -> tzinfo | None:
        return moment.zone(self.time_zone)
