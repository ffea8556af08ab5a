"""What a server says of its export: that something is missing. Its own words may name patients:
they stay in their file, and only their codes are repeated.

Held by tests/contract/export/test_export_request.py.
"""

from collections.abc import Iterator
from pathlib import Path

from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from mappings.reading import of_line
from mappings.reading.fhir.outcomes import left_out
from mappings.record import Problem


def messages(folder: Path) -> Iterator[Problem]:
    """Of files of OperationOutcomes."""
    for path in sorted(folder.iterdir()):
        name = "/".join(path.parts[-3:])
        try:
            with path.open("rb") as stream:
                lines = [line for line in unpacked(stream) if line.strip()]
        except (*DAMAGED, NotRead):
            yield Problem(name, "messages of the export that can't be read")
            continue
        for number, line in enumerate(lines, 1):
            said = of_line(line)
            if not isinstance(said, dict) or said.get("resourceType") != "OperationOutcome":
                yield Problem(f"line {number} of {name}", "not an OperationOutcome")
            elif codes := left_out(said):
                yield Problem(
                    f"line {number} of {name}",
                    f"the server says that something is missing in the export ({codes})",
                )
