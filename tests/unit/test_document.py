"""The document: its published schema, how large it is, and that nothing is lost in it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from benchmarks import mapping
from integration import samples
from mappings.assessment import Assessment, PatientAssessment
from mappings.document import SCHEMA, json_schema, of_patient, to_json
from mappings.site import Site
from tests import builders
from tests.documents import read_back

DOCS = Path(__file__).parents[2] / "docs"
PUBLISHED = json.loads((DOCS / "assessment.schema.json").read_text("utf-8"))
VERSION_1 = json.loads((DOCS / "assessment-1.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    """The samples: every requirement, and every state of each that a chart can lead to."""
    bundles = list(samples.bundles().values())
    return builders.document_of(bundles, samples.AS_OF, Site(time_zone=samples.TIME_ZONE))


def course(doses: int) -> PatientAssessment:
    """Of one patient, a dose each week, and nothing else on record but what the doses need."""
    (found,) = builders.document_of([json.loads(mapping.compact(doses))]).patients
    return found


def rows(found: PatientAssessment, requirement: str) -> list[dict[str, Any]]:
    document = msgspec.to_builtins(of_patient(found, trace=False))
    return [row for row in document["requirements"] if row["requirement"] == requirement]


def names(*doses: int) -> tuple[str, ...]:
    return tuple(f"MedicationAdministration/dose-{number}" for number in doses)


def test_the_published_schema_is_the_one_we_write() -> None:
    assert json.loads(json.dumps(json_schema())) == PUBLISHED, "run `make docs`"
    assert PUBLISHED["title"] == SCHEMA


@pytest.mark.parametrize("trace", [True, False])
def test_a_document_is_valid_by_it(assessed: Assessment, trace: bool) -> None:
    document = json.loads(to_json(assessed, trace=trace))
    jsonschema.validate(document, PUBLISHED)
    assert document["schema"] == SCHEMA
    traced = ["trace" in line for row in document["patients"] for line in row["lines"]]
    assert set(traced) == {trace}


def test_what_the_store_keeps_is_of_version_1(assessed: Assessment) -> None:
    for found in (*assessed.patients, course(3)):
        kept = json.loads(msgspec.json.encode(found))
        jsonschema.validate(kept, VERSION_1 | {"$ref": "#/$defs/PatientAssessment"})


def test_nothing_is_lost(assessed: Assessment) -> None:
    for found in (*assessed.patients, course(3)):
        assert read_back(msgspec.json.encode(of_patient(found, trace=True))) == found


def test_only_the_trace_is_left_out(assessed: Assessment) -> None:
    with_trace, without = (
        json.loads(to_json(assessed, trace=trace))["patients"] for trace in (True, False)
    )
    for patient in with_trace:
        for line in patient["lines"]:
            assert line.pop("trace")
    assert with_trace == without


def test_a_requirement_stands_once_for_all_doses() -> None:
    (row,) = rows(course(3), "ckd-diagnosis")
    assert row["administrations"] == names(0, 1, 2)
    assert row["says"]
    assert row["evidence"]
    assert "found" not in row


def test_what_differs_by_dose_stands_with_the_dose() -> None:
    (row,) = rows(course(4), "dosing")
    assert row["administrations"] == names(0, 1, 2, 3)
    assert [found["administrations"] for found in row["found"]] == [
        (name,) for name in names(0, 1, 2, 3)
    ]
    assert [found["value"] for found in row["found"]] == ["200", "400", "400", "400"]
    assert not {"value", "says", "evidence"} & set(row)


def test_copies_of_a_dose_are_one_decision() -> None:
    found = builders.assessed(builders.administration("copy"))
    (copies,) = [row for row in rows(found, "dose") if row.get("together")]
    assert copies["administrations"] == (
        "MedicationAdministration/copy",
        "MedicationAdministration/ma1",
    )


@pytest.mark.parametrize(("doses", "kilobytes"), [(1, 17.5), (3, 10), (5, 8.2), (8, 7.5)])
def test_how_large_a_dose_is(doses: int, kilobytes: float) -> None:
    """Compact, without the trace. The rules stand once for a patient, so that one dose costs most;
    version 1 took 21 kB for each."""
    document = of_patient(course(doses), trace=False)
    assert len(msgspec.json.encode(document)) <= kilobytes * 1000 * doses


@pytest.mark.parametrize("version", [1, 2])
def test_what_the_guide_shows_reads_either_version(version: int) -> None:
    """Every state of every dose."""
    found = course(3)
    form = found if version == 1 else of_patient(found, trace=False)
    guide = (DOCS / "document.md").read_text("utf-8")
    said: list[tuple[object, ...]] = []
    names = {"patient": msgspec.to_builtins(form), "print": lambda *words: said.append(words)}
    exec(guide.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102 - of ours
    assert sorted(said, key=str) == sorted(
        (
            (one.administrations[0], one.requirement, one.state, one.value)
            for one in found.requirements
        ),
        key=str,
    )
