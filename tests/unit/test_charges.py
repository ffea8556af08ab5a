"""What a line is charged, by code, payer and day, to the cent; and what one claim can hold."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mappings.assessment import ClaimLine
from mappings.datafiles.error import DataFileError
from mappings.writing.preparing.charges import price_list
from mappings.writing.preparing.drafts import Draft, draft_of, service_lines
from mappings.writing.preparing.splitting import Priced, excess, split

PRICES = """\
hcpcs,payer,charge,from,to
J1756,*,0.85,,
J1756,15202,0.80,2026-01-01,2026-06-30
J1756,15202,0.8125,2026-07-01,
J1439,commercial,3.5,,
"""


def line(**changes: object) -> ClaimLine:
    made = ClaimLine(
        id="a" * 32,
        administrations=("MedicationAdministration/ma1",),
        service_date="2026-11-01",
        code="J1756",
        modifiers=("JZ",),
        units=100,
        status="ready",
        payment="separate",
        reasons=(),
        policy=None,
        coverage="Coverage/c",
        place_of_service="11",
        diagnoses=("N18.4", "D63.1", "D50.9"),
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "payers", "charge"),
    [
        ({}, ("15202", "medicare"), "81.25"),
        ({"service_date": "2026-06-30"}, ("15202", "medicare"), "80.00"),
        ({"service_date": "2025-12-31"}, ("15202", "medicare"), "85.00"),
        ({}, ("SHP01", "commercial"), "85.00"),
        ({"units": 7}, ("15202",), "5.69"),
        ({"code": "J1439"}, ("SHP01", "commercial"), "350.00"),
        ({"code": "J1439"}, ("15202", "medicare"), None),
        ({"service_date": None}, ("15202",), None),
    ],
)
def test_the_payers_own_price_of_the_day(
    changes: dict[str, object], payers: tuple[str, ...], charge: str | None
) -> None:
    found = price_list(PRICES, "prices.csv").of(line(**changes), payers)
    assert found == (Decimal(charge) if charge else None)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("J1756,15202,1,2026-06-30,2026-06-30", "two prices of J1756 for payer 15202 hold on 2026"),
        ("J1756,,1,2020-01-01,", "two prices of J1756 for all payers hold on 2020-01-01"),
        ("J17,*,1,,", "row 6: J17 is not a HCPCS code"),
        ("J2916,*,free,,", "row 6: the charge free is not an amount"),
        ("J2916,*,0,,", "row 6: the charge 0 is not an amount"),
        ("J2916,*,-1,,", "is not an amount"),
        ("J2916,*,1,2026-13-01,", "2026-13-01 is not a date"),
        ("J2916,*,1,2026-02-01,2026-01-01", "ends on 2026-01-01, before it begins"),
    ],
)
def test_a_mistake_in_the_price_file_is_named_with_its_row(row: str, says: str) -> None:
    with pytest.raises(DataFileError) as raised:
        price_list(PRICES + row + "\n", "prices.csv")
    assert says in str(raised.value)
    assert str(raised.value).startswith("prices.csv, row")


def test_a_file_without_its_columns_is_named() -> None:
    with pytest.raises(DataFileError, match="must name the columns hcpcs, payer"):
        price_list("code;price\n", "prices.csv")


def priced(lines: list[ClaimLine], charge: str) -> tuple[Draft, list[Priced]]:
    rows = [(one, tuple(service_lines(one, Decimal(charge)))) for one in lines]
    return draft_of("Patient/p", lines), rows


def test_fifty_lines_stand_on_a_professional_claim() -> None:
    draft, rows = priced([line(id=f"{number:032}") for number in range(120)], "1.00")
    assert [len(part) for part in split(draft, rows)] == [50, 50, 20]


def test_a_dialysis_month_is_never_parted() -> None:
    many = [line(id=f"{n:032}", bill_type="72X", place_of_service="65") for n in range(1200)]
    draft, rows = priced(many, "1.00")
    (whole,) = split(draft, rows)
    assert "1200 service lines, of which 999 fit" in list(excess(draft.kind, whole))


def test_what_a_pair_alone_is_too_much_for_is_said() -> None:
    draft, rows = priced([line()], "100000.00")
    (alone,) = split(draft, rows)
    assert list(excess(draft.kind, alone)) == ["charges of 100,000.00, where 99,999.99 is the most"]


def test_parts_have_numbers_of_their_own() -> None:
    one, other = line(id="1" * 32), line(id="2" * 32)
    assert draft_of("Patient/p", [one]).id != draft_of("Patient/p", [other]).id
    assert draft_of("Patient/p", [one, other]).id == draft_of("Patient/p", [other, one]).id


@given(
    st.lists(
        st.tuples(st.booleans(), st.decimals("0.01", "60000", places=2), st.integers(1, 12)),
        min_size=1,
        max_size=70,
    )
)
def test_no_split_parts_a_pair_loses_a_line_or_exceeds_a_limit(
    doses: list[tuple[bool, Decimal, int]],
) -> None:
    """Totals match: the parts' lines are the draft's, each once."""
    rows: list[Priced] = []
    for number, (discarded, charge, count) in enumerate(doses):
        codes = tuple(f"N18.{code}" for code in range(count))
        dose = line(id=f"{number:032}", diagnoses=codes)
        rows.append((dose, tuple(service_lines(dose, charge))))
        if discarded:
            left = replace(dose, id=f"d{number:031}", modifiers=("JW",), discard_of=dose.id)
            rows.append((left, tuple(service_lines(left, Decimal("0.01")))))
    draft = draft_of("Patient/p", [one for one, _ in rows])
    parts = split(draft, rows)
    assert [row for part in parts for row in part] == rows
    for part in parts:
        assert not list(excess("professional", part)) or len({one.pair for one, _ in part}) == 1
    places = {one.id: place for place, part in enumerate(parts) for one, _ in part}
    assert all(places[one.id] == places[one.pair] for one, _ in rows)
