"""Public sample data (tests/data/public, tests/data/synthea), and what is made of it: counts that
only change when a change is meant. Run, to write them anew: python -m tests.public"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from mappings.reading import read
from mappings.record import PatientRecord
from tests import builders, synthea
from tests.builders import Resource

FOLDER = Path(__file__).parent / "data" / "public"
COUNTS = FOLDER / "counts.yaml"
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_FACTS = (
    "labs", "diagnoses", "coverages", "encounters", "locations", "orders", "dispenses",
    "oral_iron", "dialysis", "authorizations", "notes",
)  # fmt: skip
_NAME = re.compile(r"[\w-]+/[\w.-]+|\bentry \d+|[0-9a-f-]{36}")


def sets() -> list[str]:
    return [*sorted(path.name.partition(".ndjson")[0] for path in FOLDER.glob("*.gz")), "synthea"]


@cache
def resources(name: str) -> list[Resource]:
    """The resources of a set as they were published; Bundles stand as Bundles."""
    if name == "synthea":
        return list(synthea.resources())
    lines = gzip.decompress((FOLDER / f"{name}.ndjson.gz").read_bytes()).splitlines()
    return [_DECODER.decode(line) for line in lines]


def counts(name: str) -> dict[str, Any]:
    """What is made of a set: as it is, and with a dose of iron for each of its patients."""
    rows = resources(name)
    return {"as it is": _made_of(rows), "with iron": _made_of([*rows, *_doses(rows)])}


def _doses(rows: Iterable[Resource]) -> list[Resource]:
    patients = sorted({row["id"] for row in _flat(rows) if row["resourceType"] == "Patient"})
    return [
        builders.administration(f"iron-{number}", patient=identity, encounter=None, order=None)
        for number, identity in enumerate(patients)
    ]


def _flat(rows: Iterable[Resource]) -> Iterator[Resource]:
    """With what stands in Bundles."""
    for row in rows:
        if row.get("resourceType") == "Bundle":
            yield from _flat(
                entry["resource"] for entry in row.get("entry", []) if "resource" in entry
            )
        else:
            yield row


def _made_of(rows: list[Resource]) -> dict[str, Any]:
    document = builders.document_of(rows)
    found = [problem.problem for problem in document.unreadable]
    found += [problem.problem for patient in document.patients for problem in patient.unreadable]
    lines = [line for patient in document.patients for line in patient.lines]
    gaps = [gap for patient in document.patients for gap in patient.gaps]
    return {
        "patients": len(document.patients),
        "lines": _counted(f"{line.code} {line.status}" for line in lines),
        "gaps": _counted(f"{gap.requirement} {gap.state}" for gap in gaps),
        "facts": _facts(read(rows)[0]),
        "unreadable": _counted(_NAME.sub("…", problem) for problem in found),
    }


def _facts(records: Iterable[PatientRecord]) -> dict[str, int]:
    records = list(records)
    found = Counter(
        {name: sum(len(getattr(record, name)) for record in records) for name in _FACTS}
    )
    found["labs that can't be used"] = sum(
        bool(lab.problem) for record in records for lab in record.labs
    )
    return {name: count for name, count in sorted(found.items()) if count}


def _counted(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))


def known() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COUNTS.read_text("utf-8"))
    return found


if __name__ == "__main__":
    everything = {name: counts(name) for name in sets()}
    COUNTS.write_text(yaml.safe_dump(everything, sort_keys=False, width=100), encoding="utf-8")
