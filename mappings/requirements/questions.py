"""What a site can say once: each value that is not understood, with the doses that wait for it.

Held by tests/unit/test_questions.py.
"""

from collections.abc import Iterable, Iterator

from mappings.assessment import Question
from mappings.charge.charge import Charge
from mappings.circumstances.diagnoses import having
from mappings.values.stated import Unread

_CLASS = "Encounter.class"
_PAYER = ("Coverage.payor", "Coverage.class", "Coverage.type")
# Diagnoses that a requirement rests on, beside those that decide who pays.
_ASKED = ("iron-deficiency-anemia", "anemia-in-ckd", "ckd", "ckd-parent")


def questions(charges: Iterable[Charge]) -> tuple[Question, ...]:
    """One per value, whatever the number of charts that it stands in."""
    waiting: dict[Unread, set[str]] = {}
    for charge in charges:
        for unread in _unread(charge) if not charge.not_billable else ():
            waiting.setdefault(unread, set()).add(charge.reference)
    return tuple(sorted(_question(unread, len(doses)) for unread, doses in waiting.items()))


def _unread(charge: Charge) -> Iterator[Unread]:
    if charge.setting.unread:
        yield charge.setting.unread
    if charge.coordination and charge.coordination.unknown_payer:
        yield charge.coordination.unknown_payer
    for diagnosis in (*charge.kidney.doubts, *having(charge.doubtful, *_ASKED)):
        if diagnosis.by.unread and not diagnosis.by.is_worded:
            yield diagnosis.by.unread
    for order in charge.orders:
        if order.unread:
            yield order.unread


def _question(unread: Unread, doses: int) -> Question:
    return Question(
        _table(unread.element), unread.element, unread.key or unread.says, unread.says, doses
    )


def _table(element: str) -> str:
    """The site's table that an answer is a row of."""
    if element == _CLASS:
        return "encounter_classes"
    return "payer_aliases" if element in _PAYER else "status_words"
