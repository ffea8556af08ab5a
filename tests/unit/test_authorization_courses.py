"""How many doses, how much, and of which nobody can say it."""

from typing import Any

import pytest

from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import doses, plan
from tests import authorizations, builders

Resource = dict[str, Any]
WEEKLY = {"frequency": 1, "period": 1, "periodUnit": "wk"}
WRONG_NPI = [{"system": authorizations.NPI, "value": "1598765431"}]
OF_ORDER = {"reference": "MedicationRequest/order"}


def instruction(dose: Any, count: int | None, **extra: Any) -> Resource:
    repeat = WEEKLY | ({"count": count} if count else {})
    said = dose if isinstance(dose, dict) else {"doseQuantity": builders.quantity(dose)}
    return {"timing": {"repeat": repeat}, "doseAndRate": [said], **extra}


def ordered(*instructions: Resource, **extra: Any) -> Resource:
    return authorizations.order(dosageInstruction=list(instructions), **extra)


def given(on: str, order: str | None = "order", **extra: Any) -> Resource:
    request = {"reference": f"MedicationRequest/{order}"} if order else None
    return builders.administration(
        id=f"on-{on}".replace(":", "-"), on=f"2026-{on}:00-05:00", request=request, **extra
    )


def to_come(*changes: Resource, **asked: Any) -> AuthorizationRequest:
    """The request of the chart's order."""
    found = authorizations.drawn(authorizations.chart(*changes), **asked)
    (request,) = (
        one
        for one in found.requests
        if one.course.order
        and one.course.order.source.resource == OF_ORDER["reference"]
        and not one.course.given
    )
    return request


# Of several amounts


def test_doses_of_several_amounts_are_counted_each() -> None:
    """As iron sucrose is labeled for peritoneal dialysis."""
    request = to_come(ordered(instruction("300 mg", 2), instruction("400 mg", 1)))
    assert doses(request).startswith("2 doses of 300 mg and 1 dose of 400 mg from Nov 5, 2026")
    course = request.course
    assert (course.doses, course.dose_units, course.units) == (3, None, 1000)
    assert request.lacking == authorizations.WITHOUT_PROVIDER


def test_those_that_were_given_are_the_first_of_them() -> None:
    order = ordered(instruction("400 mg", 1, sequence=2), instruction("300 mg", 2, sequence=1))
    request = to_come(order, given("11-01T09:00"), given("11-03T09:00"))
    assert (request.course.doses, request.course.units) == (1, 400)


@pytest.mark.parametrize(("in_all", "units"), [(8, 1300), (5, 1000), (None, None)])
def test_a_last_amount_without_a_count_takes_what_is_left(
    in_all: int | None, units: int | None
) -> None:
    order = ordered(instruction("200 mg", 5), instruction("100 mg", None))
    assert to_come(order, doses=in_all).course.units == units


def test_a_count_that_does_not_fit_the_instructions_says_nothing_of_each() -> None:
    order = ordered(instruction("300 mg", 2), instruction("400 mg", 1))
    request = to_come(order, doses=4)
    assert request.course.units is None
    assert any("how many doses" in text for text in request.lacking)


@pytest.mark.parametrize(
    "dose",
    [
        {"doseRange": {"low": builders.quantity("100 mg"), "high": builders.quantity("200 mg")}},
        {"doseQuantity": {"value": 7, "unit": "mg/kg"}},
        {"doseQuantity": builders.quantity("-200 mg")},
        {"doseQuantity": {"value": "200", "unit": "mg"}},
    ],
)
def test_what_is_no_dose_is_none_in_words_either(dose: Resource) -> None:
    request = to_come(ordered(instruction(dose, 5)))
    assert (request.course.units, request.course.dose_units) == (None, None)
    assert plan(request).startswith("iron sucrose, 5 doses from Nov 5, 2026")
    assert any(text.startswith("the dose as one amount") for text in request.lacking)


# Which doses were of the order


def test_two_records_of_a_day_are_one_dose() -> None:
    bags = (given("11-01T09:00", dose="100 mg"), given("11-01T10:00", dose="100 mg"))
    assert to_come(*bags).course.doses == 4


def test_doses_of_an_order_that_is_based_on_it_are_its_own() -> None:
    part = authorizations.order(id="part", status="completed", basedOn=[OF_ORDER])
    assert to_come(part, given("11-01T09:00", order="part")).course.doses == 4
    other = authorizations.order(id="other", status="completed")
    assert to_come(other, given("11-01T09:00", order="other")).course.doses == 5


def test_a_dose_that_names_no_order_is_of_the_only_one_that_covers_its_day() -> None:
    loose, before = given("11-01T09:00", order=None), given("10-01T09:00", order=None)
    request = to_come(loose, before)
    assert (request.course.doses, request.course.unsettled) == (4, ())


def test_of_two_orders_nobody_can_say_whose_it_was() -> None:
    other = authorizations.order(id="other", status="completed")
    request = to_come(other, given("11-01T09:00", order=None))
    assert request.course.doses == 5
    said = "of which order the doses of Nov 1, 2026 were (MedicationAdministration.request)"
    assert said in request.lacking


# Vials


@pytest.mark.parametrize(
    ("ndc", "dose", "says"),
    [
        (builders.VENOFER_200, "150 mg",
         "Vials of 200 mg, as the order names them, come to 1000 units, 250 of them discarded."),
        (None, "125 mg",
         "Whole vials come to 750 units at least, 125 of them discarded."),
        (None, "150 mg", ""),
        (builders.VENOFER_200, "200 mg", ""),
    ],
)  # fmt: skip
def test_what_vials_leave_is_told_beside_the_units(ndc: str | None, dose: str, says: str) -> None:
    coding = [builders.coding(builders.NDC, ndc)] if ndc else []
    drug = {"text": "Venofer", "coding": coding}
    order = ordered(instruction(dose, 5), medicationCodeableConcept=drug)
    request = to_come(order)
    mg = int(dose.partition(" ")[0])
    assert (request.course.dose_units, request.course.units) == (mg, 5 * mg)
    (said,) = request.notes or ("",)
    assert said.endswith(says)
    assert bool(said) == bool(says)


# What no request can do without


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (builders.patient(deceasedDateTime="2026-11-01"), "died on Nov 1, 2026"),
        (builders.patient(born="2030-01-01"), "was born on Jan 1, 2030"),
        (ordered(instruction("20000 mg", 5)), "20000 mg in one dose is above every dose"),
        (authorizations.order(doNotPerform="maybe"), '"maybe" (MedicationRequest.doNotPerform)'),
        (authorizations.order(intent="odd"), '"odd" (MedicationRequest.intent)'),
        (authorizations.order(authoredOn="yesterday"), '"yesterday" (authoredOn)'),
        (authorizations.doctor() | {"identifier": WRONG_NPI}, "check digit"),
        (authorizations.plan(payor=[{"display": "Zzz Trust"}], type=None), "who pays (A coverage"),
        (authorizations.plan(period={"start": "2020-01-01", "end": "2026-06-30"}),
         "who pays (No coverage is active on Nov 5, 2026"),
        (builders.commercial("Other Health", id="other"), "who pays (2 plans are active"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_right_lacks_something(change: Resource, says: str) -> None:
    assert says in " | ".join(to_come(change).lacking)


def test_a_medicare_number_has_its_form() -> None:
    medicare = builders.coverage(subscriberId="1EG4", relationship=authorizations.SELF)
    request = to_come(medicare, orders=frozenset({OF_ORDER["reference"]}))
    assert "a Medicare number of the right form (Coverage/coverage subscriberId)" in request.lacking


def test_a_coverage_that_ends_before_the_last_dose_is_told() -> None:
    ends = authorizations.plan(period={"start": "2020-01-01", "end": "2026-11-30"})
    assert to_come(ends).notes == ("The coverage ends on Nov 30, 2026, before Dec 23, 2026.",)


def test_what_is_left_of_an_order_is_another_request_than_the_whole() -> None:
    whole, rest = to_come(), to_come(given("11-01T09:00"))
    assert whole.id != rest.id
    first = authorizations.order(id="a", text="Injectafer 750 mg")
    assert to_come(first).id == whole.id
