"""What closes a gap in the chart, and what a clinician reads there (R13)."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mappings.assessment import PatientAssessment
from mappings.writing.detected_issue import issues
from tests import builders

LATER = builders.AS_OF + timedelta(hours=3)
# One blocking gap: ferritin.
OPEN = builders.assessed(without=["ferritin"])


def warned(assessment: PatientAssessment) -> PatientAssessment:
    """The same, as warnings that the policy leaves out of the chart."""
    gaps = tuple(replace(gap, blocking=False, write_back=False) for gap in assessment.gaps)
    return replace(assessment, gaps=gaps)


def closed(by: PatientAssessment) -> tuple[str, str, str]:
    """Status, code and words of the mitigation."""
    (first,) = issues(OPEN, [], builders.AS_OF)
    found = issues(by, [first], LATER)
    issue = next(one for one in found if one["identifier"] == first["identifier"])
    action = issue["mitigation"][-1]["action"]
    return issue["status"], action["coding"][0]["code"], action["text"]


@pytest.mark.parametrize(
    ("by", "status", "code", "says"),
    [
        (builders.assessed(), "final", "documentation-completed", "Complete: "),
        (
            warned(OPEN),
            "final",
            "no-longer-asked",
            "No claim waits for this any longer, and it still stands as a warning: No ferritin",
        ),
        (
            replace(OPEN, gaps=()),
            "final",
            "no-longer-asked",
            "No longer asked for these doses.",
        ),
        (
            builders.assessed(builders.administration(status="entered-in-error")),
            "cancelled",
            "administration-reversed",
            "Canceled: the administration was entered in error.",
        ),
    ],
)
def test_what_closed_it_is_said(by: PatientAssessment, status: str, code: str, says: str) -> None:
    found = closed(by)
    assert found[:2] == (status, code)
    assert found[2].startswith(says)


@pytest.mark.parametrize("dropped", [["code"], ["implicated"], ["code", "implicated"]])
def test_a_server_that_keeps_our_identifier_alone_is_told_the_same(dropped: list[str]) -> None:
    (first,) = issues(OPEN, [], builders.AS_OF)
    kept = {name: value for name, value in first.items() if name not in dropped}
    (issue,) = issues(builders.assessed(), [kept], LATER)
    assert issue["status"] == "final"
    assert issue["mitigation"][-1]["action"]["text"].startswith("Complete: ")


def test_a_dose_that_waits_leaves_it_open() -> None:
    waiting = builders.assessed(builders.administration(status="in-progress"))
    assert issues(waiting, issues(OPEN, [], builders.AS_OF), LATER) == []


def test_what_holds_the_claim_again_is_open_again() -> None:
    first: list[dict[str, Any]] = issues(OPEN, [], builders.AS_OF)
    (again,) = issues(OPEN, issues(warned(OPEN), first, LATER), LATER)
    assert again["status"] == "amended"
    assert len(again["mitigation"]) == 1


@pytest.mark.parametrize("status", [["preliminary"], {"value": "final"}, 5, None])
def test_a_status_that_is_no_text_breaks_nothing(status: Any) -> None:
    (first,) = issues(OPEN, [], builders.AS_OF)
    issues(builders.assessed(), [first | {"status": status}], LATER)
    issues(OPEN, [first | {"status": status}], LATER)
