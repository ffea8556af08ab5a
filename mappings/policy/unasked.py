"""Whom a policy leaves unasked: patients of whom none of its laboratory rows speaks. A text may
mean that; more often a row was forgotten, and their lines are ready without a result.

Held by tests/unit/test_policy_files.py.
"""

from collections.abc import Iterator, Mapping
from itertools import product

from mappings.policy import conditions
from mappings.policy.conditions import And, Facts, Flag, Node, Not, Or
from mappings.policy.policy import Policy

# With more names than these the cases are too many to look at.
_MOST_NAMES = 12


def unasked(policy: Policy) -> str | None:
    """`not ckd and not heart_failure`: a patient whom no row is about; None where there is none."""
    said = [row.when for row in policy.requirements.laboratory if not row.codes]
    if not said or None in said:
        return None
    nodes = [conditions.parse(when) for when in said if when]
    names = sorted({name for node in nodes for name in _flags(node)})
    if len(names) > _MOST_NAMES:
        return None
    for held in product((False, True), repeat=len(names)):
        flags: Mapping[str, bool] = dict(zip(names, held, strict=True))
        if not any(conditions.judge(node, Facts(flags, {})).holds for node in nodes):
            return " and ".join(name if flags[name] else f"not {name}" for name in names)
    return None


def _flags(node: Node) -> Iterator[str]:
    if isinstance(node, Flag):
        yield node.name
    elif isinstance(node, Not):
        yield node.inner.name
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _flags(part)
