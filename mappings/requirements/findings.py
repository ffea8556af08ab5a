"""The state of each requirement for one administration (R10).

Held by tests/scenarios/findings.yaml.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from msgspec import structs

from mappings import codes
from mappings.assessment import WORST_FIRST, Denial, Finding, State
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.codes.requirement import Requirement
from mappings.codes.tables import Dated
from mappings.policy.choosing import Policy, Rule
from mappings.requirements.asking import asked, is_blocking
from mappings.requirements.checks import Check, check_of
from mappings.requirements.result import NOT_APPLICABLE, Result
from mappings.values.remembered import by_identity

# What is said of a dose that leaves no line: that nothing is asked of it.
_OF_NO_LINE = "product"


def findings_of(charge: Charge, neighbors: Neighbors) -> list[Finding]:
    """The state of each requirement for one dose; of one that is not billable, what giving the
    drug asks where that is billed."""
    if charge.not_billable and not charge.has_line:
        return [_finding(codes.requirements()[_OF_NO_LINE], NOT_APPLICABLE, charge)]
    # Of possible duplicates one speaks of the dose, for all of them.
    return [
        _finding(requirement, check(charge, neighbors) or NOT_APPLICABLE, charge)
        for requirement, check in _checks(_asked_of(charge))
        if not (requirement.of_duplicates and charge.is_copy)
    ]


def _asked_of(charge: Charge) -> tuple[Requirement, ...]:
    table = codes.requirement_table()
    if charge.not_billable:
        return table.of_giving if charge.bills_giving_alone else ()
    known = {"product": charge.has_line, "day": charge.has_line and charge.day is not None}
    return table.answerable[frozenset(name for name, holds in known.items() if holds)]


@by_identity
def _checks(asked: tuple[Requirement, ...]) -> list[tuple[Requirement, Check]]:
    found = ((requirement, check_of(requirement.id)) for requirement in asked)
    return [(requirement, check) for requirement, check in found if check]


class FindingsByDose:
    """The findings of a patient, looked up by the administrations that they are about."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, finding in enumerate(findings):
            for reference in finding.administrations:
                self._places[reference].append(place)

    def any_of(self, references: Iterable[str]) -> list[Finding]:
        """Those about any of the administrations, in their order."""
        places = set(chain.from_iterable(self._places[name] for name in references))
        return [self._findings[place] for place in sorted(places)]


def _finding(requirement: Requirement, result: Result, charge: Charge) -> Finding:
    form = _form(
        requirement,
        result.state,
        result.blocking,
        result.rule,
        result.row,
        charge.policy,
        charge.known_payer,
    )
    about = charge.itself
    if requirement.of_duplicates and charge.possible_duplicates:
        about = tuple(sorted(charge.possible_duplicates))
    if result is NOT_APPLICABLE:
        return structs.replace(form, administrations=about)
    denial = result.denial
    return structs.replace(
        form,
        administrations=about,
        value=result.value,
        unit=result.unit,
        says=result.says or None,
        fix=result.fix or form.fix,
        note=result.note,
        denial=Denial(denial.carc, denial.rarc) if denial else form.denial,
        evidence=result.evidence,
    )


@by_identity
def _form(
    requirement: Requirement,
    state: State,
    held: bool | None,
    rule: Rule | None,
    of_table: Dated | None,
    policy: Policy | None,
    known_payer: bool,
) -> Finding:
    """All of a finding but what was found of a dose. `held`: whether it holds the line, where that
    is not the policy's to say."""
    authority = _authority(requirement, rule, of_table, policy)
    blocking = is_blocking(requirement.id, rule) if held is None else held
    told = rule.write_back if rule and rule.write_back is not None else blocking
    return Finding(
        requirement=requirement.id,
        state=state,
        administrations=(),
        policy=policy.id if policy and known_payer else None,
        policy_version=policy.version if policy and known_payer else None,
        blocking=blocking,
        write_back=requirement.write_back and told,
        source=authority.source,
        verified=authority.verified,
        start=authority.start,
        end=authority.end,
        fix=requirement.fix,
        asked=asked(requirement.id, rule, authority.verified)
        if rule or state in WORST_FIRST
        else None,
        denial=_denial(requirement, state),
    )


def _denial(requirement: Requirement, state: State) -> Denial | None:
    """The one that a state predicts, else that of the requirement."""
    found = requirement.denial_by_state.get(state)
    if found:
        return Denial(found.carc, found.rarc)
    return Denial(requirement.carc, requirement.rarc) if requirement.carc else None


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
