"""Which lines leave together, and how a line of several NDCs is parted."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mappings.assessment import ClaimLine, NdcQuantity
from mappings.writing.preparing.drafts import Draft, draft_of, drafts, service_lines, shares
from tests import builders, claims


def drawn(resources: list[builders.Resource]) -> list[Draft]:
    return drafts(claims.assessed(resources)[0])


def dose(day: str, name: str) -> builders.Resource:
    return builders.administration(id=name, on=f"{day}T09:00:00-05:00")


def test_held_and_not_billable_lines_are_never_drawn() -> None:
    held = builders.chart(without=["tsat"])
    supplied = builders.chart(builders.administration(drug_source="white-bag"))
    assert [drawn(rows) for rows in (held, supplied)] == [[], []]


def test_one_claim_per_patient_coverage_date_and_setting() -> None:
    other = builders.administration(id="other", patient="p2", encounter="visit-2", order="order-2")
    found = drawn([*claims.chart(dose("2026-11-08", "ma2")), other])
    assert [draft.dates for draft in found] == [["2026-11-01"], ["2026-11-08"]]
    assert len({draft.id for draft in found}) == 2


def test_the_pair_of_given_and_discarded_stays_together() -> None:
    pair = builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")
    (draft,) = drawn(claims.chart(pair))
    assert [(line.modifiers, line.units) for line in draft.lines] == [((), 100), (("JW",), 100)]


def test_a_dialysis_facility_bills_by_the_month() -> None:
    doses = [dose(day, f"ma-{day}") for day in ("2026-11-03", "2026-11-05")]
    october = dose("2026-10-30", "ma-october")
    chart = claims.dialysis(
        builders.encounter(participant=claims.ATTENDER, **claims.VISIT), *doses, october
    )
    assert [draft.dates for draft in drawn(chart)] == [
        ["2026-10-30"],
        ["2026-11-01", "2026-11-03", "2026-11-05"],
    ]


def line(**changes: object) -> ClaimLine:
    found = claims.assessed(claims.chart())[0].patients[0].lines[0]
    return replace(found, **changes)


def ndc(code: str, quantity: str) -> NdcQuantity:
    return NdcQuantity(code.replace("-", ""), quantity, "ML")


def test_pointers_are_the_first_four_diagnoses() -> None:
    five = line(diagnoses=("I12.9", "N18.4", "D63.1", "D50.9", "Z99.2"), pointers=())
    draft = Draft(
        id="x", patient="p", coverage="c", place_of_service="11", bill_type=None, lines=(five,)
    )
    assert (draft.diagnoses, draft.pointers(five)) == (list(five.diagnoses), [1, 2, 3, 4])


def test_pointers_are_those_that_the_line_has() -> None:
    five = line(
        diagnoses=("I12.9", "N18.4", "D63.1", "D50.9", "Z99.2"),
        pointers=("N18.4", "D63.1", "D50.9", "Z99.2"),
    )
    draft = draft_of("Patient/p", [five])
    assert draft.pointers(five) == [2, 3, 4, 5]


TWO = (ndc(builders.VENOFER_50, "1.25"), ndc(builders.VENOFER_100, "5"))


def test_two_ndcs_leave_as_the_payer_has_it() -> None:
    two = line(units=125, modifiers=("JZ",), ndcs=TWO)
    apart, modified, one = (
        list(service_lines(two, Decimal("28.63"), rule)) for rule in ("apart", "modifiers", "one")
    )
    assert [part.modifiers for part in apart] == [("JZ",), ("JZ",)]
    assert [part.modifiers for part in modified] == [("JZ", "KP"), ("JZ", "KQ")]
    (whole,) = one
    assert (whole.units, whole.value) == (125, Decimal("28.63"))
    assert whole.ndc == ndc(builders.VENOFER_100, "6.25")


def test_parts_keep_the_units_and_cents_of_the_line() -> None:
    parts = list(
        service_lines(
            line(
                units=125,
                value="28.63",
                ndcs=(ndc(builders.VENOFER_50, "1.25"), ndc(builders.VENOFER_100, "5")),
            ),
            Decimal("28.63"),
        )
    )
    assert [(part.units, part.value) for part in parts] == [
        (25, Decimal("5.73")),
        (100, Decimal("22.90")),
    ]


def test_a_line_of_one_ndc_or_none_stays_whole() -> None:
    for one in (line(), line(ndc=None, value=None)):
        (part,) = service_lines(one, None)
        assert (part.units, part.ndc) == (200, one.ndc)


@given(
    st.integers(0, 2000), st.lists(st.decimals("0.001", "1000", places=3), min_size=1, max_size=5)
)
def test_shares_sum_to_the_total_and_leave_none_out(total: int, weights: list[Decimal]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    assert min(parts) >= (1 if total >= len(weights) else 0)


@given(st.integers(1, 50), st.integers(1, 50))
def test_exact_shares_stay_exact(one: int, other: int) -> None:
    assert shares(3 * (one + other), [Decimal(one), Decimal(other)]) == [3 * one, 3 * other]
