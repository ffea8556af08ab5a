"""What containers say of a line: doses from shared vials, spare vials, figures that cannot be; and
what smaller vials would have saved."""

from decimal import Decimal
from typing import Any

import pytest

from mappings.assessment import Evidence
from mappings.dose.vials import Wasted, least_left, saving
from mappings.dose.waste import Given, together, waste
from mappings.record import Container
from tests import builders

VIALS = (Container(mg=Decimal(100), count=2),)
ONE, TWO, BOTH = (
    Evidence("a", "1", "first"),
    Evidence("b", "1", "second"),
    Evidence("c", "1", "of both"),
)


def one(mg: str, drawn_mg: str, **extra: Any) -> Given:
    return Given(
        mg=Decimal(mg),
        drawn_mg=Decimal(drawn_mg),
        opened=VIALS,
        ndc="n",
        vial_mg=Decimal(100),
        family="venofer",
        **extra,
    )


def test_doses_from_the_same_vials_are_added_up() -> None:
    first = one(
        "66.6666666666",
        "70",
        references=("a",),
        discarded=Decimal(20),
        evidence=(ONE, BOTH),
        notes=("note",),
    )
    second = one(
        "83.3333333334",
        "90",
        references=("b",),
        problem="broken",
        evidence=(TWO, BOTH),
        notes=("note", "other"),
    )
    third = one("25", "30", references=("c",), discarded=Decimal(5), problem="worse", unread="odd")
    evidence, notes = (ONE, BOTH, TWO), ("note", "other")
    assert together([first, second, third]) == one(
        "175",
        "190",
        references=("a", "b", "c"),
        discarded=Decimal(25),
        problem="broken",
        unread="odd",
        evidence=evidence,
        notes=notes,
    )


def test_nothing_said_of_a_discard_stays_unsaid() -> None:
    discard = one("50", "50", references=("a",))
    assert together([discard, discard]).discarded is None


def dose(
    mg: str, opened: str | None = None, vial: str | None = None, discarded: str | None = None
) -> Given:
    """A dose from containers opened, or from vials of a size, which is their NDC."""
    containers = (Container(mg=Decimal(opened), count=1, ndc=opened),) if opened else ()
    size, left = Decimal(vial) if vial else None, Decimal(discarded) if discarded else None
    return Given(
        references=("a",),
        mg=Decimal(mg),
        drawn_mg=Decimal(mg),
        opened=containers,
        ndc=vial or opened,
        vial_mg=size,
        discarded=left,
    )


@pytest.mark.parametrize(
    ("doses", "total"),
    [
        (
            [dose("50", opened="62.5", discarded="12.5"), dose("30", vial="50", discarded="20")],
            "112.5",
        ),
        (
            [dose("50", opened="62.5", discarded="12.5"), dose("30", vial="50", discarded="70")],
            "162.5",
        ),
        ([dose("30", vial="50", discarded="1120"), dose("1000", vial="1000")], "2150"),
        ([dose("50", vial="50", discarded="1000")], "1050"),
    ],
    ids=[
        "each from its own",
        "a spare vial of the known size",
        "spare vials of two sizes",
        "as many spare vials as anyone opens",
    ],
)
def test_given_and_discarded_are_what_was_opened(doses: list[Given], total: str) -> None:
    found = waste(doses)
    assert (found.state, found.total_mg) == ("met", Decimal(total))


@pytest.mark.parametrize(
    "doses",
    [
        [dose("50", opened="100"), dose("80", vial="50", discarded="20")],
        [dose("150", opened="200", discarded="51")],
        [dose("150", opened="200", discarded="100")],
        [dose("50", vial="50", discarded="1050")],
    ],
    ids=[
        "a vial too few for the second dose",
        "a milligram beyond",
        "more than a vial beyond",
        "more spare vials than anyone opens",
    ],
)
def test_figures_that_cannot_be(doses: list[Given]) -> None:
    assert waste(doses).state == "contradicted"


def test_opened_containers_are_cited_beside_the_discard() -> None:
    given = builders.administration(
        dose="150 mg", ndc=None, version="7", discarded="50 mg", opened=[{"ndc": "00517-2310-05"}]
    )
    (step,) = [
        step
        for step in builders.assessed(given).lines[0].trace
        if step.rule == "R5" and "discarded =" in step.says
    ]
    assert [(evidence.version, evidence.says) for evidence in step.evidence] == [
        ("7", "discarded 50 mg"),
        ("7", "1 × 200 mg opened"),
    ]


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ({"note": "Wasted 50 mg."}, '"Wasted 50 mg" (note)'),
        ({"discarded": "50 mg"}, "discarded 50 mg"),
    ],
    ids=["in a note", "in the extension"],
)
def test_evidence_tells_where_a_discard_was_read(said: dict[str, Any], evidence: str) -> None:
    (line, _) = builders.assessed(builders.administration(dose="150 mg", version="7", **said)).lines
    assert Evidence("MedicationAdministration/ma1", "7", evidence) in line.evidence


@pytest.mark.parametrize(
    ("dose", "sizes", "left"),
    [
        ("150", ("50", "100"), "0"),
        ("150", ("100",), "50"),
        ("125", ("50", "100"), "25"),
        ("75", ("200",), "125"),
        ("300", ("200",), "100"),
        ("150", ("62.5", "100"), "12.5"),
        ("200", ("200",), "0"),
        ("130", ("50", "200"), "20"),
    ],
)
def test_the_least_that_whole_vials_leave_over(
    dose: str, sizes: tuple[str, ...], left: str
) -> None:
    assert least_left(Decimal(dose), set(map(Decimal, sizes))) == Decimal(left)


@pytest.mark.parametrize(
    ("code", "given", "wasted", "money", "mg", "saved_mg", "saved_money"),
    [
        # 150 mg are 100 + 50, from which nothing is left; 130 mg leave 20 of 50.
        ("J1756", 150, 50, "11.45", "50", "50", "11.45"),
        ("J1756", 130, 70, "14.00", "70", "50", "10.00"),
        # Units of 12.5 mg, vials of 62.5 mg: there is no smaller one.
        ("J2916", 7, 3, "9.00", "37.5", "0", "0.00"),
        ("J2916", 6, 4, "9.00", "50", "0", "0.00"),
        # Without a dose beside it, a price, or a code that is known.
        ("J1756", 0, 50, "11.45", "50", "0", "0.00"),
        ("J1756", 150, 50, None, "50", "50", None),
        ("J9999", 150, 50, "11.45", "0", "0", "0"),
        ("J9999", 150, 50, None, "0", "0", None),
    ],
)
def test_a_saving_is_a_part_of_the_waste(
    code: str,
    given: int,
    wasted: int,
    money: str | None,
    mg: str,
    saved_mg: str,
    saved_money: str | None,
) -> None:
    lost = money and Decimal(money)
    found = saving(Wasted(code, given, wasted, lost or None))
    assert (found.mg, found.saved_mg) == (Decimal(mg), Decimal(saved_mg))
    assert (found.money, found.saved_money) == (lost, saved_money and Decimal(saved_money))
