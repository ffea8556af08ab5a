"""Administration services beside the drug: infusion and injection codes from start and stop times.
Off unless the site bills them.

Codes only (their texts are licensed). Never in dialysis, never by a professional in a facility
(iron-billing s. 7).

Held by tests/unit/test_infusions.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import UNSET, structs

from mappings import codes
from mappings.assessment import WORST_FIRST, ClaimLine, Finding, Step, cite
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.requirements.findings import findings_about
from mappings.values.identity import stable_id


def companion_lines(
    groups: Iterable[Group], lines: Iterable[ClaimLine], findings: Mapping[str, Sequence[Finding]]
) -> list[ClaimLine]:
    """The services of each encounter and day: one initial one, an infusion before a push, the other
    drugs after it."""
    drug_lines: dict[str, ClaimLine] = {}
    for line in lines:
        if "JW" not in line.modifiers:
            drug_lines |= dict.fromkeys(line.administrations, line)
    visits: dict[object, dict[str, list[Charge]]] = {}
    for group in groups:
        first = group.first
        if _is_billed(first):
            visits.setdefault((first.day, first.encounter_reference), {}).setdefault(
                drug_lines[first.reference].code, []
            ).extend(group.counted)
    found = []
    for drugs in visits.values():
        for place, charges in enumerate(
            sorted(
                drugs.values(), key=lambda charges: (not _infusions(charges), charges[0].reference)
            )
        ):
            drug = _held_apart(charges, drug_lines[charges[0].reference], findings)
            found += [
                _line(charges, drug, *coded) for coded in administration_codes(charges, place == 0)
            ]
    return found


def _is_billed(charge: Charge) -> bool:
    """Where the drug is, or would be if it were ours."""
    if charge.day is None or not charge.bills_services:
        return False
    dated = codes.administration_services().holds(charge.day)
    return dated and (not charge.not_billable or charge.bills_giving_alone)


def _held_apart(
    charges: Sequence[Charge], drug: ClaimLine, findings: Mapping[str, Sequence[Finding]]
) -> ClaimLine:
    """The drug's line; where the drug is not billed, with what holds giving it."""
    if drug.is_billable:
        return drug
    open_ = {
        finding.requirement
        for finding in findings_about(charges, findings)
        if finding.state in WORST_FIRST and finding.blocking
    }
    return structs.replace(drug, status="held" if open_ else "ready", reasons=tuple(sorted(open_)))


def administration_codes(charges: Sequence[Charge], initial: bool) -> list[tuple[str, int]]:
    """CPT codes and units for one drug at one encounter. Without a stop time it was a push; the
    times of several bags add up."""
    table = codes.administration_services()
    minutes = sum(_infusions(charges))
    if not minutes:
        push = (table.initial_push if initial else table.sequential_push, 1)
        again = _pushed_again(charges)
        return [push, *([(table.repeated_push, again)] if again else [])]
    further = -((60 + table.further_hour_over_minutes - minutes) // 60)
    hour = (table.initial_infusion if initial else table.sequential_infusion, 1)
    return [hour, *([(table.further_hour, further)] if further > 0 else [])]


def _infusions(charges: Iterable[Charge]) -> list[int]:
    """Minutes of those that are longer than a push."""
    return [
        minutes
        for charge in charges
        if (minutes := charge.minutes or 0) > codes.administration_services().push_minutes
    ]


def _pushed_again(charges: Sequence[Charge]) -> int:
    """Pushes of a drug after its first one, on a facility's claim, each far enough from the one
    before."""
    starts = sorted(
        charge.administration.start.instant
        for charge in charges
        if charge.administration.start and charge.administration.start.instant
    )
    apart = codes.administration_services().repeated_push_minutes * 60
    later = [
        start for before, start in pairwise(starts) if (start - before).total_seconds() >= apart
    ]
    return len(later) if charges[0].setting.claim == "institutional" else 0


def _line(charges: Sequence[Charge], drug: ClaimLine, code: str, units: int) -> ClaimLine:
    table = codes.administration_services()
    times = [charge.minutes for charge in charges]
    says = " + ".join(
        "no stop time, as a push" if minutes is None else f"{minutes} minutes" for minutes in times
    )
    cited = tuple(cite(charge.administration.source, "start and stop") for charge in charges)
    step = Step(
        "administration",
        f"{says} → {code} × {units}",
        table.source,
        table.verified,
        table.start,
        table.end,
        cited,
    )
    return ClaimLine(
        id=stable_id("line", charges[0].record.patient, charges[0].reference, code),
        administrations=tuple(sorted(charge.reference for charge in charges)),
        service_date=drug.service_date,
        file_by=drug.file_by,
        code=code,
        modifiers=(),
        units=units,
        status=drug.status,
        payment="separate" if charges[0].known_payer or drug.payment == "separate" else None,
        reasons=drug.reasons,
        policy=drug.policy,
        coverage=drug.coverage,
        secondary_coverages=drug.secondary_coverages,
        diagnoses=drug.diagnoses,
        place_of_service=drug.place_of_service,
        bill_type=drug.bill_type,
        revenue_code=table.revenue_code if drug.bill_type else None,
        drug_source=drug.drug_source,
        notes=("administration service; its payment is not priced here",),
        evidence=cited,
        chain=UNSET if drug.chain is UNSET else (step,),
    )
