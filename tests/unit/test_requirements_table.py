"""R10's table: each requirement's scope, predicted denial and whether a person may waive it; each
row is whole, and has a function."""

from types import ModuleType

import pytest

from mappings import codes
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.codes.published.x12_lists import predicted_denials
from mappings.codes.requirement import Requirement
from mappings.requirements.checks import _public, check_of
from mappings.requirements.result import Result

# id: scope, predicted denial, waivable (rules R10).
TABLE = {
    "service-date": ("administration", "16", False),
    "product": ("administration", "16 N846", False),
    "dose": ("administration", "16 M123", False),
    "ndc": ("administration", "16 M119", True),
    "discarded-amount": ("administration", "16 N822", False),
    "iron-deficiency-diagnosis": ("patient", "11", True),
    "ckd-diagnosis": ("patient", "188", True),
    "anemia-ckd-link": ("patient", "50", True),
    "ferritin": ("patient", "252 N395", True),
    "transferrin-saturation": ("patient", "252 N395", True),
    "hemoglobin": ("patient", "252 N796", True),
    "treatment-plan": ("patient", "252 N706", True),
    "oral-iron-history": ("patient", "50", True),
    "coverage": ("administration", "", False),
    "prior-authorization": ("patient", "197", False),
    "place-of-service": ("administration", "58 N428", False),
    "esrd-consolidated-billing": ("administration", "109 N538", False),
    "timely-filing": ("administration", "29", True),
    "progress-note": ("patient", "252 N710", True),
    "preferred-product": ("patient", "B8", True),
    "drug-source": ("administration", "96 N773", False),
    "units-limit": ("administration", "151 N362", True),
    "dosing": ("administration", "153", True),
    "iron-overload": ("patient", "50", True),
    "infusion-time": ("administration", "16 N443", True),
}
BY_STATE = {
    ("prior-authorization", "expired"): "302",
    ("prior-authorization", "not-covered"): "198",
    ("ferritin", "not-covered"): "50",
    ("transferrin-saturation", "not-covered"): "50",
    ("hemoglobin", "not-covered"): "50",
    ("place-of-service", "missing"): "16 M77",
}
BY_CAUSE = {
    ("service-date", "died-before"): "13",
    ("service-date", "born-after"): "14",
    ("coverage", "another-pays-first"): "22",
    ("prior-authorization", "not-approved"): "197",
    ("prior-authorization", "of-another-code"): "284",
}
# X12: deactivated codes that old tables still carry (iron-billing s. 8).
DEACTIVATED = {"15", "17", "57", "62", "N29", "N38", "N41"}


def said(carc: str | None, rarc: tuple[str, ...]) -> str:
    return " ".join([carc or "", *rarc]).strip()


def test_the_table() -> None:
    assert {
        requirement.id: (
            requirement.scope,
            said(requirement.carc, requirement.rarc),
            requirement.waivable,
        )
        for requirement in codes.requirements().values()
    } == TABLE


def test_where_a_state_predicts_another_denial() -> None:
    found = {
        (requirement.id, state): said(denial.carc, denial.rarc)
        for requirement in codes.requirements().values()
        for state, denial in requirement.denial_by_state.items()
    }
    assert found == BY_STATE


def test_where_what_was_found_predicts_another_denial() -> None:
    found = {
        (requirement.id, cause): said(denial.carc, denial.rarc)
        for requirement in codes.requirements().values()
        for cause, denial in requirement.denial_by_cause.items()
    }
    assert found == BY_CAUSE


def test_every_denial_that_may_be_foretold_is_looked_up_in_a_list_of_x12() -> None:
    predicted = predicted_denials(codes.built_in())
    assert {"13", "14", "22", "284", "302", "M77", "N395"} <= set(predicted)
    assert not DEACTIVATED & set(predicted)


@pytest.mark.parametrize("requirement", codes.requirements().values(), ids=lambda found: found.id)
def test_a_row_is_whole(requirement: Requirement) -> None:
    """It is decided, and has words for everybody who reads it."""
    assert check_of(requirement.id)
    assert requirement.title
    assert requirement.asks.endswith(".")
    assert requirement.fix.endswith(".")
    assert requirement.rests_on or requirement.group in (None, "product", "safety")
    assert set(requirement.rests_on) <= codes.requirement_table().resources.keys()
    assert (requirement.group == "safety") == (requirement.severity != "low")
    assert requirement.carc or requirement.id == "coverage"


def test_safety_is_not_paperwork() -> None:
    severities = {
        requirement.id: requirement.severity
        for requirement in codes.requirements().values()
        if requirement.severity != "low"
    }
    assert severities == {"dosing": "moderate", "iron-overload": "moderate"}
    assert {
        requirement.id for requirement in codes.requirements().values() if not requirement.blocking
    } == set(severities)


def test_what_is_asked_of_a_dose_of_which_little_is_known() -> None:
    asked = {
        known: [row.id for row in rows]
        for known, rows in codes.requirement_table().answerable.items()
    }
    assert asked[frozenset()] == ["service-date", "product"]
    assert asked[frozenset({"product"})] == ["service-date", "product", "dose"]
    assert set(asked[frozenset({"product", "day"})]) == set(TABLE)


def test_a_check_is_a_public_function_of_its_module_that_gives_a_result() -> None:
    def of_the_dose(charge: Charge) -> Result:
        return Result(state="met", says=str(charge))

    def of_its_neighbors(charge: Charge, neighbors: Neighbors) -> Result | None:
        return Result(state="met", says=f"{charge} beside {neighbors}")

    def helper(_: Charge) -> str:
        return ""

    module = ModuleType("ours")
    theirs = {"imported": check_of, "Result": Result, "LIMIT": 9}
    ours = [of_the_dose, helper, of_its_neighbors]
    for function in ours:
        function.__module__ = "ours"
    named = {function.__name__: function for function in ours}
    vars(module).update(theirs, _hidden=of_the_dose, **named)
    assert dict(_public(module)) == {
        "of_the_dose": (of_the_dose, True),
        "of_its_neighbors": (of_its_neighbors, False),
    }
