"""R1: only records of one day, or near one another in time, may be one dose."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from mappings.dose import repeats as r1
from mappings.dose.doses import Doses
from mappings.record import Administration, Amount, Drug, Order, PatientRecord, Source
from mappings.values import moment

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
