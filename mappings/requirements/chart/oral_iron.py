"""Oral iron before the infusion, or why there was none.

Held by tests/scenarios/oral_iron.yaml.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import chain

from mappings import codes
from mappings.assessment import cite
from mappings.charge.charge import Charge
from mappings.circumstances.diagnoses import Stated, began_by, coded
from mappings.circumstances.standing import cite_all
from mappings.policy.choosing import OralIronRule
from mappings.record import WHICH_IRON, OralIron
from mappings.requirements import quoting
from mappings.requirements.chart.recorded import doubt, recorded
from mappings.requirements.result import Result

_DAY = timedelta(days=1)


def oral_iron_history(charge: Charge) -> Result | None:
    """Intolerance, contraindication, or a trial as long as the policy asks."""
    rule = charge.rules.oral_iron_history
    if (
        rule is None
        or not charge.applies(rule)
        or (charge.kidney.on_dialysis and not rule.in_dialysis)
    ):
        return None
    if rule.unless and charge.judged(rule.unless, charge.lab_window).holds:
        return Result(
            state="not-applicable",
            says="The laboratory values make an oral trial unnecessary under this policy.",
            rule=rule,
        )
    known = [
        course
        for course in charge.record.oral_iron
        if course.intolerance and (course.start is None or _begun(course, charge))
    ]
    intolerant = [course for course in known if not (course.unread or course.over)]
    if intolerant:
        return Result(
            state="met",
            says="An intolerance to oral iron is recorded.",
            evidence=tuple(cite(course.source, course.says) for course in intolerant),
            rule=rule,
        )
    against = _against_oral_iron(charge)
    if against:
        return recorded(against, rule, "makes oral iron unsuitable")
    found = _trial(charge, rule)
    return found if found.state == "met" else _doubtful_history(charge, rule, known) or found


def _doubtful_history(
    charge: Charge, rule: OralIronRule, intolerant: list[OralIron]
) -> Result | None:
    """What would be enough, or may be, and has a status that is not understood, or is over."""
    over = [course for course in intolerant if course.over and not course.unread]
    if over:
        says = f"An intolerance to oral iron is recorded, and marked as {over[0].over}."
        cited = tuple(cite(course.source, course.says) for course in over)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    courses = [course for course in intolerant if course.unread]
    courses += [
        course for course in charge.record.oral_iron if course.unread and _begun(course, charge)
    ]
    if courses:
        says = _in_doubt(courses[0])
        cited = tuple(cite(course.source, course.says) for course in dict.fromkeys(courses))
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    table = codes.diagnoses()
    open_ = [
        diagnosis
        for diagnosis in charge.doubtful
        if table.contraindicates_oral_iron(diagnosis.code)
    ]
    if not open_:
        return None
    return Result(state="incomplete", says=doubt(open_), evidence=cite_all(open_), rule=rule)


def _in_doubt(course: OralIron) -> str:
    if course.unread and course.unread.is_of(WHICH_IRON):
        return f"An allergy is recorded that does not say to which iron: {course.unread}."
    return f"Recorded with a status that is not understood: {course.says} {course.unread}."


def _against_oral_iron(charge: Charge) -> list[Stated]:
    """Contraindications of the day, and adverse effects of iron that were recorded once: these are
    not undone by getting well."""
    table = codes.diagnoses()
    now = [
        diagnosis
        for diagnosis in charge.diagnoses
        if table.contraindicates_oral_iron(diagnosis.code)
    ]
    if now or charge.day is None:
        return now
    begun = (one for one in charge.record.diagnoses if began_by(one, charge.day, charge.zone))
    once = chain.from_iterable(map(coded, begun))
    return [said for said in once if table.contraindicates_oral_iron(said.code, once=True)]


def _trial(charge: Charge, rule: OralIronRule) -> Result:
    courses = [
        course
        for course in charge.record.oral_iron
        if not course.intolerance and not course.unread and _begun(course, charge)
    ]
    cited = tuple(cite(course.source, quoting.course(course, charge.zone)) for course in courses)
    if not courses:
        return _no_trial(charge, rule)
    longest = longest_run(courses, charge)
    asked = _days_asked(charge, rule)
    if asked is None or longest >= asked:
        return Result(
            state="met",
            says=f"Oral iron was taken for {longest} days.",
            value=str(longest),
            unit="days",
            evidence=cited,
            rule=rule,
        )
    says = f"Oral iron is recorded for {longest} days without a break; the payer asks for {asked}."
    return Result(
        state="incomplete", says=says, value=str(longest), unit="days", evidence=cited, rule=rule
    )


def _days_asked(charge: Charge, rule: OralIronRule) -> int | None:
    """How long a trial the payer asks of this patient and drug; None: of any length. Where it is
    unknown whether another length is the patient's, the longer one."""
    any_length = rule.trial_codes and not charge.is_among(rule.trial_codes)
    asked = None if any_length else rule.trial_days
    for trial in rule.other_trials:
        holds = charge.judged(trial.when, charge.lab_window).holds
        if holds:
            return trial.days
        if holds is None:
            asked = max(asked or 0, trial.days)
    return asked


def _no_trial(charge: Charge, rule: OralIronRule) -> Result:
    courses = (course for course in charge.record.oral_iron if not course.intolerance)
    undated = [course for course in courses if course.start is None and not course.unread]
    if undated:
        says = "Oral iron is recorded without the dates on which it was taken."
        cited = tuple(cite(course.source, course.says) for course in undated)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    says = "No trial of oral iron, intolerance, or reason against oral iron is recorded."
    return Result(state="missing", says=says, rule=rule)


def _begun(course: OralIron, charge: Charge) -> bool:
    return (
        course.start is not None
        and charge.day is not None
        and course.start.days(charge.zone)[0] <= charge.day
    )


def longest_run(courses: Iterable[OralIron], charge: Charge) -> int:
    """Days with iron of the longest continuous run up to the dose. Courses that touch or overlap
    are one run; so are refills that come a few days late, where the days between do not count, or
    early, which last so much longer."""
    until = charge.day or date.max
    spans = sorted(
        (course.start.last, min(course.end.first if course.end else until, until), course.supply)
        for course in courses
        if course.start
    )
    longest, taken, end, before = 0, 0, date.min, ""
    for first, last, supply in spans:
        between = (first - end).days - 1
        refills = bool(supply) and supply == before
        if between > (codes.products().oral_iron.refill_days if refills else 0):
            taken = 0
        # Half of it left over is no refill: the same supply was recorded twice.
        early = -between if refills and 0 < -2 * between < (last - first).days else 0
        lasts = min(last + timedelta(days=early), until)
        taken += max((lasts - max(first, end + _DAY)).days + 1, 0)
        if lasts >= end:
            end, before = lasts, supply
        longest = max(longest, taken)
    return longest
