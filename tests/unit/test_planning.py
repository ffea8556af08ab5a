"""An order as if its next dose were given."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integration.assessing import planning
from mappings.reading import Collection, Reader
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import timings
from mappings.reading.orders.terms import with_terms
from mappings.record import OrderTerms
from mappings.site import Site
from tests import builders

NOW = datetime(2026, 11, 5, 15, tzinfo=UTC)
PATIENT = f"Patient/{builders.PATIENT}"


def irons(*orders: dict[str, Any]) -> list[str]:
    collection = Collection()
    for order in orders:
        collection.add(order, "the test")
    found = planning.irons(orders, collection, ProductFinder({}))
    return [one.says for one in found]


def test_irons_that_are_to_be_given_are_found_among_orders() -> None:
    venofer = builders.order(text="Venofer 200 mg")
    off = [builders.order(id=f"off-{status}", status=status) for status in planning._OFF]
    forbidden = builders.order(id="no", doNotPerform=True)
    other = builders.order(id="other", text="ondansetron 4 mg IV")
    assert irons(venofer, *off, forbidden, other) == ["Venofer 200 mg"]


def test_the_dose_is_read_as_any_other() -> None:
    order = builders.order()
    given = planning.as_given(order, PATIENT, "planned-1", NOW)
    parts = list(planning.visit_at(given, "22"))
    collection = Collection()
    for one in [builders.patient(), order, *parts]:
        collection.add(one, "the test")
    ((record,), problems) = Reader(Site()).records(collection)
    (dose,) = record.administrations
    assert (dose.dose.says, dose.drug.family) == ("200 mg", "iron-sucrose")
    assert dose.orders == ("MedicationRequest/order",)
    assert record.locations[0].place_of_service == ("22",)
    assert problems == []


def test_of_before_r4_the_dose_stands_in_the_instruction_itself() -> None:
    order = builders.order(dosageInstruction=[{"doseQuantity": {"value": 300, "unit": "mg"}}])
    given = planning.as_given(order, PATIENT, "planned-1", NOW)
    assert given["dosage"] == {"dose": {"value": 300, "unit": "mg"}}
    assert "dosage" not in planning.as_given(builders.order(dose=None), PATIENT, "p", NOW)


@pytest.mark.parametrize(
    ("timing", "doses"),
    [
        ({"event": ["2026-11-01", "2026-11-08", "2026-11-15"]}, 3),
        ({"repeat": {"count": 5, "frequency": 1, "period": 1, "periodUnit": "wk"}}, 5),
        ({"repeat": {"count": 4, "countMax": 6}}, 6),
        ({"repeat": {"count": 0}}, None),
        ({"repeat": {"count": 2.5}}, None),
        ({"repeat": {"count": 5000}}, None),
        ({"code": {"text": "once"}}, 1),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}, None),
        ({}, None),
        # Five weeks, the first dose on the first day.
        ({"repeat": {"boundsDuration": {"value": 5, "unit": "wk", "code": "wk"}, "frequency": 1,
                     "period": 1, "periodUnit": "wk"}}, 5),
        ({"repeat": {"boundsPeriod": {"start": "2026-11-01", "end": "2026-11-28"}, "frequency": 1,
                     "period": 1, "periodUnit": "wk"}}, 4),
        ({"repeat": {"boundsPeriod": {"start": "2026-11-01", "end": "2026-11-29"}, "frequency": 1,
                     "period": 1, "periodUnit": "wk"}}, 5),
        ({"repeat": {"boundsPeriod": {"start": "2026-11", "end": "2026-12"}, "frequency": 1,
                     "period": 1, "periodUnit": "wk"}}, None),
        ({"repeat": {"boundsDuration": {"value": 14, "code": "d"}, "frequency": 3, "period": 1,
                     "periodUnit": "wk"}}, 6),
        ({"repeat": {"boundsDuration": {"value": 14, "code": "d"}, "period": 0,
                     "periodUnit": "wk"}}, None),
    ],
)  # fmt: skip
def test_doses_of_a_timing(timing: dict[str, Any], doses: int | None) -> None:
    assert timings.doses(timing) == doses


def asked(*chart: dict[str, Any]) -> OrderTerms:
    """The terms of the one order of a chart."""
    collection = Collection()
    for resource in chart:
        collection.add(resource, "the test")
    ((record,), _) = Reader(Site()).records(collection)
    (order,) = with_terms(record, collection).orders
    return order.terms


def test_an_order_says_how_many_doses_and_who_ordered_it() -> None:
    npi = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1598765430"}
    doctor = {"resourceType": "Practitioner", "id": "doc", "identifier": [npi]}
    twice = {"repeat": {"count": 2}}
    dose = [{"doseQuantity": builders.quantity("200 mg")}]
    order = builders.order(
        dosageInstruction=[{"timing": twice, "doseAndRate": dose}] * 2,
        requester={"reference": "Practitioner/doc"},
    )
    found = asked(*builders.chart(order, doctor))
    assert found.doses == 4
    assert found.requester is not None
    assert found.requester.npi == "1598765430"
    other = [{"doseQuantity": builders.quantity("100 mg")}]
    loading = [{"timing": twice, "doseAndRate": dose}, {"timing": twice, "doseAndRate": other}]
    found = asked(*builders.chart(builders.order(dosageInstruction=loading)))
    assert found.doses is None
    assert found.requester is None


def test_an_order_inside_a_dose_has_terms_as_well() -> None:
    order = builders.order(dosageInstruction=[{"timing": {"repeat": {"count": 3}}}])
    dose = builders.administration(contained=[order], request={"reference": f"#{order['id']}"})
    assert asked(*builders.chart(dose, without=("order",))).doses == 3


def test_what_was_given_is_no_dose_to_come() -> None:
    given = [
        builders.administration("a", on="2026-11-05T09:00:00-05:00"),
        builders.administration("b", on="2026-11-06T09:00:00-05:00", status="not-done"),
    ]
    collection = Collection()
    for one in builders.chart(*given):
        collection.add(one, "the test")
    ((record,), _) = Reader(Site()).records(collection)
    zone = ZoneInfo("America/New_York")
    assert planning.on_a_free_day(NOW, record, zone).date().isoformat() == "2026-11-06"
    assert planning.on_a_free_day(NOW + timedelta(days=3), record, zone).day == 8
