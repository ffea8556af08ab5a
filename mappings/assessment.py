"""The assessment document: what may be billed, what is missing, and the chain from one to the
other. `document.py` writes it.

Held by tests/unit/test_writing_table.py.
"""

from collections.abc import Iterable, Set
from datetime import date
from itertools import chain
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from mappings.record import Source
from mappings.values import own_names

State = Literal[
    "met", "missing", "expired", "incomplete", "contradicted", "not-covered", "not-applicable"
]
LineStatus = Literal["ready", "held", "not-billable"]
Payment = Literal["separate", "packaged", "bundled"]
# Worth nothing apart: paid with the visit or the dialysis treatment.
CHARGES: tuple[Payment, ...] = ("packaged", "bundled")
# From the worst: the state of a patient-scope gap is the worst over its administrations (R10).
WORST_FIRST: tuple[State, ...] = ("missing", "contradicted", "not-covered", "expired", "incomplete")
EVERY_STATE: tuple[State, ...] = (*WORST_FIRST, "met", "not-applicable")


class Evidence(Struct, frozen=True, gc=False, order=True):
    """`resource`: `Type/id`, or `urn:ferroclaim:decision:…` for what a person decided."""

    resource: str
    version: str | None
    says: str

    @property
    def in_the_chart(self) -> bool:
        return not self.resource.startswith(own_names.OURS)


def has_address(resource: str) -> bool:
    """Whether a Reference may name it: what is no resource, or lives inside another, has none."""
    return "#" not in resource and not resource.startswith(own_names.OURS)


class PolicyRef(Struct, frozen=True, gc=False):
    id: str
    version: str


def _policy_ref(policy: str | None, version: str | None) -> PolicyRef | None:
    return PolicyRef(policy, version) if policy and version else None


class NdcQuantity(Struct, frozen=True, gc=False):
    """An 11-digit NDC with the quantity of this line in mL."""

    code: str
    quantity: str
    unit: str


class Denial(Struct, frozen=True, gc=False):
    """The denial that a gap predicts: X12 claim adjustment reason code and remark codes."""

    carc: str
    rarc: tuple[str, ...] = ()


class Step(Struct, frozen=True, gc=False, rename={"start": "from", "end": "to"}):
    """One step of a line's chain: what was concluded, by which rule, from which source, valid
    from-to, on which evidence."""

    rule: str
    says: str
    source: str | None = None
    verified: bool = True
    start: date | None = None
    end: date | None = None
    evidence: tuple[Evidence, ...] = ()


class ClaimLine(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """`partial_date`: when the drug was given as the chart has it, where that is no day of service
    (`2026-10`). `file_by`: the last day on which the payer takes the claim, as far as its limit is
    known. `pointers`: the codes of `diagnoses`, at most four, that the line points to on a claim.
    `chain`: unset where nobody asked for it.
    """

    id: str
    administrations: tuple[str, ...]
    service_date: str | None
    partial_date: str | None = None
    file_by: str | None = None
    code: str
    modifiers: tuple[str, ...]
    units: int
    status: LineStatus
    payment: Payment | None
    reasons: tuple[str, ...]
    policy: PolicyRef | None
    coverage: str | None
    secondary_coverages: tuple[str, ...] = ()
    ndc: NdcQuantity | None = None
    ndcs: tuple[NdcQuantity, ...] = ()
    diagnoses: tuple[str, ...] = ()
    pointers: tuple[str, ...] = ()
    problem_list_only: tuple[str, ...] = ()
    other_encounter_only: tuple[str, ...] = ()
    place_of_service: str | None = None
    bill_type: str | None = None
    revenue_code: str | None = None
    prior_authorization: str | None = None
    drug_source: str | None = None
    value: str | None = None
    value_quarter: str | None = None
    notes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    chain: tuple[Step, ...] | UnsetType = field(default=UNSET, name="trace")
    discard_of: str | None = None

    @property
    def trace(self) -> tuple[Step, ...]:
        """How the line came about, step by step; nothing where nobody asked for it."""
        return () if self.chain is UNSET else self.chain

    @property
    def pair(self) -> str:
        """The same for a dose and its JW line, which are one decision: the id of the dose's
        line."""
        return self.discard_of or self.id

    @property
    def text(self) -> str:
        """`J1756 JZ × 200`."""
        return " ".join([self.code, *self.modifiers, "×", str(self.units)])

    @property
    def is_billable(self) -> bool:
        return self.status != "not-billable"

    @property
    def given_on(self) -> str | None:
        """The date as far as it is known: the day of service, else what the chart has of it."""
        return self.service_date or self.partial_date


class Asked(Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """The payer's rule that decided. `says` follows the payer's name; `when` and `limit` are the
    conditions of the policy's file.

    `window_days`: how many days before the dose its evidence may be. `of_payer`: false where no
    text of this payer stands behind it, so that we ask it, not the payer.
    """

    says: str
    when: str | None = None
    limit: str | None = None
    window_days: int | None = None
    of_payer: bool = True


def untouched_lines(lines: Iterable[ClaimLine], named: Set[str]) -> list[ClaimLine]:
    """Those of ready pairs that no person has to look at: no gap of any kind names one (`named`:
    ids of lines), and no diagnosis is from the problem list or from another encounter alone."""
    found = list(lines)
    touched = {
        line.pair
        for line in found
        if line.status != "ready"
        or line.id in named
        or line.problem_list_only
        or line.other_encounter_only
    }
    return [line for line in found if line.pair not in touched]


class Gap(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    id: str
    requirement: str
    state: State
    blocking: bool
    waivable: bool
    severity: Literal["low", "moderate", "high"]
    administrations: tuple[str, ...]
    lines: tuple[str, ...]
    policy: str | None
    policy_version: str | None = None
    message: str
    fix: str
    asked: Asked | None = None
    predicted_denial: Denial | None
    source: str | None
    verified: bool
    start: date | None = field(default=None, name="from")
    end: date | None = field(default=None, name="to")
    write_back: bool = True
    evidence: tuple[Evidence, ...] = ()

    @property
    def decided_by(self) -> PolicyRef | None:
        """The policy whose rule decided; None where the payer is not known."""
        return _policy_ref(self.policy, self.policy_version)

    @property
    def is_safety(self) -> bool:
        """About the patient rather than the paperwork (R13)."""
        return self.severity != "low"


class Finding(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """The state of one requirement for one administration, and the rule that asks: its source,
    valid from-to."""

    requirement: str
    state: State
    administrations: tuple[str, ...]
    policy: str | None
    policy_version: str | None = None
    value: str | None = None
    unit: str | None = None
    says: str | None = None
    blocking: bool = True
    write_back: bool = True
    source: str | None = None
    verified: bool = True
    start: date | None = field(default=None, name="from")
    end: date | None = field(default=None, name="to")
    fix: str | None = None
    note: str | None = None
    asked: Asked | None = None
    denial: Denial | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def decided_by(self) -> PolicyRef | None:
        """The policy whose rule decided; None where the payer is not known."""
        return _policy_ref(self.policy, self.policy_version)


class Unbilled(Struct, frozen=True, gc=False, order=True):
    """An administration that is pending or reversed, and why."""

    administration: str
    status: str
    reason: str


class Unreadable(Struct, frozen=True, gc=False, order=True):
    resource: str
    problem: str


class Question(Struct, frozen=True, gc=False, order=True):
    """A value that is not understood, and that a site can give a meaning once: in which table of
    its settings, of which element, under which key; how it stands there, and how many doses wait.
    """

    table: str
    element: str
    value: str
    says: str
    doses: int


class PatientAssessment(Struct, frozen=True, kw_only=True, rename="camel"):
    patient: str
    lines: tuple[ClaimLine, ...] = ()
    gaps: tuple[Gap, ...] = ()
    requirements: tuple[Finding, ...] = ()
    pending: tuple[Unbilled, ...] = ()
    reversed: tuple[Unbilled, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    questions: tuple[Question, ...] = ()
    test_patient: bool = False

    @property
    def concerns_us(self) -> bool:
        """Whether there is an IV-iron administration at all; a patient without one is left out of
        the document."""
        return bool(self.lines or self.requirements or self.pending or self.reversed)


class Assessment(Struct, frozen=True, kw_only=True):
    """`as_of`: ISO 8601, with offset."""

    as_of: str
    patients: tuple[PatientAssessment, ...]
    unreadable: tuple[Unreadable, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def all_unreadable(self) -> tuple[Unreadable, ...]:
        """What is nobody's, then each patient's."""
        return (
            *self.unreadable,
            *chain.from_iterable(patient.unreadable for patient in self.patients),
        )


def cite(source: Source, says: str) -> Evidence:
    return Evidence(source.resource, source.version, says)
