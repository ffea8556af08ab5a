"""What holds of every assessment, whatever its scenario is about: each finding has its words, its
evidence, its rule."""

import json
from collections.abc import Iterator

import msgspec
from msgspec import structs

from mappings import codes
from mappings.assessment import Finding, PatientAssessment
from mappings.document import of_patient
from mappings.policy.choosing import Policy, PolicySet, Requirements, Rule
from mappings.writing import detected_issue, issue_form
from tests import builders
from tests.documents import read_back

# Nothing was found, and yet the state is not `missing`.
NOTHING_TO_CITE = (
    "No result shows iron overload.",
    "Whether this plan requires prior authorization is not known",
)
LABORATORY = {"ferritin", "transferrin-saturation", "hemoglobin"}


def told_apart(policies: PolicySet) -> PolicySet:
    """The policies with a source of its own for each rule, so that a finding shows which of them
    spoke."""
    return PolicySet(
        [structs.replace(policy, requirements=_sourced(policy)) for policy in policies.policies]
    )


def _sourced(policy: Policy) -> Requirements:
    named = {
        name: getattr(policy.requirements, name) for name in policy.requirements.__struct_fields__
    }
    rules = {
        name: rule for name, rule in named.items() if isinstance(rule, Rule) and not rule.source
    }
    own = {
        name: structs.replace(rule, source=f"{policy.source}, {name}")
        for name, rule in rules.items()
    }
    return structs.replace(policy.requirements, **own)


def check(found: PatientAssessment, policies: PolicySet) -> None:
    """No finding without a word, a source, and what it rests on; no gap without a fix; no rule but
    the policy's own; each issue as fhir.resources has it; nothing lost in the document."""
    assert read_back(msgspec.json.encode(of_patient(found, trace=True))) == found
    for issue in detected_issue.issues(found, [], builders.AS_OF):
        assert json.dumps(issue_form.by_model(issue)) == json.dumps(issue)
    for requirement in found.requirements:
        if requirement.state != "not-applicable":
            assert requirement.says, requirement
            assert (
                requirement.evidence
                or requirement.state == "missing"
                or requirement.says.startswith(NOTHING_TO_CITE)
            ), requirement
            assert requirement.source, requirement
            allowed = set(
                _authorities(
                    requirement, policies.get(requirement.policy) if requirement.policy else None
                )
            )
            assert not allowed or (requirement.source, requirement.verified) in allowed, (
                requirement,
                allowed,
            )
    for gap in found.gaps:
        assert gap.message.startswith(
            tuple(
                requirement.says or ""
                for requirement in found.requirements
                if requirement.requirement == gap.requirement
            )
        ), gap
        assert gap.message.endswith((".", ".)")), gap
        assert gap.fix.endswith("."), gap


def _authorities(finding: Finding, policy: Policy | None) -> Iterator[tuple[str, bool]]:
    """Source and verification of the policy's rules for a requirement; none where it is not the
    policy that asks."""
    rules = policy.requirements if policy else None
    if policy is None or rules is None:
        return
    own = (
        rules.laboratory
        if finding.requirement in LABORATORY
        else (getattr(rules, finding.requirement.replace("-", "_"), None),)
    )
    for rule in filter(None, own):
        yield (rule.source or policy.source, policy.verifies(rule))
    if (
        finding.requirement == "iron-deficiency-diagnosis"
        and rules.iron_deficiency_diagnosis
        and rules.iron_deficiency_diagnosis.renal_anemia
    ):
        yield (
            rules.iron_deficiency_diagnosis.renal_anemia.source,
            rules.iron_deficiency_diagnosis.renal_anemia.verified and not policy.stands_in,
        )
    if finding.requirement == "iron-deficiency-diagnosis":
        # What a claim form asks, where the policy asks nothing of this patient.
        limits = codes.claim_forms().limits
        yield limits.source, limits.verified
    if finding.requirement == "preferred-product":
        # How far back a trial counts, where the payer's text does not say it.
        yield codes.windows().source, codes.windows().verified
    if finding.requirement == "dosing":
        yield from ((label.source, label.verified) for label in codes.dosing())
