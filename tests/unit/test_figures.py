"""What smaller vials would have saved: whole vials only, never less than the dose."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.store.figures import HeldMoney, Times
from integration.web.worklist.figures import _held, _times, _waste
from mappings.dose.vials import Wasted, least_left, saving

SIZES = st.sets(
    st.sampled_from([Decimal(50), Decimal(100), Decimal("62.5"), Decimal(200)]), min_size=1
)


@pytest.mark.parametrize(
    ("dose", "sizes", "left"),
    [
        (150, (50, 100), 0),
        (150, (100,), 50),
        (125, (50, 100), 25),
        (75, (200,), 125),
        (300, (200,), 100),
    ],
)
def test_the_least_left_over(dose: int, sizes: tuple[int, ...], left: int) -> None:
    assert least_left(Decimal(dose), {Decimal(size) for size in sizes}) == left


@given(st.integers(1, 1000).map(Decimal), SIZES)
def test_it_is_never_less_than_nothing_nor_a_whole_smallest_vial(
    dose: Decimal, sizes: set[Decimal]
) -> None:
    assert 0 <= least_left(dose, sizes) < min(sizes)


def test_a_saving_is_a_part_of_the_waste() -> None:
    found = saving(Wasted("J1756", 150, 50, Decimal("11.45")))
    assert (found.mg, found.saved_mg, found.saved_money) == (
        Decimal(50),
        Decimal(50),
        Decimal("11.45"),
    )
    unknown = saving(Wasted("J9999", 150, 50, Decimal("11.45")))
    assert (unknown.money, unknown.saved_mg) == (Decimal("11.45"), Decimal(0))
    assert saving(Wasted("J1756", 0, 50, None)).saved_mg == 0


def test_what_has_no_price_is_never_nothing() -> None:
    held = _held(
        [HeldMoney("ferritin", 2, Decimal(0), 0, 2), HeldMoney("dose", 1, Decimal(0), 1, 0)]
    )
    assert [bar.value for bar in held.bars] == ["not priced", "packaged"]
    assert [row[2] for row in held.rows] == ["not priced", "packaged"]
    waste = _waste([Wasted("J1756", 150, 50, None)])
    assert "not priced" in waste.says
    for figure in (held, waste):
        assert "$0.00" not in f"{figure}"


def test_a_record_complete_at_the_first_look_has_no_known_time() -> None:
    figure = _times(Times([0, 9, 20], 4))
    assert "Half of 3 lines were complete within 9 days of the dose." in figure.says
    assert ("not known", 4) in figure.rows
    assert "No line is complete yet." in _times(Times([], 0)).says
