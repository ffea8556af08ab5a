"""A payer's policy in words, for people who ask where a rule comes from."""

from dataclasses import dataclass

from integration.wording import words
from mappings.policy.choosing import LabRule, Policy, Rule
from mappings.requirements.checks import NOT_BLOCKING

LAB_NAMES = {"ferritin": "ferritin", "tsat": "transferrin-saturation", "hb": "hemoglobin"}
CONDITIONS = {
    "ckd": "in kidney disease",
    "not ckd": "without kidney disease",
    "not dialysis": "not in dialysis",
    "dialysis": "in dialysis",
}


@dataclass(frozen=True)
class PolicyRow:
    requirement: str
    title: str
    asks: str
    when: str | None
    source: str | None
    verified: bool
    warning: bool


def policy_rows(policy: Policy) -> list[PolicyRow]:
    """What the policy asks, one row each, in the order of the file."""
    rows: list[PolicyRow] = []
    for field in policy.requirements.__struct_fields__:
        rule = getattr(policy.requirements, field)
        if isinstance(rule, tuple):
            names = dict.fromkeys(name for lab in rule for name in _labs(lab))
            rows += [
                _row(name, next(lab for lab in rule if name in _labs(lab)), policy)
                for name in names
            ]
        elif isinstance(rule, Rule):
            rows.append(_row(field.replace("_", "-"), rule, policy))
    return rows


def _labs(rule: LabRule) -> list[str]:
    return [LAB_NAMES[name] for name in (*rule.on_record, *rule.units)]


def _row(name: str, rule: Rule, policy: Policy) -> PolicyRow:
    return PolicyRow(
        requirement=name,
        title=words.title(name),
        asks=words.payer_asks(name, policy),
        when=None if isinstance(rule, LabRule) else CONDITIONS.get(rule.when or "", rule.when),
        source=rule.source,
        verified=policy.verified if rule.verified is None else rule.verified,
        warning=rule.blocking is False or (rule.blocking is None and name in NOT_BLOCKING),
    )
