"""What a requirement's state rests on: the policy's rule, a row of the code tables, or the
requirement's own source; with its dates."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest

from mappings.assessment import Finding, Gap
from mappings.policy import choosing
from mappings.policy.choosing import Policy, PolicySet
from mappings.record import OralIron, Source
from mappings.requirements import quoting
from mappings.values import moment
from tests import builders
from tests.builders import administration, chart, condition, document_of, encounter, location

CONTRACT = {
    "version": "7",
    "source": "MP-12 contract",
    "verified": False,
    "effective": {"from": "2026-01-01", "to": "2026-12-31"},
}
LIMIT_OF_ITS_OWN = {
    "units-limit": {"limits": {"J1756": 150}, "source": "amendment 3", "verified": True}
}


def under(
    changes: dict[str, object], *more: builders.Resource, without: tuple[str, ...] = ()
) -> tuple[dict[str, Finding], dict[str, Gap]]:
    """Findings and gaps by requirement, under Medicare's policy with parts of it replaced."""
    part_b = choosing.built_in().get("medicare-part-b")
    assert part_b
    merged = msgspec.convert(msgspec.to_builtins(part_b) | changes, Policy, strict=False)
    others = [policy for policy in choosing.built_in().policies if policy is not part_b]
    found = document_of(
        chart(*more, without=without), policies=PolicySet([merged, *others])
    ).patients[0]
    return {requirement.requirement: requirement for requirement in found.requirements}, {
        gap.requirement: gap for gap in found.gaps
    }


def rests_on(finding: Finding | Gap) -> tuple[object, ...]:
    return finding.source, finding.verified, finding.start, finding.end


def contract(requirements: Mapping[str, object]) -> dict[str, object]:
    return {**CONTRACT, "requirements": requirements}


def test_a_rule_without_a_source_has_that_of_its_policy() -> None:
    findings, gaps = under(contract({"units-limit": {"limits": {"J1756": 150}}}))
    expected = ("MP-12 contract", False, date(2026, 1, 1), date(2026, 12, 31))
    assert rests_on(findings["units-limit"]) == rests_on(gaps["units-limit"]) == expected
    assert "not verified" in gaps["units-limit"].message


def test_a_rule_with_a_source_has_its_own() -> None:
    findings, gaps = under(contract(LIMIT_OF_ITS_OWN))
    assert (
        rests_on(findings["units-limit"])[:2]
        == rests_on(gaps["units-limit"])[:2]
        == ("amendment 3", True)
    )
    assert "not verified" not in gaps["units-limit"].message


def test_findings_and_gaps_name_the_version_of_the_policy() -> None:
    findings, gaps = under(contract(LIMIT_OF_ITS_OWN))
    assert (gaps["units-limit"].policy, gaps["units-limit"].policy_version) == (
        "medicare-part-b",
        "7",
    )
    assert {(finding.policy, finding.policy_version) for finding in findings.values()} == {
        ("medicare-part-b", "7")
    }


def test_without_a_payer_no_version_is_named() -> None:
    _, gaps = under({}, without=("coverage",))
    assert (gaps["coverage"].policy, gaps["coverage"].policy_version) == (None, None)


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (
            "product",
            (
                "CMS HCPCS alpha-numeric file, October 2020; Venofer label",
                True,
                date(2003, 1, 1),
                None,
            ),
        ),
        ("discarded-amount", ("CMS Pub 100-04 ch. 17 s. 40", True, date(2023, 7, 1), None)),
        ("service-date", ("CMS-1500 and UB-04 instructions: date of service", True, None, None)),
    ],
)
def test_rows_of_the_tables_have_their_own_dates(
    requirement: str, expected: tuple[object, ...]
) -> None:
    assert rests_on(under({})[0][requirement]) == expected


def test_before_jz_the_discard_rests_on_jw() -> None:
    old = administration(dose="150 mg", discarded="50 mg", on="2023-06-30T09:00:00-04:00")
    found = builders.assessed(old, as_of=builders.AS_OF.replace(year=2023)).requirements
    (finding,) = [finding for finding in found if finding.requirement == "discarded-amount"]
    assert finding.start == date(2017, 1, 1)


def test_the_place_rests_on_a_mapping_of_ours_and_a_place_that_is_refused_on_the_policy() -> None:
    findings, _ = under({})
    assert rests_on(findings["place-of-service"])[1] is False
    _, gaps = under({}, location(None), encounter(location=None))
    assert rests_on(gaps["place-of-service"]) == rests_on(findings["place-of-service"])
    _, gaps = under(contract({}), location("12"))
    assert rests_on(gaps["place-of-service"]) == (
        "MP-12 contract",
        False,
        date(2026, 1, 1),
        date(2026, 12, 31),
    )


def test_a_dialysis_facility_without_kidney_failure_rests_on_the_policy() -> None:
    findings, _ = under({}, location("65"))
    dialysis = choosing.built_in().get("medicare-esrd-pps")
    assert dialysis
    assert rests_on(findings["place-of-service"])[:2] == (dialysis.source, dialysis.verified)


def test_consolidated_billing_rests_on_its_dated_row() -> None:
    changes = (condition("N18.6"), condition("N18.4", clinical="inactive"), condition("Z99.2"))
    found = rests_on(under({}, *changes)[1]["esrd-consolidated-billing"])
    assert found[2] == date(2016, 1, 1)
    assert found[0]


def test_what_no_rule_of_the_policy_asks_falls_to_the_policy() -> None:
    """An ESRD with a transplant is contradicted for any payer (R8), also where the policy asks for
    no CKD."""
    changes = (condition("N18.6"), condition("N18.4", clinical="inactive"), condition("Z94.0"))
    _, gaps = under(contract({}), *changes)
    assert gaps["ckd-diagnosis"].source == "MP-12 contract"


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2026-08-01", "2026-09-05", "oral iron, Aug 1, 2026 to Sep 5, 2026"),
        ("2026-08", None, "oral iron, Aug 2026 on"),
        (None, "2026-09-05", "oral iron, a day that is not recorded to Sep 5, 2026"),
        (
            "2026-08-02T04:30:00Z",
            "2026-09-05T04:30:00Z",
            "oral iron, Aug 1, 2026 to Sep 4, 2026",
        ),
    ],
)
def test_a_course_of_oral_iron_is_quoted_with_its_days(
    start: str | None, end: str | None, says: str
) -> None:
    course = OralIron(
        source=Source("MedicationStatement/oral"), start=moment.parse(start), end=moment.parse(end)
    )
    assert quoting.course(course, ZoneInfo("America/Chicago")) == says
