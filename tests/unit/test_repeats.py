"""R1: which records of one day, or near one another in time, may be one dose or steps of one."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import count, starmap
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec import structs

from mappings.dose import repeats as r1
from mappings.dose.doses import Doses
from mappings.record import Administration, Amount, Drug, Order, PatientRecord, Source
from mappings.values import moment
from tests.unit.test_many_doses import calls_of

DRUG = Drug(family="iron-sucrose")
HOURS = (0, 3, 6, 12, 13, 30, 60)
BEGIN = moment.parse("2026-10-01T20:00:00-04:00")
ORDER = Order(
    source=Source("MedicationRequest/order"), drug=DRUG, counts=True, once=True, doses_a_day=1,
    dose=Amount(Decimal(200), "mg"), start=moment.parse("2026-10-01"),
)  # fmt: skip


def _at(hours: int) -> moment.Moment | None:
    assert BEGIN is not None
    assert BEGIN.instant is not None
    return moment.parse((BEGIN.instant + timedelta(hours=hours)).isoformat())


STARTS = st.one_of(
    st.sampled_from(HOURS).map(_at),
    st.sampled_from(["2026-10-01", "2026-10-02", "2026-10", None]).map(moment.parse),
)
DOSES = st.sampled_from([
    Amount(Decimal(200), "mg"), Amount(Decimal(100), "mg"), Amount(problem="missing"),
    Amount(Decimal(50), "mL", rate=True),
])  # fmt: skip


@st.composite
def administrations(draw: st.DrawFn) -> list[Administration]:
    numbers = count()
    one = st.builds(
        lambda start, lasts, dose, orders, encounter: Administration(
            source=Source(f"MedicationAdministration/{next(numbers)}"),
            status="completed",
            drug=DRUG,
            start=start,
            end=_at(lasts) if start and start.instant else None,
            dose=dose,
            orders=orders,
            encounter=encounter,
        ),
        STARTS,
        st.sampled_from([0, 0, 6, 30]),
        DOSES,
        st.sampled_from([("MedicationRequest/order",), (), ("MedicationRequest/x",)]),
        st.sampled_from([None, "Encounter/a", "Encounter/b"]),
    )
    return draw(st.lists(one, max_size=6))


@given(administrations())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_those_that_stand_alone_change_nothing(
    monkeypatch: pytest.MonkeyPatch, found: list[Administration]
) -> None:
    record = PatientRecord(patient="Patient/p1", administrations=tuple(found), orders=(ORDER,))
    doses = Doses(record, ZoneInfo("America/New_York"))
    without = r1.repeats(found, doses)
    with monkeypatch.context() as patched:
        patched.setattr(r1, "_with_company", list)
        assert r1.repeats(found, doses) == without


TWICE = structs.replace(ORDER, doses_a_day=2)
UNREAD = structs.replace(ORDER, source=Source("MedicationRequest/unread"), doses_a_day=None)
SECOND = structs.replace(ORDER, source=Source("MedicationRequest/second"))
NO_DOSE = Amount(problem="missing")
WITHIN = "The same dose is recorded twice, one within the period of the other."
ONE_START = "The same dose is recorded twice with the same product and start time."
ABOVE = "The records of the day come to"
ONCE = "Equal doses are counted once until that is clear."


def _given(
    key: str,
    start: str,
    *,
    until: str | None = None,
    dose: int | Amount = 200,
    orders: Sequence[Order] = (ORDER,),
) -> Administration:
    return Administration(
        source=Source(key),
        status="completed",
        drug=DRUG,
        start=moment.parse(_on_the_day(start)),
        end=moment.parse(_on_the_day(until)) if until else None,
        dose=Amount(Decimal(dose), "mg") if isinstance(dose, int) else dose,
        orders=tuple(order.source.resource for order in orders),
    )


def _on_the_day(time: str) -> str:
    """October 1 where only a time of the day is said."""
    return f"2026-10-01T{time}:00-04:00" if len(time) == len("09:00") else time


def _repeats(
    *found: Administration, orders: Sequence[Order] = (ORDER,), zone: str = "America/New_York"
) -> r1.Repeats:
    record = PatientRecord(patient="Patient/p1", administrations=found, orders=tuple(orders))
    return r1.repeats(found, Doses(record, ZoneInfo(zone)))


def _steps(found: r1.Repeats) -> dict[str, tuple[str, ...]]:
    """Each infusion and its steps."""
    return {one.source.resource: one.steps for one in found.administrations}


def _why(found: r1.Repeats) -> dict[str, str]:
    return {key: repeated.says for key, repeated in found.repeated.items()}


def test_a_dose_that_starts_as_one_named_after_it_ends_is_in_doubt() -> None:
    found = _repeats(
        _given("late", "09:20", orders=()),
        _given("early", "09:00", until="09:20", orders=()),
        orders=(),
    )
    assert found.copies == dict.fromkeys(("late", "early"), ("early", "late"))
    assert all(says.startswith(WITHIN) for says in _why(found).values())


def test_doses_that_overlap_are_in_doubt_though_the_order_asks_two() -> None:
    found = _repeats(_given("one", "09:00", until="09:20"), _given("two", "09:05"), orders=(TWICE,))
    assert all(says.startswith(WITHIN) for says in _why(found).values())
    assert found.copies.keys() == {"one", "two"}


def test_a_pair_in_doubt_is_found_behind_an_unequal_one() -> None:
    found = _repeats(
        _given("small", "09:00", until="09:20", dose=100, orders=()),
        _given("one", "09:05", orders=()),
        _given("two", "09:05", orders=()),
        orders=(),
    )
    assert found.copies.keys() == {"one", "two"}


def test_a_pair_in_doubt_is_found_behind_one_that_the_order_asks() -> None:
    found = _repeats(
        _given("first", "09:00", until="09:20"),
        _given("second", "09:20"),
        _given("one", "2026-10-03T09:00:00-04:00"),
        _given("two", "2026-10-03T09:00:00-04:00"),
        orders=(TWICE,),
    )
    assert found.copies.keys() == {"one", "two"}
    assert all(says.startswith(ONE_START) for says in _why(found).values())


@pytest.mark.parametrize(
    ("start", "steps"),
    [
        ("2026-10-02T09:00:00-04:00", {"dose": ("step",)}),
        ("2026-10-02T09:00:01-04:00", {"step": (), "dose": ()}),
    ],
)
def test_a_step_of_a_met_order_is_within_twelve_hours_of_the_dose(
    start: str, steps: dict[str, tuple[str, ...]]
) -> None:
    assert _steps(_repeats(_given("step", "21:00", dose=NO_DOSE), _given("dose", start))) == steps


def test_a_step_of_a_met_order_is_one_of_the_last_dose_before_it() -> None:
    found = _repeats(
        _given("first", "08:00"),
        _given("last", "10:00"),
        _given("step", "11:00", dose=NO_DOSE),
        _given("after", "13:00"),
        orders=(structs.replace(ORDER, doses_a_day=3),),
    )
    assert _steps(found) == {"first": (), "last": ("step",), "after": ()}


def test_the_last_dose_is_the_last_in_time_however_it_is_written() -> None:
    found = _repeats(
        _given("last", "2026-10-01T10:00:00-04:00"),
        _given("first", "2026-10-01T12:00:00Z"),
        _given("step", "11:00", dose=NO_DOSE),
        orders=(TWICE,),
    )
    assert _steps(found) == {"last": ("step",), "first": ()}


def test_a_step_that_begins_with_a_dose_of_a_met_order_is_one_of_it() -> None:
    found = _repeats(
        _given("first", "09:00"), _given("last", "11:00"), _given("step", "11:00", dose=NO_DOSE)
    )
    assert _steps(found) == {"first": (), "last": ("step",)}


def test_a_step_of_a_met_order_prefers_a_dose_whose_time_is_known() -> None:
    found = _repeats(
        _given("untimed", "2026-10-01"),
        _given("step", "11:00", dose=NO_DOSE),
        _given("timed", "13:00"),
        orders=(TWICE,),
    )
    assert _steps(found) == {"untimed": (), "timed": ("step",)}


def test_a_dose_that_names_no_order_does_not_meet_that_of_a_step() -> None:
    found = _repeats(_given("step", "08:00", dose=NO_DOSE), _given("dose", "09:00", orders=()))
    assert _steps(found) == {"step": (), "dose": ()}


def test_an_order_of_zero_is_not_met_by_no_dose() -> None:
    of_zero = structs.replace(ORDER, dose=Amount(Decimal(0), "mg"))
    found = _repeats(
        _given("step", "08:00", dose=NO_DOSE), _given("dose", "09:00", orders=()), orders=(of_zero,)
    )
    assert _steps(found) == {"step": (), "dose": ()}


def test_the_one_order_that_all_name_decides_whatever_others_ask() -> None:
    found = _repeats(
        _given("step", "08:00", dose=NO_DOSE), _given("dose", "09:00"), orders=(ORDER, SECOND)
    )
    assert _steps(found) == {"dose": ("step",)}


@pytest.mark.parametrize(
    "other",
    [
        structs.replace(SECOND, counts=False),
        structs.replace(SECOND, drug=Drug(family="iron-dextran")),
    ],
    ids=["one that does not count", "one of another drug"],
)
def test_records_without_an_order_are_held_against_those_of_the_drug_that_count(
    other: Order,
) -> None:
    found = _repeats(
        _given("one", "09:00", orders=()),
        _given("two", "11:00", orders=()),
        orders=(ORDER, other),
    )
    assert all(says.startswith(ABOVE) for says in _why(found).values())
    assert found.copies.keys() == {"one", "two"}


@pytest.mark.parametrize("orders", [(), (ORDER, UNREAD)], ids=["none", "one that is not read"])
def test_without_all_that_the_orders_ask_nothing_is_above_it(orders: tuple[Order, ...]) -> None:
    found = _repeats(
        _given("one", "09:00", orders=()), _given("two", "11:00", orders=()), orders=orders
    )
    assert found.repeated == {}


def test_an_order_covers_the_day_on_which_it_begins_in_the_zone_of_the_site() -> None:
    begins_late_on_the_day = structs.replace(ORDER, start=moment.parse("2026-10-02T05:00:00Z"))
    found = _repeats(
        _given("one", "09:00", orders=()),
        _given("two", "11:00", orders=()),
        orders=(begins_late_on_the_day,),
        zone="America/Denver",
    )
    assert found.copies.keys() == {"one", "two"}


@pytest.mark.parametrize(("mg", "once"), [(200, True), (100, False)])
def test_only_equal_doses_above_the_order_are_said_to_count_once(mg: int, once: bool) -> None:
    found = _repeats(_given("one", "09:00"), _given("two", "11:00", dose=mg))
    assert found.repeated.keys() == {"one", "two"}
    assert all(says.startswith(ABOVE) for says in _why(found).values())
    assert all(says.endswith(ONCE) is once for says in _why(found).values())


def test_many_doses_of_one_moment_are_looked_at_in_pairs() -> None:
    """Of 120 each was looked at with all pairs of the others, which took a minute."""

    def asked(count: int) -> int:
        found = [_given(f"{number}", "09:00") for number in range(count)]
        return calls_of(lambda: _repeats(*found))

    assert asked(60) < 4.5 * asked(30)


def test_doses_of_one_day_are_told_once_of_each_pair() -> None:
    clocks = [(f"{number:02}", f"{10 + number}:00") for number in range(6)]
    found = _repeats(*starmap(_given, clocks))
    assert {len(one.records) for one in found.repeated.values()} == {6}
    assert len(found.copies["00"]) == 6
