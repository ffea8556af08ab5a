"""What the codes in answers to claim files stand for.

Held by tests/unit/test_answers.py.
"""

from collections.abc import Sequence
from functools import cache
from typing import Literal

from msgspec import Struct

from mappings.datafiles.loading import packaged, structure

StatusSays = Literal["received", "accepted", "rejected"]
_GRAVEST: tuple[StatusSays, ...] = ("rejected", "accepted", "received")


class Category(Struct, frozen=True, forbid_unknown_fields=True):
    says: StatusSays
    words: str


class AnswerCodes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By code: categories of a 277CA; faults of segments, elements, sets and groups of a 999;
    notes of a TA1."""

    source: str
    verified: bool
    categories: dict[str, Category]
    segments: dict[str, str]
    elements: dict[str, str]
    sets: dict[str, str]
    groups: dict[str, str]
    interchange: dict[str, str]

    def says(self, statuses: Sequence[str]) -> StatusSays:
        """The gravest of STC composites, such as `A7:164:IL`; an unknown category says only that
        they have it."""
        found = [self.categories.get(status.partition(":")[0]) for status in statuses]
        said = {category.says for category in found if category}
        return next((says for says in _GRAVEST if says in said), "received")

    def words(self, status: str) -> str:
        """Of a composite; the code itself where it is unknown."""
        category = self.categories.get(status.partition(":")[0])
        return category.words if category else status


@cache
def answer_codes() -> AnswerCodes:
    where, text = packaged("codes", "answers.yaml")
    return structure(text, where, AnswerCodes, rests_on=b"")
