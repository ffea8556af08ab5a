"""Why a claim was rejected or not paid, in words; and what else of a payment a person must know.

Held by tests/contract/test_answers.py.
"""

from collections.abc import Iterator, Set

from integration.claims.answering.files import placed
from integration.claims.answering.sets import PlacedClaim
from integration.wording import words
from integration.wording.amounts import money
from mappings.record import Problem
from mappings.writing.answers.answer import (
    REFUSED,
    BatchAnswer,
    ClaimAnswer,
    RemittedPayment,
    RemittedService,
    SegmentFault,
)
from mappings.writing.answers.codes import answer_codes


def why_of_claim(one: ClaimAnswer) -> str:
    return _remitted(one) if one.kind == "835" else _status(one)


def why_of_batch(one: BatchAnswer) -> str:
    """All that it says, whichever claim it is of."""
    if one.kind == "277CA":
        return _status(one)
    return "; ".join(fault.sentence for fault in one.faults)


def why_of_placed(one: BatchAnswer, place: PlacedClaim, of_no_claim: Set[SegmentFault]) -> str:
    """The faults within the claim, and those of no claim; else that another one was at fault."""
    if one.kind == "277CA":
        return _status(one)
    own = [
        fault.sentence
        for fault in one.faults
        if fault in of_no_claim or place.first <= fault.position <= place.last
    ]
    other = "it stood in one file with a claim that is wrong" if one.faults else ""
    return "; ".join(own) or other


def codes_of(one: ClaimAnswer | RemittedService) -> tuple[str, ...]:
    """Why less was paid than charged: CO-252, N395."""
    taken = (adjustment.code for adjustment in one.adjusted if adjustment.amount)
    return tuple(dict.fromkeys([*taken, *one.remarks]))


def unbalanced(one: RemittedPayment, file: str) -> Iterator[Problem]:
    """Where what a payment holds is not what was paid."""
    for says in _imbalance(one):
        yield placed(Problem(f"segment {one.segment}", says), file)


def _imbalance(one: RemittedPayment) -> Iterator[str]:
    if one.total is None:
        yield "it does not say what was paid altogether (BPR02): whether it balances is not known"
    elif one.is_whole and one.missing:
        taken = f", and {money(one.adjusted)} was taken off otherwise (PLB)" if one.adjusted else ""
        yield (
            f"it does not balance: {money(one.total)} was paid (BPR02), its claims come to"
            f" {money(one.claims)}{taken}: {money(abs(one.missing))}"
            f" {'too much' if one.missing > 0 else 'is missing'}"
        )
    if one.odd:
        yield (
            f"{words.plural(len(one.odd), 'claim')} in it {'does' if len(one.odd) == 1 else 'do'}"
            " not balance (the charge less what was taken off is not what was paid), the first at"
            f" segment {one.odd[0]}"
        )


def _status(one: ClaimAnswer | BatchAnswer) -> str:
    """Of a 277CA."""
    return "; ".join([*answer_codes().why(one.says, one.codes), *one.notes])


def _remitted(one: ClaimAnswer) -> str:
    """What was refused, and why."""
    refused = [service for service in one.services if service.is_refused]
    if one.says == "reversed":
        return ""
    if not one.services and one.says in REFUSED:
        return " ".join(codes_of(one))
    return "; ".join(
        f"{' '.join([service.code, *service.modifiers])}: {' '.join(codes_of(service))}"
        for service in refused
    )
