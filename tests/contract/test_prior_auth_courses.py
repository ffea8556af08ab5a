"""Doses to come before the authorizations on record, and which orders are asked for."""

from typing import Any

import pytest

from integration.authorizing.charts import AuthorizationCharts
from tests import authorizations, builders

Resource = dict[str, Any]


def drawn(*changes: Resource, **asked: Any) -> AuthorizationCharts:
    return authorizations.drawn(authorizations.chart(*changes), **asked)


@pytest.mark.parametrize(
    ("approved", "doses", "start", "state"),
    [
        ({"units": 400}, 3, "2026-11-19", "not-covered"),
        ({"units": 200}, 4, "2026-11-12", "not-covered"),
        ({"units": 100}, 5, "2026-11-05", "not-covered"),
        ({"end": "2026-11-15"}, 3, "2026-11-19", "expired"),
        ({"start": "2026-11-10"}, 1, "2026-11-05", "expired"),
        ({"decision": "A3"}, 5, "2026-11-05", "not-covered"),
        ({"decision": "A4", "outcome": "queued"}, 5, "2026-11-05", "incomplete"),
        ({"code": "J1439"}, 5, "2026-11-05", "incomplete"),
    ],
)
def test_what_an_authorization_on_record_does_not_cover_is_asked_for(
    approved: Resource, doses: int, start: str, state: str
) -> None:
    (request,) = drawn(builders.authorization(**approved)).requests
    course = request.course
    assert (course.doses, course.units, str(course.start)) == (doses, 200 * doses, start)
    assert request.decides is not None
    assert request.decides.state == state
    assert course.covered == 5 - doses
    told = [note for note in request.notes if "covers" in note]
    covers = f"The authorization on record covers {5 - doses} of the 5 doses to come"
    assert [note.partition(";")[0] for note in told] == ([covers] if doses < 5 else [])


@pytest.mark.parametrize("units", [1000, None])
def test_one_that_covers_all_doses_leaves_nothing_to_ask(units: int | None) -> None:
    found = drawn(builders.authorization(units=units))
    assert (found.requests, len(found.covered)) == ([], 1)


def test_where_each_dose_of_two_authorizations_stands() -> None:
    both = (builders.authorization(units=400), builders.authorization(units=400, id="second"))
    (request,) = drawn(*both).requests
    assert (request.course.doses, request.course.units) == (1, 200)


def test_doses_given_meanwhile_have_used_some_of_it() -> None:
    given = builders.administration(
        on="2026-11-01T09:00:00-05:00", request={"reference": "MedicationRequest/order"}
    )
    (request,) = drawn(builders.authorization(units=400), given).requests
    assert (request.course.doses, request.course.covered) == (3, 1)


def test_the_days_of_an_order_are_those_that_it_names() -> None:
    days = {"event": ["2026-11-10", "2026-12-10"]}
    dose = [{"doseQuantity": builders.quantity("200 mg")}]
    order = authorizations.order(dosageInstruction=[{"timing": days, "doseAndRate": dose}])
    (request,) = drawn(order, builders.authorization(end="2026-11-30")).requests
    assert (request.course.doses, str(request.course.start)) == (1, "2026-12-10")


def test_the_days_asked_for_hold_every_dose() -> None:
    """Five weeks from the day of the order are over before the last of five doses from now on."""
    dose = [{"doseQuantity": builders.quantity("200 mg")}]
    weeks = {"boundsDuration": {"value": 5, "code": "wk"}}
    repeat = {**weeks, "frequency": 1, "period": 1, "periodUnit": "wk"}
    timing = {"timing": {"repeat": repeat}, "doseAndRate": dose}
    (request,) = drawn(authorizations.order(dosageInstruction=[timing])).requests
    assert str(request.course.end) == "2026-12-03"


def test_where_nobody_knows_who_pays_no_order_counts_as_covered() -> None:
    without = [one for one in authorizations.chart() if one["resourceType"] != "Coverage"]
    found = authorizations.drawn(without)
    assert found.covered == []
    (request,) = found.requests
    assert request.decides is not None
    assert (request.decides.requirement, request.decides.state) == ("coverage", "missing")


# Which orders


@pytest.mark.parametrize(
    "status", ["Active", {"coding": [{"code": "active"}]}, ["active"], "draft", "on-hold"]
)
def test_an_open_order_is_one_however_its_status_is_written(status: Any) -> None:
    found = drawn(authorizations.order(status=status))
    assert (len(found.requests), found.problems) == (1, [])


@pytest.mark.parametrize("status", ["unknown", "Sent to pharmacy", {"text": "Sent"}, 5, None])
def test_an_order_of_which_nobody_can_say_whether_it_is_open_is_named(status: Any) -> None:
    found = drawn(authorizations.order(status=status))
    assert found.requests == []
    (problem,) = found.problems
    assert problem.resource == "MedicationRequest/order"
    assert problem.problem.startswith("whether it is open can't be told")


@pytest.mark.parametrize("intent", ["proposal", "option"])
def test_what_somebody_thinks_of_is_no_order(intent: str) -> None:
    assert drawn(authorizations.order(intent=intent)).requests == []


def test_of_orders_that_are_one_the_newest_or_the_whole_is_asked_for() -> None:
    newer = authorizations.order(
        count=3, id="newer", priorPrescription={"reference": "MedicationRequest/order"}
    )
    (request,) = drawn(newer).requests
    assert request.course.doses == 3
    based = [{"reference": "MedicationRequest/order"}]
    parts = [authorizations.order(count=1, id=f"part-{n}", basedOn=based) for n in range(3)]
    (request,) = drawn(*parts).requests
    assert request.course.doses == 5
    (request,) = drawn(*parts, orders=frozenset({"MedicationRequest/part-1"})).requests
    assert request.course.doses == 1


def test_orders_that_name_each_other_are_not_lost() -> None:
    def names(order: str, of: str) -> Resource:
        return authorizations.order(id=order, basedOn=[{"reference": f"MedicationRequest/{of}"}])

    ring = [names("order", "a"), names("a", "b"), names("b", "order")]
    assert len(drawn(*ring).requests) == 3
    assert len(drawn(names("order", "order")).requests) == 1


def test_a_draft_replaces_nothing_yet() -> None:
    prior = {"reference": "MedicationRequest/order"}
    draft = authorizations.order(id="draft", status="draft", priorPrescription=prior)
    assert len(drawn(draft).requests) == 2


@pytest.mark.parametrize(
    "repeat",
    [
        {"count": 100, "frequency": 1, "period": 100, "periodUnit": "a"},
        {"count": 4, "frequency": 1, "period": 10**9, "periodUnit": "a"},
        {"count": 1000, "frequency": 1, "period": 0.0000001, "periodUnit": "s"},
    ],
)
def test_days_that_nobody_means_are_none(repeat: Resource) -> None:
    dose = [{"doseQuantity": builders.quantity("200 mg")}]
    instruction = {"timing": {"repeat": repeat}, "doseAndRate": dose}
    order = authorizations.order(dosageInstruction=[instruction])
    (request,) = drawn(order, builders.authorization(units=400, end="2035-12-31")).requests
    assert request.course.covered in (0, 2)


def test_of_more_doses_than_are_looked_at_none_counts_as_covered() -> None:
    long = authorizations.order(count=201)
    (request,) = drawn(long, builders.authorization(units=None, end="2035-12-31")).requests
    assert (request.course.doses, request.course.covered) == (1, 200)
    assert request.decides is not None
    assert request.decides.state == "incomplete"


def test_other_open_orders_of_the_drug_are_told() -> None:
    """As where each day of a course has an order of its own."""
    days = [authorizations.order(count=1, id=f"day-{number}") for number in range(2)]
    other = authorizations.order(count=1, id="other", text="Injectafer 200 mg")
    notes = [request.notes for request in drawn(*days, other).requests]
    said = "2 other orders of iron sucrose, still open, have requests of their own."
    assert sorted(notes) == [(), (said,), (said,), (said,)]


def test_problems_name_resources_of_the_chart_once() -> None:
    lost = authorizations.order(
        medicationReference={"reference": "Medication/gone", "display": "Venofer"}
    )
    del lost["medicationCodeableConcept"]
    names = [problem.resource for problem in drawn(lost).problems]
    assert set(names) == {"MedicationRequest/order"}
    assert len(drawn(lost).problems) == len(set(drawn(lost).problems))
