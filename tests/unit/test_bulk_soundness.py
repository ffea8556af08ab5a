"""A bulk run finds what an assessment of the same files finds, however dirty the charts are and
however they are spread over files: no patient is lost, and each document is the same."""

import copy
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mappings.policy import choosing
from mappings.reading.fhir.twofold import TWICE_SAID
from mappings.site import Site
from tests import builders, equality
from tests.bulk.dirt import CHARTS, damaged, population, spread, text
from tests.bulk.running import at_once, in_bulk, problems_in_bulk, unclear_drugs

SHARE = 1 if os.environ.get("FERROCLAIM_HYPOTHESIS") == "fuzz" else 12
SAMPLE = sorted(
    random.Random("bulk").sample(range(len(CHARTS)), len(CHARTS) // SHARE)
)  # `make fuzz` takes all of them


@pytest.mark.parametrize("number", SAMPLE, ids=lambda number: CHARTS[number]["name"])
def test_a_scenario_comes_out_the_same(number: int, tmp_path: Path) -> None:
    chart = CHARTS[number]
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    chance = random.Random(number)
    resources = [resource for resource in chart["resources"] if isinstance(resource, dict)]
    spread(source, copy.deepcopy(resources), chance)
    asked = (
        msgspec.convert(chart["site"], Site),
        choosing.built_in(),
        equality.moment(chart),
    )
    assert in_bulk(source, out, *asked) == at_once(source, *asked)


@given(st.integers(0, 2**32))
@example(0x03C46D)  # a resourceType that is a list
@example(60)  # a deleted administration of which three patients have a copy
@pytest.mark.slow
def test_nobody_is_lost_among_dirty_charts(seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "source", Path(folder) / "out"
        source.mkdir()
        out.mkdir()
        spread(source, population(chance), chance)
        if chance.randrange(2):
            (source / "broken.ndjson").write_bytes(damaged(chance))
        assert in_bulk(source, out) == at_once(source)
        assert unclear_drugs(source) <= problems_in_bulk(out)


def in_lines(resources: list[bytes]) -> bytes:
    return b"\n".join(resources)


def in_a_bundle(resources: list[bytes]) -> bytes:
    entries = b",".join(b'{"resource":%b}' % resource for resource in resources)
    return b'{"resourceType":"Bundle","type":"collection","entry":[%b]}' % entries


def in_parameters(resources: list[bytes]) -> bytes:
    parts = b",".join(b'{"name":"r","resource":%b}' % resource for resource in resources)
    return b'{"resourceType":"Parameters","parameter":[%b]}' % parts


@pytest.mark.parametrize("form", [in_lines, in_a_bundle, in_parameters])
@pytest.mark.parametrize("said", [b'"value":', b'"status":', b'"text":'])
def test_a_dose_of_which_two_things_are_said_is_not_used(
    said: bytes, form: Callable[[list[bytes]], bytes], tmp_path: Path
) -> None:
    """JSON lets a name stand twice, and a decoder takes the last."""
    own = builders.chart(builders.administration("ma2", on="2026-11-08", text="Venofer"))
    other = {"resourceType": "Patient", "id": "p2"}
    rows = list(map(text, [*own, other]))
    place = next(number for number, row in enumerate(rows) if b'"id":"ma2"' in row)
    rows[place] = rows[place].replace(said, said + b'"x",' + said, 1)
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "all.ndjson").write_bytes(form(rows))
    found = at_once(source)
    assert in_bulk(source, out) == found
    (patient,) = map(msgspec.json.decode, found.values())
    assert [line["administrations"] for line in patient["lines"]] == [
        ["MedicationAdministration/ma1"]
    ]
    (unread,) = patient["unreadable"]
    assert (unread["resource"], unread["problem"]) == ("MedicationAdministration/ma2", TWICE_SAID)
