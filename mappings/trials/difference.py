"""What another policy, or other code tables, would change: lines, gaps and money of the same
records under both.

Held by tests/contract/test_policy_command.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from mappings.assessment import Assessment, ClaimLine, Gap

T = TypeVar("T")
# A patient, and what is theirs before and after.
Pair = tuple[str, T | None, T | None]


class DetailChange(Struct, frozen=True, kw_only=True):
    """What else of a line would change: NDC, diagnoses in their order, payment, prior
    authorization, notes (None: nothing)."""

    what: str
    before: str | None
    after: str | None


class LineChange(Struct, frozen=True, kw_only=True, rename="camel"):
    """A line as it would stand before and after (None: no such line); amounts are dollars."""

    patient: str
    administrations: tuple[str, ...]
    service_date: str | None
    before: str | None
    after: str | None
    value_before: str | None
    value_after: str | None
    details: tuple[DetailChange, ...] = ()


class GapChange(Struct, frozen=True, kw_only=True, rename="camel"):
    """A gap's state before and after (None: no gap)."""

    patient: str
    requirement: str
    policy: str | None
    administrations: tuple[str, ...]
    before: str | None
    after: str | None
    blocking: bool
    message: str


class Money(Struct, frozen=True, kw_only=True, rename="camel"):
    """Dollars of lines with a known value, by their status; `unknown`: lines without one."""

    ready: str
    held: str
    unknown: int


class PolicyChange(Struct, frozen=True, kw_only=True, rename="camel"):
    """The lines and gaps that change under one payer's policy (None: no payer is known), and the
    money of these lines before and after."""

    policy: str | None
    lines: int
    gaps: int
    money_before: Money
    money_after: Money


class Difference(Struct, frozen=True, kw_only=True, rename="camel"):
    """`unused`: ids of policies that only the new ones have, and that decide on no line."""

    lines: tuple[LineChange, ...]
    gaps: tuple[GapChange, ...]
    unchanged_lines: int
    money_before: Money
    money_after: Money
    by_policy: tuple[PolicyChange, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def held_more(self) -> Decimal:
        """Dollars that the new policies would hold beyond the old ones; negative: that they would
        free."""
        return Decimal(self.money_after.held) - Decimal(self.money_before.held)


def compare(before: Assessment, after: Assessment) -> Difference:
    """The difference between two assessments of the same records."""
    pairs = [*_pairs(_lines(before), _lines(after))]
    changes = [(pair, change) for pair in pairs if (change := _line_change(*pair))]
    gaps = [gap for pair in _pairs(_gaps(before), _gaps(after)) if (gap := _gap_change(*pair))]
    return Difference(
        lines=tuple(change for _, change in changes),
        gaps=tuple(gaps),
        unchanged_lines=len(pairs) - len(changes),
        money_before=_money(old for _, old, _ in pairs if old),
        money_after=_money(new for _, _, new in pairs if new),
        by_policy=tuple(_by_policy([pair for pair, _ in changes], gaps)),
    )


def shown(line: ClaimLine) -> str:
    """A line in a few words: `J1756 JZ × 200 held (ferritin) by medicare-part-b`."""
    reasons = f" ({', '.join(line.reasons)})" if line.reasons else ""
    policy = f" by {line.policy.id}" if line.policy else ""
    return f"{line.text} {line.status}{reasons}{policy}"


def _lines(document: Assessment) -> dict[str, tuple[str, ClaimLine]]:
    return {
        line.id: (patient.patient, line) for patient in document.patients for line in patient.lines
    }


def _gaps(document: Assessment) -> dict[str, tuple[str, Gap]]:
    return {gap.id: (patient.patient, gap) for patient in document.patients for gap in patient.gaps}


def _pairs(before: dict[str, tuple[str, T]], after: dict[str, tuple[str, T]]) -> Iterator[Pair[T]]:
    """By identifier, in the order of the documents."""
    for key in [*before, *(key for key in after if key not in before)]:
        patient = (before.get(key) or after[key])[0]
        yield (
            patient,
            before[key][1] if key in before else None,
            after[key][1] if key in after else None,
        )


def _line_change(patient: str, old: ClaimLine | None, new: ClaimLine | None) -> LineChange | None:
    """None where the line is the same."""
    either = new or old
    assert either is not None  # noqa: S101 - a pair has at least one side
    found = LineChange(
        patient=patient,
        administrations=either.administrations,
        service_date=either.given_on,
        before=shown(old) if old else None,
        after=shown(new) if new else None,
        value_before=old.value if old else None,
        value_after=new.value if new else None,
        details=tuple(_details(old, new)) if old and new else (),
    )
    same = (found.before, found.value_before) == (found.after, found.value_after)
    return None if same and not found.details else found


def _by_policy(
    lines: Iterable[Pair[ClaimLine]], gaps: Iterable[GapChange]
) -> Iterator[PolicyChange]:
    """Of changed lines and gaps; a line stands under the policy that decides it after."""
    own: dict[str | None, list[Pair[ClaimLine]]] = {}
    for pair in lines:
        policy = (pair[2] or pair[1]).policy  # type: ignore[union-attr]
        own.setdefault(policy.id if policy else None, []).append(pair)
    counts = Counter(gap.policy for gap in gaps)
    for name in sorted({*own, *counts}, key=str):
        pairs = own.get(name, [])
        yield PolicyChange(
            policy=name,
            lines=len(pairs),
            gaps=counts[name],
            money_before=_money(old for _, old, _ in pairs if old),
            money_after=_money(new for _, _, new in pairs if new),
        )


def _details(old: ClaimLine, new: ClaimLine) -> Iterator[DetailChange]:
    before, after = _said(old), _said(new)
    for what in before:
        if before[what] != after[what]:
            yield DetailChange(what=what, before=before[what] or None, after=after[what] or None)


def _said(line: ClaimLine) -> dict[str, str | None]:
    """What policies and code tables decide of a line beside its code, modifiers, status and
    value."""
    return {
        "NDC": line.ndc.code if line.ndc else ", ".join(ndc.code for ndc in line.ndcs),
        "diagnoses": ", ".join(line.diagnoses),
        "payment": line.payment,
        "prior authorization": line.prior_authorization,
        "notes": "; ".join(line.notes),
    }


def _gap_change(patient: str, old: Gap | None, new: Gap | None) -> GapChange | None:
    """None where the gap is the same for the same doses."""
    either = new or old
    if either is None or (old and new and _sort(old) == _sort(new)):
        return None
    return GapChange(
        patient=patient,
        requirement=either.requirement,
        policy=either.policy,
        administrations=either.administrations,
        before=old.state if old else None,
        after=new.state if new else None,
        blocking=either.blocking,
        message=either.message,
    )


def _sort(gap: Gap) -> tuple[object, ...]:
    return gap.state, gap.blocking, gap.administrations


def _money(lines: Iterable[ClaimLine]) -> Money:
    billable = [line for line in lines if line.is_billable]
    sums = {status: Decimal("0.00") for status in ("ready", "held")}
    for line in billable:
        sums[line.status] += Decimal(line.value or 0)
    return Money(
        ready=str(sums["ready"]),
        held=str(sums["held"]),
        unknown=sum(line.value is None for line in billable),
    )
