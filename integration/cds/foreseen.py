"""What a payer would miss of each draft order, if its next dose were given; each draft alone, as
`prior-auth` does.

Held by tests/unit/test_cds_drafts.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from integration.assessing import planning
from integration.assessing.patient import collected, facts_of, record_of
from integration.assessing.planning import OrderedIron
from integration.assessing.worst import at_worst
from integration.cds.evidence import WEIGHTS, KnownChart, key
from integration.configuration.site import Site
from integration.ehr.profile import words_of
from integration.ehr.reading.patient import PatientPull
from mappings import codes
from mappings.assess import assess
from mappings.assessment import WORST_FIRST, Finding, PatientAssessment, Payment
from mappings.circumstances.lab_history import kilograms
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading.fhir import elements
from mappings.reading.orders.terms import with_terms
from mappings.record import Administration, Encounter, PatientRecord
from mappings.site import Site as Facts
from mappings.values.moment import parse

Resource = dict[str, Any]
# Nobody orders more irons in one dialog.
_MOST_DRAFTS = 20
# What tells whether a rule for some patients (in kidney disease, say) is for this one.
_WHOM = frozenset({"Patient", "Condition", "Encounter", "Procedure"})


@dataclass(frozen=True)
class Foreseen:
    """A finding of a draft, as if it were given on DAY; `is_later`: than the order; `payment`: how
    its line would be paid, where that is known."""

    draft: OrderedIron
    day: date
    is_later: bool
    payment: Payment | None
    found: Finding

    @property
    def drug(self) -> str:
        return self.draft.says


@dataclass(frozen=True)
class _Alone:
    """A record with the doses of one draft and no other that is only planned; one dose for each
    amount that it may be."""

    name: str
    record: PatientRecord
    doses: tuple[Administration, ...]
    when: datetime

    def assessed(self, policies: PolicySet, facts: Facts) -> PatientAssessment:
        """At the worst of them."""
        as_of = self.when + planning.A_MOMENT
        each = [
            assess(self._with(dose), policies, as_of, facts, trace=False) for dose in self.doses
        ]
        return at_worst(each, self.name)

    def _with(self, dose: Administration) -> PatientRecord:
        given = self.record.administrations
        return replace(self.record, administrations=(*given, dose))


def foreseen(
    site: Site,
    policies: PolicySet,
    known: KnownChart,
    patient: str,
    drafts: Sequence[OrderedIron],
    now: datetime,
    decided: Sequence[Decision] = (),
    visit: str | None = None,
) -> Iterator[Foreseen]:
    """VISIT: the encounter in which they are ordered, where they do not say."""
    drafts = drafts[:_MOST_DRAFTS]
    orders = [_as_order(draft.order, number, visit) for number, draft in enumerate(drafts)]
    given = [planning.as_given(order, f"Patient/{patient}", order["id"], now) for order in orders]
    resources = [*known.resources, *orders, *given]
    pull = PatientPull(f"Patient/{patient}", resources, [], 0, status_words=words_of(site.vendor))
    facts, collection = facts_of(pull, site, now, decided), collected(pull, site)
    record = record_of(pull, collection, site, facts)
    with codes.using(facts.codes):
        record = with_terms(record, collection, _kg(record, known, facts, now))
    planned = {f"MedicationAdministration/{dose['id']}" for dose in given}
    for draft, order in zip(drafts, orders, strict=True):
        alone = _alone(record, order["id"], planned, facts, now)
        assessment = alone.assessed(policies, facts)
        day = alone.when.astimezone(facts.zone or alone.when.tzinfo).date()
        payment = _payment(assessment, alone.name)
        for found in _open(assessment, alone.name):
            if _can_be_told(found, order, known):
                yield Foreseen(draft, day, alone.when > now, payment, found)


def _kg(record: PatientRecord, known: KnownChart, facts: Facts, now: datetime) -> Decimal | None:
    """What the patient weighs, where all weights are here."""
    if not known.unknown.isdisjoint((WEIGHTS, "Observation")):
        return None
    return kilograms(record.labs, now.astimezone(facts.zone or now.tzinfo).date(), facts.zone)


def _as_order(draft: Resource, number: int, visit: str | None) -> Resource:
    encounter = draft.get("encounter") or (visit and {"reference": f"Encounter/{visit}"})
    said = {"id": f"draft-{number}", "status": "active", "intent": "order"}
    return {**draft, **said, **({"encounter": encounter} if encounter else {})}


def _can_be_told(found: Finding, order: Resource, known: KnownChart) -> bool:
    """Whether all that it rests on is here. What is asked rests on who pays, of whom it is asked,
    and on the visit: of an inpatient's dose, which is not billed apart, nothing is missing."""
    row = codes.requirements()[found.requirement]
    of_some = _WHOM if found.asked and found.asked.when else frozenset[str]()
    if not known.unknown.isdisjoint(row.known_by(found.state) | of_some):
        return False
    visit = elements.text(elements.mapping(order.get("encounter")).get("reference"))
    is_asked = "Coverage" not in known.unknown and (not visit or known.has(key(visit)))
    return row.group == "safety" or is_asked


def _alone(
    record: PatientRecord, name: str, planned: set[str], facts: Facts, now: datetime
) -> _Alone:
    """When the draft's dose would be given. Who is in the hospital now is not for that on a later
    day."""
    own, of = f"MedicationAdministration/{name}", f"MedicationRequest/{name}"
    bare = planning.without(record, planned)
    order = next((one for one in record.orders if one.source.resource == of), None)
    when = planning.begins(order, now, facts.zone)
    if when > now:
        bare = replace(bare, encounters=tuple(_ended(one, now) for one in bare.encounters))
    when = planning.on_a_free_day(when, bare, facts.zone)
    doses: list[Administration] = []
    for one in record.administrations:
        if one.source.resource == own:
            first = planning.moved(one, when)
            others = planning.other_amounts(order, first.dose) if order else []
            doses += [first, *(planning.of_amount(first, amount) for amount in others)]
    return _Alone(own, bare, tuple(doses), when)


def _ended(visit: Encounter, now: datetime) -> Encounter:
    return visit if visit.end else replace(visit, end=parse(now.isoformat(timespec="seconds")))


def _open(assessment: PatientAssessment, reference: str) -> Iterator[Finding]:
    """What holds the dose, or warns of it."""
    gaps = {gap.requirement for gap in assessment.gaps if reference in gap.administrations}
    for found in assessment.requirements:
        is_open = found.state in WORST_FIRST and found.requirement in gaps
        if is_open and reference in found.administrations:
            yield found


def _payment(assessment: PatientAssessment, reference: str) -> Payment | None:
    lines = (line for line in assessment.lines if reference in line.administrations)
    return next((line.payment for line in lines), None)
