"""What a requirement finds for one administration.

Held by tests/unit/test_requirement_rows.py.
"""

from msgspec import Struct

from mappings.assessment import Evidence, State
from mappings.codes.tables import Dated
from mappings.policy.choosing import Rule


class Result(Struct, frozen=True, gc=False, kw_only=True):
    """What a requirement finds for one administration. `says` is what a clinician reads; `fix`
    replaces the general one; `note` is said on the line, whatever the state.

    `rule`: of the policy, that asks; `row`: of the code tables, where one of those decided.
    `cause`: what was found, where that foretells a denial of its own.
    `blocking`: whether it holds the line, where that is not the policy's to say.
    """

    state: State
    says: str = ""
    evidence: tuple[Evidence, ...] = ()
    value: str | None = None
    unit: str | None = None
    rule: Rule | None = None
    row: Dated | None = None
    fix: str | None = None
    note: str | None = None
    cause: str | None = None
    blocking: bool | None = None
