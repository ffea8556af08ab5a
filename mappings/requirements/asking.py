"""What a rule of a payer asks, in words that follow the payer's name; made once, for findings,
gaps, pages and cards.

Held by tests/unit/test_asking.py.
"""

from mappings import codes
from mappings.assessment import Asked
from mappings.policy.conditions import COMPARED, And, Compare, Node, Not, Or, parse
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.rules import (
    AuthorizationRule,
    DosingRule,
    FilingRule,
    LabRule,
    NoteRule,
    OralIronRule,
    OverloadRule,
    PreferredRule,
    Rule,
)
from mappings.requirements import quoting
from mappings.values.numbers import plain, with_unit

CONDITIONS = {
    "ckd": "in kidney disease",
    "not ckd": "without kidney disease",
    "not dialysis": "not in dialysis",
    "dialysis": "in dialysis",
}
_SIGNS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_NAMES = {
    "ckd": "kidney disease",
    "not ckd": "no kidney disease",
    "aki": "acute kidney injury",
    "esa": "an ESA",
    "not esa": "no ESA",
    "esrd": "ESRD",
}


def asked(requirement: str, rule: Rule | None, verified: bool = True) -> Asked:
    """The rule that decided (None: what is asked of everybody). `verified`: a text of this payer
    says so."""
    limit = rule.limit if isinstance(rule, LabRule) else None
    days = rule.window_days if isinstance(rule, LabRule | NoteRule) else None
    return Asked(
        says=asks(requirement, rule),
        when=rule.when if rule else None,
        limit=limit,
        window_days=days,
        of_payer=verified,
    )


def is_blocking(requirement: str, rule: Rule | None) -> bool:
    """Whether a gap of the requirement holds the line: by the policy's rule, else by what it is
    (R10)."""
    if rule and rule.blocking is not None:
        return rule.blocking
    return codes.requirements()[requirement].blocking


def sentence(payer: str | None, says: str, of_payer: bool) -> str:
    """One sentence: what the payer asks, or, where no text of it stands behind the rule, that we
    ask it and why. Without PAYER nobody knows who it is."""
    if of_payer:
        return f"{payer or 'The payer'} {says}"
    often = says if says.startswith("may ") else f"often {says}"
    return f"We ask this because a payer {'of this kind ' if payer else ''}{often}"


def asks(requirement: str, rule: Rule | None) -> str:
    """`wants ferritin below 30 ng/mL, within 60 days before each dose without kidney disease.`"""
    if isinstance(rule, LabRule):
        group = _group(rule.when)
        return (
            f"wants {_results(rule)}, within {rule.window_days} days before each dose"
            f" {group}".rstrip()
            + "."
        )
    if isinstance(rule, OralIronRule):
        of_days = f" of {rule.trial_days} days" if rule.trial_days else ""
        if of_days and rule.trial_codes:
            of_days += f" (for other drugs than {', '.join(rule.trial_codes)} of any length)"
        for trial in rule.other_trials:
            of_days += f" ({trial.days} days {_group(trial.when)})"
        return (
            f"requires a trial of oral iron{of_days}, an intolerance, or the reason why oral iron"
            " is unsuitable."
        )
    if isinstance(rule, NoteRule):
        return f"requires a signed progress note within {rule.window_days} days before the dose."
    if isinstance(rule, FilingRule):
        limit = f"{rule.days} days" if rule.days else "one calendar year"
        return f"accepts claims within {limit} of the date of service."
    if isinstance(rule, AuthorizationRule):
        return (
            f"{'may ask' if rule.asked == 'unknown' else 'asks'} for an authorization before the"
            " drug is given."
        )
    if isinstance(rule, PreferredRule):
        return _preferred(rule)
    return _safety(rule) or codes.requirements()[requirement].asks


def _group(when: str | None) -> str:
    """For whom it is."""
    return CONDITIONS.get(when or "") or _where(when)


def _where(when: str | None) -> str:
    return f"where {in_words(parse(when))}" if when else ""


def _preferred(rule: PreferredRule) -> str:
    wanted, number = quoting.drugs(rule.preferred), "one" if rule.tried == 1 else rule.tried
    never = f"; {quoting.drugs(rule.not_covered)} not at all" if rule.not_covered else ""
    days = rule.lookback_days
    back = "" if days is None else f", in the {days} days before"
    return f"prefers {wanted}: {number} of them must be tried first{back}{never}."


def _safety(rule: Rule | None) -> str | None:
    if isinstance(rule, DosingRule) and (rule.single_mg or rule.course_mg):
        single = f"{plain(rule.single_mg)} mg in one dose" if rule.single_mg else ""
        course = (
            f"{plain(rule.course_mg)} mg within {rule.course_days} days" if rule.course_mg else ""
        )
        return f"pays for at most {', and '.join(filter(None, (single, course)))}."
    if isinstance(rule, OverloadRule):
        ferritin, tsat = plain(rule.ferritin_above_ng_ml), plain(rule.tsat_from_percent)
        return (
            f"does not expect iron at a ferritin above {ferritin} ng/mL or a transferrin saturation"
            f" of {tsat}% or more."
        )
    return None


def _results(rule: LabRule) -> str:
    if rule.limit:
        return in_words(parse(rule.limit))
    return " and ".join(LAB_VALUES[name].says for name in rule.on_record) + " on record"


def in_words(node: Node) -> str:
    """`ferritin at most 500 ng/mL and transferrin saturation at most 30%`."""
    if isinstance(node, Compare):
        value = COMPARED[node.name]
        return f"{value.says} {_SIGNS[node.operator]} {with_unit(node.limit, value.unit)}".rstrip()
    if isinstance(node, Not):
        named = in_words(node.inner)
        return _NAMES.get(f"not {node.inner.name}", f"not {named}")
    if isinstance(node, And | Or):
        word = " and " if isinstance(node, And) else " or "
        return word.join(
            f"({in_words(part)})" if isinstance(part, And | Or) else in_words(part)
            for part in node.parts
        )
    return _NAMES.get(node.name, node.name.replace("_", " "))
