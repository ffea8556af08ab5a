"""What is missing, once for each patient or administration (R10, R13)."""

from collections.abc import Iterable

from mappings import codes
from mappings.assessment import WORST_FIRST, Finding, Gap
from mappings.values.identity import stable_id


def gaps_of(
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
    lines_of: dict[str, list[str]] = {}
    for identity, references in lines.items():
        for reference in references:
            lines_of.setdefault(reference, []).append(identity)
    gaps = [_gap(patient, key, rows, lines_of) for key, rows in grouped.items()]
    return tuple(sorted(gaps, key=lambda row: (row.requirement, row.administrations)))


def _gap(
    patient: str, key: tuple[str, ...], rows: list[Finding], lines_of: dict[str, list[str]]
) -> Gap:
    worst = min(rows, key=lambda row: (WORST_FIRST.index(row.state), not row.blocking))
    administrations = tuple(
        sorted({reference for row in rows for reference in row.administrations})
    )
    requirement = codes.requirements()[worst.requirement]
    held = {identity for name in administrations for identity in lines_of.get(name, ())}
    also = (
        f" {len(administrations)} doses are affected."
        if len(administrations) > 1 and not requirement.of_duplicates
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
        lines=tuple(sorted(held)),
        policy=worst.policy,
        policy_version=worst.policy_version,
        message=f"{worst.says or requirement.title}{also}{doubt}",
        fix=worst.fix or requirement.fix,
        asked=worst.asked,
        predicted_denial=worst.denial,
        source=worst.source,
        verified=worst.verified,
        start=worst.start,
        end=worst.end,
        write_back=any(row.write_back for row in rows),
        evidence=tuple(dict.fromkeys(item for row in rows for item in row.evidence)),
    )
