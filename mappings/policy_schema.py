"""The published JSON schema of policy files, for editors: `python -m mappings.policy_schema > docs/policy.schema.json`."""

import json
from typing import Any

import msgspec

from mappings.policy_rules import Policy


def json_schema() -> dict[str, Any]:
    """The JSON schema of a policy file (draft 2020-12)."""
    found = _as_written(msgspec.json.schema(Policy))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ferroclaim policy", **found}


def _as_written(part: Any) -> Any:
    """YAML writes a decimal as a number, where JSON would carry it as text; and a description is one paragraph."""
    if isinstance(part, list):
        return [_as_written(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("format") == "decimal":
        return {"type": "number"}
    return {
        name: " ".join(value.split()) if name == "description" and isinstance(value, str) else _as_written(value)
        for name, value in part.items()
    }


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
