"""The rule that decided is carried by what it decided: finding, gap, page and card say the same of
it."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from integration.wording import words
from integration.wording.policies import policy_rows
from mappings.assessment import PolicyRef
from mappings.policy import choosing
from mappings.policy.choosing import DosingRule, LabRule, PolicySet, PreferredRule
from mappings.policy.conditions import parse
from mappings.requirements.asking import asks, in_words
from tests.builders import Resource, assessed, commercial, condition, ferritin, tsat

LABORATORY = ("ferritin", "transferrin-saturation")
CHARTS = {
    "N18.4": [condition("N18.4")],
    "E11.22 alone": [condition("E11.22")],
    "I12.9 alone": [condition("I12.9")],
    "no kidney disease": [condition("K90.0")],
}


@pytest.mark.parametrize("changes", CHARTS.values(), ids=CHARTS)
@pytest.mark.parametrize("payer", ["Sunrise", "Centene", "BlueCross BlueShield of South Carolina"])
def test_a_card_never_contradicts_its_finding(changes: list[Resource], payer: str) -> None:
    found = assessed(
        commercial(payer), ferritin(700), tsat(45), *changes, without=["coverage", "ckd"]
    )
    gaps = [
        gap for gap in found.gaps if gap.requirement in LABORATORY and gap.state == "not-covered"
    ]
    assert gaps
    for gap in gaps:
        assert gap.asked
        assert gap.asked.limit
        assert f"({in_words(parse(gap.asked.limit))})" in gap.message
        kidneys = {
            "ckd": "in kidney disease",
            "not ckd": "without kidney disease",
            "not ckd and not pregnant": "where no kidney disease and not pregnant",
        }
        assert kidneys[gap.asked.when or ""] in words.payer_asks(gap, None)


def test_a_cause_of_kidney_disease_without_its_stage_is_kidney_disease() -> None:
    found = assessed(
        commercial(), ferritin(700), tsat(20), condition("E11.22"), without=["coverage", "ckd"]
    )
    gap = next(gap for gap in found.gaps if gap.requirement == "ferritin")
    assert gap.asked
    assert (gap.asked.when, gap.asked.limit, gap.asked.window_days) == (
        "ckd",
        "ferritin <= 500 and tsat <= 30",
        60,
    )
    said = words.payer_asks(gap, choosing.built_in().named(gap.decided_by))
    limit = "ferritin at most 500 ng/mL and transferrin saturation at most 30%"
    assert said == (
        "We ask this because a payer of this kind often wants"
        f" {limit}, within 60 days before each dose in kidney disease."
    )


def test_what_a_text_of_the_payer_says_the_payer_asks() -> None:
    """And what a policy that stands in takes from another payer's text, the payer does not."""
    for policy in choosing.built_in().policies:
        for requirement in policy_rows(policy):
            assert requirement.says.startswith("We ask this because") is not requirement.verified
            assert not (policy.stands_in and requirement.verified)


def test_every_gap_says_what_is_asked() -> None:
    for changes in CHARTS.values():
        found = assessed(
            *changes, without=["tsat", "ferritin", "order", "coverage", "intolerance", "ckd"]
        )
        assert all(gap.asked and gap.asked.says.endswith(".") for gap in found.gaps)


def test_a_limit_of_the_payer_is_told_from_that_of_the_label() -> None:
    assert asks("dosing", DosingRule(single_mg=500)) == "pays for at most 500 mg in one dose."  # type: ignore[arg-type]
    both = DosingRule(single_mg=1000, course_mg=1500, course_days=42)  # type: ignore[arg-type]
    assert asks("dosing", both) == (
        "pays for at most 1000 mg in one dose, and 1500 mg within 42 days."
    )
    assert asks("dosing", DosingRule()) == "compares the dose with the product's label."


def test_preferred_products_are_named() -> None:
    rule = PreferredRule(preferred=("J1756", "J2916"), tried=2, not_covered=("J1437",))
    assert asks("preferred-product", rule) == (
        "prefers iron sucrose (J1756), sodium ferric gluconate complex (J2916): 2 of them must"
        " be tried first; ferric derisomaltose (J1437) not at all."
    )
    looks_back = structs.replace(rule, lookback_days=180, not_covered=())
    assert asks("preferred-product", looks_back) == (
        "prefers iron sucrose (J1756), sodium ferric gluconate complex (J2916): 2 of them must"
        " be tried first, in the 180 days before."
    )


def test_a_payer_has_a_name_of_its_own() -> None:
    named = {
        policy.id: (policy.payer_name, words.payer(policy))
        for policy in choosing.built_in().policies
    }
    assert named["commercial-default"] == ("Commercial payer", "The payer")
    assert named["medicare-part-b"] == ("Medicare Part B", "Medicare Part B")


def test_the_very_version_that_decided_is_found() -> None:
    (policy,) = [policy for policy in choosing.built_in().policies if policy.id == "centene"]
    newer = structs.replace(policy, version="2027")
    both = PolicySet([policy, newer])
    assert both.named(PolicyRef("centene", policy.version)) == policy
    assert both.named(PolicyRef("centene", "2027")) == newer
    assert both.named(PolicyRef("centene", "1999")) is None


def test_each_rule_of_a_policy_is_shown_with_its_own_source() -> None:
    default = choosing.built_in().get("commercial-default")
    assert default
    requirements = [
        requirement for requirement in policy_rows(default) if requirement.requirement == "ferritin"
    ]
    assert [
        (requirement.asks.endswith("in kidney disease."), requirement.source)
        for requirement in requirements
    ] == [
        (True, "KDIGO 2012; the 60-day window is ours"),
        (False, "as BCBS SC CAM 334"),
    ]


AGAIN = {
    "who has kidney disease": r"""["'](N18|not ckd|ckd["'])""",
    "which laboratory rule spoke": r"requirements\.laboratory\b",
    "a title as data": (
        r"title\.(partition|split|removeprefix|removesuffix)|removeprefix\(\w+\.title|in"
        r" \w*\.?title\b"
    ),
}


@pytest.mark.parametrize("pattern", AGAIN.values(), ids=AGAIN)
def test_what_people_see_decides_nothing_again(pattern: str) -> None:
    folder = Path(__file__).parents[2] / "integration"
    found = [str(path) for path in folder.rglob("*.py") if re.search(pattern, path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("ckd", "in kidney disease"),
        ("not ckd and heart_failure", "where no kidney disease and heart failure"),
        ("ckd and not (esa and cancer)", "where kidney disease and (no ESA or not cancer)"),
        ("hb < 10", "where hemoglobin below 10 g/dL"),
    ],
)
def test_a_condition_is_said_in_words(when: str, words: str) -> None:
    rule = LabRule(window_days=60, on_record=("tsat",), when=when)
    assert asks("transferrin-saturation", rule).endswith(f"60 days before each dose {words}.")
