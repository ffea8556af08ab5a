"""Frozen values that are the same object are asked once."""

import gc

from mappings.values import remembered
from mappings.values.remembered import by_identity


def test_the_same_objects_are_asked_once() -> None:
    asked: list[str] = []

    @by_identity
    def joined(one: tuple[str, ...], other: str | None) -> str:
        asked.append("asked")
        return f"{one} {other}"

    row = ("a",)
    assert joined(row, None) == joined(row, None) == "('a',) None"
    assert len(asked) == 1
    assert joined(row, "b") == "('a',) b"
    assert joined(tuple(iter("a")), None) == "('a',) None"
    assert len(asked) == 3


def test_an_object_that_is_gone_lends_its_identity_to_no_other() -> None:
    @by_identity
    def first(row: tuple[int, ...]) -> int:
        return row[0]

    for number in range(2 * remembered._MOST + 5):
        assert first((number,)) == number
    gc.collect()
