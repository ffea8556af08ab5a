"""Whom a policy leaves unasked: patients of whom none of its laboratory rows speaks. A text may
mean that; more often a row was forgotten, and their lines are ready without a result.

Held by tests/unit/test_policy_files.py.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain, product
from math import prod

from mappings.policy import conditions
from mappings.policy.conditions import And, Facts, Flag, Node, Not, Or
from mappings.policy.measures import MEASURES
from mappings.policy.policy import Policy
from mappings.values.numbers import NumberSpan, plain

# With more patients than these they are too many to look at.
_MOST_PATIENTS = 4096
_HALF = Decimal("0.5")


def unasked(policy: Policy) -> str | None:
    """`not ckd and not heart_failure`: a patient whom no row is about; None where there is none."""
    said = [row.when for row in policy.requirements.laboratory if not row.codes]
    if not said or None in said:
        return None
    nodes = [conditions.parse(when) for when in said if when]
    flags = sorted({name for node in nodes for name in _flags(node)})
    numbers = _numbers(nodes)
    if 2 ** len(flags) * prod(map(len, numbers.values())) > _MOST_PATIENTS:
        return None
    for held in product((False, True), repeat=len(flags)):
        for measured in product(*numbers.values()):
            patient = dict(zip(flags, held, strict=True))
            spans = (NumberSpan(number, number) for number in measured)
            known = dict(zip(numbers, spans, strict=True))
            facts = Facts(patient, {}, known.get)
            if not any(conditions.judge(node, facts).holds for node in nodes):
                said_of = [name if patient[name] else f"not {name}" for name in flags]
                said_of += [
                    f"{name} {plain(number)}"
                    for name, number in zip(numbers, measured, strict=True)
                ]
                return " and ".join(said_of)
    return None


def _numbers(nodes: Iterable[Node]) -> dict[str, list[Decimal]]:
    """Numbers of a patient on each side of every limit, and at it."""
    found: dict[str, set[Decimal]] = {}
    for side in chain.from_iterable(map(conditions.compared, nodes)):
        if side.name in MEASURES:
            around = {side.limit - _HALF, side.limit, side.limit + _HALF}
            found.setdefault(side.name, set()).update(around)
    return {name: sorted(values) for name, values in sorted(found.items())}


def _flags(node: Node) -> Iterator[str]:
    if isinstance(node, Flag):
        yield node.name
    elif isinstance(node, Not):
        yield node.inner.name
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _flags(part)
