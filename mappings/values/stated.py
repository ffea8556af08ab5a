"""What a chart states of a fact: nothing, a value, or words that are not understood.

Held by tests/unit/test_questions.py.
"""

from collections.abc import Iterable

from msgspec import Struct


class Unread(Struct, frozen=True, order=True, gc=False):
    """Stated, and not understood: what stands there, and in which element of which resource.

    It never counts as if the element were absent, and never as its favorable value. `key`: how a
    site's own table would name it, `system|code` or the words.
    """

    element: str
    says: str
    key: str = ""

    def __str__(self) -> str:
        return f'"{self.says}" ({self.element})'

    def is_of(self, element: str) -> bool:
        """Whether it stands in an element of that name, or in one of its choices."""
        return self.element.startswith(element)


def first_unread(stated: Iterable[object]) -> Unread | None:
    """The first of what is stated that is not understood."""
    return next((said for said in stated if isinstance(said, Unread)), None)
