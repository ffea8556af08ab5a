"""Lines as CSV: one row per service line, safe to open in a spreadsheet."""

import csv as comma_separated
import io
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from mappings.assessment import Assessment, ClaimLine
from mappings.writing.table import COLUMNS, csv
from tests import builders

TWO_VIALS = [{"ndc": builders.VENOFER_100}, {"ndc": builders.VENOFER_50}]


def rows(document: Assessment) -> list[dict[str, str]]:
    text = csv(document)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    return list(comma_separated.DictReader(io.StringIO(text, newline="")))


def document(*changes: builders.Resource, **options: Any) -> Assessment:
    return builders.document_of(builders.chart(*changes, **options))


def with_line(**changes: Any) -> Assessment:
    found = document()
    (assessment,) = found.patients
    line: ClaimLine = replace(assessment.lines[0], **changes)
    return replace(found, patients=(replace(assessment, lines=(line,)),))


def test_the_diagnoses_that_the_line_points_to() -> None:
    listed = ("K50.00", "N18.4", "D63.1", "E61.1", "D50.9")
    (row,) = rows(with_line(diagnoses=listed, pointers=(*listed[:3], listed[4])))
    shown = [row[f"diagnosis_{number}"] for number in range(1, 5)]
    assert (shown, row["pointers"]) == (["K50.00", "N18.4", "D63.1", "D50.9"], "1:2:3:4")


def test_a_ready_line() -> None:
    (row,) = rows(document())
    assert {
        name: value
        for name, value in row.items()
        if value and name not in ("claim_line_id", "notes")
    } == {
        "patient": "Patient/p1",
        "coverage": "Coverage/coverage",
        "policy": "medicare-part-b",
        "service_date": "2026-11-01",
        "hcpcs": "J1756",
        "modifier_1": "JZ",
        "units": "200",
        "ndc": "00517234010",
        "ndc_quantity": "10",
        "ndc_unit": "ML",
        "place_of_service": "11",
        "diagnosis_1": "N18.4",
        "diagnosis_2": "D63.1",
        "diagnosis_3": "D50.9",
        "pointers": "1:2:3",
        "drug_source": "buy-and-bill",
        "payment": "separate",
        "value": "44.60",
        "value_quarter": "2026Q2",
        "ferritin": "ferritin 42 ng/mL on Oct 12, 2026",
        "transferrin_saturation": "TSAT 14% on Oct 12, 2026",
        "administrations": "MedicationAdministration/ma1",
        "status": "ready",
    }


def test_a_held_line_says_why() -> None:
    (row,) = rows(document(without=["ferritin"]))
    assert (row["status"], row["reasons"], row["gaps"], row["ferritin"]) == (
        "held",
        "ferritin",
        "ferritin missing",
        "",
    )


def test_several_ndcs_are_several_rows_that_sum_to_the_line() -> None:
    found = rows(
        document(
            builders.administration(dose="125 mg", ndc=None, opened=TWO_VIALS, discarded="25 mg")
        )
    )
    assert [
        (row["modifier_1"], row["ndc"], row["units"], row["ndc_quantity"]) for row in found
    ] == [
        ("", "00517232510", "25", "1.25"),
        ("", "00517234010", "100", "5"),
        ("JW", "00517232510", "25", "1.25"),
    ]
    assert len({row["claim_line_id"] for row in found}) == 2
    assert sum(Decimal(row["value"]) for row in found[:2]) == Decimal("27.88")


def test_a_line_without_facts_has_empty_cells() -> None:
    (row,) = rows(document(without=["coverage", "location"]))
    assert (row["policy"], row["place_of_service"], row["value"]) == ("", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "  =", " \t+"])
def test_no_cell_is_a_formula(start: str) -> None:
    (row,) = rows(
        with_line(
            notes=(f"{start}HYPERLINK(1)",), prior_authorization=f"{start}1+1", coverage=f"{start}x"
        )
    )
    for name in ("notes", "prior_authorization", "coverage"):
        assert row[name].startswith("'")


@pytest.mark.parametrize("text", ["a,b", 'say "no"', "two\nlines", "PA-1", "1=1"])
def test_other_text_comes_back_as_it_was(text: str) -> None:
    (row,) = rows(with_line(notes=(text,)))
    assert row["notes"] == text


def test_nothing_is_a_header_alone() -> None:
    assert csv(builders.document_of([])) == ",".join(COLUMNS) + "\n"
