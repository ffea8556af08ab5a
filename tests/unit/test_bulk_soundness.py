"""A bulk run finds what an assessment of the same files finds, however dirty the charts are and
however they are spread over files: no patient is lost, and each document is the same."""

import copy
import os
import random
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mappings.policy import choosing
from mappings.site import Site
from tests import equality
from tests.bulk.dirt import CHARTS, damaged, population, spread
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
