"""`assess FOLDER` takes the way of a bulk run, and says of each patient with an iron what an
assessment of all files at once says; of others only what nobody could tie to a patient."""

import copy
import errno
import json
import os
import random
import re
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import population as generated
from integration.assessing.files import collect
from integration.assessing.sources import AssessedCharts, from_collection
from integration.bulk.folder import assessed
from integration.bulk.surveying.index import Index
from integration.errors import ConfigurationError
from mappings.assessment import Unreadable
from mappings.policy import choosing
from mappings.site import Site
from tests import builders, equality
from tests.bulk.dirt import CHARTS, damaged, population, spread
from tests.unit.test_bulk_soundness import SAMPLE

RANGE_BYTES = 4000
# What is named whoever's it is.
OF_NOBODY = re.compile(
    "not JSON|not a FHIR|holds no FHIR|without an id|does not name a patient|not read|ends early"
)


def of_folder(source: Path, site: Site, as_of: datetime) -> AssessedCharts:
    return assessed(str(source), site, choosing.built_in(), as_of, range_bytes=RANGE_BYTES)


def at_once(source: Path, site: Site, as_of: datetime) -> AssessedCharts:
    return from_collection(collect(str(source)), site, choosing.built_in(), as_of)


def same(source: Path, site: Site | None = None, as_of: datetime = builders.AS_OF) -> None:
    asked = source, site or Site(), as_of
    try:
        whole = at_once(*asked)
    except ConfigurationError:
        with pytest.raises(ConfigurationError, match="no file that can be read"):
            of_folder(*asked)
        return
    found = of_folder(*asked)
    assert found.document.patients == whole.document.patients
    assert found.document.questions == whole.document.questions
    patients = {patient.patient for patient in whole.document.patients}
    assert {name: found.records[name] for name in patients} == {
        name: whole.records[name] for name in patients
    }
    assert {name: found.names.get(name) for name in patients} == {
        name: whole.names.get(name) for name in patients
    }
    more = set(found.document.unreadable) - set(whole.document.unreadable)
    # Of a version that is not the newest, too: nobody can tell whose it was.
    assert {one.problem for one in more if "does not name a patient" not in one.problem} == set()
    assert of_nobody(whole) <= set(found.document.unreadable)


def of_nobody(found: AssessedCharts) -> set[Unreadable]:
    return {one for one in found.document.unreadable if OF_NOBODY.search(one.problem)}


@pytest.mark.parametrize("number", SAMPLE, ids=lambda number: CHARTS[number]["name"])
def test_a_scenario_comes_out_the_same(number: int, tmp_path: Path) -> None:
    chart = CHARTS[number]
    resources = [resource for resource in chart["resources"] if isinstance(resource, dict)]
    spread(tmp_path, copy.deepcopy(resources), random.Random(number))
    site = msgspec.convert(chart["site"], Site)
    same(tmp_path, site=site, as_of=equality.moment(chart))


@given(st.integers(0, 2**32))
@pytest.mark.slow
def test_dirty_charts_come_out_the_same(seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        spread(Path(folder), population(chance), chance)
        if chance.randrange(2):
            (Path(folder) / "broken.ndjson").write_bytes(damaged(chance))
        same(Path(folder))


def test_those_without_an_iron_are_counted(tmp_path: Path) -> None:
    totals = generated.write(tmp_path, patients=8, iron=0.25)
    found = of_folder(tmp_path, Site(), builders.AS_OF)
    assert (len(found.document.patients), found.passed_over) == (totals.with_iron, 6)


def test_a_patient_who_stands_in_several_files_is_one(tmp_path: Path) -> None:
    (patient,) = [one for one in builders.chart() if one["resourceType"] == "Patient"]
    for number in range(3):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        spread(folder, builders.chart(), random.Random(number))
        (folder / "p9.json").write_text(json.dumps({**patient, "id": "p9"}))
    found = of_folder(tmp_path, Site(), builders.AS_OF)
    assert (len(found.document.patients), found.passed_over) == (1, 1)


@pytest.mark.parametrize("element", ["medicationCodeableConcept", "medicationReference"])
def test_an_administration_whose_drug_has_no_form_is_named(tmp_path: Path, element: str) -> None:
    told = builders.administration(medicationCodeableConcept=None, order=None)
    spread(tmp_path, builders.chart({**told, element: ["Venofer"]}), random.Random(1))
    (unreadable,) = of_folder(tmp_path, Site(), builders.AS_OF).document.unreadable
    assert unreadable.resource == "MedicationAdministration/ma1"
    assert unreadable.problem.startswith(f"MedicationAdministration.{element} has the wrong form")


def test_a_full_disk_is_told_with_the_command_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Index, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    spread(tmp_path, builders.chart(), random.Random(1))
    monkeypatch.setattr(Index, "write", full)
    with pytest.raises(ConfigurationError) as problem:
        of_folder(tmp_path, Site(), builders.AS_OF)
    assert str(problem.value) == (
        "There is no space left where the run keeps its work. Free some, or use"
        f" `ferroclaim bulk {tmp_path} --out DIR`: it goes on where it stopped."
    )
