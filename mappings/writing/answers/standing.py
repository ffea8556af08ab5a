"""What a claim is by all that was answered of it: by the days of the answers, in whatever order
they are read.

Held by tests/unit/test_standing.py.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from mappings.writing.answers.answer import AnswerKind, ClaimSays

# `told`: a person says that the claim was rejected.
HeardKind = AnswerKind | Literal["told"]
Standing = Literal["sent", "accepted", "rejected", "paid", "denied"]


class SaidOfClaim(NamedTuple):
    """`allowed`: what was paid and what the patient owes, in dollars, of a reversal negative;
    `counts`: whether what a reversal takes back is known."""

    kind: HeardKind
    says: ClaimSays
    day: date | None
    allowed: Decimal = Decimal(0)
    counts: bool = True


def standing(said: Sequence[SaidOfClaim]) -> Standing:
    """What payers together allowed, unless they took it back, is paid. What they decided comes
    before what their front ends say; of each the newest holds."""
    payers = [one for one in said if one.kind == "835" and one.counts]
    decisions = [one for one in payers if one.says != "reversed"]
    back = [one for one in payers if one.says == "reversed"]
    others = [one for one in said if one not in payers]
    if not decisions:
        return _before_a_decision(others, back)
    if len(decisions) > len(back) and sum((one.allowed for one in payers), Decimal(0)) > 0:
        return "paid"
    last = _newest(decisions)
    if len(decisions) <= len(back) or _newest(back) > last:
        return "rejected" if _rejected(others) > _newest(back) else "accepted"
    if _rejected(one for one in others if one.kind == "told") >= last:
        return "rejected"
    final = {one.says for one in decisions if _day(one) == last}
    return "rejected" if final == {"rejected"} else "denied"


def _before_a_decision(others: Sequence[SaidOfClaim], back: Sequence[SaidOfClaim]) -> Standing:
    """Of a front end, or of a payer that takes back what nobody read: it has the claim."""
    taken = [one for one in (*others, *back) if one.says in ("accepted", "reversed")]
    rejected = _rejected(others)
    if rejected > date.min and rejected >= _newest(taken):
        return "rejected"
    return "accepted" if taken else "sent"


def _rejected(said: Iterable[SaidOfClaim]) -> date:
    return _newest(one for one in said if one.says == "rejected")


def _newest(said: Iterable[SaidOfClaim]) -> date:
    """The first of all days where there is none."""
    return max(map(_day, said), default=date.min)


def _day(one: SaidOfClaim) -> date:
    """One without its day comes before the others."""
    return one.day or date.min.replace(day=2)
