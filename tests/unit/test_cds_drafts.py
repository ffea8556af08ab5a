"""What cards say of drafts: each as its own next dose, and nothing that the chart may well hold."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any

import pytest

from integration.assessing.clients import policies_for
from integration.cds import advice, evidence
from integration.cds.evidence import KnownChart
from integration.configuration.site import Site
from mappings.values import own_names
from tests.builders import (
    CPT,
    FERAHEME,
    LOINC,
    Resource,
    administration,
    chart,
    coding,
    commercial,
    condition,
    coverage,
    dispense,
    document_of,
    encounter,
    ferritin,
    lab,
    oral_iron,
    order,
    pas_answer,
    pas_request,
    patient,
    tsat,
)

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
RECENT = "2026-11-20"
FRESH = (ferritin(on=RECENT), tsat(on=RECENT))
SITE = Site(name="general", base_url="https://ehr.example.org/fhir", time_zone="America/New_York")
DRAFT = order("draft1", status="draft", on="2026-12-01")


def prefetch(resources: Sequence[Resource], without: Sequence[str] = ()) -> Resource:
    """As an EHR answers all that is asked for."""
    answers: Resource = {}
    for name, template in evidence.PREFETCH.items():
        kind = template.partition("?")[0].partition("/")[0]
        entries = [{"resource": one} for one in resources if one["resourceType"] == kind]
        if name not in without:
            answers[name] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    return answers


def cards(
    resources: Sequence[Resource],
    *drafts: Resource,
    without: Sequence[str] = (),
    also: Resource | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """ALSO: further answers of the prefetch."""
    found, missing = evidence.prefetched(prefetch(resources, without) | (also or {}), "p1")
    known = KnownChart(tuple(found), frozenset(missing))
    orders = drafts or (DRAFT,)
    return advised(known, orders, **more).cards


def advised(known: KnownChart, orders: Sequence[Resource], **more: Any) -> advice.Advice:
    return advice.advise(SITE, policies_for(SITE), known, "p1", orders, NOW, "https://x", **more)


def topics(made: list[dict[str, Any]]) -> list[str]:
    """The requirements that the cards are about."""
    return [topic for card in made for topic in card["extension"][own_names.REQUIREMENT]]


def bare(*changes: Resource, without: Sequence[str] = ()) -> list[Resource]:
    """A chart without a dose."""
    return chart(*changes, without=["administration", *without])


# Each draft is a dose of its own


def test_several_orders_are_not_one_course() -> None:
    monoferric = [
        order(f"d{number}", text="Monoferric", dose="1000 mg", status="draft") for number in (1, 2)
    ]
    assert cards(bare(*FRESH), *monoferric) == []


def test_two_irons_are_not_taken_for_each_other() -> None:
    plan = commercial("UnitedHealthcare")
    injectafer = order("d2", text="Injectafer", dose="750 mg", status="draft")
    made = cards(bare(plan, *FRESH, without=["coverage"]), DRAFT, injectafer)
    assert topics(made) == ["preferred-product", "prior-authorization"]
    assert all(card["summary"].startswith("Injectafer: ") for card in made)


def test_a_dose_of_today_is_not_the_one_that_is_ordered() -> None:
    """A reaction to one iron, and the order of another; the second of two doses."""
    given = administration(on="2026-12-01T08:00:00-05:00")
    other = order("d", text="Injectafer", dose="750 mg", status="draft")
    assert cards(chart(*FRESH, given), other) == []
    first = administration(
        on="2026-12-01T08:00:00-05:00", text="Feraheme", ndc=FERAHEME, dose="510 mg"
    )
    second = order("d", text="Feraheme", dose="510 mg", status="draft")
    assert cards(chart(*FRESH, first), second) == []


def test_an_order_for_a_later_day_is_held_against_that_day() -> None:
    later = DRAFT["dosageInstruction"][0] | {
        "timing": {"repeat": {"boundsPeriod": {"start": "2027-03-15"}, "frequency": 1}}
    }
    (card,) = cards(bare(*FRESH), DRAFT | {"dosageInstruction": [later]})
    assert "before Mar 15, 2027; the last one is from Nov 20, 2026" in card["summary"]
    tests = [action["resource"] for action in card["suggestions"][0]["actions"]]
    assert {test["occurrenceDateTime"] for test in tests} == {"2027-03-15"}


# Nothing is missing of a dose that is not billed apart

STAY = encounter("stay", klass="IMP", status="in-progress", period={"start": "2026-11-29"})
IN_STAY = DRAFT | {"encounter": {"reference": "Encounter/stay"}}
LACKING = ("ferritin", "tsat", "intolerance")


def test_an_inpatients_dose_lacks_no_paper() -> None:
    assert cards(bare(STAY, without=LACKING), IN_STAY) == []
    assert cards(bare(STAY, without=LACKING), visit="stay") == []
    papers = ["ferritin", "transferrin-saturation", "oral-iron-history"]
    assert topics(cards(bare(without=LACKING))) == papers


def test_a_visit_that_is_not_here_may_be_a_stay() -> None:
    resources = bare(STAY, ferritin(950, on=RECENT), without=LACKING)
    assert topics(cards(resources, IN_STAY, without=["encounters"])) == ["iron-overload"]
    assert topics(cards(resources, without=["encounters"], visit="stay")) == ["iron-overload"]


def test_who_is_in_the_hospital_now_is_not_for_that_next_month() -> None:
    later = DRAFT["dosageInstruction"][0] | {
        "timing": {"repeat": {"boundsPeriod": {"start": "2026-12-28"}, "frequency": 1}}
    }
    draft = IN_STAY | {"dosageInstruction": [later]}
    assert topics(cards(bare(STAY, without=["ferritin"]), draft)) == ["ferritin"]


# What is not here is not missing

CHILD = patient(born="2019-03-01")
SILENT: dict[str, list[Resource]] = {
    "complete": bare(*FRESH),
    "in dialysis": bare(
        *FRESH, condition("N18.6"), condition("Z99.2"), without=["ckd", "intolerance"]
    ),
    "trial": bare(*FRESH, oral_iron("2026-05-01", "2026-08-30"), without=["intolerance"]),
    "child": bare(*FRESH, CHILD, lab("weight", 120, on=RECENT)),
    "authorized": bare(
        commercial(),
        ferritin(200, on=RECENT),
        tsat(25, on=RECENT),
        pas_answer(start="2026-11-01", end="2027-02-01"),
        without=["coverage"],
    ),
}
UNHEARD = [name for name in evidence.PREFETCH if name != "patient"]


@pytest.mark.parametrize("name", UNHEARD)
@pytest.mark.parametrize("resources", SILENT.values(), ids=list(SILENT))
def test_what_was_not_sent_makes_no_card(resources: list[Resource], name: str) -> None:
    draft = order("d", dose="50 mg", status="draft")
    assert cards(resources, draft) == []
    assert cards(resources, draft, without=[name]) == []


def test_dialysis_may_be_known_from_visits_alone() -> None:
    chair = encounter(
        "chair",
        location=None,
        type=[{"coding": [coding(CPT, "90935")]}],
        period={"start": "2026-11-25", "end": "2026-11-25"},
    )
    resources = bare(*FRESH, condition("N18.6"), chair, without=["ckd", "intolerance"])
    small = order("d", dose="100 mg", status="draft")
    assert cards(resources, small) == []
    assert cards(resources, small, without=["encounters"]) == []


def test_a_limit_rests_on_more_than_results() -> None:
    """A ferritin of 200 is outside what is asked without kidney disease."""
    resources = bare(
        commercial(), ferritin(200, on=RECENT), tsat(25, on=RECENT), without=["coverage"]
    )
    assert cards(resources) == []
    assert cards(resources, without=["conditions"]) == []


def test_a_preferred_product_is_tried_by_giving_it() -> None:
    plan, earlier = commercial("UnitedHealthcare"), administration(on="2026-10-01T09:00:00-05:00")
    draft = order("d", text="Feraheme", dose="510 mg", status="draft")
    resources = chart(plan, *FRESH, earlier, without=["coverage"])
    assert topics(cards(resources, draft)) == ["prior-authorization"]
    assert topics(cards(resources, draft, without=["administrations"])) == ["prior-authorization"]


def test_oral_iron_may_be_dispensed_alone() -> None:
    handed = dispense(
        on="2026-09-01",
        medicationCodeableConcept={"text": "ferrous sulfate 325 mg"},
        quantity={"value": 90, "unit": "tablet"},
        daysSupply={"value": 90, "unit": "d"},
    )
    resources = bare(*FRESH, handed, without=["intolerance"])
    assert cards(resources) == []
    assert cards(resources, without=["dispenses"]) == []
    assert topics(cards(bare(*FRESH, without=["intolerance"]))) == ["oral-iron-history"]


@pytest.mark.parametrize("is_included", [True, False])
def test_a_drug_that_is_named_by_reference_alone(is_included: bool) -> None:
    taken = oral_iron("2026-06-01", "2026-10-30", medicationCodeableConcept=None)
    taken["medicationReference"] = {"reference": "Medication/m9"}
    drug = {"resourceType": "Medication", "id": "m9", "code": {"text": "ferrous sulfate 325 mg"}}
    answers = prefetch(bare(*FRESH, taken, without=["intolerance"]))
    if is_included:
        answers["statements"]["entry"].append({"resource": drug})
    assert cards([], also=answers) == []


def test_a_childs_weight_is_no_laboratory_result() -> None:
    child = patient(born="2019-03-01")
    draft = order("d", text="Venofer", dose="50 mg", status="draft")
    assert topics(cards(bare(*FRESH, child), draft)) == ["dosing"]
    assert cards(bare(*FRESH, child), draft, without=["weights"]) == []
    weight = lab("weight", 120, on=RECENT)
    assert cards(bare(*FRESH, child, weight), draft) == []


def test_whose_request_an_authorization_answers_is_in_the_request() -> None:
    plans = [commercial("UnitedHealthcare", order=1), coverage("5", "Aetna", id="c2", order=2)]
    approved = pas_answer(code="J1439", units=2000, start="2026-11-01", end="2027-02-01")
    resources = bare(*plans, *FRESH, approved, pas_request(code="J1439"), without=["coverage"])
    draft = order("d", text="Injectafer", dose="750 mg", status="draft")
    assert topics(cards(resources, draft)) == ["preferred-product"]
    assert topics(cards(resources, draft, without=["authorizationRequests"])) == [
        "preferred-product"
    ]


@pytest.mark.parametrize(
    ("subject", "is_known"),
    [
        ({"reference": "Patient/p1/_history/3"}, True),
        ({"reference": "https://ehr.example.org/fhir/Patient/p1"}, True),
        ({"identifier": {"value": "p1"}}, False),
        ({"display": "Ada"}, False),
    ],
)
def test_a_result_of_nobody_in_particular_may_be_the_patients(
    subject: Resource, is_known: bool
) -> None:
    result = lab("ferritin", 40, on=RECENT, subject=subject)
    resources = bare(result, tsat(on=RECENT), without=["ferritin"])
    assert cards(resources) == []
    found, missing = evidence.prefetched(prefetch(resources), "p1")
    assert (result in found) is is_known
    assert ("Observation" in missing) is not is_known


# What a clinician can do about it


def service(code: str | None = None, text: str | None = None, **more: Any) -> Resource:
    concept = {"coding": [coding(LOINC, code)]} if code else {"text": text}
    return {"resourceType": "ServiceRequest", "id": f"s-{code or text}", "code": concept} | more


@pytest.mark.parametrize(
    ("tests", "open_"),
    [
        ([service("20567-4"), service("50190-8")], []),
        ([service(text="Ferritin"), service(text="Iron/TIBC")], []),
        ([service(text="Ferritin, serum"), service("2498-4"), service("2500-7")], []),
        ([service("2276-4"), service("2498-4")], ["transferrin-saturation"]),
        ([service("2276-4", status="revoked"), service("2502-3")], ["ferritin"]),
    ],
)
def test_what_is_ordered_in_the_same_dialog_is_no_news(
    tests: list[Resource], open_: list[str]
) -> None:
    assert topics(cards(bare(without=["ferritin", "tsat"]), DRAFT, *tests)) == open_


def test_a_result_outside_the_limit_is_not_ordered_again() -> None:
    resources = bare(
        commercial(), ferritin(700, on=RECENT), tsat(45, on=RECENT), without=["coverage"]
    )
    made = cards(resources, DRAFT, service("2276-4"))
    assert topics(made) == ["ferritin", "transferrin-saturation"]
    assert "suggestions" not in made[0]


def test_a_summary_ends_where_a_sentence_does() -> None:
    resources = bare(
        commercial(), ferritin(700, on=RECENT), tsat(45, on=RECENT), without=["coverage"]
    )
    summary = cards(resources)[0]["summary"]
    assert len(summary) < 140
    assert summary.endswith(").")


ODD = (None, 7, "x", [None], {"a": 1}, {"reference": 7}, ["x", {}])


def elements_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            yield from elements_of(part, (*path, name))


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_no_odd_element_of_a_draft_is_a_fault(odd: Any) -> None:
    visit = {"encounter": {"reference": "Encounter/encounter"}}
    drafts: Any = [DRAFT | visit, service("2276-4", status="draft")]
    for *way, last in elements_of(drafts):
        bent = deepcopy(drafts)
        home = bent
        for step in way:
            home = home[step]
        home[last] = odd
        orders = [one | {"id": str(one.get("id"))} for one in bent if isinstance(one, dict)]
        assert isinstance(cards(bare(without=["ferritin"]), *orders), list)


# Doses already given


def view(resources: Sequence[Resource], today: date) -> list[dict[str, Any]]:
    (found,) = document_of(list(resources), datetime(2026, 11, 23, 23, tzinfo=UTC)).patients
    return advice.open_issues(found, {}, "https://x", today)


def test_an_old_dose_is_no_warning_each_time_the_chart_is_opened() -> None:
    resources = chart(ferritin(950, on="2026-10-12"), without=["ferritin"])
    assert topics(view(resources, date(2027, 1, 30))) == ["iron-overload"]
    assert view(resources, date(2027, 1, 31)) == []


def test_what_may_be_too_late_to_bill_is_not_asked_of_a_clinician() -> None:
    """A dose beyond the filing limit of a plan of which nobody confirmed it, and one in time."""
    plan, result = commercial(), ferritin(40, on="2026-04-20")
    old = administration("old", on="2026-05-01T09:00:00-04:00", discarded=None)
    made = view(chart(plan, result, old, without=["coverage", "tsat"]), date(2026, 11, 23))
    assert [card["summary"].partition(" dose")[0] for card in made] == ["1 iron"]
    only_old = administration(on="2026-05-01T09:00:00-04:00")
    assert (
        view(chart(plan, result, only_old, without=["coverage", "tsat"]), date(2026, 11, 23)) == []
    )
