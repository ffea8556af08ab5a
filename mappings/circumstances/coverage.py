"""R10a: which coverage pays first on a day, and which pay after it."""

from datetime import date, tzinfo

from msgspec import Struct

from mappings.assessment import State
from mappings.record import Coverage, PatientRecord

# Medicare Part A alone pays for inpatient stays, not for a drug given to an outpatient.
_NOT_MEDICAL = frozenset(
    {"hospital-only", "drug-only", "dental", "vision", "not-medical", "self-pay"}
)

_MEDICARE = ("medicare", "medicare-advantage")
_AFTER_MEDICARE = ("supplement", "medicaid")


class Coordination(Struct, frozen=True):
    """`state` met: `primary` pays first, `secondary` after it. Else `says` why no payer can be
    named."""

    state: State
    says: str
    primary: Coverage | None = None
    secondary: tuple[Coverage, ...] = ()
    seen: tuple[Coverage, ...] = ()


def coordinate(record: PatientRecord, day: date, zone: tzinfo | None) -> Coordination:
    """Medicare Advantage stands in for Medicare; Medicare before a supplement and Medicaid; else by
    `order`.

    Medicare beside a group plan is a person's decision.
    """
    medical = [row for row in record.coverages if row.kind not in _NOT_MEDICAL]
    active = [row for row in medical if row.active and _covers(row, day, zone)]
    if not active:
        return _none(medical, day, zone)
    unclear = [row for row in active if row.kind is None]
    if unclear:
        why = (
            "says two different kinds of payer"
            if unclear[0].conflict
            else "does not say which payer it is"
        )
        return Coordination(
            "incomplete",
            f"A coverage active on {day} {why}: name the payer in the table of payer aliases.",
            seen=tuple(active),
        )
    plans = _one_medicare(active)
    if len(plans) == 1:
        return _single(plans[0], day)
    if not any(row.kind in _MEDICARE for row in plans):
        return _by_order(plans, [], day)
    if any(row.kind == "commercial" for row in plans):
        return Coordination(
            "incomplete",
            f"Medicare and another plan are active on {day}: a person decides which pays first.",
            seen=tuple(plans),
        )
    return _by_order(
        [row for row in plans if row.kind not in _AFTER_MEDICARE],
        [row for row in plans if row.kind in _AFTER_MEDICARE],
        day,
    )


def _covers(row: Coverage, day: date, zone: tzinfo | None) -> bool:
    begun = row.start is None or row.start.days(zone)[0] <= day
    return begun and (row.end is None or row.end.days(zone)[1] >= day)


def _none(medical: list[Coverage], day: date, zone: tzinfo | None) -> Coordination:
    ended = [row for row in medical if row.end and row.end.days(zone)[1] < day]
    if ended:
        last = max((row.end.span(zone) for row in ended if row.end), key=lambda span: span.last)
        return Coordination(
            "expired",
            f"No coverage is active on {day}; the last one ended {last.on}.",
            seen=tuple(ended),
        )
    return Coordination(
        "missing", f"No medical coverage on {day} is on record.", seen=tuple(medical)
    )


def _one_medicare(active: list[Coverage]) -> list[Coverage]:
    """Parts A and B are one payer, and Medicare Advantage stands in for both."""
    advantage = [row for row in active if row.kind == "medicare-advantage"]
    original = sorted(
        (row for row in active if row.kind == "medicare"),
        key=lambda row: (row.order or 99, row.source.resource),
    )
    others = [row for row in active if row.kind not in _MEDICARE]
    return [*(advantage or original[:1]), *others]


def _single(plan: Coverage, day: date) -> Coordination:
    if plan.kind == "supplement":
        return Coordination(
            "incomplete",
            f"A Medicare supplement is the only coverage on {day}: the Medicare coverage itself is"
            " not on record.",
            seen=(plan,),
        )
    return Coordination("met", "the only coverage", plan, (), (plan,))


def _by_order(plans: list[Coverage], last: list[Coverage], day: date) -> Coordination:
    """`last` pay after all the others, whatever their order."""
    everyone = (*plans, *last)
    orders = [row.order for row in plans]
    if len(plans) > 1 and (None in orders or len(set(orders)) != len(orders)):
        return Coordination(
            "incomplete",
            f"{len(everyone)} plans are active on {day} and nothing says which pays first.",
            seen=everyone,
        )
    ranked = [*sorted(plans, key=lambda row: row.order or 0), *sorted(last, key=_rank)]
    says = "by the recorded order" if len(plans) > 1 else "Medicare first"
    return Coordination("met", says, ranked[0], tuple(ranked[1:]), everyone)


def _rank(row: Coverage) -> tuple[int, int, str]:
    return _AFTER_MEDICARE.index(row.kind or ""), row.order or 99, row.source.resource
