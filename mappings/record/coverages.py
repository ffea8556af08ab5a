"""Who pays, and what was authorized.

Held by tests/unit/test_coverages.py.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mappings.record.people import Name
from mappings.record.sources import Decided, Source
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.stated import Unread


class Subscriber(Struct, frozen=True, gc=False, kw_only=True):
    """Whose policy it is. `relationship`: the patient's to the subscriber, as FHIR codes it; `name`
    only where that is another person."""

    member_id: str | None = None
    relationship: str | None = None
    name: Name | None = None


class OnClaims(Struct, frozen=True, gc=False, kw_only=True):
    """How claim files name a payer: its id and name, on an 837I where those differ (Medicare's go
    to Part A), and its id for claims that Medicare crosses over to it.

    `several_ndcs`: how a line of two NDCs leaves: a service line each, the same with the modifiers
    KP and KQ, or one service line.
    """

    id: str | None = None
    name: str | None = None
    institutional_id: str | None = None
    institutional_name: str | None = None
    crossover_id: str | None = None
    several_ndcs: Literal["apart", "modifiers", "one"] = "apart"


class Payor(Struct, frozen=True, gc=False, kw_only=True):
    """`on_claims.id`: the site's own, else a typed identifier of the Organization."""

    name: str | None = None
    reference: str | None = None
    on_claims: OnClaims = OnClaims()


class Coverage(Struct, frozen=True, gc=False, kw_only=True):
    """`kind`: medicare, medicare-advantage, medicaid, commercial, supplement, government … or None
    where it can't be told.

    `names`: the payer's, as written. `unread`: what is stated of status, period, order or payer and
    not understood. `in_doubt`: words of it that say that it may not hold. `pays_second`: it says
    so of itself. `decided`: who said what the payer is.
    """

    source: Source
    active: bool
    kind: str | None
    payer: str | None = None
    payer_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    start: Moment | None = None
    end: Moment | None = None
    order: int | None = None
    conflict: bool = False
    pays_second: bool = False
    unread: tuple[Unread, ...] = ()
    in_doubt: Unread | None = None
    decided: Decided | None = None
    subscriber: Subscriber = Subscriber()
    payor: Payor = Payor()
    group_numbers: tuple[str, ...] = ()
    plan_name: str | None = None

    @property
    def known_as(self) -> frozenset[str]:
        """By what its payer is known: its names as plain words, and where it stands."""
        reference = self.payor.reference
        return frozenset(map(words.plain, self.names)) | ({reference} if reference else set())

    def is_plan_of(self, other: "Coverage") -> bool:
        """Whether the two record the same plan: of one kind, payer and member."""
        member = self.subscriber.member_id
        return (
            member is not None
            and (self.kind, member) == (other.kind, other.subscriber.member_id)
            and (self.conflict, self.unread) == (other.conflict, other.unread)
            and bool(self.known_as & other.known_as)
        )


class Eligibility(Struct, frozen=True, gc=False, kw_only=True):
    """A payer's answer whether a coverage is in force (`coverage` None: that of the patient), from
    `start` to `end` as far as it says of when."""

    source: Source
    coverage: str | None
    in_force: bool | Unread
    start: Moment | None = None
    end: Moment | None = None
    created: Moment | None = None


AuthorizationDecision = Literal["approved", "in-part", "denied", "pended", "not-required", "unread"]


class Insurer(Struct, frozen=True, gc=False, kw_only=True):
    """Whose answer an authorization is: names as written, and by what else the insurer is known."""

    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    payer: str | None = None


class Authorization(Struct, frozen=True, gc=False, kw_only=True):
    """A payer's answer on an authorization. `codes` empty: it names none. `units` None: no limit
    named. What counts is what was authorized, never what was asked.

    `coverages`: those that it was asked or given for. `insurer` None: it does not say, or the one
    it names is not on record. `says`: a person's decision in words, where it was imported as one.
    """

    source: Source
    reference: str
    decision: AuthorizationDecision
    codes: tuple[str, ...] = ()
    units: Decimal | None = None
    start: Moment | None = None
    end: Moment | None = None
    coverages: tuple[str, ...] = ()
    insurer: Insurer | None = None
    created: Moment | None = None
    unread: Unread | None = None
    says: str | None = None
