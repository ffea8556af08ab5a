"""What an answer says: of a batch of claims, of one claim, of its services, of a payment.

Held by tests/unit/test_answers.py.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import Struct

from mappings.writing.x12.segments import Segment

AnswerKind = Literal["TA1", "999", "277CA", "835"]
# `received`: they have it, and nothing is decided; `reversed`: an earlier payment is taken back.
ClaimSays = Literal["received", "accepted", "rejected", "paid", "denied", "reversed"]
REFUSED: tuple[ClaimSays, ...] = ("rejected", "denied")


class Adjustment(NamedTuple):
    """What was taken off, in dollars; of a reversal, negative. `group`: CO, PR, OA or PI."""

    group: str
    carc: str
    amount: Decimal

    @property
    def code(self) -> str:
        return f"{self.group}-{self.carc}"


class RemittedService(Struct, frozen=True, kw_only=True):
    """One service of a claim, in dollars; of a reversal they are negative. `line`: our number of it
    (REF*6R). `adjusted`: the patient's `share` apart (PR 1 to 3), the claim's where the service has
    none of its own. `day` is None where nobody says."""

    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    paid: Decimal
    segment: int
    day: date | None = None
    line: str = ""
    share: Decimal = Decimal(0)
    adjusted: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing was allowed, neither by the payer nor for the patient to pay."""
        return self.paid + self.share <= 0

    @property
    def is_discard(self) -> bool:
        return "JW" in self.modifiers


class ClaimAnswer(Struct, frozen=True, kw_only=True):
    """What a payer or its front end says of one claim, by our number of it (CLM01). `segment`: its
    place in the file, from 1; `said`: the same for the same answer in another file. `codes`: STC
    composites of a 277CA, CLP02 of an 835. `payer_number`: the payer's own (ICN). Of an 835 in
    dollars what was charged and paid, and the patient's share; `member_id`: of the insured, letters
    and digits alone. `day`: of the payment or the status; `payment`: what tells one payment of a
    payer from another; `biller`: the billing provider's NPI, where it is named; `set`: our
    transaction set, where a 277CA names it; `notes`: what a front end writes.
    `is_test`: ISA15 is T."""

    kind: AnswerKind
    number: str
    says: ClaimSays
    segment: int
    said: str
    codes: tuple[str, ...] = ()
    payer: str = ""
    payer_number: str = ""
    member_id: str = ""
    day: date | None = None
    payment: str = ""
    biller: str = ""
    set: str = ""
    notes: tuple[str, ...] = ()
    charge: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    share: Decimal = Decimal(0)
    adjusted: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()
    services: tuple[RemittedService, ...] = ()
    is_test: bool = False


class SegmentFault(Struct, frozen=True):
    """What a 999 finds in a transaction set: at which of its segments (ST is 1), and element."""

    segment: str
    position: int
    says: str
    element: str = ""

    @property
    def sentence(self) -> str:
        place = f"segment {self.position}" if self.position else "segment"
        where = f"{place} {self.segment}".rstrip()
        where = f"{where}, element {self.element}" if self.element else where
        return f"{where}: {self.says}"


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """What is said of many claims at once: of our interchange or group, by its number `control`, or
    of one transaction set, by its number `set`. `biller`: of the claims of one billing provider
    alone, by its NPI. `written`: the day of our interchange (ISA09), where it is told;
    `notes`: what a front end writes; `day`: of the answer."""

    kind: AnswerKind
    says: ClaimSays
    segment: int
    said: str
    control: int | None = None
    written: str = ""
    set: str = ""
    biller: str = ""
    codes: tuple[str, ...] = ()
    faults: tuple[SegmentFault, ...] = ()
    notes: tuple[str, ...] = ()
    day: date | None = None
    is_test: bool = False


class ProviderAdjustment(NamedTuple):
    """What was paid less, in dollars, for another reason than a claim (PLB); negative: paid more.
    `reference`: the payer's, often of the claim that it is about."""

    code: str
    reference: str
    amount: Decimal


class RemittedPayment(Struct, frozen=True, kw_only=True):
    """One payment (an 835), by its trace number; in dollars. `total`: what it was (BPR02), None
    where it is not told; `claims`: what was paid for each of them together. `odd`: segments of
    claims whose charge less what was taken off is not what was paid. `is_whole`: every claim and
    adjustment could be read."""

    trace: str
    segment: int
    payer: str = ""
    biller: str = ""
    day: date | None = None
    total: Decimal | None = None
    claims: Decimal = Decimal(0)
    adjustments: tuple[ProviderAdjustment, ...] = ()
    odd: tuple[int, ...] = ()
    is_whole: bool = True
    is_test: bool = False

    @property
    def adjusted(self) -> Decimal:
        return sum((one.amount for one in self.adjustments), Decimal(0))

    @property
    def missing(self) -> Decimal:
        """What its claims and adjustments come to, less than what was paid: 0 where it balances."""
        return (self.total or Decimal(0)) - (self.claims - self.adjusted)


Answer = ClaimAnswer | BatchAnswer | RemittedPayment


def digest(segments: Iterable[Segment]) -> str:
    """Of what was said, wherever it stands."""
    whole = "~".join("*".join(segment) for segment in segments)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]
