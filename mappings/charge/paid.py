"""What is decided of a charge's payment, and what each decision rests on.

Held by tests/unit/test_trace.py.
"""

from datetime import date
from typing import Literal

from msgspec import Struct

from mappings.assessment import Payment
from mappings.codes.tables import Dated, Modifier, PaymentLimits

DISCARD_RULE = "CMS Pub 100-04 ch. 17 s. 40"


class PaymentListing(Struct, frozen=True, gc=False, kw_only=True):
    """How a payment system lists a drug on a day. `carried_forward`: an older release than the
    day's says so (then it is not verified)."""

    system: str
    status: str
    paid: Literal["separate", "packaged"] | None
    source: str
    verified: bool
    start: date
    carried_forward: bool


class Paid(Struct, frozen=True, gc=False, kw_only=True):
    """How a drug is paid. It rests on how it is `listed` where that decides, else on the policy
    (`by`)."""

    way: Payment
    listed: PaymentListing | None = None
    by: Dated = Dated()


class DiscardModifiers(Struct, frozen=True, gc=False):
    """Which of JW and JZ are asked, by these rows; where none is, `why_not` says why, by
    `source`."""

    rows: tuple[Modifier, ...] = ()
    why_not: str | None = None
    source: str | None = None

    def named(self, modifier: str) -> Modifier | None:
        for row in self.rows:
            if row.modifier == modifier:
                return row
        return None


class AskedModifier(Struct, frozen=True, gc=False):
    """A modifier of a line: the rule that put it there, and the row that asks for it."""

    modifier: str
    rule: Literal["R5", "R6"]
    by: Dated


class Worth(Struct, frozen=True, gc=False):
    """Dollars of a line (None: no price known), by the payment limits that it was priced with."""

    dollars: str | None = None
    limits: PaymentLimits | None = None
