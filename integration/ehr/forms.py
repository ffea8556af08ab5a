"""The forms in which a gap can stand in a chart. The canonical one is a DetectedIssue; the others are made from it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from integration.ehr.http import Json
from integration.ehr.issues import GAP_SYSTEM, gap_of, is_closed, merged


@dataclass(frozen=True)
class Form:
    """`render` makes the resource of a DetectedIssue; KEY tells two of one kind apart."""

    kind: str
    patient_param: str
    render: Callable[[Json], Json]
    once_per_state: bool = False  # a message cannot be changed: each change of state is a new one

    def merged(self, base: Json, theirs: Json, issue: Json) -> Json:
        """What to write over THEIRS. The state of an open Task is theirs; ours is that it is settled, or open again."""
        ours = self.render(issue)
        if self.kind == "DetectedIssue":
            return merged(base, theirs, ours)
        if issue["status"] == "preliminary":
            ours.pop("status", None)
        return {**theirs, **{key: value for key, value in ours.items() if key not in ("meta", "content", "authoredOn")}}

    def key(self, issue: Json) -> str:
        gap = str(gap_of(issue))
        if not self.once_per_state:
            return gap
        return f"{gap}:{issue['status']}:{len(issue.get('mitigation') or [])}"


def _detected_issue(issue: Json) -> Json:
    return issue


def _task(issue: Json) -> Json:
    """Open work for the clinician: done when the gap is closed."""
    status = {"preliminary": "requested", "amended": "requested", "final": "completed"}
    return _without_empty(
        {
            "resourceType": "Task",
            "meta": issue.get("meta"),
            "identifier": issue["identifier"],
            "status": status.get(issue["status"], "cancelled"),
            "intent": "order",
            "priority": "routine",
            "code": issue.get("code"),
            "description": _text(issue),
            "for": issue.get("patient"),
            "focus": next(iter(issue.get("implicated") or []), None),
            "authoredOn": issue.get("identifiedDateTime"),
        }
    )


def _communication(issue: Json) -> Json:
    """A message to the chart."""
    return _without_empty(
        {
            "resourceType": "Communication",
            "meta": issue.get("meta"),
            "identifier": [{"system": GAP_SYSTEM, "value": COMMUNICATION.key(issue)}],
            "status": "completed",
            "subject": issue.get("patient"),
            "topic": issue.get("code"),
            "about": issue.get("implicated"),
            "sent": issue.get("identifiedDateTime"),
            "payload": [{"contentString": _text(issue)}],
        }
    )


def _document(issue: Json) -> Json:
    """A short note (LOINC 34109-9, Note)."""
    text = base64.b64encode(_text(issue).encode()).decode()
    note = {"coding": [{"system": "http://loinc.org", "code": "34109-9", "display": "Note"}]}
    return _without_empty(
        {
            "resourceType": "DocumentReference",
            "meta": issue.get("meta"),
            "identifier": issue["identifier"],
            "status": "entered-in-error" if issue["status"] == "entered-in-error" else "current",
            "docStatus": "final",
            "type": note,
            "subject": issue.get("patient"),
            "date": issue.get("identifiedDateTime"),
            "description": _text(issue).partition("\n")[0],
            "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
        }
    )


DETECTED_ISSUE = Form("DetectedIssue", "patient", _detected_issue)
TASK = Form("Task", "patient", _task)
COMMUNICATION = Form("Communication", "subject", _communication, once_per_state=True)
DOCUMENT_REFERENCE = Form("DocumentReference", "patient", _document)
FORMS = {form.kind: form for form in (DETECTED_ISSUE, TASK, COMMUNICATION, DOCUMENT_REFERENCE)}


def _text(issue: Json) -> str:
    """What a clinician reads: what is missing, and whether that is settled."""
    title = (issue.get("code") or {}).get("text") or "Documentation is missing"
    settled = {"cancelled": "Withdrawn: ", "entered-in-error": "Withdrawn: ", "final": "Settled: "}
    detail = issue.get("detail")
    return settled.get(issue["status"], "") + title + (f"\n{detail}" if detail and not is_closed(issue) else "")


def _without_empty(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if value}
