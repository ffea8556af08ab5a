"""The three ways to read a line of an export say the same of it, whatever is wrong with it: in
columns, by its head, and with care."""

import gzip
import random
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.bulk.surveying import names, references, sources, survey, usual
from integration.bulk.surveying.index import NamedLine, RangeFacts
from integration.bulk.surveying.names import Forms
from integration.bulk.surveying.sources import blocks, lines_at, source
from integration.bulk.surveying.survey import Surveyor
from mappings.reading import NotJson, of_line
from mappings.site import Site
from tests import builders
from tests.bulk.dirt import damaged, text


def surveyed(path: Path) -> tuple[list[NamedLine], list[tuple[int, int, int]], RangeFacts]:
    """All rows of a file by their places, and what is said beside them."""
    (range_,) = source(str(path)).ranges
    index, facts = Surveyor(Site()).survey(range_)
    everything = set(index.owners) | set(index._more_owners)
    ones, several = index.of_owners(everything)
    single = [NamedLine(line, index.names[line], owner) for line, owner in ones.items()]
    rows = sorted({resource for resource in single + several if resource.name})
    facts.counts.pop("", None)  # of types that no rule reads
    return rows, sorted(index.aimed()), facts


@given(st.integers(0, 2**32))
@pytest.mark.slow
def test_each_way_to_read_a_line_says_the_same(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ndjson"
        path.write_bytes(damaged(random.Random(seed)))
        quickly = surveyed(path)
        with patch.object(survey, "columns", lambda *_: None):
            assert surveyed(path) == quickly
            with patch.object(survey._Reading, "_take_head", lambda *_: False):
                assert surveyed(path) == quickly


@given(st.integers(0, 2**32))
def test_all_that_a_chart_refers_to_is_found_in_its_text(seed: int) -> None:
    chance = random.Random(seed)
    lines = damaged(chance).splitlines()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part"
        path.write_bytes(b"\n".join(lines))
        found = references.named_in([path], Forms(frozenset(names.KINDS), words=True))
        marked = references.named_in([path], Forms(frozenset(names.KINDS)))
        typed = references.named_in([path], Forms(frozenset(names.KINDS[1:])))
    rows = [value for value in map(of_line, lines) if not isinstance(value, NotJson)]
    for kind, number in chain.from_iterable(map(_referred, rows)):
        assert number in found[kind]
    assert all(marked[kind] <= found[kind] for kind in names.KINDS)
    assert all(typed[kind] == marked[kind] for kind in names.KINDS if kind)


@pytest.mark.parametrize(
    "reference",
    [
        r"Location/l\"1",
        r"Location\/l\"1",
        r"Location\u002fl\"1",
        r"Location\u002Fl\u00221",
        r"L\u006fcation/l\"1",
        r"https://ehr/Location\/l\"1\/_history\/2",
    ],
)
@pytest.mark.parametrize("beside", [r"a \\", r"\n\"\\u002f", r"\u002f", "a"])
@pytest.mark.parametrize("forms", [names.KINDS, names.KINDS[1:]])
def test_a_reference_is_found_however_it_is_escaped(
    reference: str, beside: str, forms: tuple[str, ...], tmp_path: Path
) -> None:
    line = f'{{"resourceType":"Encounter","id":"\\u0065","text":"{beside}","a":"{reference}"}}\n'
    path = tmp_path / "part"
    path.write_text(line + line.replace("l", "k"), encoding="utf-8")
    found = references.named_in([path], Forms(frozenset(forms)))
    assert names.key("Location", 'l"1') in found["Location"]
    assert found["Encounter"] == {names.key("Encounter", "e")}


def _referred(value: object) -> Iterator[tuple[str, int]]:
    """What its references name, those in contained resources as well."""
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(inner, Iterable) and not isinstance(inner, str):
        yield from chain.from_iterable(map(_referred, inner))
    said = value.get("reference") if isinstance(value, dict) else None
    if isinstance(said, str):
        kind = said.partition("/_history/")[0].rpartition("/")[0].rpartition("/")[2]
        yield kind if kind in names.KINDS else "", names.name(said)


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
@given(st.integers(0, 2**32))
def test_any_line_is_found_again_by_its_number(name: str, seed: int) -> None:
    chance = random.Random(seed)
    written = damaged(chance)
    pack = gzip.compress if name.endswith(".gz") else bytes
    a_few_lines = patch.object(sources, "_BUFFER", 1000)
    with a_few_lines, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(pack(written))
        for range_ in source(str(path), chance.randrange(200, 30_000)).ranges:
            lines = list(chain.from_iterable(block.lines for block in blocks(range_)))
            index, facts = Surveyor(Site()).survey(range_)
            assert facts.lines == len(lines)
            numbers = sorted(chance.sample(range(len(lines)), chance.randint(0, len(lines))))
            assert list(lines_at(range_, index, numbers)) == [lines[one] for one in numbers]


def lines_of(count: int) -> list[bytes]:
    return [text(builders.ferritin(id=f"f{number}")) for number in range(count)]


def test_lines_of_one_form_are_read_in_columns() -> None:
    lines = lines_of(20)
    found = usual.columns("Observation", lines, usual.Owners())
    assert found is not None
    assert len(found.names) == len(found.owners) == len(lines)
    assert found.names[7] == names.key("Observation", "f7")
    assert set(found.owners) == {names.handle("Patient/p1")}


def test_an_odd_line_ends_the_columns_and_nothing_else() -> None:
    lines = lines_of(20)
    lines[5] = lines[5].replace(b"Observation", b"Condition")
    found = usual.columns("Observation", lines, usual.Owners())
    assert found is not None
    assert len(found.names) == 5
    assert usual.columns("Observation", lines[5:], usual.Owners()) is None


def test_one_odd_name_leaves_all_to_the_reading_by_line() -> None:
    odd = msgspec.json.encode({**builders.ferritin(id="f"), "subject": {"reference": "somebody"}})
    assert usual.columns("Observation", [*lines_of(3), odd], usual.Owners()) is None


@pytest.mark.parametrize("said", [b"", b'"resourceType":"",', b'"resourceType":"","nothing":1,'])
def test_a_line_that_names_no_type_ends_the_columns(said: bytes) -> None:
    lines = lines_of(4)
    lines[2] = lines[2].replace(b'"resourceType":"Observation",', said)
    found = usual.columns("Observation", lines, usual.Owners())
    assert found is not None
    assert len(found.names) == 2


def test_patients_are_read_in_columns_unless_one_is_linked() -> None:
    lines = [text({"resourceType": "Patient", "id": f"p{number}"}) for number in range(3)]
    found = usual.columns("Patient", lines, usual.Owners())
    assert found is not None
    assert list(found.owners) == [names.handle(f"Patient/p{number}") for number in range(3)]
    assert found.names[1] == names.key("Patient", "p1")
    linked = lines[0].replace(b"}", b',"link":[]}')
    assert usual.columns("Patient", [*lines, linked], usual.Owners()) is None
