"""`ferroclaim init --site`: what a server says of itself stands in the configuration; and the
samples in a sandbox."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from integration import cli, samples
from integration.configuration import settings
from tests.fakes.ehr import FakeEhr


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["ferroclaim", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_an_open_server_is_a_sandbox(
    ehr: Callable[..., FakeEhr],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    fake = ehr("hapi")
    assert run(monkeypatch, "init", "--site", fake.base_url) == 0
    site = settings.load().site("sandbox")
    assert (site.base_url, site.vendor, site.auth.method) == (fake.base_url, "hapi", "none")
    assert site.test_patients
    said = capsys.readouterr().err
    assert "nobody has to sign in" in said
    assert "ferroclaim doctor sandbox" in said
    assert run(monkeypatch, "init", "sandbox") == 2
    assert "say --force" in capsys.readouterr().err
    kinds = {resource["resourceType"]: ["patient"] for resource in samples.resources()}
    writes = dict.fromkeys(kinds, frozenset({"update"}))
    mode = replace(fake.mode, types={**kinds, **fake.mode.types}, writes=writes)
    monkeypatch.setattr(fake, "mode", mode)
    assert run(monkeypatch, "samples", "load", "sandbox") == 0
    assert "Patient/carla" in fake.resources
    assert len(fake.of("Patient")) == len(samples.bundles())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sandbox", "--name", "General Hospital"], "A site cannot be called 'General Hospital'"),
        (["epic", "--name", "General"], "write a name of lower-case letters"),
        (["--site", "NOWHERE"], "neither /metadata nor a SMART configuration"),
    ],
)
def test_a_beginning_that_could_not_be_gone_on_with_is_not_written(
    arguments: list[str],
    said: str,
    ehr: Callable[..., FakeEhr],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = ehr("hapi")
    nowhere.fail("", 404, times=99)
    asked = [nowhere.base_url if word == "NOWHERE" else word for word in arguments]
    assert run(monkeypatch, "init", *asked) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_samples_go_into_no_hospital(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "samples", "load", "https://fhir.example.org/r4") == 2
    assert "go into a sandbox only" in capsys.readouterr().err


def test_a_kind_that_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "init", "athenahelth") == 2
    assert "Did you mean athenahealth?" in capsys.readouterr().err
    assert not (tmp_path / "ferroclaim.toml").exists()


def test_what_is_next_is_said_of_the_file_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "of us").mkdir()
    assert run(monkeypatch, "init", "epic", "--name", "a", "--file", "of us/ehr.toml") == 0
    said = capsys.readouterr().err.splitlines()
    keys, fill, doctor = (line.strip().removeprefix("ferroclaim ") for line in said[-3:])
    assert fill == "fill in what says FILL-ME-IN in of us/ehr.toml"
    file = tmp_path / "of us" / "ehr.toml"
    file.write_text(file.read_text().replace("FILL-ME-IN", "1"))
    for step in (keys, doctor):
        run(monkeypatch, *shlex.split(step))
    assert settings.load(file).site("a").auth.key_file == tmp_path / "of us" / "keys" / "a.json"
    assert (tmp_path / "of us" / "keys" / "a.json").exists()
    assert "does NOT work yet" in capsys.readouterr().out
