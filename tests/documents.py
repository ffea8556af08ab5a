"""An assessment document read back: what was decided of each dose."""

from collections.abc import Iterator

import msgspec

from mappings.assessment import Finding, PatientAssessment
from mappings.document import PatientDocument, RequirementOfDoses


def read_back(patient: bytes) -> PatientAssessment:
    """One of the document's `patients`, with a finding for each dose, as version 1 had them."""
    found = msgspec.json.decode(patient, type=PatientDocument)
    of_doses = [finding for row in found.requirements for finding in _findings(row)]
    of_doses.sort(key=lambda finding: (finding.requirement, finding.administrations))
    same = {name: getattr(found, name) for name in found.__struct_fields__}
    return PatientAssessment(**same | {"requirements": tuple(of_doses)})


def _findings(row: RequirementOfDoses) -> Iterator[Finding]:
    decided = {name: getattr(row, name) for name in Finding.__struct_fields__}
    for found in row.found:
        differs = {name: getattr(found, name) for name in found.__struct_fields__}
        yield from _of_each(Finding(**decided | differs), row.together)
    if not row.found:
        yield from _of_each(Finding(**decided), row.together)


def _of_each(finding: Finding, together: bool) -> Iterator[Finding]:
    if together:
        yield finding
        return
    for dose in finding.administrations:
        yield msgspec.structs.replace(finding, administrations=(dose,))
