"""What is missing, once for each patient or administration (R10, R13).

Held by tests/scenarios/findings.yaml.
"""

from collections.abc import Iterable
from itertools import chain

from mappings import codes
from mappings.assessment import WORST_FIRST, Finding, Gap


def gaps_of(
    patient: str, findings: Iterable[Finding], lines: dict[str, tuple[str, ...]]
) -> tuple[Gap, ...]:
    """One gap per requirement of the patient, or per administration (R10, R13)."""
    grouped: dict[tuple[str, ...], list[Finding]] = {}
    requirements = codes.requirements()
    for finding in findings:
        if finding.state in WORST_FIRST:
            scope = requirements[finding.requirement].scope
            grouped.setdefault(
                (finding.requirement, *(() if scope == "patient" else finding.administrations)), []
            ).append(finding)
    lines_of: dict[str, list[str]] = {}
    for identity, references in lines.items():
        for reference in references:
            lines_of.setdefault(reference, []).append(identity)
    gaps = [_gap(patient, key, found, lines_of) for key, found in grouped.items()]
    return tuple(sorted(gaps, key=lambda gap: (gap.requirement, gap.administrations)))


def _gap(
    patient: str, key: tuple[str, ...], findings: list[Finding], lines_of: dict[str, list[str]]
) -> Gap:
    worst = min(
        findings, key=lambda finding: (WORST_FIRST.index(finding.state), not finding.blocking)
    )
    administrations = tuple(
        sorted(set(chain.from_iterable(finding.administrations for finding in findings)))
    )
    requirement = codes.requirements()[worst.requirement]
    held = set(chain.from_iterable(lines_of.get(name, ()) for name in administrations))
    proof = chain.from_iterable(finding.evidence for finding in findings)
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
        id=requirement.gap_id(patient, key[1:]),
        requirement=worst.requirement,
        state=worst.state,
        blocking=any(finding.blocking for finding in findings),
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
        write_back=any(finding.write_back for finding in findings),
        evidence=tuple(dict.fromkeys(proof)),
    )
