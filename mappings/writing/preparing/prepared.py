"""A claim with everything that stands on it, ready to be written in any form.

Held by tests/unit/test_envelopes.py.
"""

import re
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mappings.site import DIALYSIS, BillingProvider, ClaimKind, Receiver
from mappings.writing.preparing.drafts import Draft, ServiceLine
from mappings.writing.preparing.parties import Parties
from mappings.writing.preparing.statements import Statement

_NUMBER = re.compile(r"[0-9A-F]{20}", re.ASCII)
UNSCHEDULED = frozenset({"1", "2"})  # FL 14: emergency, urgent

Frequency = Literal["1", "7", "8"]


class Claim(Struct, frozen=True, kw_only=True):
    """`number`: CLM01, by which answers come back. `original`: the payer's own number of the claim
    that this one replaces. `note`: what a draft says of itself."""

    number: str
    draft: Draft
    who: Parties
    services: tuple[ServiceLine, ...]
    provider: BillingProvider
    receiver: Receiver
    statement: Statement | None = None
    frequency: Frequency = "1"
    original: str | None = None
    note: str | None = None

    @property
    def kind(self) -> ClaimKind:
        return self.draft.kind

    @property
    def stated_frequency(self) -> str:
        """CLM05-3: of a first institutional claim as the facility says it."""
        if self.statement and self.frequency == "1":
            return self.statement.frequency
        return self.frequency

    @property
    def visit_reasons(self) -> tuple[str, ...]:
        """Why the patient came (HI*APR), of an unscheduled outpatient visit: as the facility has
        it, else the principal diagnosis; without dots."""
        made = self.statement
        if not made or self.draft.bill_type == DIALYSIS or made.priority not in UNSCHEDULED:
            return ()
        return made.reasons or (self.draft.diagnoses[0].replace(".", ""),)

    @property
    def total(self) -> Decimal:
        """Of our lines and, on an institutional claim, of the facility's own."""
        others = self.statement.lines if self.statement else ()
        return sum((charge(service) for service in self.services), Decimal(0)) + sum(
            (other.charge for other in others), Decimal(0)
        )


def charge(part: ServiceLine) -> Decimal:
    return part.value if part.value is not None else Decimal(0)


def claim_number(draft_id: str) -> str:
    """CLM01: payers return twenty characters."""
    return draft_id[:20].upper()


def is_claim_number(text: str) -> bool:
    """Whether it may be one of ours."""
    return bool(_NUMBER.fullmatch(text))
