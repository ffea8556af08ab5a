"""What an assessment adds up to: money ready, held and by which cause, and what to settle first.

Held by tests/unit/test_tables.py.
"""

from collections.abc import Iterator
from itertools import chain

from msgspec import Struct

from integration.wording.amounts import Sum, total
from mappings.assessment import Assessment, ClaimLine, Gap, LineStatus, PatientAssessment


class Cause(Struct, frozen=True):
    """A reason that holds lines: all of them, and those that it alone holds."""

    reason: str
    held: Sum
    alone: Sum


class Task(Struct, frozen=True):
    """What lines of one patient wait for: settle all `reasons`, and `freed` becomes ready.

    `beyond_paperwork`: what is on record fails a limit or list of the payer, so that no document
    alone will do.
    """

    patient: str
    reasons: tuple[str, ...]
    freed: Sum
    beyond_paperwork: bool


def lines_of(document: Assessment, status: LineStatus) -> list[ClaimLine]:
    return [
        line for patient in document.patients for line in patient.lines if line.status == status
    ]


def causes(document: Assessment) -> list[Cause]:
    """Each reason with the lines it holds (a line with several counts in each), the most money
    first."""
    held = lines_of(document, "held")
    reasons = sorted(set(chain.from_iterable(line.reasons for line in held)))
    found = [
        Cause(
            reason,
            total(line for line in held if reason in line.reasons),
            total(line for line in held if line.reasons == (reason,)),
        )
        for reason in reasons
    ]
    return sorted(found, key=lambda cause: (-cause.held.money, -cause.held.lines, cause.reason))


def tasks(document: Assessment) -> list[Task]:
    """Held lines by patient and what they wait for, the most useful first: what paperwork settles,
    money, lines, fewest things."""
    found = list(chain.from_iterable(_tasks(patient) for patient in document.patients))
    return sorted(
        found,
        key=lambda task: (
            task.beyond_paperwork,
            -task.freed.money,
            -task.freed.lines,
            len(task.reasons),
            task.patient,
            task.reasons,
        ),
    )


def _tasks(patient: PatientAssessment) -> Iterator[Task]:
    """One per set of things that no larger one contains: who settles the larger one frees the lines
    of both."""
    waiting = {
        line.id: _waits_for(line, patient) for line in patient.lines if line.status == "held"
    }
    for things in dict.fromkeys(waiting.values()):
        if any(things < other for other in waiting.values()):
            continue
        freed = total(
            line for line in patient.lines if line.id in waiting and waiting[line.id] <= things
        )
        reasons = tuple(dict.fromkeys(reason for reason, _, _ in sorted(things)))
        yield Task(
            patient.patient, reasons, freed, any(state == "not-covered" for _, _, state in things)
        )


def _waits_for(line: ClaimLine, patient: PatientAssessment) -> frozenset[tuple[str, str, str]]:
    """Reason, gap and state of everything that holds a line; some reasons have no gap."""
    gaps = [gap for gap in patient.gaps if gap.requirement in line.reasons and line.id in gap.lines]
    without = set(line.reasons) - {gap.requirement for gap in gaps}
    return frozenset(
        {(gap.requirement, gap.id, gap.state) for gap in gaps}
        | {(reason, "", "") for reason in without}
    )


def safety(patient: PatientAssessment) -> list[Gap]:
    """Gaps that are about the patient's safety."""
    return [gap for gap in patient.gaps if gap.is_safety]
