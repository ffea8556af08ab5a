"""record + policies + moment → assessment. Pure: the same record gives the same answer, in whatever
order it was read."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import structs

from mappings import codes
from mappings.assessment import (
    SCHEMA,
    WORST_FIRST,
    Assessment,
    Denial,
    Finding,
    Gap,
    PatientAssessment,
    Unreadable,
)
from mappings.charge.building import service_of
from mappings.charge.charge import Service
from mappings.codes.tables import Dated
from mappings.dose.intake import take_in
from mappings.identity import stable_id
from mappings.lines.administration import companion_lines
from mappings.lines.claim_lines import claim_lines
from mappings.lines.groups import group
from mappings.lines.settling import rank_copies, settle
from mappings.policy.choosing import Policy, PolicySet
from mappings.record import PatientRecord, Problem
from mappings.requirements.checks import ALWAYS, CHECKS, NOT_BLOCKING, OF_GIVING
from mappings.requirements.result import NOT_APPLICABLE, Result
from mappings.site import Site


def assess(
    record: PatientRecord, policies: PolicySet, as_of: datetime, site: Site | None = None
) -> PatientAssessment:
    """What may be billed of one patient's IV iron on `as_of`, and what is missing (R1-R11). `as_of`
    is aware."""
    site = site or Site()
    intake = take_in(record, as_of, site.zone)
    services = [service_of(row, record, intake, policies, as_of, site) for row in intake.counted]
    rank_copies(services)
    groups = group(services)
    settle(groups)
    findings = [row for service in services for row in _findings(service)]
    lines = [line for one in groups for line in claim_lines(one, findings)]
    lines += companion_lines(groups, lines, findings)
    problems = {(row.resource, row.problem) for row in (*record.unreadable, *intake.problems)}
    ordered = tuple(
        sorted(lines, key=lambda row: (row.service_date or "", row.code, row.modifiers, row.id))
    )
    return PatientAssessment(
        patient=record.patient,
        lines=ordered,
        gaps=_gaps(
            record.patient,
            findings,
            {row.id: row.administrations for row in ordered if row.status != "not-billable"},
        ),
        requirements=tuple(
            sorted(findings, key=lambda row: (row.requirement, row.administrations))
        ),
        pending=intake.pending,
        reversed=intake.reversed,
        unreadable=tuple(Unreadable(*row) for row in sorted(problems)),
    )


def document(
    assessments: Iterable[PatientAssessment], problems: Iterable[Problem], as_of: datetime
) -> Assessment:
    """The assessment document: patients without an IV iron are left out, what could not be read of
    them is not."""
    rows = sorted(assessments, key=lambda row: row.patient)
    outer = [Unreadable(row.resource, row.problem) for row in problems]
    outer += [problem for row in rows if not row.concerns_us for problem in row.unreadable]
    return Assessment(
        schema=SCHEMA,
        as_of=as_of.isoformat(timespec="seconds"),
        patients=tuple(row for row in rows if row.concerns_us),
        unreadable=tuple(sorted(set(outer))),
    )


def _findings(service: Service) -> list[Finding]:
    """The state of each requirement for one service; of one that is not billable, what giving the
    drug asks where that is billed."""
    if service.not_billable and not service.has_line:
        return [_finding("product", NOT_APPLICABLE, service)]
    if service.not_billable:
        names: Sequence[str] = OF_GIVING if service.bills_giving_alone else ()
    elif not service.has_line:
        names = ("service-date", "product")
    else:
        names = tuple(CHECKS) if service.day else ALWAYS
    # Of possible duplicates one speaks of the dose, for all of them.
    asked = (name for name in names if not (name == "dose" and service.is_copy))
    return [_finding(name, CHECKS[name](service) or NOT_APPLICABLE, service) for name in asked]


def _finding(name: str, result: Result, service: Service) -> Finding:
    rule, policy = result.rule, service.policy
    blocking = rule.blocking if rule and rule.blocking is not None else name not in NOT_BLOCKING
    row, authority = codes.requirements()[name], _authority(name, result, policy)
    denial = result.denial or row.denial_by_state.get(result.state)
    return Finding(
        requirement=name,
        state=result.state,
        administrations=(
            tuple(sorted(service.possible_duplicates))
            if name == "dose" and service.possible_duplicates
            else (service.reference,)
        ),
        policy=policy.id if policy and service.known_payer else None,
        policy_version=policy.version if policy and service.known_payer else None,
        value=result.value,
        unit=result.unit,
        says=result.says or None,
        blocking=blocking,
        write_back=rule.write_back if rule and rule.write_back is not None else blocking,
        source=authority.source,
        verified=authority.verified,
        start=authority.start,
        end=authority.end,
        fix=result.fix or row.fix,
        denial=(
            Denial(denial.carc, denial.rarc)
            if denial
            else Denial(row.carc, row.rarc)
            if row.carc
            else None
        ),
        evidence=result.evidence,
    )


def _authority(name: str, result: Result, policy: Policy | None) -> Dated:
    """What a finding rests on, from-to: the row of a code table that decided, the policy's rule
    that asks, or the requirement itself."""
    rule, general = result.rule, codes.requirements()[name].source
    if result.row:
        return structs.replace(result.row, source=result.row.source or general or "")
    if policy and rule:
        verified = policy.verified if rule.verified is None else rule.verified
        return structs.replace(
            policy.authority, source=rule.source or policy.source, verified=verified
        )
    return Dated(source=general or (policy.source if policy else ""))


def _gaps(
    patient: str, findings: Iterable[Finding], lines: dict[str, tuple[str, ...]]
) -> tuple[Gap, ...]:
    """One gap per requirement of the patient, or per administration (R10, R13)."""
    grouped: dict[tuple[str, ...], list[Finding]] = {}
    for row in findings:
        if row.state in WORST_FIRST:
            scope = codes.requirements()[row.requirement].scope
            grouped.setdefault(
                (row.requirement, *(() if scope == "patient" else row.administrations)), []
            ).append(row)
    gaps = [_gap(patient, key, rows, lines) for key, rows in grouped.items()]
    return tuple(sorted(gaps, key=lambda row: (row.requirement, row.administrations)))


def _gap(
    patient: str, key: tuple[str, ...], rows: list[Finding], lines: dict[str, tuple[str, ...]]
) -> Gap:
    worst = min(rows, key=lambda row: (WORST_FIRST.index(row.state), not row.blocking))
    administrations = tuple(
        sorted({reference for row in rows for reference in row.administrations})
    )
    requirement = codes.requirements()[worst.requirement]
    held = tuple(
        sorted(
            identity
            for identity, references in lines.items()
            if set(references) & set(administrations)
        )
    )
    also = (
        f" {len(administrations)} doses are affected."
        if len(administrations) > 1 and worst.requirement != "dose"
        else ""
    )
    doubt = (
        ""
        if worst.verified
        else " (This rule is not verified against the payer's published policy.)"
    )
    return Gap(
        id=stable_id("gap", patient, *key),
        requirement=worst.requirement,
        state=worst.state,
        blocking=any(row.blocking for row in rows),
        waivable=requirement.waivable,
        severity=requirement.severity,
        administrations=administrations,
        lines=held,
        policy=worst.policy,
        policy_version=worst.policy_version,
        message=f"{worst.says or requirement.title}{also}{doubt}",
        fix=worst.fix or requirement.fix,
        predicted_denial=worst.denial,
        source=worst.source,
        verified=worst.verified,
        start=worst.start,
        end=worst.end,
        write_back=any(row.write_back for row in rows),
        evidence=tuple(dict.fromkeys(item for row in rows for item in row.evidence)),
    )
