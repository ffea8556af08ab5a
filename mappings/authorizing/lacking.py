"""What a request can't do without and the chart does not say.

Held by tests/unit/test_authorization_courses.py.
"""

from collections.abc import Iterator

from mappings.authorizing.course import Course
from mappings.authorizing.request import AuthorizationRequest
from mappings.values.us_dates import us_date
from mappings.writing.preparing.billers import provider_lacks
from mappings.writing.preparing.identifiers import medicare_number_fault, valid_npi


def lacking(request: AuthorizationRequest) -> Iterator[str]:
    """Each half a sentence."""
    yield from _people(request)
    yield from _of_course(request.course)
    for fault in request.faults:
        yield f"an answer to this: {(fault.says or '').rstrip('.')}"
    if not request.draft.diagnoses:
        yield "a diagnosis"
    if not request.draft.place_of_service:
        yield "the place of service (--place)"
    practitioner = request.practitioner
    if not (practitioner.npi and practitioner.name and practitioner.name.family):
        yield "who orders, with name and NPI (MedicationRequest.requester)"
    elif not valid_npi(practitioner.npi):
        yield "who orders, with an NPI whose check digit is right (MedicationRequest.requester)"
    provider = provider_lacks(request.provider)
    if provider:
        yield f"of the site's billing_provider {', '.join(provider)}"


def _people(request: AuthorizationRequest) -> Iterator[str]:
    name, doubt = request.patient_is.name, _doubt(request)
    if not (name and name.family and name.given):
        yield "the patient's family and given name (Patient.name)"
    if not request.who.born:
        yield "the patient's birth date (Patient.birthDate)"
    if doubt:
        yield f"who pays ({doubt})"
    else:
        yield from _of_coverage(request)


def _of_coverage(request: AuthorizationRequest) -> Iterator[str]:
    who, coverage, member = request.who, request.draft.coverage, request.who.first.member_id
    checks = {
        f"the member number ({coverage} subscriberId)": member,
        f"the patient's relationship to the subscriber ({coverage} relationship)": (
            who.first.relationship
        ),
        f"the subscriber's name ({coverage} subscriber)": (
            who.first.subscriber.family or who.first.relationship in ("", "18")
        ),
        f"the payer's name ({coverage} payor)": request.payer,
    }
    yield from (what for what, there in checks.items() if not there)
    is_medicare = request.coverage is not None and request.coverage.kind == "medicare"
    if is_medicare and member and medicare_number_fault(member):
        yield f"a Medicare number of the right form ({coverage} subscriberId)"


def _doubt(request: AuthorizationRequest) -> str:
    """Why it is not known who pays."""
    found = request.coordinated
    if found and found.state not in ("met", "not-applicable"):
        return (found.says or "").rstrip(".")
    return "" if request.coverage else "a Coverage that is in force"


def _of_course(course: Course) -> Iterator[str]:
    if not course.each or any(one.units is None for one in course.each):
        yield "the dose as one amount (dosageInstruction.doseAndRate of the order)"
    if course.doses is None:
        yield "how many doses (timing.repeat.count of the order, or --doses)"
    if course.doses == 0:
        yield "doses that are to come: as many as the order asks were given"
    if course.unsettled:
        days = ", ".join(map(us_date, course.unsettled))
        yield f"of which order the doses of {days} were (MedicationAdministration.request)"
    order = course.order
    if order and not course.given:
        doubt = order.unread_date or order.unread
        if doubt:
            yield f"an order that can be read throughout ({doubt})"
