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
    notes of a TA1; reasons of a PLB. `unprocessable`: remarks of an 835 that say that a claim is
    none."""

    source: str
    verified: bool
    categories: dict[str, Category]
    segments: dict[str, str]
    elements: dict[str, str]
    sets: dict[str, str]
    groups: dict[str, str]
    interchange: dict[str, str]
    provider_adjustments: dict[str, str]
    unprocessable: frozenset[str]

    def says(self, statuses: Sequence[str]) -> StatusSays:
        """The gravest of STC composites, such as `A7:164:IL`; an unknown category says only that
        they have it."""
        found = [self.categories.get(status.partition(":")[0]) for status in statuses]
        said = {category.says for category in found if category}
        return next((says for says in _GRAVEST if says in said), "received")

    def why(self, says: str, statuses: Sequence[str]) -> tuple[str, ...]:
        """In words, those of the STC composites that say so."""
        decisive = [one for one in statuses if self.says([one]) == says]
        return tuple(dict.fromkeys(map(self.words, decisive)))

    def words(self, status: str) -> str:
        """Of a composite, with its codes where they say what is wrong; those alone where nobody
        knows them."""
        category = self.categories.get(status.partition(":")[0])
        if category is None:
            return status
        return f"{category.words} ({status})" if category.says == "rejected" else category.words


@cache
def answer_codes() -> AnswerCodes:
    where, text = packaged("codes", "answers.yaml")
    return structure(text, where, AnswerCodes, rests_on=b"")
