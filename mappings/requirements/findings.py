"""The state of each requirement for one administration (R10)."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from mappings import codes
from mappings.assessment import WORST_FIRST, Asked, Denial, Finding
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.codes.requirement import Requirement
from mappings.codes.tables import Dated
from mappings.policy.choosing import Policy, Rule
from mappings.requirements.asking import asked, is_blocking
from mappings.requirements.checks import check_of
from mappings.requirements.result import NOT_APPLICABLE, Result
from mappings.values.remembered import by_identity

# What is said of a dose that leaves no line: that nothing is asked of it.
_OF_NO_LINE = "product"


def findings_of(charge: Charge, neighbors: Neighbors) -> list[Finding]:
    """The state of each requirement for one dose; of one that is not billable, what giving the
    drug asks where that is billed."""
    if charge.not_billable and not charge.has_line:
        return [_finding(codes.requirements()[_OF_NO_LINE], NOT_APPLICABLE, charge)]
    found = []
    for requirement in _asked_of(charge):
        check = check_of(requirement.id)
        # Of possible duplicates one speaks of the dose, for all of them.
        if check and not (requirement.of_duplicates and charge.is_copy):
            found.append(_finding(requirement, check(charge, neighbors) or NOT_APPLICABLE, charge))
    return found


def _asked_of(charge: Charge) -> Sequence[Requirement]:
    table = codes.requirement_table()
    if charge.not_billable:
        return table.of_giving if charge.bills_giving_alone else ()
    known = {"product": charge.has_line, "day": charge.has_line and charge.day is not None}
    return table.answerable[frozenset(name for name, holds in known.items() if holds)]


class FindingsByDose:
    """The findings of a patient, looked up by the administrations that they are about."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self._places: dict[str, list[int]] = {}
        for place, finding in enumerate(findings):
            for reference in finding.administrations:
                self._places.setdefault(reference, []).append(place)

    def any_of(self, references: Iterable[str]) -> list[Finding]:
        """Those about any of the administrations, in their order."""
        places = {place for name in references for place in self._places.get(name, ())}
        return [self._findings[place] for place in sorted(places)]


class _Basis(Struct, frozen=True):
    """What a finding rests on, and what follows from that alone."""

    authority: Dated
    asked: Asked
    blocking: bool
    denial: Denial | None


def _finding(requirement: Requirement, result: Result, charge: Charge) -> Finding:
    about = _about(requirement, charge)
    if result is NOT_APPLICABLE:
        nothing = _not_applicable(requirement, charge.policy, charge.known_payer)
        return structs.replace(nothing, administrations=about)
    return _found(requirement, result, charge.policy, charge.known_payer, about)


def _about(requirement: Requirement, charge: Charge) -> tuple[str, ...]:
    if requirement.of_duplicates and charge.possible_duplicates:
        return tuple(sorted(charge.possible_duplicates))
    return (charge.reference,)


@by_identity
def _not_applicable(requirement: Requirement, policy: Policy | None, known_payer: bool) -> Finding:
    """The finding that half of all requirements have, of no dose yet."""
    return _found(requirement, NOT_APPLICABLE, policy, known_payer, ())


def _found(
    requirement: Requirement,
    result: Result,
    policy: Policy | None,
    known_payer: bool,
    about: tuple[str, ...],
) -> Finding:
    rule, basis = result.rule, _basis(requirement, result.rule, result.row, policy)
    blocking = basis.blocking if result.blocking is None else result.blocking
    denial = result.denial or requirement.denial_by_state.get(result.state)
    return Finding(
        requirement=requirement.id,
        state=result.state,
        administrations=about,
        policy=policy.id if policy and known_payer else None,
        policy_version=policy.version if policy and known_payer else None,
        value=result.value,
        unit=result.unit,
        says=result.says or None,
        blocking=blocking,
        write_back=requirement.write_back
        and (rule.write_back if rule and rule.write_back is not None else blocking),
        source=basis.authority.source,
        verified=basis.authority.verified,
        start=basis.authority.start,
        end=basis.authority.end,
        fix=result.fix or requirement.fix,
        note=result.note,
        asked=basis.asked if rule or result.state in WORST_FIRST else None,
        denial=Denial(denial.carc, denial.rarc) if denial else basis.denial,
        evidence=result.evidence,
    )


@by_identity
def _basis(
    requirement: Requirement, rule: Rule | None, of_table: Dated | None, policy: Policy | None
) -> _Basis:
    authority = _authority(requirement, rule, of_table, policy)
    return _Basis(
        authority=authority,
        asked=asked(requirement.id, rule, authority.verified),
        blocking=is_blocking(requirement.id, rule),
        denial=Denial(requirement.carc, requirement.rarc) if requirement.carc else None,
    )


def _authority(
    requirement: Requirement, rule: Rule | None, of_table: Dated | None, policy: Policy | None
) -> Dated:
    """What a finding rests on, from-to: the row of a code table that decided, the policy's rule
    that asks, or the requirement itself."""
    general = requirement.source
    if of_table:
        return structs.replace(of_table, source=of_table.source or general or "")
    if policy and rule:
        return structs.replace(
            policy.authority, source=rule.source or policy.source, verified=policy.verifies(rule)
        )
    return Dated(source=general or (policy.source if policy else ""))
