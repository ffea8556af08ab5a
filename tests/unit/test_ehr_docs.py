"""The integrator's pages are true: every quirk has its row, every test and setting they name is
there."""

import re
import tomllib
from pathlib import Path

import pytest

from integration.configuration.settings import Settings
from integration.configuration.site import Limits, Site

ROOT = Path(__file__).parents[2]
QUIRKS = (ROOT / "docs" / "ehr-quirks.md").read_text("utf-8")
GUIDE = (ROOT / "docs" / "connect-an-ehr.md").read_text("utf-8")
ROWS = {int(row[1]): row[2] for row in re.finditer(r"^\| Q(\d+) \|(.*)$", QUIRKS, re.MULTILINE)}
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
}


def test_every_quirk_has_its_row() -> None:
    assert sorted(ROWS) == list(range(1, 51))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_what_holds_it_is_there(number: int) -> None:
    held_by = ROWS[number].split("|")[-2]
    named = re.findall(r"`([^`]+)`", held_by)
    assert named, "neither a test nor where it is seen to"
    for name in named:
        assert name in TESTS or (ROOT / name).is_file(), f"{name} is not there"


def test_no_quirk_test_is_forgotten() -> None:
    named = set(re.findall(r"`(test_\w+)`", QUIRKS))
    assert {name for name in TESTS if re.match(r"test_q\d+_", name)} <= named


def test_the_example_is_a_configuration() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    site = Settings.model_validate(tomllib.loads(example)).site("general")
    assert (site.vendor, site.places["eXbC92"].off_campus) == ("epic", "PO")


def test_the_limits_it_names_are_settings() -> None:
    assert set(re.findall(r"`limits\.(\w+)`", GUIDE)) <= Limits.model_fields.keys()
    assert {"ca_file", "search_params", "write_back", "time_zone"} <= Site.model_fields.keys()
