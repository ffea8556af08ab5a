"""Frozen values that are the same object are asked once."""

import gc

from msgspec import structs

from mappings import codes
from mappings.values import remembered
from mappings.values.remembered import Once, Remembered, by_identity, kept


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


def test_of_too_many_keys_all_are_forgotten() -> None:
    asked: list[int] = []

    def half(number: int) -> int | None:
        asked.append(number)
        return number // 2 or None

    known = Remembered(half, most=2)
    assert [known[number] for number in (1, 1, 2, 1)] == [None, None, 1, None]
    assert asked == [1, 2]
    assert [known[number] for number in (6, 6, 1)] == [3, 3, None]
    assert asked == [1, 2, 6, 1]
    assert len(known) == 2


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


def test_of_a_patient_the_same_objects_are_asked_once_and_equal_values_too() -> None:
    asked: list[tuple[str, ...]] = []

    def first(found: tuple[str, ...]) -> str:
        asked.append(found)
        return found[0]

    once, one, equal = Once(), ("a", "b"), tuple("ab")
    assert once(first, one) == once(first, one) == "a"
    assert len(asked) == 1
    assert once(first, equal) == "a"
    assert len(asked) == 2
    assert once.alike(first, one) == once.alike(first, equal) == "a"
    assert len(asked) == 3
    assert Once()(first, one) == "a"
    assert len(asked) == 4


def test_what_is_kept_is_worked_out_once_for_each() -> None:
    asked: list[int] = []

    class Found:
        def __init__(self, number: int) -> None:
            self.number = number

        @kept
        def double(self) -> int:
            """Twice as much."""
            asked.append(self.number)
            return 2 * self.number

    one, other = Found(1), Found(2)
    assert (one.double, one.double, other.double) == (2, 2, 4)
    assert asked == [1, 2]
    assert Found.double.__doc__ == "Twice as much."
