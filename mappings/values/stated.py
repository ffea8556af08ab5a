"""What a chart states of a fact: nothing, a value, or words that are not understood.

Held by tests/unit/test_questions.py.
"""

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

from msgspec import Struct

# Elements of an administration in which people write what they like.
FREE_TEXT = ("note", "dosage.text")

StatedT = TypeVar("StatedT")

_QUOTED = re.compile(r'"(.*)" \(([\w.-]+)\)', re.DOTALL)


class Unread(Struct, frozen=True, order=True, gc=False):
    """Stated, and not understood: what stands there, and in which element of which resource.

    It never counts as if the element were absent, and never as its favorable value. `key`: how a
    site's own table would name it, `system|code` or the words.
    """

    element: str
    says: str
    key: str = ""

    def __str__(self) -> str:
        return f'"{self.says}" ({self.element})' if self.says else f"no {self.element}"

    def is_of(self, element: str) -> bool:
        """Whether it stands in an element of that name, or in one of its choices."""
        return self.element.startswith(element)


def quoted_in(text: str) -> Unread | None:
    """What a text quotes, in the form of Unread."""
    found = _QUOTED.search(text)
    return Unread(found[2], found[1]) if found else None


def only(stated: Collection[StatedT]) -> StatedT | None:
    """The one of them; None where there is none, or several: none of these is guessed."""
    return next(iter(stated)) if len(stated) == 1 else None


def first_unread(stated: Iterable[object]) -> Unread | None:
    """The first of what is stated that is not understood."""
    return next((said for said in stated if isinstance(said, Unread)), None)
