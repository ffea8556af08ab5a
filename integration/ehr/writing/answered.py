"""What a server's answer says of a write: whether it was done, and where it stands now.

Held by tests/contract/test_ehr_odd.py.
"""

import re

from integration.ehr.fhir.answers import Answer, Json, error_for, refusal
from integration.ehr.writing import issues
from integration.ehr.writing.transactions import Write
from integration.errors import BadAnswer, EhrError
from mappings.reading.fhir import outcomes
from mappings.reading.fhir.decoding import decode
from mappings.writing.detected_issue import gap_of

_PLACE = re.compile(r"([A-Z][A-Za-z]+/[^/?#]+)(?:/_history/([^/?#]+))?/?(?:[?#]|$)")


def not_done(site: str, write: Write, answer: Answer) -> EhrError | None:
    """What an entry of a transaction, or an OperationOutcome in the place of the resource, says of
    a write that the request's own status called a success (Q24)."""
    what = f"{write.method} {write.body['resourceType']}"
    if not 200 <= answer.status < 300:
        return error_for(site, what, answer)
    if "Location" not in answer.headers and _is_a_page(answer.body):
        says = f"{what} was answered with {answer.status} and a page that is no FHIR"
        return BadAnswer(site, says, "Look for a proxy or sign-in page before the server")
    told = _resource(answer)
    of_outcome = told.get("resourceType") == "OperationOutcome"
    if of_outcome and "Location" not in answer.headers and outcomes.left_out(told):
        return refusal(site, what, answer)
    return None


def _is_a_page(body: bytes) -> bool:
    begin = body.lstrip()[:15].lower()
    return begin.startswith((b"<!doctype html", b"<html"))


def located(answer: Answer, write: Write) -> tuple[str | None, str | None]:
    """`DetectedIssue/12` and `3` of .../DetectedIssue/12/_history/3; where no place is named, those
    of the resource that came back."""
    told = _resource(answer)
    if "Location" not in answer.headers and told.get("resourceType") == write.body["resourceType"]:
        own = f"{told['resourceType']}/{told['id']}" if told.get("id") else write.location
        return own, answer.version or issues.version(told)
    place = _PLACE.search(answer.headers.get("Location", ""))
    return (place[1], answer.version or place[2]) if place else (write.location, answer.version)


def is_nameless(answer: Answer, write: Write) -> bool:
    """Whether the server sends it back without our identifier."""
    told = _resource(answer)
    return told.get("resourceType") == write.body["resourceType"] and not gap_of(told)


def _resource(answer: Answer) -> Json:
    if not answer.body:
        return {}
    try:
        told = decode(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
