"""The forms in which a gap can stand in a chart. The canonical one is a DetectedIssue; the others
are made from it.

Each other form carries the DetectedIssue that it was made from in an extension, so that its life
(R13) goes on from what stands in the chart; where a server drops the extension, from what it keeps.

Held by tests/unit/test_forms.py.
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from integration.ehr.capability import Capability
from integration.ehr.fhir.answers import Json
from integration.ehr.fhir.references import age
from integration.ehr.scopes import AUTO_FORMS
from integration.ehr.writing.issues import is_closed, merged, says_the_same
from integration.errors import ConfigurationError
from mappings.reading.fhir.decoding import decode
from mappings.values.own_names import GAP, ISSUE
from mappings.writing.detected_issue import gap_of

US_CORE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_SETTLED_TASK = ("completed", "cancelled", "failed", "rejected", "entered-in-error")
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


@dataclass(frozen=True)
class ChartForm:
    """`render` makes the resource of a DetectedIssue."""

    kind: str
    patient_param: str
    render: Callable[[Json], Json]
    once_per_state: bool = False  # a message cannot be changed: each change of state is a new one

    def key(self, issue: Json) -> str:
        """The value of the identifier under which ISSUE stands."""
        gap = str(gap_of(issue))
        if not self.once_per_state:
            return gap
        return f"{gap}:{issue['status']}:{len(issue.get('mitigation') or [])}"

    def patient(self, patient_id: str) -> str:
        return patient_id if self.patient_param == "patient" else f"Patient/{patient_id}"

    def merged(self, base: Json, theirs: Json, issue: Json) -> Json:
        """What to write over THEIRS. How far a Task is, is theirs to say, until the gap is settled
        or open again."""
        ours = self.render(issue)
        if self.kind == "DetectedIssue":
            return merged(base, theirs, ours)
        before = _embedded(theirs)
        if before is None and self._alike(theirs, ours):
            return theirs
        if before and says_the_same(before, issue):
            return theirs
        kept = {"meta", "authoredOn"} | (
            {"status"} if before and before["status"] == issue["status"] else set()
        )
        others = [e for e in theirs.get("extension") or [] if e.get("url") != ISSUE]
        return {
            **theirs,
            **{k: v for k, v in ours.items() if k not in kept},
            "extension": [*others, *ours["extension"]],
        }

    def issues(self, resources: Iterable[Json]) -> list[Json]:
        """The DetectedIssues that ours of this form stand for; of several messages the latest."""
        found = {}
        for resource in sorted((r for r in resources if r["resourceType"] == self.kind), key=age):
            if gap_of(resource):
                issue = _embedded(resource) or _guessed(resource)
                found[gap_of(issue)] = _as_it_stands(resource, issue)
        return list(found.values())

    @staticmethod
    def _alike(theirs: Json, ours: Json) -> bool:
        """Whether all that we would say stands there; what a server rewrites is left out."""
        compared = ours.keys() - {"meta", "content", "authoredOn", "date", "sent", "extension"}
        return all(theirs.get(key) == ours[key] for key in compared)


def form_for(capability: Capability, wanted: str) -> ChartForm | None:
    """The form that the site asks for, or the best that the server takes; None: the worklist
    alone."""
    if wanted == "worklist":
        return None
    for kind in AUTO_FORMS if wanted == "auto" else (wanted,):
        if capability.creates(kind):
            return FORMS[kind]
    if wanted != "auto":
        raise ConfigurationError(
            f"write_back = {wanted}, but this server lets nobody create a {wanted}. Use `auto`."
        )
    return None


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
            "extension": _extension(issue),
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
            "identifier": [{"system": GAP, "value": COMMUNICATION.key(issue)}],
            "status": "completed",
            "subject": issue.get("patient"),
            "topic": issue.get("code"),
            "about": issue.get("implicated"),
            "extension": _extension(issue),
            "sent": issue.get("identifiedDateTime"),
            "payload": [{"contentString": _text(issue)}],
        }
    )


def _document(issue: Json) -> Json:
    """A short note. Its type is none of those of clinical notes, or it would document what it says
    is missing; US Core (7.0.0) asks for the category."""
    text = base64.b64encode(_text(issue).encode()).decode()
    note = {"system": "http://loinc.org", "code": "51851-4", "display": "Administrative note"}
    kind = {"system": US_CORE_CATEGORY, "code": "clinical-note", "display": "Clinical Note"}
    return _without_empty(
        {
            "resourceType": "DocumentReference",
            "meta": issue.get("meta"),
            "identifier": issue["identifier"],
            "status": "entered-in-error" if issue["status"] == "entered-in-error" else "current",
            "docStatus": "final",
            "extension": _extension(issue),
            "type": {"coding": [note]},
            "category": [{"coding": [kind]}],
            "subject": issue.get("patient"),
            "date": issue.get("identifiedDateTime"),
            "description": _text(issue).partition("\n")[0],
            "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
        }
    )


DETECTED_ISSUE = ChartForm("DetectedIssue", "patient", _detected_issue)
TASK = ChartForm("Task", "patient", _task)
COMMUNICATION = ChartForm("Communication", "subject", _communication, once_per_state=True)
DOCUMENT_REFERENCE = ChartForm("DocumentReference", "patient", _document)
FORMS = {form.kind: form for form in (DETECTED_ISSUE, TASK, COMMUNICATION, DOCUMENT_REFERENCE)}


def _text(issue: Json) -> str:
    """What a clinician reads: what is missing, or what settled it."""
    title = (issue.get("code") or {}).get("text") or "Documentation is missing"
    settled = {"cancelled": "Withdrawn: ", "entered-in-error": "Withdrawn: ", "final": "Settled: "}
    detail = _settling(issue) if is_closed(issue) else issue.get("detail")
    return settled.get(issue["status"], "") + title + (f"\n{detail}" if detail else "")


def _settling(issue: Json) -> str | None:
    """The last word on it."""
    mitigations = issue.get("mitigation") or [{}]
    return (mitigations[-1].get("action") or {}).get("text")


def _without_empty(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if value}


def _extension(issue: Json) -> list[Json]:
    return [{"url": ISSUE, "valueString": _encoder.encode(_canonical(issue)).decode()}]


def _canonical(issue: Json) -> Json:
    return {key: value for key, value in issue.items() if key not in ("id", "meta", "text")}


def _embedded(resource: Json) -> Json | None:
    texts = (e.get("valueString") for e in resource.get("extension") or [] if e.get("url") == ISSUE)
    try:
        issue = decode(str(next(texts)))
    except (StopIteration, ValueError):
        return None
    return issue if isinstance(issue, dict) and gap_of(issue) and "status" in issue else None


def _guessed(resource: Json) -> Json:
    """From what every server keeps."""
    gap, _, state = str(gap_of(resource)).partition(":")
    closed = {
        "completed": "final",
        "cancelled": "cancelled",
        "entered-in-error": "entered-in-error",
    }
    status = state.partition(":")[0] or closed.get(str(resource.get("status")), "preliminary")
    patient = resource.get("for") or resource.get("subject")
    implicated = resource.get("about") or list(filter(None, (resource.get("focus"),)))
    issue = {
        "identifier": [{"system": GAP, "value": gap}],
        "status": status,
        "patient": patient,
    }
    code = resource.get("code") if resource["resourceType"] == "Task" else resource.get("topic")
    return _without_empty(
        {"resourceType": "DetectedIssue", **issue, "code": code, "implicated": implicated}
    )


def _as_it_stands(resource: Json, issue: Json) -> Json:
    """A clinician who completes the Task closes the gap in the chart; one who opens it again, opens
    it."""
    if resource["resourceType"] != "Task":
        return issue
    settled = resource.get("status") in _SETTLED_TASK
    if settled == is_closed(issue):
        return issue
    return issue | {"status": "final" if settled else "amended"}
