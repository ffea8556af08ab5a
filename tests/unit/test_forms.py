"""Other forms than a DetectedIssue stand for one, and give it back."""

from typing import Any

import pytest

from integration.ehr.writing.forms import COMMUNICATION, DOCUMENT_REFERENCE, TASK, ChartForm
from mappings.reading import Collection, notes
from tests.fakes.chart import detected_issue, mitigation

OTHERS = [TASK, COMMUNICATION, DOCUMENT_REFERENCE]
SETTLED = detected_issue(status="final", mitigation=[mitigation("On record")])


def stored(form: ChartForm, issue: dict[str, Any], at: int = 1, **fields: Any) -> dict[str, Any]:
    meta = {"versionId": str(at), "lastUpdated": f"2026-11-23T10:00:0{at}Z"}
    return form.render(issue) | {"id": "x1", "meta": meta} | fields


def canonical(issue: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in issue.items() if key != "meta"}


@pytest.mark.parametrize("form", OTHERS, ids=lambda form: form.kind)
@pytest.mark.parametrize(
    "issue",
    [detected_issue(), SETTLED, detected_issue(status="cancelled")],
    ids=lambda i: i["status"],
)
def test_what_went_in_comes_out(form: ChartForm, issue: dict[str, Any]) -> None:
    assert form.issues([stored(form, issue)]) == [canonical(issue)]


@pytest.mark.parametrize("form", OTHERS, ids=lambda form: form.kind)
def test_a_server_that_drops_extensions_still_tells_the_state(form: ChartForm) -> None:
    (issue,) = form.issues([stored(form, SETTLED, extension=[])])
    assert issue["identifier"] == detected_issue()["identifier"]
    assert issue["patient"] == {"reference": "Patient/p1"}
    assert form is DOCUMENT_REFERENCE or issue["status"] == "final"


def test_of_several_messages_the_latest_counts() -> None:
    messages = [stored(COMMUNICATION, SETTLED, at=2), stored(COMMUNICATION, detected_issue(), at=1)]
    assert [issue["status"] for issue in COMMUNICATION.issues(messages)] == ["final"]


@pytest.mark.parametrize(
    ("issue", "task", "expected"),
    [
        (detected_issue(), "in-progress", "preliminary"),
        (detected_issue(), "completed", "final"),
        (detected_issue(), "rejected", "final"),
        (SETTLED, "requested", "amended"),
        (SETTLED, "completed", "final"),
        (detected_issue(status="cancelled"), "cancelled", "cancelled"),
    ],
)
def test_what_a_clinician_did_with_a_task_counts(
    issue: dict[str, Any], task: str, expected: str
) -> None:
    assert [found["status"] for found in TASK.issues([stored(TASK, issue, status=task)])] == [
        expected
    ]


def test_what_is_not_ours_is_no_issue() -> None:
    assert TASK.issues([{"resourceType": "Task", "id": "t", "status": "requested"}]) == []


@pytest.mark.parametrize("value", ["", "not json", "[]", "{}", '{"status": "final"}'])
def test_a_spoiled_extension_is_not_believed(value: str) -> None:
    spoiled = [{"url": "urn:ferroclaim:issue", "valueString": value}]
    (issue,) = TASK.issues([stored(TASK, SETTLED, extension=spoiled)])
    assert issue["status"] == "final"
    assert "severity" not in issue


def test_the_extensions_of_others_are_kept() -> None:
    theirs = stored(TASK, detected_issue())
    theirs["extension"].append({"url": "urn:hospital", "valueCode": "x"})
    merged = TASK.merged(theirs, theirs, detected_issue(detail="new"))
    assert sorted(extension["url"] for extension in merged["extension"]) == [
        "urn:ferroclaim:issue",
        "urn:hospital",
    ]


def test_what_says_the_same_is_left_as_it_is() -> None:
    theirs = stored(
        TASK, detected_issue(), status="in-progress", owner={"reference": "Practitioner/dr"}
    )
    assert TASK.merged(theirs, theirs, detected_issue()) is theirs
    dropped = {**stored(TASK, detected_issue()), "extension": []}
    assert TASK.merged(dropped, dropped, detected_issue()) is dropped


def test_a_document_of_ours_is_administrative_and_documents_nothing() -> None:
    """It would be the progress note that it says is missing."""
    document = DOCUMENT_REFERENCE.render(detected_issue()) | {"id": "x1"}
    assert document["type"]["coding"][0]["code"] == "51851-4"
    assert document["category"][0]["coding"][0]["code"] == "clinical-note"  # US Core: 1..*
    assert notes.note(document, Collection([])) is None
    earlier = {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]}  # of older versions
    assert notes.note(document | {"type": earlier}, Collection([])) is None
    assert notes.note(document | {"type": earlier, "identifier": []}, Collection([])) is not None


def test_what_settled_it_is_read_where_it_stands() -> None:
    assert TASK.render(SETTLED)["description"] == "Settled: No ferritin\nOn record"
    assert (
        TASK.render(detected_issue(status="cancelled"))["description"] == "Withdrawn: No ferritin"
    )
