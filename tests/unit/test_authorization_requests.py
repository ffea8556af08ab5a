"""What a request for authorization says of a chart."""

from datetime import datetime
from typing import Any

import pytest
from msgspec import structs

from integration.assessing import planning
from mappings.assess import assess
from mappings.authorizing.copied import copied
from mappings.authorizing.request import AuthorizationRequest, of_given, of_order
from mappings.authorizing.summary import MOST_LETTERS, doses, message, plan
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site
from tests import authorizations, builders

Resource = dict[str, Any]
NOW = datetime.fromisoformat(authorizations.AS_OF)
PLANNED = "MedicationAdministration/planned"
AT_EIGHT = "2026-10-12T08:00:00-04:00"
SITE = Site(time_zone="America/New_York")


def drawn(*changes: Resource, order: Resource | None = None, **extra: Any) -> AuthorizationRequest:
    """Of the chart's order, its next dose assessed as if it were given now."""
    asked = order or authorizations.order()
    given = planning.as_given(asked, "Patient/p1", "planned", NOW)
    parts = planning.visit_at(given, "11")
    resources = authorizations.chart(asked, *parts, *changes, **extra)
    ((record,), _) = read(resources, SITE)
    found = assess(record, choosing.built_in(), NOW, SITE)
    (read_order,) = (one for one in record.orders if one.source.resource.endswith("/order"))
    request = of_order(read_order, PLANNED, found, record, SITE)
    assert request is not None
    return request


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


def test_an_order_of_which_all_was_given_is_over() -> None:
    request = drawn(order=authorizations.order(count=1))
    assert request.is_open
    assert not structs.replace(request, course=structs.replace(request.course, doses=0)).is_open


def test_what_goes_to_a_payer_leads_nowhere() -> None:
    result = builders.ferritin(
        note=[{"text": "call me"}],
        encounter={"reference": "Encounter/encounter"},
        performer=[{"reference": "Practitioner/doctor"}],
    )
    made = copied(result, "x")
    assert made is not None
    assert made["id"] == "x"
    assert {"note", "encounter", "performer", "subject", "extension"} & set(made) == set()
    assert made["valueQuantity"] == result["valueQuantity"]
    assert copied(builders.note(), "x") is None
