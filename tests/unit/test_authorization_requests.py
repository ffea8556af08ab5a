"""What a request for authorization says of a chart."""

import json
from typing import Any

import pytest

from mappings.assess import assess
from mappings.authorizing import copied
from mappings.authorizing.drawing import of_given
from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import MOST_LETTERS, doses, message, plan
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site
from mappings.values import systems
from tests import authorizations, builders

Resource = dict[str, Any]
NOW = authorizations.NOW
AT_EIGHT = "2026-10-12T08:00:00-04:00"
SITE = Site(time_zone="America/New_York")


def drawn(*changes: Resource, order: Resource | None = None, **extra: Any) -> AuthorizationRequest:
    """Of the chart's order, its next dose assessed as if it were given now."""
    asked = order or authorizations.order()
    found = authorizations.drawn(authorizations.chart(asked, *changes, **extra))
    (request,) = (one for one in found.requests if not one.course.given)
    return request


def _nothing(name: str) -> None:
    return None


def facts(request: AuthorizationRequest, about: str) -> list[str]:
    return [fact.says for fact in request.facts if fact.about == about]


def test_results_are_the_newest_before_the_dose_however_old() -> None:
    later = builders.ferritin(99, on="2026-11-20")
    older = builders.ferritin(20, on="2026-02-01")
    weight = builders.lab("29463-7", 80, "2026-06-01", "kg")
    request = drawn(later, older, weight)
    assert facts(request, "ferritin") == ["42 ng/mL on Oct 12, 2026"]
    assert facts(request, "weight") == ["80 kg on Jun 1, 2026"]
    assert facts(request, "hemoglobin") == []


def test_a_saturation_that_was_worked_out_names_both_parts() -> None:
    parts = (
        builders.lab("2498-4", 40, AT_EIGHT, "ug/dL"),
        builders.lab("2500-7", 400, AT_EIGHT, "ug/dL"),
    )
    request = drawn(*parts, without=("administration", "tsat"))
    (fact,) = (fact for fact in request.facts if fact.about == "transferrin saturation")
    assert fact.says.startswith("10% derived from iron 40 mcg/dL")
    assert len(fact.evidence) == 2


def test_iron_and_esas_of_the_year_before_are_told_the_newest_first() -> None:
    def before(on: str, **extra: Any) -> Resource:
        return builders.administration(id=f"on-{on}", on=f"{on}T09:00:00-05:00", **extra)

    given = [before("2026-03-02"), before("2025-12-01"), before("2025-11-04")]
    refused = before("2026-05-05", status="not-done")
    epoetin = builders.administration(
        id="esa",
        on="2026-10-01T09:00:00-04:00",
        text="Epoetin alfa 4000 units",
        dose=None,
        ndc=None,
    )
    request = drawn(*given, refused, epoetin)
    told = facts(request, "earlier IV iron")
    assert [text.partition(" on ")[2] for text in told] == ["Mar 2, 2026", "Dec 1, 2025"]
    assert facts(request, "ESA") == ["epoetin alfa on Oct 1, 2026"]
    assert message(request).count("earlier IV iron") == 2


def test_oral_iron_is_told_with_its_dates() -> None:
    course = builders.oral_iron(start="2026-05-01", end="2026-08-15")
    request = drawn(course)
    assert "oral iron, May 1, 2026 to Aug 15, 2026" in facts(request, "oral iron")
    assert "allergy or intolerance to oral iron" in facts(request, "oral iron")


def test_a_message_ends_with_a_whole_sentence() -> None:
    days = [(f"2026-{month:02}-01", f"2026-{month:02}-20") for month in range(1, 11)]
    courses = [builders.oral_iron(id=f"of-{start}", start=start, end=end) for start, end in days]
    said = message(drawn(*courses))
    assert len(said) <= MOST_LETTERS
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (5, "5 doses of 200 mg from Nov 5, 2026 to Dec 23, 2026"),
        (1, "1 dose of 200 mg on Nov 5, 2026"),
        (None, "doses of 200 mg from Nov 5, 2026"),
    ],
)
def test_doses_in_words(count: int | None, said: str) -> None:
    request = drawn(order=authorizations.order(count))
    assert doses(request) == said
    units = f", {200 * count} units" if count else ""
    assert plan(request) == f"iron sucrose, {said}: J1756{units}"


def test_a_dose_and_its_discard_are_asked_for_together() -> None:
    given = builders.administration(dose="150 mg", ndc=builders.VENOFER_200, discarded="50 mg")
    ((record,), _) = read(authorizations.chart(given, without=()), SITE)
    found = assess(record, choosing.built_in(), NOW, SITE)
    (request,) = of_given(found, record, SITE)
    course = request.course
    assert (course.doses, course.dose_units, course.units) == (1, 200, 200)
    assert course.given == ("MedicationAdministration/ma1",)
    assert course.start == course.end


def test_doses_of_two_amounts_have_no_amount_of_one_dose() -> None:
    small = builders.administration(id="ma2", dose="100 mg", on="2026-11-02T09:00:00-05:00")
    ((record,), _) = read(authorizations.chart(small, without=()), SITE)
    found = assess(record, choosing.built_in(), NOW, SITE)
    (request,) = of_given(found, record, SITE)
    course = request.course
    assert (course.doses, course.dose_units, course.units) == (2, None, 300)
    assert (str(course.start), str(course.end)) == ("2026-11-01", "2026-11-02")


def test_who_ordered_it_asks_else_who_attends() -> None:
    assert drawn().practitioner.npi == "1598765430"
    nobody = drawn(order=authorizations.order(requester=None))
    assert nobody.practitioner.npi is None
    assert any("who orders" in text for text in nobody.lacking)


def test_what_goes_to_a_payer_leads_nowhere() -> None:
    elsewhere = [{"url": "http://example.org", "valueString": "Z"}]
    quantity = {"value": 42, "unit": "ng/mL", "code": "ng/mL", "system": systems.UCUM}
    original = builders.ferritin(
        note=[{"text": "Z"}],
        encounter={"reference": "Encounter/Z"},
        performer=[{"reference": "Practitioner/Z"}],
        valueQuantity={**quantity, "extension": elsewhere},
        referenceRange=[{"low": {"value": 11}, "text": "Z", "extension": elsewhere}],
        interpretation=[{"text": "Z"}],
    )
    made = copied.result(original, "x", "ferritin 42 ng/mL")
    assert "Z" not in json.dumps(made)
    assert made["valueQuantity"] == quantity
    assert made["referenceRange"] == [{"low": {"value": 11}}]


def test_of_words_and_of_panels_goes_what_was_read() -> None:
    said = builders.ferritin(valueQuantity=None, valueString="42 ng/mL, call Dr. Z")
    other = {"code": {"text": "another test"}, "valueString": "Z"}
    panel = builders.ferritin(valueQuantity=None, component=[other])
    for original in (said, panel):
        made = copied.result(original, "x", "ferritin 42 ng/mL on Oct 12, 2026")
        assert made["valueString"] == "ferritin 42 ng/mL on Oct 12, 2026"
        assert "Z" not in json.dumps(made)


def test_of_an_order_goes_how_much_how_often_and_nothing_that_people_wrote() -> None:
    dose = {"doseQuantity": {"value": 2, "unit": "vial", "system": systems.UCUM, "code": "vial"}}
    bounds = {"boundsPeriod": {"start": "2026-11-01", "end": "2026-12-01"}}
    weekly = {"frequency": 1, "period": 1, "periodUnit": "wk"}
    instruction = {
        "text": "Z",
        "patientInstruction": "Z",
        "timing": {"event": ["soon", None], "repeat": {**bounds, **weekly, "count": "5"}},
        "doseAndRate": [dose, None],
    }
    original = builders.order(dosageInstruction=[instruction, None], note=[{"text": "Z"}])
    made = copied.order(original, "x", _nothing)
    assert made is not None
    assert made["dosageInstruction"] == [
        {
            "timing": {"repeat": weekly},
            "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "vial"}}],
        }
    ]
    assert "Z" not in json.dumps(made)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": "draft"},
        {"status": ["active"]},
        {"intent": "plan"},
        {"intent": {}},
        {"authoredOn": None},
        {"authoredOn": "2026-10-20T10:00"},
        {"medicationCodeableConcept": {}},
    ],
)
def test_an_order_that_a_payer_does_not_take_does_not_go(fault: Resource) -> None:
    assert copied.order(builders.order(intent="filler-order"), "x", _nothing) is not None
    assert copied.order(builders.order(**fault), "x", _nothing) is None
