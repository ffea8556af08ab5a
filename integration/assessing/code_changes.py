"""What other code tables would change: the lines, gaps and money of the same records under two of
them.

Held by tests/contract/test_policy_command.py.
"""

from datetime import datetime

from msgspec import structs

from integration.assessing.policies import records_of
from integration.assessing.sources import AssessedCharts, from_collection
from integration.codes.folder import tables_from
from integration.errors import ConfigurationError
from mappings.policy.choosing import PolicySet
from mappings.site import Site as Facts
from mappings.trials.difference import Difference, compare


def difference(
    old: str, new: str, records: str, facts: Facts, policies: PolicySet, as_of: datetime
) -> tuple[Difference, AssessedCharts]:
    """Between OLD and NEW (folder, file, or `built-in`), and the assessment under NEW."""
    before, after = tables_from(old), tables_from(new)
    if before is after:
        raise ConfigurationError(
            "Both are the built-in tables: name a folder or file of your own as OLD or NEW."
        )
    # Read twice: what a package is, is decided in reading.
    results = [
        from_collection(records_of(records), structs.replace(facts, codes=tables), policies, as_of)
        for tables in (before, after)
    ]
    return compare(*(charts.document for charts in results)), results[1]
