"""R5, R6: the modifiers of a line, each with the row that asks for it.

Held by tests/scenarios/modifiers.yaml.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeVar

from mappings import codes
from mappings.assessment import WORST_FIRST, Finding, State
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.charge.paid import AskedModifier
from mappings.codes.tables import Modifier
from mappings.policy.choosing import AttestingModifier, DatedModifier

T = TypeVar("T", bound=DatedModifier)


def asked_kx(charge: Charge) -> list[AttestingModifier]:
    """The KX rules of the policy for this code and day."""
    rows = charge.policy.modifiers.kx if charge.policy else ()
    return _asked(charge, rows) if rows else []


def _asked(charge: Charge, rows: Iterable[T]) -> list[T]:
    day = charge.day
    if charge.code is None or day is None:
        return []
    named = [row for row in rows if not row.codes or charge.is_among(row.codes)]
    return [row for row in named if row.holds(day) and not _ended(row.modifier, day)]


def _ended(modifier: str, day: date) -> bool:
    """Whether the HCPCS file that the site imported ends it before the day."""
    return any(
        row.modifier == modifier and row.end and row.end < day for row in codes.in_force().modifiers
    )


def of_discard(group: Group, left: int) -> tuple[AskedModifier, ...]:
    """R5: JZ on a line of which nothing was discarded."""
    waste, row = group.waste, group.first.discard_modifiers.named("JZ")
    settled = waste is not None and waste.state == "met" and not left and group.whole
    return (AskedModifier("JZ", "R5", row),) if settled and row else ()


def of_discarded(group: Group) -> tuple[AskedModifier, ...]:
    """R5: JW on the line of what was discarded."""
    row = group.first.discard_modifiers.named("JW")
    return (AskedModifier("JW", "R5", row),) if row else ()


def after_discard(
    charge: Charge, findings: Iterable[Finding], attesting: Sequence[AttestingModifier]
) -> tuple[AskedModifier, ...]:
    """R6: KX, 340B, off-campus, ASC, in this order."""
    policy = charge.policy
    if policy is None or charge.day is None or charge.code is None:
        return ()
    rules = policy.modifiers
    found: list[Modifier | DatedModifier] = []
    if attesting:
        met = _met_by_all(findings)
        found += [modifier for modifier in attesting if set(modifier.attests) <= met]
    # The 340B modifiers stand on drugs that are paid apart (CMS 340B specification, 2025-01-01).
    if charge.is_340b and charge.payment != "packaged":
        here = charge.setting.hospitals
        discounts = [modifier for modifier in _asked(charge, rules.r340b) if modifier.is_for(here)]
        found += discounts[:1]
    place = charge.setting.place
    if rules.off_campus and place and charge.setting.bill_type == "13X":
        dated = codes.payment().off_campus_modifiers
        found += [
            modifier
            for modifier in dated
            if modifier.modifier == place.off_campus and modifier.holds(charge.day)
        ]
    if charge.setting.code == "24":
        found += _asked(charge, rules.ambulatory_surgery)[:1]
    return tuple(AskedModifier(modifier.modifier, "R6", modifier) for modifier in found)


def _met_by_all(findings: Iterable[Finding]) -> frozenset[str]:
    """Requirements that are met by every dose, or not applicable."""
    states: dict[str, set[State]] = {}
    for finding in findings:
        states.setdefault(finding.requirement, set()).add(finding.state)
    return frozenset(name for name, found in states.items() if found.isdisjoint(WORST_FIRST))
