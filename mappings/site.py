"""What a site says of itself that the rules need: its time zone, places, local codes, payers and
its own decisions.

Held by tests/unit/test_claim_contents.py.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any, Literal, Self

from msgspec import Struct, field, structs

from mappings import site_tables
from mappings.codes import CodeTables
from mappings.decisions import Decision, SiteRow
from mappings.policy.rules import DrugSource
from mappings.record import Address, Decided, OnClaims
from mappings.standing_decisions import Decisions
from mappings.values import moment

ClaimKind = Literal["professional", "institutional"]
BillType = Literal["13X", "72X", "85X"]
DIALYSIS: BillType = "72X"
# X12 I05: who gave the number that names a sender or receiver.
Qualifier = Literal["01", "14", "20", "27", "28", "29", "30", "33", "ZZ"]


class Facility(Struct, frozen=True, kw_only=True):
    """Where a service is given, if not where the biller is (loops 2310C and 2310E)."""

    name: str
    address: Address
    npi: str | None = None


class Place(Struct, frozen=True, kw_only=True):
    """What a location or an organization is, in a payer's terms."""

    pos: str
    bill_type: BillType | None = None
    off_campus: Literal["PO", "PN", "ER"] | None = None
    hospital: Literal["rural-sch", "childrens", "cancer", "maryland"] | None = None
    drug_source: DrugSource | None = None
    r340b: bool | None = None
    facility: Facility | None = None


class PayerAlias(Struct, frozen=True, kw_only=True):
    """What a payer's Organization id, identifier or name means: its kind and, where it has one, its
    policy's payer; and how claim files name it. `decided`: by whom, where the configuration does
    not say it.
    """

    kind: str
    payer: str | None = None
    on_claims: OnClaims = OnClaims()
    decided: Decided | None = None


class BillingProvider(Struct, frozen=True, kw_only=True):
    """Loops 2010AA and 2010AB of an 837: an organization, or with `given` a person."""

    name: str
    npi: str
    tax_id: str
    given: str | None = None
    tax_id_kind: Literal["EI", "SY"] = "EI"
    taxonomy: str | None = None
    address: Address | None = None
    phone: str | None = None
    pay_to: Address | None = None


class Receiver(Struct, frozen=True, kw_only=True):
    """A clearinghouse or payer that takes claim files, and how it knows us."""

    name: str
    id: str
    sender_id: str
    qualifier: Qualifier = "ZZ"
    sender_qualifier: Qualifier = "ZZ"
    sender_name: str | None = None
    test_id: str | None = None
    payers: tuple[str, ...] = ()
    claims: tuple[ClaimKind, ...] = ()
    production: bool = False

    def takes(self, kind: str, payers: Iterable[str | None]) -> bool:
        """Whether claims of that kind go there, for a payer that is called any of these."""
        return (not self.claims or kind in self.claims) and (
            not self.payers or not set(self.payers).isdisjoint(payers)
        )


class Site(Struct, frozen=True, kw_only=True):
    """Keys of `places`: Location or Organization ids. Of `lab_aliases`: `system|code` or a text;
    values: analytes.

    Of `drug_aliases`: `system|code` or a text; values: product families. Of `encounter_classes`:
    `system|code` or a word; values: kinds of class. `status_words`: by element, `system|code` or a
    word; values: its meanings. Of `prior_authorization`:
    policy ids; values: whether that policy asks for one here. Of `drug_sources` and `r340b` (bought
    under 340B): payer kinds or payers. Of `billing_providers`: `professional`, `institutional` or a
    type of bill. `stand_alone`: types of bill whose 837I has our lines alone. `unseen`: types of
    resources that the server does not have, or would not give of this patient. `codes`: the code
    tables with the site's own rows; None: the built-in ones.
    """

    time_zone: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    lab_aliases: Mapping[str, str] = field(default_factory=dict)
    drug_aliases: Mapping[str, str] = field(default_factory=dict)
    payer_aliases: Mapping[str, PayerAlias] = field(default_factory=dict)
    prior_authorization: Mapping[str, bool] = field(default_factory=dict)
    drug_sources: Mapping[str, str] = field(default_factory=dict)
    r340b: Mapping[str, bool] = field(default_factory=dict)
    encounter_classes: Mapping[str, str] = field(default_factory=dict)
    status_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    bill_services: bool = False
    billing_provider: BillingProvider | None = None
    codes: CodeTables | None = None
    decisions: Decisions = field(default_factory=Decisions)
    billing_providers: Mapping[str, BillingProvider] = field(default_factory=dict)
    receivers: tuple[Receiver, ...] = ()
    stand_alone: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()

    def biller(self, kind: str, bill_type: str | None) -> BillingProvider | None:
        """Who bills claims of that kind; a type of bill may have its own."""
        own = self.billing_providers.get(bill_type or "") or self.billing_providers.get(kind)
        return own or self.billing_provider

    def with_words(self, vendors: Mapping[str, Mapping[str, str]]) -> "Site":
        """With what its vendor means by a status, where the site says nothing of its own."""
        elements = {*vendors, *self.status_words}
        words = {
            name: {**vendors.get(name, {}), **self.status_words.get(name, {})} for name in elements
        }
        return structs.replace(self, status_words=words)

    def without(self, unseen: frozenset[str]) -> "Site":
        """With types of resources that were not to be had."""
        return structs.replace(self, unseen=unseen)

    def deciding(self, decisions: Iterable[Decision], as_of: datetime) -> Self:
        """The site with what people had decided by then: rows of its tables, the rest to be
        asked."""
        day = (as_of.astimezone(self.zone) if self.zone else as_of).date()
        found = Decisions(decisions, day)
        decided = found.rows(day)
        tables = {name: getattr(self, name, None) for name in decided}
        changed = {
            name: {**table, **_rows(decided[name], table)}
            for name, table in tables.items()
            if table is not None
        }
        return structs.replace(self, decisions=found, **changed)

    @property
    def zone(self) -> tzinfo | None:
        return moment.zone(self.time_zone)


def _rows(rows: Iterable[tuple[SiteRow, Decided]], table: Mapping[str, Any]) -> dict[str, Any]:
    """The rows as their table has them; of words by element the key is `element|word`."""
    found: dict[str, Any] = {}
    for row, decided in rows:
        if row.table == "payer_aliases":
            kind, _, payer = row.value.partition("/")
            before = table.get(row.key)
            on_claims = before.on_claims if before else OnClaims()
            found[row.key] = PayerAlias(
                kind=kind, payer=payer or None, on_claims=on_claims, decided=decided
            )
        elif row.table == "status_words":
            element, _, word = row.key.partition("|")
            found[element] = {**found.get(element, table.get(element, {})), word: row.value}
        else:
            # One that means nothing by the tables of today is asked anew.
            with suppress(ValueError):
                found[row.key] = site_tables.MEANINGS[row.table](row.key, row.value)
    return found
