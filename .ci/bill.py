"""Holds that a bill of materials (CycloneDX) names every pin of a lock, each with its hashes."""

import json
import re
import sys
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def missing(bill: dict[str, Any], lock: str) -> list[str]:
    """Pins that the bill lacks, or has without a hash."""
    listed = {
        (_name(part["name"]), part.get("version")): _hashed(part)
        for part in bill.get("components", [])
    }
    pins = [(_name(name), version) for name, version in _PIN.findall(lock)]
    return [f"{name} {version}" for name, version in pins if not listed.get((name, version))]


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _hashed(part: dict[str, Any]) -> bool:
    references = part.get("externalReferences", [])
    return bool(part.get("hashes")) or any(row.get("hashes") for row in references)


if __name__ == "__main__":
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lacking = missing(found, Path(sys.argv[2]).read_text(encoding="utf-8"))
    if lacking:
        sys.exit(f"The bill of materials lacks {', '.join(lacking)}.")
    print(f"{len(found['components'])} packages in {sys.argv[1]}.", file=sys.stderr)
