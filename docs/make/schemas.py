"""The published schemas: of the assessment document, of policy files, of the configuration."""

import json
from pathlib import Path
from typing import Any

from integration.configuration import settings
from mappings import document
from mappings.policy import schema

DOCS = Path(__file__).parents[1]


def schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    return {
        "assessment.schema.json": document.json_schema(),
        "policy.schema.json": schema.json_schema(),
        "ferroclaim.schema.json": settings.json_schema(),
    }


def write() -> None:
    for name, found in schemas().items():
        (DOCS / name).write_text(f"{json.dumps(found, indent=2)}\n", encoding="utf-8")
