"""From an assessed chart to requests.

Held by tests/unit/test_authorization_requests.py.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain

from msgspec.structs import replace

from mappings import codes
from mappings.assessment import ClaimLine, Finding, PatientAssessment
from mappings.authorizing.clinical import clinical_facts
from mappings.authorizing.course import Course, given_course
from mappings.authorizing.lacking import lacking
from mappings.authorizing.notes import notes
from mappings.authorizing.request import AuthorizationRequest
from mappings.record import PatientRecord, Practitioner
from mappings.site import Site
from mappings.values.identity import stable_id
from mappings.writing.preparing.drafts import Draft, draft_of
from mappings.writing.preparing.insurance import coverage_of
from mappings.writing.preparing.parties import parties
from mappings.writing.preparing.practitioners import practitioner_of

# What a payer judges a request by; the rest is known once the drug was given.
_JUDGED_BY = frozenset({"laboratory", "documentation", "product", "safety"})
# Of where it is given, and of the dose itself: only what speaks against the request.
_OF_PLACE = frozenset({"place-of-service", "esrd-consolidated-billing"})
_FAULTS = frozenset({"service-date", "product", "dose", "dosing"})


def of_order(
    course: Course,
    dose: str,
    assessment: PatientAssessment,
    record: PatientRecord,
    site: Site,
    asked: Finding | None = None,
) -> AuthorizationRequest | None:
    """For doses of an order that are to come; DOSE is the administration that stands for the next.
    ASKED: what the payer wants of the first that is asked for, where that is a later one. None
    where no line comes of it."""
    lines = lines_of(dose, assessment)
    if not lines:
        return None
    made = _request(lines, (dose,), course, assessment, record, site)
    return replace(made, asked=asked) if asked else made


def lines_of(dose: str, assessment: PatientAssessment) -> list[ClaimLine]:
    """For the drug of a dose."""
    return [line for line in assessment.lines if dose in line.administrations and _is_drug(line)]


def asked_of(dose: str, assessment: PatientAssessment) -> Finding | None:
    """What the payer wants of a dose before it is given."""
    findings = (one for one in assessment.requirements if dose in one.administrations)
    return next(filter(_is_authorization, findings), None)


def of_given(
    assessment: PatientAssessment, record: PatientRecord, site: Site
) -> Iterator[AuthorizationRequest]:
    """For doses that were given and wait for an authorization: one for each payer, code and
    place."""
    waiting: dict[tuple[str | None, ...], list[ClaimLine]] = {}
    for line in assessment.lines:
        if waits(line) and _is_drug(line):
            key = (line.coverage, line.code, line.place_of_service, line.bill_type)
            waiting.setdefault(key, []).append(line)
    for lines in waiting.values():
        doses = tuple(dict.fromkeys(chain.from_iterable(line.administrations for line in lines)))
        course = given_course(lines, doses, list(filter(None, map(day_of, lines))), record)
        yield _request(lines, doses, course, assessment, record, site)


def _request(
    lines: Sequence[ClaimLine],
    doses: tuple[str, ...],
    course: Course,
    assessment: PatientAssessment,
    record: PatientRecord,
    site: Site,
) -> AuthorizationRequest:
    line, draft = lines[0], draft_of(assessment.patient, lines)
    about = set(doses)
    findings = [one for one in assessment.requirements if about & set(one.administrations)]
    who = parties(draft, record, site)
    request = AuthorizationRequest(
        id=stable_id(
            "authorization", assessment.patient, line.coverage or "", line.code, *_what(course)
        ),
        patient=assessment.patient,
        code=line.code,
        drug=_drug(line),
        course=course,
        draft=draft,
        coverage=coverage_of(record, line.coverage or ""),
        policy=line.policy,
        asked=next(filter(_is_authorization, findings), None),
        coordinated=next((one for one in findings if one.requirement == "coverage"), None),
        criteria=tuple(one for one in findings if _is_judged(one)),
        faults=tuple(
            one for one in findings if one.requirement in _FAULTS and one.state == "contradicted"
        ),
        facts=tuple(clinical_facts(record, site, about, course.start)),
        who=who,
        patient_is=record.demographics,
        practitioner=_practitioner(course, draft, record, site),
        provider=site.biller(draft.kind, draft.bill_type),
        payment=line.payment,
    )
    return replace(request, lacking=tuple(lacking(request)), notes=tuple(notes(request, site.zone)))


def _what(course: Course) -> Iterator[str]:
    """What is asked for: what is left of an order is another request than the whole."""
    yield from course.given
    if course.order and not course.given:
        yield from (course.order.source.resource, str(course.units))


def waits(line: ClaimLine) -> bool:
    """Whether it waits for an authorization."""
    return any(_group(reason) == "authorization" for reason in line.reasons)


def _is_authorization(found: Finding) -> bool:
    return _group(found.requirement) == "authorization"


def _group(requirement: str) -> str | None:
    """What kind of requirement it is; None of a reason that is none."""
    known = codes.requirements().get(requirement)
    return known.group if known else None


def _is_judged(found: Finding) -> bool:
    if found.requirement in _OF_PLACE:
        return found.state in ("contradicted", "not-covered")
    return _group(found.requirement) in _JUDGED_BY


def _practitioner(course: Course, draft: Draft, record: PatientRecord, site: Site) -> Practitioner:
    """Who ordered it, else who is on the claim."""
    ordered = course.order.terms.requester if course.order else None
    if ordered and ordered.npi:
        return ordered
    return practitioner_of(draft, record, site.zone) or ordered or Practitioner()


def _is_drug(line: ClaimLine) -> bool:
    return line.code in codes.in_force().billing_codes


def day_of(line: ClaimLine) -> date | None:
    return date.fromisoformat(line.service_date) if line.service_date else None


def _drug(line: ClaimLine) -> str:
    """The name of the iron that the code is for."""
    return codes.family_of(line.code).name
