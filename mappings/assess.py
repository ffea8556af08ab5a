"""record + policies + moment → assessment. Pure: the same record gives the same answer, in whatever
order it was read.

Held by tests/scenarios/lines.yaml.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter

from msgspec import structs

from mappings import codes
from mappings.assessment import (
    Assessment,
    ClaimLine,
    PatientAssessment,
    Question,
    Unreadable,
)
from mappings.charge.building import charge_of
from mappings.charge.groups import grouped
from mappings.charge.history import History
from mappings.charge.neighbors import neighbors_of, ranked
from mappings.dose.intake import take_in
from mappings.lines.administration import companion_lines
from mappings.lines.claim_lines import claim_lines
from mappings.policy.choosing import PolicySet
from mappings.record import PatientRecord, Problem
from mappings.requirements.findings import findings_about, findings_of
from mappings.requirements.gaps import gaps_of
from mappings.requirements.questions import questions
from mappings.site import Site

_BY_REQUIREMENT = attrgetter("requirement", "administrations")


def assess(
    record: PatientRecord,
    policies: PolicySet,
    as_of: datetime,
    site: Site | None = None,
    *,
    trace: bool = True,
) -> PatientAssessment:
    """What may be billed of one patient's IV iron on `as_of`, and what is missing (R1-R11). `as_of`
    is aware. `trace`: with the chain of each line."""
    site = site or Site()
    with codes.using(site.codes):
        return _assessed(record, policies, as_of, site, trace)


def _assessed(
    record: PatientRecord, policies: PolicySet, as_of: datetime, site: Site, trace: bool
) -> PatientAssessment:
    history = History(record, site)
    intake = take_in(history.doses, as_of)
    charges = [
        charge_of(administration, history, intake, policies) for administration in intake.counted
    ]
    charges = ranked(charges)
    groups = grouped(charges)
    neighbors = neighbors_of(charges, groups)
    by_dose = {
        charge.reference: findings_of(charge, neighbors[charge.reference]) for charge in charges
    }
    findings = list(chain.from_iterable(by_dose.values()))
    lines: list[ClaimLine] = []
    for group in groups:
        about = findings_about(group.charges, by_dose)
        lines += claim_lines(neighbors[group.first.reference], about, trace)
    lines += companion_lines(groups, lines, by_dose)
    problems = {
        (problem.resource, problem.problem) for problem in (*record.unreadable, *intake.problems)
    }
    ordered = tuple(_ordered(lines))
    return PatientAssessment(
        patient=record.patient,
        lines=ordered,
        gaps=gaps_of(
            record.patient,
            findings,
            {line.id: line.administrations for line in ordered if line.is_billable},
        ),
        requirements=tuple(sorted(findings, key=_BY_REQUIREMENT)),
        pending=intake.pending,
        reversed=intake.reversed,
        unreadable=tuple(Unreadable(*problem) for problem in sorted(problems)),
        questions=questions(charges),
        test_patient=record.test_patient,
    )


def _ordered(lines: Sequence[ClaimLine]) -> list[ClaimLine]:
    """By date and code, a dose before its discard and nothing between them."""
    modifiers = {line.id: line.modifiers for line in lines}

    def place(line: ClaimLine) -> tuple[object, ...]:
        of_dose = modifiers[line.pair]
        return (line.service_date or "", line.code, of_dose, line.pair, line.discard_of or "")

    return sorted(lines, key=place)


def document(
    assessments: Iterable[PatientAssessment], problems: Iterable[Problem], as_of: datetime
) -> Assessment:
    """The assessment document: patients without an IV iron are left out, what could not be read of
    them is not."""
    patients = sorted(assessments, key=lambda patient: patient.patient)
    outer = [Unreadable(problem.resource, problem.problem) for problem in problems]
    for patient in patients:
        outer += () if patient.concerns_us else patient.unreadable
    return Assessment(
        as_of=as_of.isoformat(timespec="seconds"),
        patients=tuple(patient for patient in patients if patient.concerns_us),
        unreadable=tuple(sorted(set(outer))),
        questions=tuple(_together(chain.from_iterable(patient.questions for patient in patients))),
    )


def _together(asked: Iterable[Question]) -> Iterator[Question]:
    """Each value once, with all the doses that wait for it."""
    doses: Counter[Question] = Counter()
    for question in asked:
        doses[structs.replace(question, doses=0)] += question.doses
    for question in sorted(doses):
        yield structs.replace(question, doses=doses[question])
