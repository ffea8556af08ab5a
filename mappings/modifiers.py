"""R6: the modifiers after JW or JZ."""

from mappings.policy import DatedModifier, Policy
from mappings.service import Service


def asked_kx(service: Service) -> list[DatedModifier]:
    """The KX rules of the policy for this code and day."""
    if service.policy is None or service.day is None or service.code is None:
        return []
    code, day = service.code.code, service.day
    return [row for row in service.policy.modifiers.kx if row.holds(day) and (not row.codes or code in row.codes)]


def after_discard(service: Service, met: frozenset[str], policy: Policy | None) -> tuple[str, ...]:
    """R6: KX, 340B, off-campus, ASC, in this order. `met`: requirements that are met or not applicable."""
    if policy is None or service.day is None or service.code is None:
        return ()
    rules, day = policy.modifiers, service.day
    found = [row.modifier for row in asked_kx(service) if set(row.attests) <= met]
    if service.administration.is_340b:
        found += [row.modifier for row in rules.r340b if row.holds(day)][:1]
    place = service.setting.place
    if rules.off_campus and place and place.off_campus and service.setting.bill_type in ("13X", "85X"):
        found.append(place.off_campus)
    if service.setting.code == "24":
        found += [row.modifier for row in rules.ambulatory_surgery if row.holds(day)][:1]
    return tuple(found)
