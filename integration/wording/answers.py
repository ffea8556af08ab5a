"""What was answered of a claim, in words.

Held by tests/contract/test_answers.py.
"""

from decimal import Decimal

from integration.wording.amounts import money
from mappings.writing.answers.answer import AnswerKind, ClaimSays

SAYS: dict[ClaimSays, str] = {
    "received": "received",
    "accepted": "accepted",
    "rejected": "rejected",
    "paid": "paid",
    "denied": "denied",
    "reversed": "taken back",
}


def says(kind: AnswerKind, said: ClaimSays, why: str, paid: Decimal, share: Decimal) -> str:
    """`paid $35.91, the patient owes $9.16`; `denied: J1756 JZ: CO-252 N395 (835)`; `$35.91 taken
    back (835)`."""
    told = SAYS[said]
    if said == "reversed" and paid:
        told = f"{money(-paid)} {told}"
    if said == "paid":
        told = f"paid {money(paid)}"
        told += f", the patient owes {money(share)}" if share > 0 else ""
        return f"{told}; not paid: {why}" if why else told
    begins = why.startswith(told)
    because = f": {why}" if why and not begins else ""
    return f"{why if begins else told}{because} ({kind})"
