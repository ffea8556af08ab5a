"""Frozen values that are the same object are asked once."""

import gc

from msgspec import structs

from mappings import codes
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


def test_what_codes_mean_is_remembered_by_the_tables_in_force() -> None:
    asked: list[int] = []

    @codes.remembered
    def of(number: int) -> tuple[int, object]:
        asked.append(number)
        return number, codes.in_force()

    own = structs.replace(codes.built_in())
    assert of(1)[1] is of(1)[1] is codes.built_in()
    with codes.using(own):
        assert of(1)[1] is of(1)[1] is own
    assert of(2) == (2, codes.built_in())
    assert asked == [1, 1, 2]
