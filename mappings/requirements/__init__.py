"""R10: one small function per requirement; each says for one service what it finds, or that it is
not asked.

A requirement that stands in the table without a function here is decided as *no*: it holds the line
(`not-yet-decided`).
"""

from collections.abc import Callable

from mappings.charge.charge import Service
from mappings.policy.rules import Rule
from mappings.requirements import billing, claim, clinical, labs, safety
from mappings.requirements.checks import NOT_BLOCKING
from mappings.requirements.result import Result


def is_blocking(name: str, rule: Rule | None) -> bool:
    """Whether a gap of the requirement holds the line, by the policy's rule or else by what it
    is."""
    return rule.blocking if rule and rule.blocking is not None else name not in NOT_BLOCKING
