"""Conditions of a policy: comparisons of named facts joined by and, or, not. Parsed, never
evaluated as code.

A fact that is not known makes a comparison unknown (None), so a policy is never met by what nobody
wrote down.

Held by tests/unit/test_expression.py.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from msgspec import Struct

from mappings import codes
from mappings.assessment import EVERY_STATE, State
from mappings.policy.laboratory import LAB_VALUES, LabValue
from mappings.policy.measures import MEASURES, Measure
from mappings.record import LabResult
from mappings.values.numbers import NumberSpan

# What a condition may name of a patient; beside it, what payers name (`diagnoses.yaml`).
FLAGS = frozenset({
    "ckd", "dialysis", "hemodialysis", "esrd", "aki", "pregnant", "female", "male", "child", "esa",
}) | codes.diagnoses().named_by_payers.keys()  # fmt: skip
COMPARED: Mapping[str, LabValue | Measure] = {**LAB_VALUES, **MEASURES}
_OPERATORS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


class Compare(Struct, frozen=True):
    """A laboratory value, or a number of the patient, against a limit."""

    name: str
    operator: str
    limit: Decimal


class Flag(Struct, frozen=True):
    name: str


class Not(Struct, frozen=True):
    inner: Flag


class And(Struct, frozen=True):
    parts: tuple["Node", ...]


class Or(Struct, frozen=True):
    parts: tuple["Node", ...]


Node = Compare | Flag | Not | And | Or


class LabState(Struct, frozen=True, gc=False):
    """What is known of one analyte: a result within the window, or why there is none; and a newer
    one that can't be read, so that RESULT decides against no limit."""

    state: State
    result: LabResult | None = None
    unread: LabResult | None = None


Ranged = LabResult | NumberSpan


def _not_known(_: str) -> Ranged | None:
    return None


class Facts(Struct, frozen=True):
    """What a condition may ask of one administration. `measured`: a number of the patient, by its
    name."""

    flags: Mapping[str, bool | None]
    labs: Mapping[str, LabState]
    measured: Callable[[str], Ranged | None] = _not_known


class Verdict(Struct, frozen=True):
    """True, False or unknown, and the state of each laboratory value that took part."""

    holds: bool | None
    states: Mapping[str, State]


# What people write that is no condition, and what to write instead.
_SLIPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile("\N{NO-BREAK SPACE}"), lambda _: "write plain spaces, no non-breaking ones"),
    (
        re.compile(r"\b(AND|OR|NOT)\b"),
        lambda found: f"write {found[0].lower()} instead of {found[0]}",
    ),
    (re.compile(r"≤|=<"), lambda found: f"write <= instead of {found[0]}"),
    (re.compile(r"≥|=>"), lambda found: f"write >= instead of {found[0]}"),
    (
        re.compile(r"\d+(,\d{3})+(?!\d)"),
        lambda found: f"write {found[0].replace(',', '')} instead of {found[0]}",
    ),
    (
        re.compile(r"(\d+),(\d+)"),
        lambda found: f"write {found[1]}.{found[2]} instead of {found[0]}",
    ),
    (
        re.compile(r"([\d.]*\d)\s*(%|[a-zA-Zµμ]+/[a-zA-Z]+)"),
        lambda found: f"write {found[1]} without {found[2]}; units says the unit",
    ),
)


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The condition of a text such as `ferritin <= 500 or tsat <= 30`; ValueError says what is
    wrong with it."""
    for slip, advice in _SLIPS:
        found = slip.search(text)
        if found:
            raise ValueError(f"{advice(found)}: {text!r}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"can't read the condition {text!r}") from None
    try:
        node = _node(tree.body, text.strip())
        _refuse_contradictions(node, text)
        return node
    except RecursionError:
        raise ValueError("can't read the condition: it is nested too deep") from None


def _node(tree: ast.expr, text: str) -> Node:
    if isinstance(tree, ast.BoolOp):
        parts = tuple(_node(part, text) for part in tree.values)
        return And(parts) if isinstance(tree.op, ast.And) else Or(parts)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return _opposite(_node(tree.operand, text))
    if isinstance(tree, ast.Name):
        if tree.id not in FLAGS:
            raise ValueError(f"unknown name {tree.id!r} (known: {', '.join(sorted(FLAGS))})")
        return Flag(tree.id)
    if isinstance(tree, ast.Compare):
        return _compare(tree, text)
    raise ValueError(f"only comparisons with and, or, not: {text!r}")


def _compare(tree: ast.Compare, text: str) -> Compare:
    operator = _OPERATORS.get(type(tree.ops[0]))
    if len(tree.ops) != 1 or operator is None or not isinstance(tree.left, ast.Name):
        raise ValueError(f"write a comparison as `name <= number`: {text!r}")
    if tree.left.id not in COMPARED:
        raise ValueError(f"unknown name {tree.left.id!r} (known: {', '.join(sorted(COMPARED))})")
    return Compare(tree.left.id, operator, _limit(tree.comparators[0], tree.left.id, text))


def _limit(tree: ast.expr, name: str, text: str) -> Decimal:
    """The number as it is written, exactly."""
    try:
        limit = Decimal(ast.get_source_segment(text, tree) or "")
    except InvalidOperation:
        limit = Decimal("NaN")
    if not limit.is_finite():
        raise ValueError(f"the limit of {name} is not a number: {text!r}")
    if limit < 0:
        raise ValueError(f"{name} is never below 0: {text!r}")
    return limit


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _opposite(node: Node) -> Node:
    """`not` carried inward (De Morgan), so that the rules for and, or hold for what is left."""
    if isinstance(node, Compare):
        return Compare(node.name, _OPPOSITE[node.operator], node.limit)
    if isinstance(node, Flag):
        return Not(node)
    if isinstance(node, Not):
        return node.inner
    parts = tuple(map(_opposite, node.parts))
    return Or(parts) if isinstance(node, And) else And(parts)


def _refuse_contradictions(node: Node, text: str) -> None:
    """ValueError where sides that `and` joins can't hold together."""
    if isinstance(node, And | Or):
        for part in node.parts:
            _refuse_contradictions(part, text)
    sides = list(_sides(node))
    for name in sorted({side.name for side in sides if isinstance(side, Compare)}):
        if not _may_hold(
            [side for side in sides if isinstance(side, Compare) and side.name == name]
        ):
            raise ValueError(f"no {name} fits, so this never holds: {text!r}")
    for side in sides:
        if isinstance(side, Not) and side.inner in sides:
            raise ValueError(
                f"nobody is {side.inner.name} and not {side.inner.name}, so this never holds:"
                f" {text!r}"
            )


def _sides(node: Node) -> Iterator[Node]:
    """What must hold all together."""
    if isinstance(node, And):
        for part in node.parts:
            yield from _sides(part)
    else:
        yield node


def _may_hold(sides: list[Compare]) -> bool:
    """Whether a number from 0 on lies within all these limits."""
    low, open_low = max(
        [(side.limit, side.operator == ">") for side in sides if side.operator[0] == ">"],
        default=(Decimal(0), False),
    )
    below = [(side.limit, side.operator == "<=") for side in sides if side.operator[0] == "<"]
    if not below:
        return True
    high, closed_high = min(below)
    return low < high or (low == high and closed_high and not open_low)


def compared(node: Node) -> Iterator[Compare]:
    """Every laboratory value and number of the patient in a condition, with its limit."""
    if isinstance(node, Compare):
        yield node
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from compared(part)


def names(node: Node) -> Iterator[str]:
    """Every laboratory name in a condition."""
    return (side.name for side in compared(node) if side.name in LAB_VALUES)


def judge(node: Node, facts: Facts) -> Verdict:
    """Whether the condition holds, and the state of each laboratory value (R10: policy expressions
    over labs)."""
    if isinstance(node, Flag):
        return Verdict(facts.flags.get(node.name), {})
    if isinstance(node, Not):
        known = facts.flags.get(node.inner.name)
        return Verdict(None if known is None else not known, {})
    if isinstance(node, Compare) and node.name in MEASURES:
        found = facts.measured(node.name)
        return Verdict(None if found is None else compare(found, node.operator, node.limit), {})
    if isinstance(node, Compare):
        return _judge_compare(node, facts)
    parts = [judge(part, facts) for part in node.parts]
    return _all_of(parts) if isinstance(node, And) else _any_of(parts)


def _judge_compare(node: Compare, facts: Facts) -> Verdict:
    known = facts.labs.get(node.name)
    if known is not None and known.unread:
        return Verdict(None, {node.name: "incomplete"})
    if known is None or known.result is None:
        return Verdict(None, {node.name: known.state if known else "missing"})
    holds = compare(known.result, node.operator, node.limit)
    states: dict[bool | None, State] = {True: "met", False: "not-covered", None: "incomplete"}
    return Verdict(holds, {node.name: states[holds]})


def compare(result: Ranged, operator: str, limit: Decimal) -> bool | None:
    """Whether a result is below or above a limit; None where its range lies on both sides (R10:
    comparators)."""
    if operator in (">", ">="):
        below = compare(result, "<=" if operator == ">" else "<", limit)
        return None if below is None else not below
    low, high = result.low, result.high
    strict = operator == "<"
    if high is not None and (high < limit or (high == limit and (not strict or result.high_open))):
        return True
    if low is not None and (low > limit or (low == limit and (strict or result.low_open))):
        return False
    return None


def _all_of(parts: list[Verdict]) -> Verdict:
    """A side that is not about this patient asks nothing of the others; while that is unknown, none
    of them is met."""
    facts = [part.holds for part in parts if not part.states]
    if False in facts:
        return Verdict(False, {})
    said = [part.holds for part in parts]
    unknown = None if None in said else True
    holds = False if False in said else unknown
    states = _merged(parts)
    if None in facts:
        states = {name: "incomplete" if state == "met" else state for name, state in states.items()}
    return Verdict(holds, states)


def _any_of(parts: list[Verdict]) -> Verdict:
    """As soon as one side holds, what only the others ask is not applicable; if none does, each is
    shown as it is."""
    holding = [part for part in parts if part.holds]
    if holding:
        states = _merged(holding)
        others: dict[str, State] = {
            name: "not-applicable" for part in parts for name in part.states if name not in states
        }
        return Verdict(True, {**states, **others})
    undecided = [part for part in parts if part.holds is None]
    return Verdict(None if undecided else False, {**_merged(parts), **_merged(undecided)})


def worst(states: list[State]) -> State:
    return min(states, key=EVERY_STATE.index)


def _merged(parts: list[Verdict]) -> dict[str, State]:
    found: dict[str, list[State]] = {}
    for part in parts:
        for name, state in part.states.items():
            found.setdefault(name, []).append(state)
    return {name: worst(states) for name, states in found.items()}
