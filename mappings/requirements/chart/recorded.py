"""What is on record of a diagnosis: evidence of it, and what is none.

Held by tests/scenarios/conditions.yaml.
"""

from collections.abc import Sequence

from mappings.charge.charge import Charge
from mappings.circumstances.diagnoses import Stated, having, told, unread_words
from mappings.circumstances.standing import cite_all
from mappings.policy.choosing import Rule
from mappings.record import DENIED_IN_WORDS
from mappings.requirements.result import Result


def recorded(found: Sequence[Stated], rule: Rule | None, what: str = "is recorded") -> Result:
    """Met by the first of them, of which `what` is said."""
    return Result(
        state="met",
        says=f"{found[0].code} {what}.",
        value=found[0].code,
        evidence=cite_all(found),
        rule=rule,
    )


def not_counted(charge: Charge, rule: Rule | None, *groups: str) -> Result | None:
    """What is on record of the groups and is no evidence: its status is not understood, or the
    patient told it."""
    if charge.day is None:
        return None
    open_ = having(charge.doubtful, *groups)
    if open_:
        refuted = all(one.by.refuted for one in open_)
        return Result(
            state="contradicted" if refuted else "incomplete",
            says=doubt(open_),
            evidence=cite_all(open_),
            rule=rule,
            fix="Correct the condition, or the reason of the order." if refuted else None,
        )
    said = having(told(charge.record), *groups)
    if said:
        says = (
            f"{said[0].code} is recorded only as a statement by the patient or a relative, which"
            " is not a diagnosis."
        )
        return Result(state="incomplete", says=says, evidence=cite_all(said), rule=rule)
    return None


def doubt(diagnoses: Sequence[Stated]) -> str:
    """Quotes what is not understood of each."""
    return f"Recorded {_how(diagnoses)}: {unread_words(diagnoses)}."


def _how(diagnoses: Sequence[Stated]) -> str:
    if all(one.by.unread and one.by.unread.element == DENIED_IN_WORDS for one in diagnoses):
        return "by a code that its own words contradict"
    if all(one.by.refuted for one in diagnoses):
        return "as a reason of the dose, and refuted as a condition"
    if all(one.by.is_worded for one in diagnoses):
        return "in words or by a code that is not read"
    if any(one.by.is_worded for one in diagnoses):
        return "in a way that is not understood"
    dates = all(one.by.unread and one.by.unread.is_of("Condition.onset") for one in diagnoses)
    return f"with {'a date of onset' if dates else 'a status'} that is not understood"
