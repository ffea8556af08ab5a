"""The document's JSON schema is published: checked in, and what we write is valid by it."""

import json
from pathlib import Path

import jsonschema

from mappings.assessment import json_schema, to_json
from tests import builders

PUBLISHED = Path(__file__).parents[2] / "docs" / "assessment.schema.json"


def test_the_published_schema_is_the_one_we_write() -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == json.loads(json.dumps(json_schema())), (
        "run `make docs`"
    )


def test_a_document_is_valid_by_it() -> None:
    document = builders.document_of(
        builders.chart(builders.administration(dose="150 mg"), without=["ferritin", "coverage"])
    )
    assert document.patients[0].gaps
    jsonschema.validate(json.loads(to_json(document)), json.loads(PUBLISHED.read_text("utf-8")))


def test_it_names_what_design_fixes() -> None:
    line = json_schema()["$defs"]["ClaimLine"]["properties"]
    fixed = {
        "id",
        "administrations",
        "serviceDate",
        "code",
        "modifiers",
        "units",
        "status",
        "payment",
        "reasons",
        "policy",
        "coverage",
    }
    fixed |= {
        "secondaryCoverages",
        "ndc",
        "ndcs",
        "diagnoses",
        "placeOfService",
        "billType",
        "revenueCode",
        "priorAuthorization",
    }
    fixed |= {"drugSource", "value", "valueQuarter", "notes", "evidence"}
    assert fixed <= set(line)
    gap = json_schema()["$defs"]["Gap"]["properties"]
    fixed = {
        "id",
        "requirement",
        "state",
        "blocking",
        "waivable",
        "severity",
        "administrations",
        "lines",
        "policy",
        "message",
        "fix",
    }
    assert fixed | {"predictedDenial", "source", "verified", "evidence"} <= set(gap)
