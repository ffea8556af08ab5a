"""What a payer would miss of each draft order, if its next dose were given; each draft alone, as
`prior-auth` does.

Held by tests/unit/test_cds_drafts.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from integration.assessing import planning
from integration.assessing.patient import collected, facts_of, record_of
from integration.assessing.planning import OrderedIron
from integration.cds.evidence import KnownChart, key
from integration.configuration.site import Site
from integration.ehr.profile import words_of
from integration.ehr.reading.patient import PatientPull
from mappings import codes
from mappings.assess import assess
from mappings.assessment import WORST_FIRST, Finding, PatientAssessment
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading.fhir import elements
from mappings.record import Encounter, PatientRecord
from mappings.site import Site as Facts
from mappings.values.moment import parse

Resource = dict[str, Any]


@dataclass(frozen=True)
class Foreseen:
    """A finding of a draft for DRUG, as if it were given on DAY; `is_later`: than the order."""

    drug: str
    day: date
    is_later: bool
    found: Finding


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
    orders = [_as_order(draft.order, number, visit) for number, draft in enumerate(drafts)]
    given = [planning.as_given(order, f"Patient/{patient}", order["id"], now) for order in orders]
    resources = [*known.resources, *orders, *given]
    pull = PatientPull(f"Patient/{patient}", resources, [], 0, status_words=words_of(site.vendor))
    facts = facts_of(pull, site, now, decided)
    record = record_of(pull, collected(pull, site), site, facts)
    planned = {f"MedicationAdministration/{dose['id']}" for dose in given}
    for draft, order in zip(drafts, orders, strict=True):
        alone, when = _alone(record, order["id"], planned, facts, now)
        assessment = assess(alone, policies, when + planning.A_MOMENT, facts, trace=False)
        day = when.astimezone(facts.zone or when.tzinfo).date()
        for found in _open(assessment, f"MedicationAdministration/{order['id']}"):
            if _can_be_told(found, order, known):
                yield Foreseen(draft.says, day, when > now, found)


def _as_order(draft: Resource, number: int, visit: str | None) -> Resource:
    encounter = draft.get("encounter") or (visit and {"reference": f"Encounter/{visit}"})
    said = {"id": f"draft-{number}", "status": "active", "intent": "order"}
    return {**draft, **said, **({"encounter": encounter} if encounter else {})}


def _can_be_told(found: Finding, order: Resource, known: KnownChart) -> bool:
    """Whether all that it rests on is here. What the payer asks rests on the visit, too: of an
    inpatient's dose, which is not billed apart, nothing is missing."""
    row = codes.requirements()[found.requirement]
    visit = elements.text(elements.mapping(order.get("encounter")).get("reference"))
    is_here = row.group == "safety" or not visit or known.has(key(visit))
    return is_here and known.unknown.isdisjoint(row.known_by(found.state))


def _alone(
    record: PatientRecord, name: str, planned: set[str], facts: Facts, now: datetime
) -> tuple[PatientRecord, datetime]:
    """The record with this draft's dose and no other that is only planned, and when that is. Who is
    in the hospital now is not for that on a later day."""
    own, of = f"MedicationAdministration/{name}", f"MedicationRequest/{name}"
    bare = planning.without(record, planned)
    order = next((one for one in record.orders if one.source.resource == of), None)
    when = planning.begins(order, now, facts.zone)
    if when > now:
        bare = replace(bare, encounters=tuple(_ended(one, now) for one in bare.encounters))
    when = planning.on_a_free_day(when, bare, facts.zone)
    dose = [
        planning.moved(one, when) for one in record.administrations if one.source.resource == own
    ]
    return replace(bare, administrations=(*bare.administrations, *dose)), when


def _ended(visit: Encounter, now: datetime) -> Encounter:
    return visit if visit.end else replace(visit, end=parse(now.isoformat(timespec="seconds")))


def _open(assessment: PatientAssessment, reference: str) -> Iterator[Finding]:
    """What holds the dose, or warns of it."""
    gaps = {gap.requirement for gap in assessment.gaps if reference in gap.administrations}
    for found in assessment.requirements:
        is_open = found.state in WORST_FIRST and found.requirement in gaps
        if is_open and reference in found.administrations:
            yield found
