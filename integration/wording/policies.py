"""A payer's policy in words, for people who ask where a rule comes from.

Held by tests/unit/test_asking.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from integration.wording import words
from mappings.policy.choosing import LabRule, Policy, Rule
from mappings.policy.laboratory import LAB_VALUES
from mappings.requirements.asking import CONDITIONS, asks, is_blocking, sentence


@dataclass(frozen=True)
class PolicyRow:
    """`asks` follows the payer's name; `says` is the sentence, which says who asks."""

    requirement: str
    title: str
    asks: str
    says: str
    when: str | None
    source: str | None
    verified: bool
    warning: bool
    rule: Rule


def policy_rows(policy: Policy) -> list[PolicyRow]:
    """What the policy asks, a row for each rule and what it is about, in the order of the file."""
    rows: list[PolicyRow] = []
    for field in policy.requirements.__struct_fields__:
        rule = getattr(policy.requirements, field)
        if isinstance(rule, tuple):
            rows += _laboratory(rule, policy)
        elif isinstance(rule, Rule):
            rows.append(_row(field.replace("_", "-"), rule, policy))
    return rows


def _laboratory(rules: tuple[LabRule, ...], policy: Policy) -> Iterator[PolicyRow]:
    for name in dict.fromkeys(chain.from_iterable(_labs(rule) for rule in rules)):
        yield from (_row(name, rule, policy) for rule in rules if name in _labs(rule))


def _labs(rule: LabRule) -> list[str]:
    return [LAB_VALUES[name].requirement for name in (*rule.on_record, *rule.units)]


def _row(name: str, rule: Rule, policy: Policy) -> PolicyRow:
    return PolicyRow(
        requirement=name,
        title=words.title(name),
        asks=asks(name, rule),
        says=sentence(words.payer(policy), asks(name, rule), policy.verifies(rule)),
        when=None if isinstance(rule, LabRule) else CONDITIONS.get(rule.when or "", rule.when),
        source=rule.source,
        verified=policy.verifies(rule),
        warning=not is_blocking(name, rule),
        rule=rule,
    )
