"""A request for prior authorization: of an order's doses, or of doses that were given without one.

Held by tests/unit/test_authorization_requests.py.
"""

from msgspec import Struct

from mappings.assessment import WORST_FIRST, Finding, Payment, PolicyRef
from mappings.authorizing.clinical import ClinicalFact
from mappings.authorizing.course import Course
from mappings.record import Coverage, Demographics, Practitioner
from mappings.site import BillingProvider
from mappings.writing.preparing.drafts import Draft
from mappings.writing.preparing.parties import Parties


class AuthorizationRequest(Struct, frozen=True, kw_only=True):
    """`asked`: what the payer wants, None where it asks for no authorization; `coordinated`: who
    pays. `criteria`: what else it asks of the dose. `faults`: what makes it no dose that anybody
    gives. `lacking`: what a request can't do without, each half a sentence; `notes`: what whoever
    sends it should know. `payment`: how its lines are paid."""

    id: str
    patient: str
    code: str
    drug: str
    course: Course
    draft: Draft
    coverage: Coverage | None
    policy: PolicyRef | None
    asked: Finding | None
    coordinated: Finding | None
    criteria: tuple[Finding, ...]
    faults: tuple[Finding, ...]
    facts: tuple[ClinicalFact, ...]
    who: Parties
    patient_is: Demographics
    practitioner: Practitioner
    provider: BillingProvider | None
    payment: Payment | None = None
    lacking: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def payer(self) -> str:
        """Its name, as the site or the chart writes it; empty where that is not known."""
        if self.coverage is None:
            return ""
        return self.coverage.payor.on_claims.name or self.coverage.payor.name or ""

    @property
    def decides(self) -> Finding | None:
        """What says whether an authorization is needed: the payer's rule, or that it is not known
        who pays."""
        doubt = self.coordinated if _is_open(self.coordinated) else None
        return self.asked if self.asked and self.asked.state != "not-applicable" else doubt

    @property
    def is_open(self) -> bool:
        """Whether the payer wants an authorization, or may, and none covers the doses."""
        return _is_open(self.decides) and self.course.doses != 0

    @property
    def applying(self) -> list[Finding]:
        """The criteria that apply to the dose, those that the chart does not meet first."""
        found = [one for one in self.criteria if one.state != "not-applicable"]
        return sorted(found, key=lambda one: not _is_open(one))


def _is_open(found: Finding | None) -> bool:
    return found is not None and found.state in WORST_FIRST
