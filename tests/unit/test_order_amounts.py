"""The amounts that an order asks for, or allows: by weight, as a range, in a sequence, in words."""

import time
from typing import Any

import pytest

from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import plan
from tests import authorizations, builders

Resource = dict[str, Any]
WEEKLY = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}
THREE = {"repeat": {"count": 3}}
WEIGHT = builders.lab("weight", 70, on="2026-10-30")


def dosed(said: Resource, **more: Any) -> Resource:
    return {"timing": THREE, "doseAndRate": [said], **more}


def of(value: float, unit: str = "mg") -> Resource:
    return {"value": value, "unit": unit}


def mg(value: float, **more: Any) -> Resource:
    return dosed({"doseQuantity": of(value)}, **more)


def by_weight(value: float, **more: Any) -> Resource:
    return dosed({"doseQuantity": of(value, "mg/kg")}, **more)


def asked(*instructions: Resource, chart: tuple[Resource, ...] = (WEIGHT,)) -> AuthorizationRequest:
    order = authorizations.order(dosageInstruction=list(instructions))
    found = authorizations.drawn(authorizations.chart(order, *chart)).requests
    (request,) = [one for one in found if not one.course.given]
    return request


def dosing(request: AuthorizationRequest) -> str:
    (found,) = [one.state for one in request.criteria if one.requirement == "dosing"]
    return found


def test_a_dose_by_weight_is_what_it_comes_to() -> None:
    request = asked(by_weight(3))
    assert plan(request).startswith("iron sucrose, 3 doses of 210 mg from Nov 5, 2026")
    assert request.course.units == 630
    assert "The dose is by weight: 3 mg/kg × 70 kg." in request.notes


@pytest.mark.parametrize(
    "chart",
    [
        (),
        (builders.lab("weight", 70, on="2025-10-30"),),
        (WEIGHT, builders.lab("weight", 7, on="2026-11-01", unit="stone")),
    ],
    ids=["no weight", "an old one", "a newer one that is not read"],
)
def test_without_a_weight_it_is_no_dose(chart: tuple[Resource, ...]) -> None:
    request = asked(by_weight(3), chart=chart)
    assert request.course.units is None
    assert "the dose as one amount (dosageInstruction.doseAndRate of the order)" in request.lacking
    assert not any("by weight" in note for note in request.notes)


def test_it_is_no_more_than_the_most_that_a_dose_may_be() -> None:
    request = asked(by_weight(3, maxDosePerAdministration=of(200)))
    assert request.course.units == 600
    assert "The dose is by weight: 3 mg/kg × 70 kg, at most 200 mg." in request.notes


def test_a_range_is_no_dose_and_its_ends_are_held_against_the_label() -> None:
    ends = {"doseRange": {"low": of(200), "high": of(2000)}}
    request = asked(dosed(ends))
    assert request.course.units is None
    assert dosing(request) == "contradicted"
    assert any("2000 mg in one dose" in lack for lack in request.lacking)
    assert dosing(asked(dosed(ends, maxDosePerAdministration=of(300)))) == "not-applicable"


def test_a_later_dose_is_held_against_the_label_as_well() -> None:
    request = asked(mg(2000, sequence=2), mg(200, sequence=1))
    assert plan(request).startswith("iron sucrose, 3 doses of 200 mg and 3 doses of 2000 mg")
    assert dosing(request) == "contradicted"


def test_of_very_many_amounts_the_largest_are_looked_at() -> None:
    began = time.monotonic()
    assert dosing(asked(*(mg(value, sequence=value) for value in (*range(1, 400), 2000)))) == (
        "contradicted"
    )
    assert time.monotonic() - began < 10


def test_the_next_dose_is_that_of_the_instruction_whose_turn_it_is() -> None:
    first = mg(300, sequence=1)
    then = {"sequence": 2, "timing": WEEKLY, "doseAndRate": [{"doseQuantity": of(100)}]}
    given = [
        builders.administration(
            f"g{day}",
            on=f"2026-10-2{day}T09:00:00-04:00",
            request={"reference": "MedicationRequest/order"},
        )
        for day in (1, 2, 3)
    ]
    assert "doses of 300 mg" in plan(asked(first, then))
    assert "doses of 100 mg" in plan(asked(first, then, chart=tuple(given)))


def test_words_beside_the_dose_are_no_other_dose() -> None:
    words = {"sequence": 1, "text": "Premedicate as ordered"}
    request = asked(words, mg(200, sequence=2))
    assert (request.course.dose_units, request.course.doses) == (200, 3)


def test_the_most_alone_and_a_rate_are_no_dose() -> None:
    for said in ({}, {"rateQuantity": of(100, "mg/h")}):
        assert asked(dosed(said, maxDosePerAdministration=of(200))).course.units is None


def test_before_r4_the_dose_stands_in_the_instruction() -> None:
    assert asked({"timing": THREE, "doseQuantity": of(200)}).course.units == 600


@pytest.mark.parametrize(
    ("timing", "text", "doses"),
    [
        (WEEKLY, "200 mg IV weekly x5 doses", 5),
        (WEEKLY, "200 mg weekly for 3 infusions", 3),
        (WEEKLY, "200 mg weekly × 4 treatments", 4),
        (WEEKLY, "x2 doses, then x3 doses", None),
        (WEEKLY, "200 mg weekly x5", None),
        (THREE, "200 mg x5 doses", None),
        (THREE, "200 mg x3 doses", 3),
        ({"repeat": {**WEEKLY["repeat"], "boundsDuration": {"value": 6, "code": "wk"}}},
         "200 mg weekly x5 doses", 5),
    ],
)  # fmt: skip
def test_how_many_in_words(timing: Resource, text: str, doses: int | None) -> None:
    assert asked(mg(200) | {"timing": timing, "text": text}).course.doses == doses
