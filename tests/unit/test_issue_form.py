"""The form in which a DetectedIssue is checked is a part of fhir.resources' own."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.writing import issue_form
from mappings.writing.detected_issue import Waiver, issues
from tests import builders

OPEN = builders.document_of(builders.chart(without=("ferritin", "tsat"))).patients[0]
COMPLETE = builders.document_of(builders.chart()).patients[0]
REVERSED = builders.document_of(
    builders.chart(builders.administration(status="entered-in-error"))
).patients[0]
ROOT = Path(__file__).parents[2]
LATER = builders.AS_OF + timedelta(hours=3)


def written(issue: dict[str, Any]) -> str:
    return json.dumps(issue_form.checked(issue))


def test_a_whole_life_is_written_as_the_model_writes_it() -> None:
    first = issues(OPEN, [], builders.AS_OF)
    waivers = {
        gap.id: Waiver(gap.id, "seen on paper", LATER, gap.administrations, "Practitioner/p")
        for gap in OPEN.gaps
    }
    closed = issues(COMPLETE, first, LATER)
    reopened = issues(OPEN, closed, LATER)
    canceled = issues(REVERSED, reopened, LATER)
    waived = issues(OPEN, first, LATER, waivers=waivers)
    every = [*first, *closed, *reopened, *canceled, *waived]
    assert {row["status"] for row in every} == {"preliminary", "final", "amended", "cancelled"}
    for issue in every:
        assert json.dumps(issue_form.by_model(issue)) == json.dumps(issue)


def test_none_of_ours_needs_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which takes some 40 times as long."""
    monkeypatch.setattr(issue_form, "by_model", lambda issue: pytest.fail(f"not ours: {issue}"))
    first = issues(OPEN, [], builders.AS_OF)
    kept = {**first[0], "id": "1", "meta": {**first[0]["meta"], "versionId": "2"}}
    assert issues(COMPLETE, [kept], LATER)[0]["status"] == "final"


@pytest.mark.parametrize(
    "more",
    [
        {
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
            }
        },
        {"language": "en"},
        {"identifiedPeriod": {"start": "2026-11-01"}, "identifiedDateTime": None},
        {"extension": [{"url": "urn:theirs", "valueBoolean": True}]},
    ],
)
def test_what_others_added_is_written_by_the_model(more: dict[str, Any]) -> None:
    issue = {**issues(OPEN, [], builders.AS_OF)[0], **more}
    said = json.loads(written(issue))
    assert said == issue_form.by_model({key: row for key, row in issue.items() if row is not None})
    assert {key: said.get(key) for key in more} == more


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "open"},
        {"severity": "grave"},
        {"identifiedDateTime": "2026-11-31T25:00:00Z"},
        {"implicated": {"reference": "MedicationAdministration/ma1"}},
        {"detail": 1},
        {"unknown": "element"},
    ],
)
def test_what_is_no_r4_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whose words they are is not the point)
        issue_form.checked({**issues(OPEN, [], builders.AS_OF)[0], **wrong})


@pytest.mark.slow
def test_threads_that_meet_the_form_first_at_the_same_moment_go_on() -> None:
    """Of a form that is not ready, one in eight such processes ends (a segmentation fault in
    msgspec)."""
    source = (
        "import sys, threading\n"
        "from mappings.writing.issue_form import checked\n"
        "sys.setswitchinterval(1e-6)\n"
        "at_once = threading.Barrier(8)\n"
        "issue = {'resourceType': 'DetectedIssue', 'status': 'final'}\n"
        "def check():\n"
        "    at_once.wait()\n"
        "    checked(issue)\n"
        "for _ in range(8):\n"
        "    threading.Thread(target=check).start()\n"
    )
    for _ in range(16):
        command = [sys.executable, "-c", source]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
