"""The rules by number: what a number stands for, and where it is held.

Held by tests/unit/test_numbered_rules.py.
"""

from functools import cache

from msgspec import Struct

from mappings.datafiles.loading import packaged, structure


class NumberedRule(Struct, frozen=True, forbid_unknown_fields=True):
    """`short`: its name in a chain of steps. `held_in`: files of the code; `pages`: of its data, in
    docs/rules."""

    number: str
    short: str
    title: str
    says: str
    held_in: tuple[str, ...]
    pages: tuple[str, ...]


class _RuleTable(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    rules: tuple[NumberedRule, ...]


@cache
def numbered() -> dict[str, NumberedRule]:
    """By number."""
    where, text = packaged("codes", "rules.yaml")
    return {row.number: row for row in structure(text, where, _RuleTable, rests_on=b"").rules}


def title_of(number: str) -> str:
    """Nothing for a step that is of no numbered rule."""
    return numbered()[number].title if number in numbered() else ""
