"""Names of ours in FHIR resources: systems of identifiers and codes, and extensions. Each once.

Held by tests/scenarios/decisions.yaml.
"""

# No resource of a chart begins so.
OURS = "urn:ferroclaim:"

# What stands in charts of the gaps that we found.
GAP = f"{OURS}gap"
REQUIREMENT = f"{OURS}requirement"
MITIGATION = f"{OURS}mitigation"
PRIORITY = f"{OURS}priority"
DECIDED = f"{OURS}decided"
ISSUE = f"{OURS}issue"
TAG = f"{OURS}tag"
DEVICE = f"{OURS}device"
OVERRIDE = f"{OURS}override"
POLICY = f"{OURS}policy"

# What is recorded of an administration, by the EHR or on our page.
BOUGHT_340B = f"{OURS}340b"
CONTAINERS_OPENED = f"{OURS}containers-opened"
DISCARDED_AMOUNT = f"{OURS}discarded-amount"
DRUG_SOURCE = f"{OURS}drug-source"
EVIDENCE = f"{OURS}evidence"
ENTRY = f"{OURS}entry"

# What claims carry.
CLAIM = f"{OURS}claim"
CLAIM_NUMBER = f"{OURS}claim-number"
LINE = f"{OURS}line"

# What a payer is asked.
AUTHORIZATION = f"{OURS}authorization"
# A payer's numbers of its members, whose system no chart names.
MEMBER = f"{OURS}member"

_DECISION = f"{OURS}decision"


def decision(about: str) -> str:
    """What a person decided, as evidence names it."""
    return f"{_DECISION}:{about}"


def policy(identity: str) -> str:
    return f"{POLICY}:{identity}"


def administration(named: str) -> str:
    """An administration as evidence names it, however a person wrote it."""
    return f"MedicationAdministration/{named.rpartition('/')[2]}"
