"""Names of ours in FHIR resources: systems of identifiers and codes, and extensions. Each once.

Held by tests/scenarios/decisions.yaml.
"""

_OURS = "urn:ferroclaim:"

# What stands in charts of the gaps that we found.
GAP = f"{_OURS}gap"
REQUIREMENT = f"{_OURS}requirement"
MITIGATION = f"{_OURS}mitigation"
PRIORITY = f"{_OURS}priority"
DECIDED = f"{_OURS}decided"
ISSUE = f"{_OURS}issue"
TAG = f"{_OURS}tag"
DEVICE = f"{_OURS}device"
OVERRIDE = f"{_OURS}override"
POLICY = f"{_OURS}policy"

# What is recorded of an administration, by the EHR or on our page.
BOUGHT_340B = f"{_OURS}340b"
CONTAINERS_OPENED = f"{_OURS}containers-opened"
DISCARDED_AMOUNT = f"{_OURS}discarded-amount"
DRUG_SOURCE = f"{_OURS}drug-source"
EVIDENCE = f"{_OURS}evidence"
ENTRY = f"{_OURS}entry"

# What claims carry.
CLAIM = f"{_OURS}claim"
CLAIM_NUMBER = f"{_OURS}claim-number"
LINE = f"{_OURS}line"

_DECISION = f"{_OURS}decision"


def decision(about: str) -> str:
    """What a person decided, as evidence names it."""
    return f"{_DECISION}:{about}"


def policy(identity: str) -> str:
    return f"{POLICY}:{identity}"


def is_ours(reference: str) -> bool:
    """Whether it is a name of ours, and no resource of a chart."""
    return reference.startswith(_OURS)
