"""A request for prior authorization: of an order's doses, or of doses that were given without one.

Held by tests/unit/test_authorization_requests.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, tzinfo
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from mappings import codes
from mappings.assessment import WORST_FIRST, ClaimLine, Finding, PatientAssessment, PolicyRef
from mappings.authorizing.clinical import ClinicalFact, clinical_facts
from mappings.record import Coverage, Demographics, Order, PatientRecord, Practitioner
from mappings.site import BillingProvider, Site
from mappings.values.identity import stable_id
from mappings.writing.preparing.billers import provider_lacks
from mappings.writing.preparing.drafts import Draft, draft_of
from mappings.writing.preparing.insurance import coverage_of
from mappings.writing.preparing.parties import Parties, parties
from mappings.writing.preparing.practitioners import practitioner_of

# What a payer judges a request by; the rest is known once the drug was given.
_JUDGED_BY = frozenset({"laboratory", "documentation", "product", "safety"})


class Course(Struct, frozen=True, kw_only=True):
    """What is asked for. `order`: whose doses they are; `given`: those that were given already,
    else they are to come. `dose_units`: of one dose, where all have the same; `units`: of all of
    them; None where that is not known. `end` None: the order does not say."""

    order: Order | None
    given: tuple[str, ...] = ()
    doses: int | None = None
    dose_units: int | None = None
    units: int | None = None
    start: date | None = None
    end: date | None = None


class AuthorizationRequest(Struct, frozen=True, kw_only=True):
    """`asked`: what the payer wants, None where it asks for no authorization. `criteria`: what else
    it asks of the dose. `lacking`: what a request can't do without, each half a sentence."""

    id: str
    patient: str
    code: str
    drug: str
    course: Course
    draft: Draft
    coverage: Coverage | None
    policy: PolicyRef | None
    asked: Finding | None
    criteria: tuple[Finding, ...]
    facts: tuple[ClinicalFact, ...]
    who: Parties
    patient_is: Demographics
    practitioner: Practitioner
    provider: BillingProvider | None
    lacking: tuple[str, ...] = ()

    @property
    def payer(self) -> str:
        """Its name, as the site or the chart writes it; empty where that is not known."""
        if self.coverage is None:
            return ""
        return self.coverage.payor.on_claims.name or self.coverage.payor.name or ""

    @property
    def is_open(self) -> bool:
        """Whether the payer wants an authorization, or may, and none covers the doses."""
        asked, is_over = self.asked, self.course.doses == 0
        return asked is not None and asked.state in WORST_FIRST and not is_over

    @property
    def applying(self) -> list[Finding]:
        """The criteria that apply to the dose, those that the chart does not meet first."""
        found = [one for one in self.criteria if one.state != "not-applicable"]
        return sorted(found, key=lambda one: one.state not in WORST_FIRST)


def of_order(
    order: Order, dose: str, assessment: PatientAssessment, record: PatientRecord, site: Site
) -> AuthorizationRequest | None:
    """For the doses of ORDER that are to come; DOSE is the administration that stands for them.
    None where no line comes of it."""
    lines = [line for line in assessment.lines if dose in line.administrations and _is_drug(line)]
    if not lines:
        return None
    given = [
        one
        for one in record.administrations
        if one.was_given and one.source.resource != dose and order.source.resource in one.orders
    ]
    left = max(order.doses - len(given), 0) if order.doses is not None else None
    each, start = sum(line.units for line in lines) or None, _day(lines[0])
    course = Course(
        order=order,
        doses=left,
        dose_units=each,
        units=each * left if each and left is not None else None,
        start=start,
        end=_last(order, start, site.zone),
    )
    return _request(lines, (dose,), course, assessment, record, site)


def _last(order: Order, start: date | None, zone: tzinfo | None) -> date | None:
    """Its last day. A single dose is given on one, be it later than it was ordered for."""
    last = order.end.days(zone)[1] if order.end else None
    return start if last and start and (order.once or last < start) else last


def of_given(
    assessment: PatientAssessment, record: PatientRecord, site: Site
) -> Iterator[AuthorizationRequest]:
    """For doses that were given and wait for an authorization: one for each payer, code and
    place."""
    waiting: dict[tuple[str | None, ...], list[ClaimLine]] = {}
    for line in assessment.lines:
        if any(_group(reason) == "authorization" for reason in line.reasons) and _is_drug(line):
            key = (line.coverage, line.code, line.place_of_service, line.bill_type)
            waiting.setdefault(key, []).append(line)
    for lines in waiting.values():
        doses = tuple(dict.fromkeys(chain.from_iterable(line.administrations for line in lines)))
        course = _given(lines, doses, record)
        yield _request(lines, doses, course, assessment, record, site)


def _given(lines: Sequence[ClaimLine], doses: tuple[str, ...], record: PatientRecord) -> Course:
    units: dict[str, int] = {}
    for line in lines:
        units[line.pair] = units.get(line.pair, 0) + line.units
    each, days = set(units.values()), sorted(filter(None, map(_day, lines)))
    return Course(
        order=_order_of(doses, record),
        given=doses,
        doses=len(units),
        dose_units=each.pop() if len(each) == 1 else None,
        units=sum(units.values()),
        start=days[0] if days else None,
        end=days[-1] if days else None,
    )


def _order_of(doses: Iterable[str], record: PatientRecord) -> Order | None:
    """The one order of all of them."""
    wanted = set(doses)
    given = [one for one in record.administrations if one.source.resource in wanted]
    named = set(chain.from_iterable(one.orders for one in given))
    found = [order for order in record.orders if order.source.resource in named]
    return found[0] if len(found) == 1 else None


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
        id=stable_id("authorization", assessment.patient, line.coverage or "", line.code, *doses),
        patient=assessment.patient,
        code=line.code,
        drug=_drug(line),
        course=course,
        draft=draft,
        coverage=coverage_of(record, line.coverage or ""),
        policy=line.policy,
        asked=next((one for one in findings if _group(one.requirement) == "authorization"), None),
        criteria=tuple(one for one in findings if _group(one.requirement) in _JUDGED_BY),
        facts=tuple(clinical_facts(record, site, about, course.start)),
        who=who,
        patient_is=record.demographics,
        practitioner=_practitioner(course, draft, record, site),
        provider=site.biller(draft.kind, draft.bill_type),
    )
    return replace(request, lacking=tuple(_lacking(request)))


def _practitioner(course: Course, draft: Draft, record: PatientRecord, site: Site) -> Practitioner:
    """Who ordered it, else who is on the claim."""
    ordered = course.order.requester if course.order else None
    if ordered and ordered.npi:
        return ordered
    return practitioner_of(draft, record, site.zone) or ordered or Practitioner()


def _group(requirement: str) -> str | None:
    """What kind of requirement it is; None of a reason that is none."""
    known = codes.requirements().get(requirement)
    return known.group if known else None


def _is_drug(line: ClaimLine) -> bool:
    return line.code in codes.in_force().billing_codes


def _day(line: ClaimLine) -> date | None:
    return date.fromisoformat(line.service_date) if line.service_date else None


def _drug(line: ClaimLine) -> str:
    """The name of the iron that the code is for."""
    family, _ = codes.in_force().billing_codes[line.code]
    return codes.families()[family].name


def _lacking(request: AuthorizationRequest) -> Iterator[str]:
    who, course, coverage = request.who, request.course, request.draft.coverage
    practitioner, name = request.practitioner, request.patient_is.name
    checks = {
        "the patient's family and given name (Patient.name)": name and name.family and name.given,
        "the patient's birth date (Patient.birthDate)": who.born,
        "who pays (a Coverage that is in force)": request.coverage,
        f"the member number ({coverage or 'Coverage'} subscriberId)": who.first.member_id,
        f"the patient's relationship to the subscriber ({coverage or 'Coverage'} relationship)": (
            who.first.relationship
        ),
        f"the subscriber's name ({coverage or 'Coverage'} subscriber)": (
            who.first.subscriber.family or who.first.relationship in ("", "18")
        ),
        f"the payer's name ({coverage or 'Coverage'} payor)": request.payer,
        "a diagnosis": request.draft.diagnoses,
        "the dose (dosageInstruction.doseAndRate of the order)": course.dose_units,
        "how many doses (timing.repeat.count of the order, or --doses)": course.doses,
        "the place of service (--place)": request.draft.place_of_service,
        "who orders, with name and NPI (MedicationRequest.requester)": (
            practitioner.npi and practitioner.name and practitioner.name.family
        ),
    }
    yield from (what for what, there in checks.items() if not there)
    provider = provider_lacks(request.provider)
    if provider:
        yield f"of the site's billing_provider {', '.join(provider)}"
