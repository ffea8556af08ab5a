"""Policies and code tables that were read and found right are kept: the next start parses nothing,
and says the same whatever became of what is kept."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mappings
from integration import cache
from integration.cache import CacheFolder
from mappings import codes, decisions
from mappings.codes import own
from mappings.codes.code_tables import built_in
from mappings.datafiles import compiled, yaml_text
from mappings.datafiles.error import DataFileError
from mappings.policy import choosing
from tests.starting import ROOT, SAMPLE, start
from tests.unit.test_policy_files import POLICY

OWN_CODE = """
codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 2, from: 2026-11-01, source: HCPCS}]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where things are kept during the test."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(compiled, "_place", CacheFolder(folder))
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose YAML was parsed."""
    names: list[str] = []
    real = yaml_text.parsed

    def counted(text: str, where: str) -> Any:
        names.append(Path(where).name)
        return real(text, where)

    monkeypatch.setattr(yaml_text, "parsed", counted)
    return names


def policies(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        text = POLICY.replace("sunrise", f"sunrise-{number}")
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    return folder


def shipped() -> tuple[object, ...]:
    """Read anew."""
    return built_in.__wrapped__(), choosing.built_in.__wrapped__().policies


def test_what_ships_in_the_package_comes_back_the_same(place: Path, parsed: list[str]) -> None:
    read = shipped()
    assert len(parsed) > 35
    assert len(list(place.iterdir())) == len(parsed)
    parsed.clear()
    assert shipped() == read
    assert parsed == []


@pytest.mark.usefixtures("place")
def test_of_a_site_s_policies_the_changed_one_is_parsed(tmp_path: Path, parsed: list[str]) -> None:
    folder = policies(tmp_path / "policies", 100)
    before = choosing.load(folder)
    parsed.clear()
    assert choosing.load(folder).policies == before.policies
    assert parsed == []
    (folder / "7.yaml").write_text(POLICY.replace("60}", "30}"), "utf-8")
    changed = choosing.load(folder).get("sunrise")
    assert changed
    assert changed.requirements.laboratory[0].window_days == 30
    assert parsed == ["7.yaml"]


@pytest.mark.usefixtures("place")
def test_a_policy_that_is_as_another_one_follows_it(tmp_path: Path, parsed: list[str]) -> None:
    folder = policies(tmp_path / "policies", 1)
    (folder / "moon.yaml").write_text(
        "id: moon\nversion: '1'\ntitle: Moon\nfor: {kinds: [commercial], payers: [moon]}\n"
        "as: sunrise-0\nsource: ours\nverified: false\nrequirements: {}\n",
        "utf-8",
    )
    text = (folder / "0.yaml").read_text("utf-8")
    for days in (60, 30, 60):
        (folder / "0.yaml").write_text(text.replace("60}", f"{days}}}"), "utf-8")
        found = choosing.load(folder).get("moon")
        assert found
        assert found.requirements.laboratory[0].window_days == days
    assert parsed.count("moon.yaml") == 1


@pytest.mark.usefixtures("place")
def test_what_was_right_by_other_tables_is_checked_again() -> None:
    text = POLICY.replace("payers: [sunrise]", "payers: [sunrise], codes: [J1757]")
    with codes.using(own.with_own({"own.yaml": OWN_CODE})):
        assert choosing.read(text, "sunrise.yaml").audience.codes == ("J1757",)
    with pytest.raises(DataFileError, match="J1757 is not a code of an IV iron"):
        choosing.read(text, "sunrise.yaml")


def test_mistakes_are_not_kept(place: Path) -> None:
    for _ in range(2):
        with pytest.raises(DataFileError, match="10: unknown name 'ferritine'"):
            choosing.read(POLICY.replace("ferritin <=", "ferritine <="), "sunrise.yaml")
    assert not place.exists()


def test_what_people_decided_is_not_kept(place: Path) -> None:
    text = (ROOT / "docs/decisions.md").read_text("utf-8").partition("```yaml\n")[2]
    assert decisions.from_text(text.partition("```")[0], "decisions.yaml")
    assert not place.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data + b"\0",
        lambda data: b"\0" * 32,
    ],
)
def test_what_is_not_as_it_was_is_parsed_again(
    place: Path, parsed: list[str], spoil: Callable[[bytes], bytes]
) -> None:
    read = choosing.read(POLICY, "sunrise.yaml")
    (path,) = place.iterdir()
    kept = path.read_bytes()
    path.write_bytes(spoil(kept))
    assert choosing.read(POLICY, "sunrise.yaml") == read
    assert parsed == ["sunrise.yaml"] * 2
    assert path.read_bytes() == kept


def test_a_place_that_takes_nothing_is_not_missed(place: Path) -> None:
    place.write_text("no folder")
    assert choosing.read(POLICY, "sunrise.yaml") == choosing.read(POLICY, "sunrise.yaml")


def test_nothing_half_written_is_seen(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert choosing.read(POLICY, "sunrise.yaml").id == "sunrise"
    assert list(place.iterdir()) == []


class TestOfTheUser:
    @pytest.fixture(autouse=True)
    def base(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        return tmp_path / "cache"

    def test_nobody_else_may_look_into_it(self, base: Path) -> None:
        place = cache.of_user()
        assert place
        place.put("name", b"data")
        assert place.get("name") == b"data"
        (folder,) = (base / "ferroclaim" / "read").iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_another_s_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert cache.of_user() is None

    @pytest.mark.parametrize("name", ["XDG_CACHE_HOME", "HOME"])
    def test_the_folder_of_a_command_is_not_used(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv(name, "cache")
        assert cache.of_user() is None

    def test_a_changed_program_reads_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = cache.of_user()
        assert before
        before.put("name", b"data")
        monkeypatch.setattr(mappings, "__path__", [str(ROOT / "integration")])
        after = cache.of_user()
        assert after
        assert after.get("name") is None

    def test_what_older_programs_left_is_removed(self, base: Path) -> None:
        for name, days in (("older", 40), ("other", 20)):
            folder = base / "ferroclaim" / "read" / name
            folder.mkdir(parents=True)
            at = folder.stat().st_mtime - days * 86_400
            os.utime(folder, (at, at))
        place = cache.of_user()
        assert place
        place.put("name", b"data")
        left = {path.name for path in (base / "ferroclaim" / "read").iterdir()}
        assert "other" in left
        assert "older" not in left

    def test_the_second_start_loads_no_yaml(self, base: Path, tmp_path: Path) -> None:
        folder = policies(tmp_path / "policies", 20)
        asked = ["--policy-dir", str(folder), "--format", "json", "--as-of", "2026-11-23"]
        first, second, third = (
            start("assess", str(SAMPLE), *asked, XDG_CACHE_HOME=str(base)) for _ in range(3)
        )
        assert "yaml" in first.modules
        assert "yaml" not in second.modules | third.modules
        assert first.out == second.out == third.out
