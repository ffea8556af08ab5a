"""Service lines of a claim beside each other: discards with their doses, the same line twice.

Held by tests/unit/test_claim_checks.py.
"""

from collections import Counter
from collections.abc import Sequence

from mappings.writing.checks.fault import Findings, Found
from mappings.writing.checks.services.service import OF_NDCS, Service

# Modifiers that say why the same service appears twice (CMS, NCCI).
_AGAIN = frozenset({"59", "76", "77", "91", "XE", "XP", "XS", "XU", "RT", "LT"})


def beside_each_other(services: Sequence[Service]) -> Findings:
    """Discards with their doses, the same line twice, numbers of lines."""
    yield from _discards(services)
    yield from _twice(services)
    numbers = Counter(service.number for service in services if service.number)
    for service in services:
        if numbers[service.number] > 1:
            yield Found("REF*6R is on another line as well", service.at, service.line)


def _discards(services: Sequence[Service]) -> Findings:
    given = [one for one in services if not {"JW", "JZ"} & set(one.modifiers)]
    for service in services:
        if "JW" not in service.modifiers:
            continue
        doses = [one for one in given if _is_of_one_container(one, service)]
        wanted = set(service.modifiers) - {"JW"} - OF_NDCS
        if not doses:
            yield Found(
                f"the JW line of {service.code} has no line of what was given from the same"
                " container on its day",
                service.at,
                service.line,
            )
        elif all(set(dose.modifiers) - OF_NDCS != wanted for dose in doses):
            dose = doses[0]
            yield Found(
                f"the JW line of {service.code} has other modifiers"
                f" ({', '.join(service.modifiers)}) than line {dose.line}, of what was given"
                f" ({', '.join(dose.modifiers) or 'none'})",
                service.at,
                service.line,
            )


def _is_of_one_container(dose: Service, discard: Service) -> bool:
    """As far as both say where it came from."""
    alike = (dose.code, dose.days) == (discard.code, discard.days)
    return alike and (dose.ndc == discard.ndc or not (dose.ndc and discard.ndc))


def _twice(services: Sequence[Service]) -> Findings:
    """A payer denies the second of two lines that say the same of one day."""
    seen: dict[tuple[object, ...], list[Service]] = {}
    for service in services:
        if not service.code or not service.days or set(service.modifiers) & (_AGAIN | OF_NDCS):
            continue
        modifiers = frozenset(service.modifiers)
        key = (service.code, modifiers, service.days, service.units, service.rendering)
        others = seen.setdefault(key, [])
        same = next((one for one in others if not _of_two_ndcs(one, service)), None)
        if same is not None:
            yield Found(f"the line repeats line {same.line}", service.at, service.line)
        others.append(service)


def _of_two_ndcs(one: Service, other: Service) -> bool:
    return bool(one.ndc and other.ndc) and one.ndc != other.ndc
