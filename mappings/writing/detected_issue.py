"""A gap as a DetectedIssue in the chart, and its life there (R13).

`preliminary` while open, `final` with a mitigation when the record is complete, `amended` when it
is incomplete again, `cancelled` when its administrations are reversed. What others wrote (a
mitigation, a status) is theirs and stays.

Held by tests/unit/test_issue_form.py.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from mappings import codes
from mappings.assessment import Finding, Gap, PatientAssessment, has_address
from mappings.values import own_names
from mappings.values.identity import stable_id
from mappings.values.sentences import amounts
from mappings.writing.issue_form import Resource, checked
from mappings.writing.transaction import present

TAG = {"system": own_names.TAG, "code": "iron-billing-check"}
AUTHOR = "Device/ferroclaim"

_WAIVED = "Waived: "
_OPEN = ("preliminary", "amended")  # in no set: what stands in a chart may be no text


class Waiver(Struct, frozen=True):
    """A person's decision that a gap need not be closed, for the administrations it had then. It
    never makes a line ready."""

    gap: str
    reason: str
    at: datetime
    administrations: tuple[str, ...]
    author: str | None = None
    author_name: str | None = None

    def covers(self, gap: Gap) -> bool:
        """Whether it was said of every dose that the gap is about now."""
        return set(gap.administrations) <= set(self.administrations)


def issues(
    assessment: PatientAssessment,
    existing: Iterable[Resource],
    now: datetime,
    waivers: Mapping[str, Waiver] | None = None,
) -> list[Resource]:
    """The DetectedIssues that should stand in the chart now, given ours that stand there; those to
    be left alone are left out."""
    held = {ours: issue for issue in existing if (ours := gap_of(issue))}
    waivers = waivers or {}
    wanted: list[Resource] = []
    for gap in (gap for gap in assessment.gaps if gap.write_back):
        found = _open_issue(gap, assessment.patient, held.get(gap.id), now, waivers.get(gap.id))
        if found:
            wanted.append(found)
    still_open = {gap.id for gap in assessment.gaps if gap.write_back}
    closing = (
        issue
        for gap, issue in held.items()
        if gap not in still_open and issue.get("status") in _OPEN
    )
    wanted += [found for issue in closing if (found := _closed(issue, assessment, now))]
    return sorted((checked(issue) for issue in wanted), key=lambda issue: str(gap_of(issue)))


def gap_of(resource: Resource) -> str | None:
    """The gap that an issue of ours is for: the value of our identifier."""
    for identifier in resource.get("identifier") or ():
        is_ours = isinstance(identifier, dict) and identifier.get("system") == own_names.GAP
        if is_ours and identifier.get("value"):
            return str(identifier["value"])
    return None


def waivers_in(existing: Iterable[Resource]) -> list[Waiver]:
    """The waivers that stand in a chart: of ours whose last word is one."""
    found = [_waiver_in(issue) for issue in existing]
    return [waiver for waiver in found if waiver is not None]


def _waiver_in(held: Resource) -> Waiver | None:
    gap, mitigations = gap_of(held), held.get("mitigation") or ()
    if gap is None or not mitigations or held.get("status") != "final":
        return None
    last = mitigations[-1]
    ours = [coding for coding in _codings(last) if coding.get("system") == own_names.MITIGATION]
    moment = _moment(last.get("date"))
    if moment is None or not any(coding.get("code") == "waived" for coding in ours):
        return None
    author = last.get("author") or {}
    text = str((last.get("action") or {}).get("text") or "")
    return Waiver(
        gap,
        text.removeprefix(_WAIVED).strip() or "no reason in the chart",
        moment,
        tuple(str(dose.get("reference")) for dose in held.get("implicated") or ()),
        author.get("reference"),
        author.get("display"),
    )


def _moment(text: object) -> datetime | None:
    """With its offset; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _open_issue(
    gap: Gap, patient: str, held: Resource | None, now: datetime, waiver: Waiver | None
) -> Resource | None:
    """The issue of an open gap; None where somebody else closed it for the same doses."""
    waived = waiver is not None and waiver.covers(gap)
    if held is None:
        return _new(
            gap,
            patient,
            "final" if waived else "preliminary",
            now,
            _waived(waiver) if waived and waiver else [],
        )
    mitigations = list(held.get("mitigation", ()))
    if (
        waived
        and waiver
        and not any(_same_waiver(mitigation, waiver) for mitigation in mitigations)
    ):
        mitigations += _waived(waiver)
    if held.get("status") == "entered-in-error":
        return None
    if (
        held.get("status") not in _OPEN
        and not waived
        and _closed_by_others(held)
        and _same_doses(gap, held)
    ):
        return None
    kept = str(held["status"]) if held.get("status") in _OPEN else "amended"
    status = "final" if waived else kept
    issue = _new(gap, patient, status, now, mitigations)
    return {
        **issue,
        "identifiedDateTime": held.get("identifiedDateTime", issue["identifiedDateTime"]),
        "id": held.get("id"),
    }


def _closed_by_others(held: Resource) -> bool:
    """Whether the last word on a closed issue is not ours."""
    mitigations = held.get("mitigation", ())
    if not mitigations:
        return True
    return not any(
        coding.get("system") == own_names.MITIGATION and coding.get("code") != "waived"
        for coding in _codings(mitigations[-1])
    )


def _codings(mitigation: Resource) -> list[Resource]:
    return [
        coding
        for coding in (mitigation.get("action") or {}).get("coding", ())
        if isinstance(coding, dict)
    ]


def _same_doses(gap: Gap, held: Resource) -> bool:
    """A closed gap stays closed for the doses it had; a new dose opens it again."""
    return set(gap.administrations) <= {
        dose.get("reference") for dose in held.get("implicated", ())
    }


def _same_waiver(mitigation: Resource, waiver: Waiver) -> bool:
    said = any(coding.get("code") == "waived" for coding in _codings(mitigation))
    return said and _moment(mitigation.get("date")) == waiver.at.replace(microsecond=0)


def _new(
    gap: Gap, patient: str, status: str, now: datetime, mitigations: list[Resource]
) -> Resource:
    requirement = codes.requirements()[gap.requirement]
    source = f" Source: {gap.source}." if gap.source else ""
    issue: Resource = {
        "resourceType": "DetectedIssue",
        "meta": {"tag": [TAG]},
        "extension": [
            {"url": own_names.PRIORITY, "valueCode": "billing-hold" if gap.blocking else "warning"},
            {"url": own_names.DECIDED, "valueString": _decided(gap)},
        ],
        "identifier": [{"system": own_names.GAP, "value": gap.id}],
        "status": status,
        "code": {
            "coding": [{"system": own_names.REQUIREMENT, "code": gap.requirement}],
            "text": requirement.title,
        },
        "severity": gap.severity,
        "patient": {"reference": patient},
        "identifiedDateTime": _instant(now),
        "author": {"reference": AUTHOR},
        "implicated": [{"reference": reference} for reference in gap.administrations],
        "evidence": [
            {"code": [{"text": item.says}]}
            | ({"detail": [{"reference": item.resource}]} if has_address(item.resource) else {})
            for item in gap.evidence
        ],
        "detail": f"{gap.message} {gap.fix}{source}",
        "reference": own_names.policy(gap.policy) if gap.policy else None,
        "mitigation": mitigations,
    }
    return present(issue)


def _decided(gap: Gap) -> str:
    """A digest of what the issue rests on, in whatever words it says so: other words alone are
    written to no chart."""
    evidence: list[str] = []
    for item in gap.evidence:
        evidence += [item.resource, item.version or "", *amounts(item.says)]
    return stable_id("decided", gap.requirement, gap.state, *amounts(gap.message), *evidence)


def _closed(held: Resource, assessment: PatientAssessment, now: datetime) -> Resource | None:
    """An open issue whose gap is gone, or but a warning: completed, reversed, or (a dose that waits
    or is too old) left as it is."""
    implicated = {str(dose.get("reference")) for dose in held.get("implicated", ())}
    reversed_ = {unbilled.administration: unbilled.reason for unbilled in assessment.reversed}
    if implicated & {unbilled.administration for unbilled in assessment.pending}:
        return None
    if any(
        "timely-filing" in line.reasons
        for line in assessment.lines
        if implicated & set(line.administrations)
    ):
        return None
    findings = _findings(held, assessment, implicated)
    warning = next((gap for gap in assessment.gaps if gap.id == gap_of(held)), None)
    if warning:
        return _with_mitigation(held, "final", "no-longer-asked", _as_warning(warning), now)
    if findings:
        return _with_mitigation(held, "final", *_settled(findings), now)
    why = next(
        (reversed_[reference] for reference in sorted(implicated) if reference in reversed_), None
    )
    why = why or "the administration is no longer billed or on record"
    return _with_mitigation(held, "cancelled", "administration-reversed", f"Canceled: {why}.", now)


def _findings(held: Resource, assessment: PatientAssessment, implicated: set[str]) -> list[Finding]:
    """What is found now of what it is about; by our identifier alone, where the server kept no more
    of it."""
    requirement, rows = _requirement(held), codes.requirements()
    if requirement is None or not implicated:
        gap, patient = gap_of(held), assessment.patient
        return [
            finding
            for finding in assessment.requirements
            if rows[finding.requirement].gap_id(patient, finding.administrations) == gap
        ]
    return [
        finding
        for finding in assessment.requirements
        if finding.requirement == requirement and implicated & set(finding.administrations)
    ]


def _requirement(held: Resource) -> str | None:
    codings = (held.get("code") or {}).get("coding", ())
    return next(
        (coding.get("code") for coding in codings if coding.get("system") == own_names.REQUIREMENT),
        None,
    )


def _as_warning(gap: Gap) -> str:
    """Of a gap that is there and holds no claim any more."""
    return f"No claim waits for this any longer, and it still stands as a warning: {gap.message}"


def _settled(findings: list[Finding]) -> tuple[str, str]:
    """What closed a gap that is gone, as a code and in words."""
    said = list(
        dict.fromkeys(
            finding.says for finding in findings if finding.state == "met" and finding.says
        )
    )
    if said:
        return "documentation-completed", f"Complete: {' '.join(said[:3])}"
    return "no-longer-asked", "No longer asked for these doses."


def _with_mitigation(held: Resource, status: str, code: str, says: str, now: datetime) -> Resource:
    mitigation = {
        "action": {"coding": [{"system": own_names.MITIGATION, "code": code}], "text": says},
        "date": _instant(now),
        "author": {"display": "ferroclaim"},  # R4 takes no Device as a mitigation's author
    }
    return {**held, "status": status, "mitigation": [*held.get("mitigation", ()), mitigation]}


def _waived(waiver: Waiver) -> list[Resource]:
    action = {
        "coding": [{"system": own_names.MITIGATION, "code": "waived"}],
        "text": f"{_WAIVED}{waiver.reason}",
    }
    mitigation: Resource = {"action": action, "date": _instant(waiver.at)}
    practitioner = (
        waiver.author if waiver.author and waiver.author.startswith("Practitioner") else None
    )
    named = {"display": waiver.author_name} if waiver.author_name else None
    author = {"reference": practitioner} if practitioner else named
    return [mitigation | ({"author": author} if author else {})]


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
