"""The page of the rules by number."""

from mappings.rules import NumberedRule, numbered


def chapters() -> dict[str, str]:
    """File name → text."""
    return {"by-number.md": page()}


def page() -> str:
    return f"""# The rules by number

A step of `ferroclaim explain`, of a page and of the assessment document names its rule by number.
A number is an address; what a step or a finding rests on is its source.

{chr(10).join(map(_rule, numbered().values()))}"""


def _rule(row: NumberedRule) -> str:
    pages = ", ".join(f"[{name}]({name})" for name in row.pages)
    held = ", ".join(f"[`{path}`](../../{path})" for path in row.held_in)
    return f"""## {row.number}
**{row.title}.** {row.says}

Held in {held}. Its data: {pages}.
"""
