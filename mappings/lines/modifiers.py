"""R6: the modifiers after JW or JZ."""

from collections.abc import Iterable
from typing import TypeVar

from mappings import codes
from mappings.charge.charge import Service
from mappings.policy.choosing import AttestingModifier, DatedModifier, Policy

T = TypeVar("T", bound=DatedModifier)


def asked_kx(service: Service) -> list[AttestingModifier]:
    """The KX rules of the policy for this code and day."""
    return _asked(service, service.policy.modifiers.kx if service.policy else ())


def _asked(service: Service, rows: Iterable[T]) -> list[T]:
    code, day = service.code, service.day
    return [
        row
        for row in rows
        if code and day and row.holds(day) and (not row.codes or code.code in row.codes)
    ]


def after_discard(service: Service, met: frozenset[str], policy: Policy | None) -> tuple[str, ...]:
    """R6: KX, 340B, off-campus, ASC, in this order. `met`: requirements that are met or not
    applicable."""
    if policy is None or service.day is None or service.code is None:
        return ()
    rules = policy.modifiers
    found: list[str] = [row.modifier for row in asked_kx(service) if set(row.attests) <= met]
    if service.is_340b:
        found += [row.modifier for row in _asked(service, rules.r340b)][:1]
    place = service.setting.place
    if rules.off_campus and place and service.setting.bill_type in ("13X", "85X"):
        dated = codes.payment().off_campus_modifiers
        found += [
            row.modifier
            for row in dated
            if row.modifier == place.off_campus and row.holds(service.day)
        ]
    if service.setting.code == "24":
        found += [row.modifier for row in _asked(service, rules.ambulatory_surgery)][:1]
    return tuple(found)
