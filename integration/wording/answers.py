"""What was answered of a claim, and what a payment was, in words.

Held by tests/contract/test_answers.py.
"""

from decimal import Decimal

from integration.wording import words
from integration.wording.amounts import money
from mappings.writing.answers.answer import (
    BatchAnswer,
    ClaimSays,
    ProviderAdjustment,
    RemittedPayment,
)
from mappings.writing.answers.codes import answer_codes
from mappings.writing.answers.standing import HeardKind

SAYS: dict[ClaimSays, str] = {
    "received": "received",
    "accepted": "accepted",
    "rejected": "rejected",
    "paid": "paid",
    "denied": "denied",
    "reversed": "taken back",
}


def says(kind: HeardKind, said: ClaimSays, why: str, paid: Decimal, share: Decimal) -> str:
    """`paid $35.91, the patient owes $9.16`; `denied: J1756 JZ: CO-252 N395 (835)`; `$35.91 taken
    back (835)`."""
    told = SAYS[said]
    if said == "reversed" and paid:
        told = f"{money(-paid)} {told}"
    if said == "paid":
        told = f"paid {money(paid)}"
        told += f", the patient owes {money(share)}" if share > 0 else ""
        return f"{told}; not paid: {why}" if why else told
    if kind == "told":
        return f"{told} ({why})"
    begins = why.startswith(told)
    because = f": {why}" if why and not begins else ""
    return f"{why if begins else told}{because} ({kind})"


def about(one: BatchAnswer) -> str:
    """What an answer to many claims is to: `interchange 42`, `set 0007 of group 7`."""
    if one.kind == "TA1":
        return f"interchange {one.control}"
    group = f"group {one.control}" if one.control is not None else ""
    if one.kind == "277CA":
        biller = f" of provider {one.biller}" if one.biller else ""
        return f"all claims{biller}{f' in set {one.set}' if one.set else ''}"
    return f"set {one.set}{f' of {group}' if group else ''}" if one.set else group


def payment(one: RemittedPayment) -> str:
    """`payment CHK1 of MEDICARE PART B, Dec 5, 2026: $115.91; $4.09 taken off: overpayment
    recovered (WO, ICN1)`."""
    of = f" of {one.payer}" if one.payer else ""
    on = f", {words.day(one.day)}" if one.day else ""
    total = money(one.total) if one.total is not None else "no sum"
    return "; ".join([f"payment {one.trace}{of}{on}: {total}", *map(adjustment, one.adjustments)])


def adjustment(one: ProviderAdjustment) -> str:
    code = f"{one.code}, {one.reference}" if one.reference else one.code
    known = answer_codes().provider_adjustments.get(one.code, "another adjustment")
    done = "added" if one.amount < 0 else "taken off"
    return f"{money(abs(one.amount))} {done}: {known} ({code})"
