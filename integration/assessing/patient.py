"""One patient's way: what was pulled → record → assessment → what should
stand in the chart.

Held by tests/unit/test_status_words.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integration.configuration.site import Site
from integration.ehr.fhir.bundles import AsSent
from integration.ehr.reading.pull import PatientPull
from mappings.assess import assess
from mappings.assessment import PatientAssessment
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection, Reader
from mappings.reading.bundles.groups import Group
from mappings.record import PatientRecord, Problem
from mappings.site import Site as Facts
from mappings.writing.detected_issue import Waiver, issues

_readers: dict[str, Reader] = {}


@dataclass(frozen=True)
class Checked:
    """A patient's record and assessment."""

    record: PatientRecord
    assessment: PatientAssessment


def check_pull(
    pull: PatientPull,
    site: Site,
    policies: PolicySet,
    as_of: datetime,
    decisions: Sequence[Decision] = (),
) -> Checked:
    """Assess what was pulled of one patient, with what people decided."""
    facts = facts_of(pull, site, as_of, decisions)
    record = record_of(pull, collected(pull, site), site, facts)
    return Checked(record, assess(record, policies, as_of, facts))


def collected(pull: PatientPull, site: Site) -> Collection:
    """What was pulled."""
    collection = Collection(site.addresses)
    for number, resource in enumerate(pull.resources, 1):
        where = f"resource {number} of the answer"
        if isinstance(resource, AsSent):
            collection.add_opened(resource, resource.text, where)
        else:
            collection.add(resource, where)
    return collection


def facts_of(
    pull: PatientPull, site: Site, as_of: datetime, decisions: Sequence[Decision]
) -> Facts:
    """What the rules need of the site, in its server's words, with what people decided."""
    facts = site.facts().with_words(pull.status_words).without(pull.not_offered | pull.unread)
    return facts.deciding(decisions, as_of)


def record_of(pull: PatientPull, collection: Collection, site: Site, facts: Facts) -> PatientRecord:
    """The record of the patient whom it was asked for."""
    own = f"Patient/{pull.patient.removeprefix('Patient/')}"
    reference = collection.patient(own) or own
    group = next(
        (group for group in collection.groups() if group.patient == reference), Group(reference)
    )
    group.problems.extend(
        Problem(problem["resource"], problem["problem"]) for problem in pull.problems
    )
    group.problems.extend(collection.problems)  # of what many may share, this chart rests on it
    return _reader(site.name, facts).record(group, collection)


def _reader(name: str, facts: Facts) -> Reader:
    """That of a site is kept: it remembers the medications and words that it has seen."""
    kept = _readers.get(name)
    if kept is None or not kept.reads_as(facts):
        kept = _readers[name] = Reader(facts)
    return kept


def owed_issues(
    assessment: PatientAssessment,
    pull: PatientPull,
    now: datetime,
    waivers: Mapping[str, Waiver] | None = None,
) -> list[dict[str, Any]]:
    """The DetectedIssues that the chart should hold now. None where a part of the chart could not
    be read: absence would be a guess."""
    return [] if pull.unread else issues(assessment, _known(pull.issues), now, waivers=waivers)


def _known(resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [resource for resource in resources if resource.get("resourceType") == "DetectedIssue"]
