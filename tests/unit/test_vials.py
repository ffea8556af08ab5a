"""Doses that were given from the vials of one dispense."""

from decimal import Decimal

from mappings.assessment import Evidence
from mappings.record import Container
from mappings.vials import Given, together

VIALS = (Container(mg=Decimal(100), count=2),)
ONE, TWO, BOTH = Evidence("a", "1", "first"), Evidence("b", "1", "second"), Evidence("c", "1", "of both")


def test_doses_from_the_same_vials_are_added_up() -> None:
    first = Given(("a",), Decimal("66.6666666666"), Decimal(70), VIALS, Decimal(100), Decimal(20), None, "venofer", (ONE, BOTH), "note")
    second = Given(("b",), Decimal("83.3333333334"), Decimal(90), VIALS, Decimal(100), None, "broken", "venofer", (TWO, BOTH), "note")
    third = Given(("c",), Decimal(25), Decimal(30), VIALS, Decimal(100), Decimal(5), "worse", "venofer", (), "note")
    assert together([first, second, third]) == Given(
        ("a", "b", "c"), Decimal(175), Decimal(190), VIALS, Decimal(100), Decimal(25), "broken", "venofer", (ONE, BOTH, TWO), "note"
    )


def test_nothing_said_of_a_discard_stays_unsaid() -> None:
    row = Given(("a",), Decimal(50), Decimal(50), VIALS)
    assert together([row, row]).discarded is None
