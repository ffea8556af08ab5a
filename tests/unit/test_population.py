"""The made-up population of the benchmarks: its totals are what an assessment finds."""

from pathlib import Path

from benchmarks import population
from integration.assessing.files import collect
from integration.assessing.sources import from_collection
from mappings.policy import choosing
from mappings.site import Site


def test_its_totals_are_what_an_assessment_finds(tmp_path: Path) -> None:
    totals = population.write(tmp_path, patients=60, iron=0.2)
    found = from_collection(
        collect(str(tmp_path)), Site(), choosing.built_in(), population.AS_OF
    ).document
    lines = [line for patient in found.patients for line in patient.lines]
    assert found.unreadable == ()
    assert len(found.patients) == totals.with_iron == 12
    assert len({name for line in lines for name in line.administrations}) == totals.doses == 42
    assert sum(line.status == "ready" for line in lines) == totals.ready > 0
    assert sum(line.status == "held" for line in lines) == totals.held > 0
    assert 140 * 60 < totals.resources < 150 * 60
    assert 60_000 * 60 < totals.bytes < 72_000 * 60


def test_a_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        population.write(tmp_path / name, patients=3, seed=7)
    one, other = (
        {row.name: row.read_bytes() for row in (tmp_path / name).iterdir()}
        for name in ("one", "other")
    )
    assert one == other
