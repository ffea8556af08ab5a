"""Administration services beside the drug: infusion and injection codes from start and stop times. Off unless the site bills them.

Codes only (their texts are licensed). Never in dialysis, never by a professional in a facility (iron-billing s. 7).
"""

from collections.abc import Iterable

from mappings.assessment import ClaimLine, Step
from mappings.groups import Group
from mappings.identity import stable_id
from mappings.service import Service

_SOURCE = "CPT time rules as published by codingclarified 2025-10-13"
PUSH_MINUTES = 15
FIRST_HOUR = 90


def administration_codes(minutes: int | None) -> list[tuple[str, int]]:
    """Codes and units for one drug: a push up to 15 minutes or without stop time; else the first hour, and further ones of > 30 minutes."""
    if minutes is None or minutes <= PUSH_MINUTES:
        return [("96374", 1)]
    further = max(0, (minutes - 60 + 29) // 60)
    return [("96365", 1), *([("96366", further)] if further else [])]


def minutes_of(service: Service) -> int | None:
    start, end = service.administration.start, service.administration.end
    if start is None or end is None or start.instant is None or end.instant is None or end.instant < start.instant:
        return None
    return int((end.instant - start.instant).total_seconds() // 60)


def companion_lines(groups: Iterable[Group], lines: Iterable[ClaimLine]) -> list[ClaimLine]:
    """One set of lines per group whose setting bills the administration itself."""
    by_administration = {reference: row for row in lines if "JW" not in row.modifiers for reference in row.administrations}
    found: list[ClaimLine] = []
    for group in groups:
        service = group.first
        drug = by_administration.get(service.reference)
        if drug is None or drug.status == "not-billable" or not service.bills_services:
            continue
        for code, units in administration_codes(minutes_of(service)):
            found.append(_line(service, drug, code, units))
    return found


def _line(service: Service, drug: ClaimLine, code: str, units: int) -> ClaimLine:
    minutes = minutes_of(service)
    says = f"{minutes} minutes" if minutes is not None else "no stop time: as a push"
    return ClaimLine(
        id=stable_id("line", service.record.patient, service.reference, code),
        administrations=(service.reference,),
        service_date=drug.service_date,
        code=code,
        modifiers=(),
        units=units,
        status=drug.status,
        payment=drug.payment if drug.payment != "packaged" else "separate",
        reasons=drug.reasons,
        policy=drug.policy,
        coverage=drug.coverage,
        secondary_coverages=drug.secondary_coverages,
        diagnoses=drug.diagnoses,
        place_of_service=drug.place_of_service,
        bill_type=drug.bill_type,
        revenue_code="0260" if drug.bill_type else None,
        drug_source=drug.drug_source,
        notes=("administration service; its payment is not priced here",),
        trace=(Step("administration", f"{says} → {code} × {units}", _SOURCE, verified=False),),
    )
