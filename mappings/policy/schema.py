"""The published JSON schema of policy files, for editors.

Held by tests/unit/test_policy_cases.py.
"""

from typing import Any

import msgspec

from mappings.policy.checks import KNOWN
from mappings.policy.policy import Policy


def json_schema() -> dict[str, Any]:
    """The JSON schema of a policy file (draft 2020-12)."""
    found = _as_written(msgspec.json.schema(Policy))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ferroclaim policy",
        **found,
    }


def _as_written(part: Any) -> Any:
    """YAML writes a decimal as a number, where JSON would carry it as text."""
    if isinstance(part, list):
        return [_as_written(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("format") == "decimal":
        return {
            "type": "number",
            **{name: value for name, value in part.items() if name not in ("type", "format")},
        }
    return dict(_entry(name, value) for name, value in part.items())


def _entry(name: str, value: Any) -> tuple[str, Any]:
    """Names are those that there are, a pattern is one of JavaScript, a description one
    paragraph."""
    if name == "known":
        return "enum", sorted(KNOWN[value][0]())
    if name == "pattern":
        return name, value.replace(r"\Z", "$")
    return name, (
        " ".join(value.split())
        if name == "description" and isinstance(value, str)
        else _as_written(value)
    )
