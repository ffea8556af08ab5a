"""The figures of the worklist: what has no price or no known time is said to have none."""

from decimal import Decimal

from integration.store.figures import HeldMoney, Times
from integration.web.worklist.figures import _held, _times, _waste
from mappings.dose.vials import Wasted


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
