"""The sample patients of `ferroclaim demo`: one FHIR R4 transaction Bundle each, ready to be put
into a server as well. See README.md."""

import json
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

TIME_ZONE = "America/New_York"
# The samples' services lie before this moment; the demo assesses as of it, so that it says the same
# every day.
AS_OF = datetime(2026, 11, 23, 23, 59, 59, tzinfo=ZoneInfo(TIME_ZONE))


def bundles() -> dict[str, dict[str, Any]]:
    """Every sample Bundle by its name, ordered."""
    folder = files("integration") / "samples"
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".json")),
        key=lambda entry: entry.name,
    )
    return {
        entry.name.removesuffix(".json"): json.loads(entry.read_text("utf-8"), parse_float=Decimal)
        for entry in found
    }


def resources() -> list[dict[str, Any]]:
    """Every resource of every sample."""
    return [entry["resource"] for bundle in bundles().values() for entry in bundle["entry"]]
