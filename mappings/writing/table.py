"""Service lines as CSV for a worklist: one row per line, or per NDC of a line.

Held by tests/unit/test_writing_table.py.
"""

import csv as comma_separated
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from mappings.assessment import Assessment, ClaimLine, Finding, PatientAssessment
from mappings.writing.preparing.drafts import ServiceLine, pointed_to, service_lines

COLUMNS = (
    "claim_line_id", "patient", "coverage", "policy", "service_date", "hcpcs", "modifier_1",
    "modifier_2", "modifier_3", "modifier_4",
    "units", "ndc", "ndc_quantity", "ndc_unit", "revenue_code", "place_of_service", "bill_type",
    "diagnosis_1", "diagnosis_2", "diagnosis_3", "diagnosis_4", "pointers", "prior_authorization",
    "drug_source", "payment",
    "value", "value_quarter", "ferritin", "transferrin_saturation", "administrations", "status",
    "reasons", "gaps", "notes",
    "discard_of",
)  # fmt: skip
# Of what requirement a column shows what was found.
_SHOWN = {"ferritin": "ferritin", "transferrin-saturation": "transferrin_saturation"}
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection; the wide forms
# too).
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def csv(document: Assessment) -> str:
    """Every line of the document, whatever its status; the header is COLUMNS. Lists within a cell
    are joined by `; `."""
    text = io.StringIO()
    writer = comma_separated.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for assessment in document.patients:
        writer.writerows(rows(assessment))
    return text.getvalue()


def rows(assessment: PatientAssessment) -> Iterator[dict[str, str]]:
    """The rows of one patient: each cell by its column."""
    for line in assessment.lines:
        for cells in _rows(line, assessment):
            yield {name: safe(value) for name, value in cells.items()}


def safe(value: object) -> str:
    """A cell of any table of ours: text that no spreadsheet takes for a formula.

    A lone carriage return would end the row: csv does not quote it.
    """
    text = "" if value is None else str(value)
    if "\r" in text:
        text = "\n".join(re.split(r"\r\n?", text))
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _rows(line: ClaimLine, assessment: PatientAssessment) -> Iterator[dict[str, object]]:
    given = set(line.administrations)
    findings = [
        finding
        for finding in assessment.requirements
        if finding.requirement in _SHOWN and not given.isdisjoint(finding.administrations)
    ]
    gaps = [f"{gap.requirement} {gap.state}" for gap in assessment.gaps if line.id in gap.lines]
    value = Decimal(line.value) if line.value is not None else None
    for part in service_lines(line, value):
        yield {
            "patient": assessment.patient,
            **_service(part),
            **{name: _shown(findings, requirement) for requirement, name in _SHOWN.items()},
            "gaps": "; ".join(gaps),
        }


def _service(part: ServiceLine) -> dict[str, object]:
    line = part.line
    diagnoses = pointed_to(line)
    return {
        "claim_line_id": line.id,
        "coverage": line.coverage,
        "policy": line.policy.id if line.policy else None,
        "service_date": line.given_on,
        "hcpcs": line.code,
        **{f"modifier_{number}": modifier for number, modifier in enumerate(line.modifiers, 1)},
        "units": part.units,
        "ndc": part.ndc.code if part.ndc else None,
        "ndc_quantity": part.ndc.quantity if part.ndc else None,
        "ndc_unit": part.ndc.unit if part.ndc else None,
        "revenue_code": line.revenue_code,
        "place_of_service": line.place_of_service,
        "bill_type": line.bill_type,
        **{f"diagnosis_{number}": code for number, code in enumerate(diagnoses, 1)},
        "pointers": ":".join(str(number) for number in range(1, len(diagnoses) + 1)),
        "prior_authorization": line.prior_authorization,
        "drug_source": line.drug_source,
        "payment": line.payment,
        "value": part.value,
        "value_quarter": line.value_quarter,
        "administrations": "; ".join(line.administrations),
        "status": line.status,
        "reasons": "; ".join(line.reasons),
        "notes": "; ".join(line.notes),
        "discard_of": line.discard_of,
    }


def _shown(findings: list[Finding], requirement: str) -> str:
    """What was found for a laboratory requirement, with its date: `ferritin 42 ng/mL on
    2026-10-12`."""
    found = [finding for finding in findings if finding.requirement == requirement]
    evidence = chain.from_iterable(finding.evidence for finding in found)
    return "; ".join(dict.fromkeys(item.says for item in evidence))
