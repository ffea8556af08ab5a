"""The form of a DetectedIssue as it is written here: elements and required bindings of FHIR R4.

Checked by msgspec, because each issue of each assessment is. What has more in it than we write
(what others added in the chart) is checked by fhir.resources, which holds this form in the tests.

Held by tests/unit/test_issue_form.py.
"""

from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Resource = dict[str, Any]

# FHIR R4 required bindings, which fhir.resources does not check.
Status = Literal["registered", "preliminary", "final", "amended", "cancelled", "entered-in-error"]
Severity = Literal["high", "moderate", "low"]

T = TypeVar("T")
Some = Annotated[list[T], Meta(min_length=1)]
Text = Annotated[str, Meta(pattern=r"\S")]
Code = Annotated[str, Meta(pattern=r"^\S+( \S+)*$")]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
Instant = Annotated[str, Meta(pattern=f"^{_DAY}T{_TIME}$")]


class _Element(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Coding(_Element, frozen=True):
    system: Code
    code: Code


class _Concept(_Element, frozen=True):
    coding: Some[_Coding] | UnsetType = UNSET
    text: Text | UnsetType = UNSET


class _Reference(_Element, frozen=True):
    reference: Text | UnsetType = UNSET
    display: Text | UnsetType = UNSET


class _Meta(_Element, frozen=True, rename={"version": "versionId", "updated": "lastUpdated"}):
    version: Id | UnsetType = UNSET
    updated: Instant | UnsetType = UNSET
    source: Code | UnsetType = UNSET
    tag: Some[_Coding] | UnsetType = UNSET


class _Identifier(_Element, frozen=True):
    system: Code
    value: Text


class _Extension(_Element, frozen=True, rename={"code": "valueCode", "text": "valueString"}):
    url: Code
    code: Code | UnsetType = UNSET
    text: Text | UnsetType = UNSET


class _Evidence(_Element, frozen=True):
    code: Some[_Concept] | UnsetType = UNSET
    detail: Some[_Reference] | UnsetType = UNSET


class _Mitigation(_Element, frozen=True):
    action: _Concept
    date: Instant | UnsetType = UNSET
    author: _Reference | UnsetType = UNSET


class _DetectedIssue(
    _Element,
    frozen=True,
    kw_only=True,
    rename={"identified": "identifiedDateTime", "kind": "resourceType"},
):
    """In the order of FHIR."""

    kind: Literal["DetectedIssue"]
    id: Id | UnsetType = UNSET
    meta: _Meta | UnsetType = UNSET
    extension: Some[_Extension] | UnsetType = UNSET
    identifier: Some[_Identifier] | UnsetType = UNSET
    status: Status
    code: _Concept | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    patient: _Reference | UnsetType = UNSET
    identified: Instant | UnsetType = UNSET
    author: _Reference | UnsetType = UNSET
    implicated: Some[_Reference] | UnsetType = UNSET
    evidence: Some[_Evidence] | UnsetType = UNSET
    detail: Text | UnsetType = UNSET
    reference: Code | UnsetType = UNSET
    mitigation: Some[_Mitigation] | UnsetType = UNSET


_ORDER = _DetectedIssue.__struct_encode_fields__
# The form is made ready here: where two threads meet one first at the same moment, msgspec 0.22
# ends the process (seen 2026-11-30).
msgspec.json.Decoder(_DetectedIssue)


def checked(issue: Resource) -> Resource:
    """The issue with its elements in FHIR's order; ValueError where it is no R4 DetectedIssue."""
    said = {name: value for name, value in issue.items() if value is not None}
    try:
        msgspec.convert(said, _DetectedIssue)
    except msgspec.ValidationError:
        return by_model(said)
    return {name: said[name] for name in _ORDER if name in said}


def by_model(issue: Resource) -> Resource:
    """The issue as fhir.resources writes it."""
    from fhir.resources.R4B.detectedissue import DetectedIssue

    status, severity = issue.get("status"), issue.get("severity", "low")
    if status not in get_args(Status) or severity not in get_args(Severity):
        raise ValueError(f"no status or severity of FHIR R4: {status}, {severity}")
    written: Resource = msgspec.json.decode(DetectedIssue.model_validate(issue).model_dump_json())
    return {"resourceType": "DetectedIssue", **written}
