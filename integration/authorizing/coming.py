"""The doses of an order that are to come, as if they were given: what its payer would miss of the
next, and for which of them an authorization on record is enough.

Held by tests/contract/test_prior_auth_courses.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from integration.assessing import planning
from integration.assessing.worst import at_worst
from mappings.assess import assess
from mappings.assessment import WORST_FIRST, Finding, PatientAssessment
from mappings.authorizing.course import Course, given_before, in_units, next_dose, to_come
from mappings.authorizing.drawing import asked_of, lines_of, of_order
from mappings.authorizing.request import AuthorizationRequest
from mappings.policy.choosing import PolicySet
from mappings.record import Administration, Amount, Encounter, Order, PatientRecord, Source
from mappings.site import Site as Facts

_A_DAY = timedelta(days=1)
# No course of an iron goes on for longer, nor has so many doses; later ones count as not covered.
_MOST_DAYS, _MOST_DOSES = 3660, 200


@dataclass(frozen=True)
class AsGiven:
    """`administration` stands for a dose to come, at `when`; `visit`: its own, where that is not on
    record."""

    administration: Administration
    when: datetime
    visit: Encounter | None = None

    @property
    def name(self) -> str:
        return self.administration.source.resource

    def of_amount(self, amount: Amount) -> "AsGiven":
        """Another amount of the same."""
        given = planning.of_amount(self.administration, amount)
        return AsGiven(given, self.when, self.visit)


@dataclass(frozen=True)
class _Chart:
    """RECORD has no dose that is only planned."""

    record: PatientRecord
    facts: Facts
    policies: PolicySet

    def with_doses(self, doses: Sequence[AsGiven]) -> PatientRecord:
        planned = (dose.administration for dose in doses)
        visits = filter(None, (dose.visit for dose in doses))
        return replace(
            self.record,
            administrations=(*self.record.administrations, *planned),
            encounters=(*self.record.encounters, *visits),
        )

    def assessed(self, doses: Sequence[AsGiven]) -> PatientAssessment:
        """As of the last of DOSES."""
        as_of = max(dose.when for dose in doses) + planning.A_MOMENT
        record = self.with_doses(doses)
        return assess(record, self.policies, as_of, self.facts, trace=False)


def coming(
    dose: AsGiven,
    order: Order,
    in_all: int | None,
    record: PatientRecord,
    facts: Facts,
    policies: PolicySet,
    beside: int = 0,
) -> AuthorizationRequest | None:
    """The request for ORDER, whose next dose is DOSE; None where no line comes of it. IN_ALL: how
    many doses it asks for, where that is not what it says. BESIDE: how many other orders of the
    drug are open."""
    chart = _Chart(record, facts, policies)
    before = given_before(order, record, facts.zone)
    amounts = to_come(order, in_all, before.count)
    first = next(iter(amounts or ()), next_dose(order, before.count))
    dose = dose.of_amount(first)
    each = [dose, *map(dose.of_amount, planning.other_amounts(order, first))]
    found = at_worst([chart.assessed([one]) for one in each], dose.name)
    lines = lines_of(dose.name, found)
    if not lines:
        return None
    own = sum(line.units for line in lines) or None
    known = [first] if amounts is None else amounts
    counted = in_units(known, order, lines[0].code, own) if known else []
    days = _days(order, dose.when, len(known))
    later = zip(known[1:], days[1:], strict=True)
    doses = [dose, *(_later(dose, number, *one, chart) for number, one in enumerate(later, 2))]
    still, asked = _uncovered(doses, chart)
    wanted = [counted[place] for place in still] if counted else []
    course = Course(
        order=order,
        wanted=None if amounts is None else tuple(wanted),
        next=wanted[0] if wanted else None,
        covered=len(counted) - len(wanted),
        unsettled=before.unsettled,
        beside=beside,
        start=_day(days[still[0]] if days else dose.when, facts),
        end=_end(order, days, facts),
    )
    return of_order(course, dose.name, found, chart.with_doses([dose]), facts, asked)


def _days(order: Order, first: datetime, count: int) -> list[datetime]:
    """Of COUNT doses: those that the order gives, else as far apart as it says, else a day."""
    apart = _apart(order, count) or 1
    written = [one.day(first.tzinfo) for one in order.terms.dates]
    listed = [day for day in written if day and day > first.date()]
    found = [first]
    for number in range(count - 1):
        next_day = found[-1] + apart * _A_DAY
        if number < len(listed):
            next_day = first + (listed[number] - first.date())
        found.append(next_day)
    return found[:count]


def _apart(order: Order, count: int) -> int | None:
    """Days from a dose to the next; None where nothing is said that anybody means."""
    apart = order.terms.days_apart
    return math.ceil(apart) if apart and apart * count < _MOST_DAYS else None


def at(when: datetime, dose: AsGiven, record: PatientRecord, number: int) -> AsGiven:
    """The dose at another time, in a visit like its own; NUMBER tells this from others."""
    given = planning.moved(dose.administration, when)
    visit = record.encounter(given.encounter)
    if visit is None:
        return AsGiven(given, when)
    name = Source(f"{visit.source.resource}-{number}")
    own = replace(visit, source=name, start=given.start, end=given.start)
    return AsGiven(replace(given, encounter=name.resource), when, own)


def _later(first: AsGiven, number: int, dose: Amount, when: datetime, chart: _Chart) -> AsGiven:
    """A later dose, like the first."""
    later = at(when, first, chart.record, number)
    name = Source(f"{first.name}-{number}")
    return AsGiven(replace(later.administration, source=name, dose=dose), when, later.visit)


def _uncovered(doses: Sequence[AsGiven], chart: _Chart) -> tuple[list[int], Finding | None]:
    """Which of the doses no authorization on record covers, and what the payer wants of the first
    of them; all of them, and None, where it covers none, or every one."""
    every = list(range(len(doses)))
    record, facts = chart.record, chart.facts
    day = doses[0].when.date()
    has_any = record.authorizations or facts.decisions.authorizations(record.patient, day)
    if not has_any or len(doses) < 2:
        return every, None
    held = doses[:_MOST_DOSES]
    found = chart.assessed(held)
    asked = [asked_of(dose.name, found) for dose in held]
    still = [place for place, one in enumerate(asked) if one and one.state in WORST_FIRST]
    last = asked[-1]
    if last and last.state == "met" and len(doses) > len(held):
        says = f"Doses after the first {_MOST_DOSES} are not held against what is authorized."
        still, last = every[len(held) :], replace(last, state="incomplete", says=says)
        return still, last
    still += every[len(held) :] if still else []
    return (still, asked[still[0]]) if 0 < len(still) < len(doses) else (every, None)


def _day(when: datetime, facts: Facts) -> date:
    return when.astimezone(facts.zone or when.tzinfo).date()


def _end(order: Order, days: Sequence[datetime], facts: Facts) -> date | None:
    """The order's last day, or the last dose's, where the order's doses take longer from now on. A
    single dose is given on one day."""
    if order.once:
        return _day(days[0], facts) if days else None
    ordered = order.end.days(facts.zone)[1] if order.end else None
    is_paced = len(days) > 1 and (_apart(order, len(days)) or order.terms.dates)
    last = _day(days[-1], facts) if is_paced else None
    return max(filter(None, (ordered, last)), default=None)
