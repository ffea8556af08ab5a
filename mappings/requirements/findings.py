"""The state of each requirement for one administration (R10).

Held by tests/scenarios/findings.yaml.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain

from msgspec import Struct, structs

from mappings import codes
from mappings.assessment import WORST_FIRST, Denial, Finding, State
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.codes.requirement import Known, Requirement
from mappings.codes.tables import Dated
from mappings.policy.choosing import Policy, Rule
from mappings.requirements.asking import asked, is_blocking
from mappings.requirements.checks import check_of
from mappings.requirements.result import Result
from mappings.values.remembered import by_identity

# What is known of a dose.
_UNKNOWN: frozenset[Known] = frozenset()
_UNDATED: frozenset[Known] = frozenset({"product"})
_DATED: frozenset[Known] = frozenset({"product", "day"})
# What is said of a dose that leaves no line: that nothing is asked of it.
_OF_NO_LINE = "product"


class PolicyCheck(Struct, frozen=True):
    """A requirement as a policy asks it, and what decides it. `form`: all of a finding but what was
    found of a dose, by its state, whether it holds the line (None: the policy says), the rule and
    the row that decided; `unasked`: the one of a dose of which it is not asked."""

    requirement: Requirement
    decide: Callable[..., Result | None]
    alone: bool
    form: Callable[[State, bool | None, Rule | None, Dated | None], Finding]
    unasked: Finding


def findings_of(charge: Charge, neighbors: Neighbors) -> list[Finding]:
    """The state of each requirement for one dose; of one that is not billable, what giving the
    drug asks where that is billed."""
    checks = _checks(_asked_of(charge), charge.policy, charge.known_payer)
    if charge.not_billable and not charge.has_line:
        checks = [asked for asked in checks if asked.requirement.id == _OF_NO_LINE]
        return [_finding(asked, None, charge) for asked in checks]
    # Of possible duplicates one speaks of the dose, for all of them.
    if charge.is_copy:
        checks = [asked for asked in checks if not asked.requirement.of_duplicates]
    results = [
        asked.decide(charge) if asked.alone else asked.decide(charge, neighbors) for asked in checks
    ]
    return [_finding(asked, result, charge) for asked, result in zip(checks, results, strict=True)]


def _asked_of(charge: Charge) -> tuple[Requirement, ...]:
    table = codes.requirement_table()
    if charge.not_billable and charge.has_line:
        return table.of_giving if charge.bills_giving_alone else ()
    if charge.has_line:
        return table.answerable[_DATED if charge.day else _UNDATED]
    return table.answerable[_UNKNOWN]


@by_identity
def _checks(
    asked: tuple[Requirement, ...], policy: Policy | None, known_payer: bool
) -> list[PolicyCheck]:
    found: list[PolicyCheck] = []
    for requirement in asked:
        check = check_of(requirement.id)
        if check:
            form = by_identity(partial(_form, requirement, policy, known_payer))
            unasked = form("not-applicable", None, None, None)
            found.append(PolicyCheck(requirement, *check, form, unasked))
    return found


def findings_about(
    charges: Iterable[Charge], findings: Mapping[str, Sequence[Finding]]
) -> list[Finding]:
    """Those of the doses of a line, in the order of their references. `findings`: by dose."""
    references = sorted([charge.reference for charge in charges])
    return list(chain.from_iterable([findings[reference] for reference in references]))


def _finding(asked: PolicyCheck, result: Result | None, charge: Charge) -> Finding:
    about = charge.itself
    if charge.possible_duplicates and asked.requirement.of_duplicates:
        about = tuple(sorted(charge.possible_duplicates))
    if result is None:
        return structs.replace(asked.unasked, administrations=about)
    form = asked.form(result.state, result.blocking, result.rule, result.row)
    fix = result.fix or form.fix
    return structs.replace(
        form,
        administrations=about,
        value=result.value,
        unit=result.unit,
        says=result.says or None,
        fix=_fix(asked.requirement, fix, charge) if form.state in WORST_FIRST else fix,
        note=result.note,
        denial=_of_cause(asked.requirement, result.cause) if result.cause else form.denial,
        evidence=result.evidence,
    )


def _fix(requirement: Requirement, fix: str | None, charge: Charge) -> str | None:
    """With what may say otherwise, and was not to be had, or not to be used."""
    if not (charge.site.unseen or charge.record.unreadable):
        return fix
    unseen = charge.site.unseen.intersection(requirement.rests_on)
    unused = charge.unused.intersection(requirement.rests_on) - unseen
    said = [fix] if fix else []
    if unseen:
        said.append(f"Not seen, as the EHR does not give them: {_called(unseen)}.")
    if unused:
        said.append(f"On record, and not to be used as they stand: {_called(unused)}.")
    return " ".join(said) or None


def _called(kinds: Iterable[str]) -> str:
    called = codes.requirement_table().resources
    return ", ".join(sorted(called[kind] for kind in kinds))


def _form(
    requirement: Requirement,
    policy: Policy | None,
    known_payer: bool,
    state: State,
    held: bool | None,
    rule: Rule | None,
    of_table: Dated | None,
) -> Finding:
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


def _of_cause(requirement: Requirement, cause: str) -> Denial:
    found = requirement.denial_by_cause[cause]
    return Denial(found.carc, found.rarc)


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
