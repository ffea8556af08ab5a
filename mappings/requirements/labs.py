"""Ferritin, transferrin saturation and hemoglobin: found, in their window, and within the policy's
limits.

Held by tests/unit/test_laboratory.py.
"""

from collections.abc import Mapping
from itertools import chain

from mappings import codes
from mappings.assessment import EVERY_STATE, Evidence, State, cite
from mappings.charge.charge import Charge
from mappings.circumstances import labs
from mappings.policy.choosing import LabRule
from mappings.policy.conditions import LabState, compared, names, parse
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.measures import MEASURES, Measure
from mappings.record import LabResult
from mappings.requirements.asking import in_words
from mappings.requirements.result import Result
from mappings.values.numbers import plain
from mappings.values.remembered import by_identity
from mappings.values.us_dates import us_date

_BEYOND_LIMIT = (
    "File another result from within the payer's window if there is one, or give the payer the"
    " clinical reason for the iron."
)
_SEVERAL = "Have the result that counts marked as such, and the other one corrected or withdrawn."
_NAME_ONCE = (
    "Give the code of that result its test once, in the site's `lab_aliases`, or file a result"
    " under a code of LOINC."
)
_UNREAD = (
    "Have the result recorded as a number with its unit, under the code and name of its test, or"
    " file another one from within the payer's window."
)
_NAMELESS = (
    "Have the EHR's administrator find out why it gives the result without an id: nobody could look"
    " it up."
)


def ferritin(charge: Charge) -> Result | None:
    return _laboratory(charge, "ferritin")


def transferrin_saturation(charge: Charge) -> Result | None:
    return _laboratory(charge, "tsat")


def hemoglobin(charge: Charge) -> Result | None:
    return _laboratory(charge, "hb")


def _laboratory(charge: Charge, name: str) -> Result | None:
    """The worst over all rules of the policy that ask for the value; one that another value makes
    needless comes last."""
    asked = [
        _asked(charge, name, rule)
        for rule in _naming(charge.rules.laboratory, name)
        if charge.applies(rule)
    ]
    results = list(filter(None, asked))
    if len(results) == 1:
        return results[0]
    return min(results, key=lambda result: EVERY_STATE.index(result.state), default=None)


@by_identity
def _naming(rules: tuple[LabRule, ...], name: str) -> list[LabRule]:
    """The rules that ask for a value."""
    asked = ((rule, names(parse(rule.limit)) if rule.limit else ()) for rule in rules)
    return [rule for rule, compared in asked if name in rule.on_record or name in compared]


def _asked(charge: Charge, name: str, rule: LabRule) -> Result | None:
    """None where the limit turns out to ask for other values alone."""
    found = charge.lab(LAB_VALUES[name].analyte, rule.window_days)
    if name in rule.on_record:
        return _result(charge, name, rule, found, found.state)
    states = _states(charge, rule)
    return _result(charge, name, rule, found, states[name]) if name in states else None


def _states(charge: Charge, rule: LabRule) -> Mapping[str, State]:
    """The state of each value of a limit. Where it does not hold, though no value fails it, none of
    them is met."""
    limit = rule.limit or ""
    verdict = charge.judged(limit, rule.window_days)
    if verdict.holds or not set(verdict.states.values()) <= {"met", "not-applicable"}:
        return verdict.states
    failed: State = "incomplete" if verdict.holds is None else "not-covered"
    return dict.fromkeys(names(parse(limit)), failed)


def _result(charge: Charge, name: str, rule: LabRule, found: LabState, state: State) -> Result:
    if state == "not-applicable":
        return Result(state=state, says="The policy's other value meets the limit.", rule=rule)
    if found.result is None:
        return Result(
            state=state,
            says=_absent(charge, name, rule, found),
            rule=rule,
            fix=_fix_of_unread(found.unread)
            if found.unread
            else _fix_of_unusable(charge, name, rule),
            evidence=_older(charge, name) or _unusable(charge, name, rule),
        )
    if found.unread and state == "incomplete":
        return _outdated(charge, name, rule, found.result, found.unread)
    value = found.result.value
    return Result(
        state=state,
        says=_found(charge, name, rule, found.result, state),
        evidence=evidence(charge, found.result) + (_measured(charge, rule) if rule.limit else ()),
        value=plain(labs.rounded(value, found.result)) if value is not None else None,
        unit=LAB_VALUES[name].unit,
        rule=rule,
        fix=_fix(charge, rule, found.result, state),
        note=_newer(charge, name, found.unread),
    )


def _fix(charge: Charge, rule: LabRule, result: LabResult, state: State) -> str | None:
    if state == "not-covered":
        return _BEYOND_LIMIT
    if state != "incomplete":
        return None
    if result.alternatives:
        return _SEVERAL
    measure = _unmeasured(charge, rule)
    return measure.fix if measure else None


def _fix_of_unread(doubt: LabResult) -> str:
    return _NAMELESS if doubt.unread and doubt.unread.element.endswith(".id") else _UNREAD


def _outdated(
    charge: Charge, name: str, rule: LabRule, result: LabResult, doubt: LabResult
) -> Result:
    """A result decides against no limit where a newer one is there that can't be read."""
    called = LAB_VALUES[name].says.capitalize()
    older = f"{called} {labs.value(result)} {labs.drawn(result, charge.zone)}"
    return Result(
        state="incomplete",
        says=f"{older} does not count: a newer {_unusable_says(doubt, charge)}.",
        rule=rule,
        fix=_fix_of_unread(doubt),
        evidence=evidence(charge, doubt) + evidence(charge, result),
    )


def _newer(charge: Charge, name: str, doubt: LabResult | None) -> str | None:
    """The note on a newer result that can't be read, where one on record is all that is asked."""
    if doubt is None:
        return None
    return f"a newer {LAB_VALUES[name].says} can't be read: {labs.quoted(doubt, charge.zone)}"


def _absent(charge: Charge, name: str, rule: LabRule, found: LabState) -> str:
    doubt = found.unread or next(iter(_broken(charge, name, rule)), None)
    read = " that can be read" if doubt and doubt.unread else ""
    wanted = f"No {LAB_VALUES[name].says} result{read}"
    begin = f"{wanted} within {rule.window_days} days before {us_date(charge.day)}"
    unusable = f" (a {_unusable_says(doubt, charge)})" if doubt else ""
    if found.state != "expired":
        return f"{begin}{unusable}."
    older = charge.newest_lab(LAB_VALUES[name].analyte)
    last = older.when.span(charge.zone).shown if older and older.when else None
    is_newer = found.unread or (doubt and doubt.by_words)
    return f"{begin}{unusable if is_newer else ''}; the last one is from {last}."


def _broken(charge: Charge, name: str, rule: LabRule) -> list[LabResult]:
    """Results whose value can't be used; of those that only their words name, the window's."""
    found = charge.history.results.unusable(LAB_VALUES[name].analyte)
    named = [result for result in found if result.by_words]
    if named and charge.day:
        start = charge.administration.start
        before = [one for one in named if labs.is_before(one, start, charge.day, charge.zone)]
        named = labs.within(before, charge.day, rule.window_days, charge.zone)
    return [result for result in found if not result.by_words] + named


def _fix_of_unusable(charge: Charge, name: str, rule: LabRule) -> str | None:
    found = _broken(charge, name, rule)
    return _NAME_ONCE if found and found[0].by_words else None


def _unusable_says(result: LabResult, charge: Charge) -> str:
    says = f"result {result.problem} can't be used"
    return f"{says}: {labs.quoted(result, charge.zone)}" if result.unread else says


def _older(charge: Charge, name: str) -> tuple[Evidence, ...]:
    """The newest result of before the window."""
    older = charge.newest_lab(LAB_VALUES[name].analyte)
    return evidence(charge, older) if older else ()


def _unusable(charge: Charge, name: str, rule: LabRule) -> tuple[Evidence, ...]:
    return tuple(
        cite(result.source, f"{labs.short(result.analyte)} {result.problem}")
        for result in _broken(charge, name, rule)
    )


def _found(charge: Charge, name: str, rule: LabRule, result: LabResult, state: State) -> str:
    drawn_soon = caution(charge, result)
    called = LAB_VALUES[name].says.capitalize()
    said = f"{called} {labs.value(result)} {labs.drawn(result, charge.zone)}{drawn_soon}"
    if state == "not-covered":
        return f"{said} is outside the payer's limit ({_limit(rule)})."
    if state == "incomplete" and result.value is None:
        return f"{said} does not show on which side of the payer's limit it falls ({_limit(rule)})."
    if state == "incomplete":
        unknown = _unknown(charge, rule)
        return f"{said} can't be compared with the payer's limit ({_limit(rule)}): {unknown}."
    return f"{said}."


def _limit(rule: LabRule) -> str:
    return in_words(parse(rule.limit)) if rule.limit else ""


def evidence(charge: Charge, result: LabResult) -> tuple[Evidence, ...]:
    """What the result says, however many doses and requirements rest on it."""
    return charge.once(labs.evidence, result, charge.zone)


def caution(charge: Charge, result: LabResult) -> str:
    """What is said behind a result that other iron may have disturbed."""
    disturbed = charge.history.iron.disturbs(result, charge.administration)
    return " (drawn soon after an earlier iron dose)" if disturbed else ""


def _unknown(charge: Charge, rule: LabRule) -> str:
    """The fact of the patient that a limit asks for."""
    doubt = charge.lab("pregnancy", codes.windows().days("pregnancy")).unread
    if doubt:
        return f"the pregnancy status {labs.quoted(doubt, charge.zone)}, can't be read"
    pregnancies = charge.standing.pregnancies
    if charge.flags["pregnant"] is None and pregnancies:
        code = pregnancies[0].code
        return f"whether the patient is pregnant is not on record: {code} is of no known day"
    measure = _unmeasured(charge, rule)
    if measure:
        return f"{measure.says} is not on record, or can't be read"
    return "a fact that the limit depends on is not on record"


def _unmeasured(charge: Charge, rule: LabRule) -> Measure | None:
    """The first number of the patient that a limit asks for and that is not known."""
    unknown = (name for name in _measures(rule) if charge.measured(name) is None)
    return next((MEASURES[name] for name in unknown), None)


def _measured(charge: Charge, rule: LabRule) -> tuple[Evidence, ...]:
    """The results behind the numbers of the patient that a limit asks for."""
    found = chain.from_iterable(charge.measures(name) for name in _measures(rule))
    return tuple(chain.from_iterable(evidence(charge, result) for result in found))


@by_identity
def _measures(rule: LabRule) -> tuple[str, ...]:
    """The numbers of the patient that a limit asks for."""
    sides = compared(parse(rule.limit)) if rule.limit else ()
    return tuple(dict.fromkeys(side.name for side in sides if side.name in MEASURES))
