"""Doses that are no resources of their own are named, whoever holds them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mappings.reading import Collection, Reader
from mappings.site import Site
from tests import builders
from tests.builders import Resource
from tests.unit.test_bulk import bulk
from tests.unit.test_bulk import problems as of_bulk

INSIDE = builders.administration("inside")
SAYS = "holds a MedicationAdministration inside"


def problems(*resources: Resource, as_text: bool = True) -> list[tuple[str, str]]:
    """What a chart of these says could not be read, by the resource."""
    collection = Collection()
    entries = [{"resource": resource} for resource in resources]
    chart = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    if as_text:
        assert collection.add_text(json.dumps(chart, default=float).encode(), "the file")
    else:
        collection.add(chart, "the file")
    _, found = Reader(Site()).records(collection)
    return [(problem.resource, problem.problem) for problem in found]


def a_list(*references: str, **extra: Any) -> Resource:
    entries = [{"item": {"reference": reference}} for reference in references]
    return builders.resource(
        **{"resourceType": "List", "id": "given", "status": "current", "entry": entries, **extra}
    )


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    "holder",
    [
        a_list("#inside", contained=[INSIDE]),
        builders.encounter() | {"contained": [INSIDE]},
        builders.resource(resourceType="Provenance", id="p", contained=INSIDE),
        builders.administration("other", text="saline", ndc=None, contained=[INSIDE]),
    ],
)
def test_a_dose_inside_another_resource_is_named(holder: Resource, as_text: bool) -> None:
    ((name, says),) = problems(*builders.chart(holder), as_text=as_text)
    assert name == f"{holder['resourceType']}/{holder['id']}"
    assert says.startswith(SAYS)


def test_a_holder_alone_is_opened() -> None:
    text = json.dumps(a_list("#inside", contained=[INSIDE]), default=float).encode()
    collection = Collection()
    assert not collection.add_text(text, "the file")


@pytest.mark.parametrize("as_text", [False, True])
def test_a_dose_that_is_only_listed_is_named(as_text: bool) -> None:
    listed = a_list("MedicationAdministration/ma1", "MedicationAdministration/gone")
    ((name, says),) = problems(*builders.chart(), listed, as_text=as_text)
    assert name == "List/given"
    assert says.startswith("lists MedicationAdministration/gone, which is not here")


@pytest.mark.parametrize(
    "listed",
    [
        a_list("MedicationAdministration/ma1"),
        a_list("MedicationRequest/gone"),
        a_list("MedicationAdministration/gone", status="entered-in-error"),
        a_list(
            entry=[{"deleted": True, "item": {"reference": "MedicationAdministration/gone"}}],
        ),
        a_list(),
    ],
)
def test_a_list_that_names_no_missing_dose_is_passed_over(listed: Resource) -> None:
    assert problems(*builders.chart(), listed) == []


def test_a_part_of_a_chart_says_nothing_of_what_is_not_in_it() -> None:
    collection = Collection(whole=False)
    collection.add(a_list("MedicationAdministration/gone"), "the file")
    _, found = Reader(Site()).records(collection)
    assert found == []


def test_a_population_names_them_as_a_file_does(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    own = builders.administration("here", text="saline", ndc=None)
    resources = [
        builders.patient(),
        own,
        *(builders.condition("I10", id=f"c{number}") for number in range(4)),
        builders.condition("I10", id="c4") | {"contained": [INSIDE]},
        builders.administration("holding", text="saline", ndc=None, contained=[INSIDE]),
        a_list("MedicationAdministration/here", "MedicationAdministration/gone", id="l1"),
        a_list("#inside", contained=[INSIDE], id="l2"),
        *(INSIDE | {"id": name, "resourceType": "medicationAdministration"} for name in "abc"),
    ]
    text = b"\n".join(json.dumps(one, default=float).encode() for one in resources)
    (folder / "mixed.ndjson").write_bytes(text)
    expected = problems(*resources, as_text=False)
    assert len(expected) == 7
    bulk(folder, tmp_path / "out")
    assert of_bulk(tmp_path / "out") == [
        (re.sub(r"entry (\d+) of the file", r"line \1 of mixed.ndjson", name), says)
        for name, says in expected
    ]
