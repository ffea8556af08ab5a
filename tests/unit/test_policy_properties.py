"""What must hold for any chart and any policy: stricter is never looser, and less evidence never
makes a held line ready."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.assessment import WORST_FIRST, PatientAssessment
from mappings.policy import choosing
from mappings.policy.choosing import (
    DosingRule,
    DrugSourceRule,
    LabRule,
    NoteRule,
    OralIronRule,
    OverloadRule,
    Policy,
    PolicySet,
    UnitsRule,
)
from tests import builders
from tests.builders import Resource

COVERAGES = {
    "medicare-part-b": {"sopt": "121", "payor": "Medicare"},
    "medicare-advantage-default": {"sopt": "11", "payor": "Sunrise"},
    "commercial-default": {"sopt": "5", "payor": "Sunrise"},
    "centene": {"sopt": "5", "payor": "Ambetter"},
    "bcbs-south-carolina": {"sopt": "6", "payor": "BCBS SC"},
    "uhc-commercial": {"sopt": "5", "payor": "UHC"},
    "medicaid-default": {"sopt": "2", "payor": "State Medicaid"},
}
DAY = builders.AS_OF.date().replace(day=1)


def drawn(days: int) -> str:
    return str(DAY - timedelta(days=days))


ages = st.sampled_from([0, 14, 59, 60, 61, 89, 90, 91, 200])


def results(analyte: str, values: list[int]) -> st.SearchStrategy[list[Resource]]:
    """Up to two results of an analyte, at limits and at the edges of windows."""
    drawn_values = st.lists(st.tuples(st.sampled_from(values), ages), max_size=2)
    return drawn_values.map(
        lambda found: [
            builders.lab(analyte, value, on=drawn(age), id=f"{analyte}-{number}")
            for number, (value, age) in enumerate(found)
        ]
    )


def complete(payer: str) -> dict[str, list[Resource]]:
    """A chart by kinds of evidence, in which no payer misses anything."""
    return {
        "administration": [builders.administration()],
        "patient": [builders.patient()],
        "encounter": [builders.encounter()],
        "location": [builders.location()],
        "coverage": [builders.coverage(**COVERAGES[payer])],
        "order": [builders.order()],
        "oral iron": [builders.oral_iron(drawn(120), drawn(20))],
        "note": [builders.note(drawn(14))],
        "authorization": [builders.authorization()],
        "iron deficiency": [builders.condition("D50.9")],
        "ferritin": [builders.ferritin(12)],
        "tsat": [builders.tsat(15)],
        "hb": [builders.lab("hemoglobin", 11)],
        "other diagnoses": [builders.condition("N18.4"), builders.condition("D63.1")],
    }


def one_of(*resources: Resource) -> st.SearchStrategy[list[Resource]]:
    return st.one_of(st.just([]), st.sampled_from(resources).map(lambda resource: [resource]))


DIAGNOSES = st.sets(st.sampled_from(["D63.1", "N18.3", "N18.4", "N18.6", "Z99.2", "K50.90"]))
OTHERWISE: dict[str, st.SearchStrategy[list[Resource]]] = {
    "administration": (
        one_of(*(builders.administration(dose=f"{mg} mg") for mg in (100, 500, 600))).filter(bool)
    ),
    "patient": one_of(
        builders.patient(sex="male"),
        builders.patient(sex="unknown"),
        builders.patient(born="2015-01-01"),
    ),
    "encounter": one_of(builders.encounter(klass="EMER")),
    "location": one_of(*(builders.location(pos) for pos in ("12", "22", "65", None))),
    "coverage": (
        st.sampled_from(sorted(COVERAGES)).map(
            lambda name: [
                builders.coverage(**COVERAGES[name]),
                builders.commercial(id="second"),
            ]
        )
    ),
    "order": one_of(builders.order(weekly=False), builders.order(on="2026-11-02")),
    "oral iron": one_of(*(builders.oral_iron(drawn(120), drawn(days)) for days in (31, 32, 100))),
    "note": ages.map(lambda days: [builders.note(drawn(days))]),
    "authorization": one_of(
        builders.authorization(units=100), builders.authorization(decision="A3")
    ),
    "iron deficiency": one_of(builders.condition("D50.0")),
    "ferritin": results("ferritin", [5, 29, 30, 41, 99, 100, 300, 500, 501, 900]),
    "tsat": results("tsat", [5, 11, 12, 19, 20, 29, 30, 31, 55]),
    "hb": results("hemoglobin", [6, 7, 11, 12, 13]),
    "other diagnoses": DIAGNOSES.map(
        lambda found: [builders.condition(code) for code in sorted(found)]
    ),
}


@st.composite
def charts(draw: st.DrawFn) -> dict[str, list[Resource]]:
    """A complete chart for one of the payers, with up to four kinds of its evidence otherwise."""
    found = complete(draw(st.sampled_from(sorted(COVERAGES))))
    for kind in draw(st.sets(st.sampled_from(sorted(OTHERWISE)), max_size=4)):
        found[kind] = draw(OTHERWISE[kind])
    return found


def assessed(
    chart: dict[str, list[Resource]], policies: PolicySet | None = None
) -> PatientAssessment:
    resources = [resource for resources in chart.values() for resource in resources]
    return builders.document_of(resources, policies=policies).patients[0]


def bad(found: PatientAssessment, blocking: bool | None = None) -> set[tuple[str, tuple[str, ...]]]:
    resources = [
        requirement
        for requirement in found.requirements
        if requirement.state in WORST_FIRST
        and (blocking is None or requirement.blocking is blocking)
    ]
    return {(resource.requirement, resource.administrations) for resource in resources}


# Not among them: diagnoses of the kidney and dialysis, which choose the limits and may speak
# against billing, and one result of several, behind which an older one may stand.
REMOVABLE = [
    "patient",
    "encounter",
    "location",
    "coverage",
    "order",
    "oral iron",
    "note",
    "authorization",
    "iron deficiency",
    "ferritin",
    "tsat",
    "hb",
]


@settings(max_examples=150, deadline=None)
@given(charts(), st.sampled_from(REMOVABLE))
def test_less_evidence_never_makes_a_held_line_ready(
    chart: dict[str, list[Resource]], kind: str
) -> None:
    before = assessed(chart)
    after = assessed({**chart, kind: []})
    # Of two places that the class and the location say, one is left.
    if kind == "location" and "23 (emergency" in str([gap.message for gap in before.gaps]):
        return
    if before.lines[0].status == "held":
        assert after.lines[0].status == "held", f"without {kind}: {before.lines[0].reasons}"


def requirement(policy: Policy, **changes: Any) -> Policy:
    return msgspec.structs.replace(
        policy, requirements=msgspec.structs.replace(policy.requirements, **changes)
    )


def every_lab(policy: Policy, **changes: Any) -> Policy:
    rules = tuple(
        msgspec.structs.replace(rule, **changes) for rule in policy.requirements.laboratory
    )
    return requirement(policy, laboratory=rules)


def shorter(policy: Policy) -> Policy:
    return every_lab(policy, window_days=30)


def lower(policy: Policy) -> Policy:
    """Every limit a little lower."""
    rules = policy.requirements.laboratory
    text = [
        rule.limit
        and rule.limit.replace("500", "400")
        .replace("30", "25")
        .replace("20", "15")
        .replace("12", "10")
        for rule in rules
    ]
    return requirement(
        policy,
        laboratory=tuple(
            msgspec.structs.replace(rule, limit=new) for rule, new in zip(rules, text, strict=True)
        ),
    )


def both(policy: Policy) -> Policy:
    rules = tuple(
        msgspec.structs.replace(
            rule, limit=rule.limit and rule.limit.replace(" or tsat", " and tsat")
        )
        for rule in policy.requirements.laboratory
    )
    return requirement(policy, laboratory=rules)


def one_more(policy: Policy) -> Policy:
    more = LabRule(
        limit="ferritin < 100 and hb < 12",
        units={"ferritin": "ng/mL", "hb": "g/dL"},
        window_days=30,
    )
    return requirement(policy, laboratory=(*policy.requirements.laboratory, more))


def oral_iron(policy: Policy) -> Policy:
    return requirement(policy, oral_iron_history=OralIronRule(trial_days=90, in_dialysis=True))


def authorization(policy: Policy) -> Policy:
    return requirement(policy, prior_authorization=choosing.AuthorizationRule(asked="yes"))


STRICTER = {
    "a shorter window": shorter,
    "lower limits": lower,
    "both values instead of one": both,
    "one more laboratory rule": one_more,
    "oral iron for 90 days, in dialysis, too": oral_iron,
    "an authorization for everything": authorization,
    "a recent note": lambda policy: requirement(policy, progress_note=NoteRule(window_days=14)),
    "the payer's own drug": lambda policy: requirement(policy,
        drug_source=DrugSourceRule(allowed=("white-bag",))),
    "fewer units": lambda policy: requirement(policy, units_limit=UnitsRule(limits={"J1756": 100})),
    "a smaller dose": lambda policy: requirement(policy,
        dosing=DosingRule(single_mg=Decimal(100), blocking=True)),
    "a lower ceiling": lambda policy: requirement(
        policy, iron_overload=OverloadRule(ferritin_above_ng_ml=Decimal(90),
            tsat_from_percent=Decimal(10), blocking=True)
    ),
    "another place": lambda policy: msgspec.structs.replace(
        policy, audience=msgspec.structs.replace(policy.audience,
            settings=tuple(pos for pos in policy.audience.settings if pos != "11") or ("12",))
    ),
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(charts(), st.sampled_from(sorted(STRICTER)))
def test_a_stricter_policy_never_makes_fewer_gaps(
    chart: dict[str, list[Resource]], how: str
) -> None:
    policies = choosing.built_in().policies
    stricter = PolicySet(
        [
            resource if resource.id == "no-coverage" else STRICTER[how](resource)
            for resource in policies
        ]
    )
    before, after = assessed(chart), assessed(chart, stricter)
    assert bad(before) <= bad(after)
    assert bad(before, blocking=True) <= bad(after, blocking=True)
    assert len(before.gaps) <= len(after.gaps)
    if after.lines[0].status == "ready":
        assert before.lines[0].status == "ready"
