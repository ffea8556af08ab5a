"""A configuration to begin with, and mistakes in one: the line, what to write, what was meant."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.configuration import settings
from integration.configuration.mistakes import FORMS, lines_of
from integration.configuration.section import is_address
from integration.configuration.template import FILL_IN, KINDS, Kind, start, text_of
from integration.errors import ConfigurationError

WRONG = """
log.level = "loud"

[sites.general]
base_url = "fhir.example.org/r4"
time_zon = "America/New_York"

[sites."st-mary"]
base_url = "https://st-mary.example.org/fhir"
write_back = "worklits"
test_patients = "perhaps"
  [sites."st-mary".limits]
  retries = "three"
"""


@pytest.mark.parametrize("kind", KINDS)
def test_what_init_writes_can_be_read_once_it_is_filled_in(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = start(kind, "general")
    if begin.signs_in.startswith("client_secret"):
        monkeypatch.setenv(begin.variable, "secret")
    file = tmp_path / "ferroclaim.toml"
    text = text_of(begin)
    file.write_text(text)
    if FILL_IN in text:
        with pytest.raises(ConfigurationError, match=r"line \d+: fill in what the registration"):
            settings.load(file)
    file.write_text(text.replace(FILL_IN, "1"))
    site = settings.load(file).site("general")
    assert site.vendor == begin.vendor
    assert site.auth.method == begin.signs_in
    for line in text.splitlines():
        if line.startswith(("# [", "# pos", "# kind", "# name", "# npi", "# tax_id")):
            text = text.replace(line, line.removeprefix("# "))
    file.write_text(text.replace(FILL_IN, "1"))
    settings.load(file)  # what is commented out can be read, too


def test_every_mistake_is_told_with_its_line_and_what_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "ferroclaim.toml"
    file.write_text(WRONG)
    with pytest.raises(ConfigurationError) as told:
        settings.load(file)
    text = str(told.value)
    for number, said in (
        (2, "log.level: write one of 'debug', 'info', 'warning', 'error'"),
        (5, "sites.general.base_url: must begin with http://"),
        (6, "sites.general.time_zon: there is no such key; did you mean time_zone?"),
        (10, "sites.st-mary.write_back: write one of 'auto'"),
        (11, "sites.st-mary.test_patients: write true or false"),
        (13, "sites.st-mary.limits.retries: write a whole number"),
    ):
        assert f"{file}, line {number}, {said}" in text


def test_what_the_environment_has_wrong_is_told_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ferroclaim.toml"
    file.write_text("")
    monkeypatch.setenv("FERROCLAIM_WEB__LOCAL_USR", "me")
    with pytest.raises(ConfigurationError, match=r"FERROCLAIM_WEB__LOCAL_USR, web\.local_usr: .*"):
        settings.load(file)


def test_a_variable_of_ours_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FERROCLAIM_SITE__GENERAL__BASE_URL", "https://x.example.org")
    settings.load()
    assert capfd.readouterr() == (
        "",
        (
            "ferroclaim: FERROCLAIM_SITE__GENERAL__BASE_URL is no setting; did you mean"
            " FERROCLAIM_SITES?\n"
        ),
    )


SITE = '[sites.general]\nbase_url = "https://x.example.org"\n'
APP = "FERROCLAIM_SITES__GENERAL__APP__CLIENT_SECRET"


@pytest.mark.parametrize(
    ("text", "variable", "said"),
    [
        (
            f"{SITE}[servic]\n",
            "",
            "c.toml, line 3, servic: there is no such key; did you mean service?",
        ),
        (
            f"{SITE}[sites.general.hooks.lab]\n",
            "",
            (
                "line 3, sites.general.hooks.lab.secret: it is missing; set"
                " FERROCLAIM_SITES__GENERAL__HOOKS__LAB__SECRET."
            ),
        ),
        (
            f'{SITE}[sites.general.app]\nclient_id = "x"\nmethod = "client_secret_post"\n',
            "",
            f"line 3, sites.general.app: method client_secret_post needs client_secret: set {APP}.",
        ),
        (
            SITE,
            "FERROCLAIM_SITES__GENRAL__VENDOR",
            "GENRAL__…: there is no site genral in the file; did you mean general?",
        ),
        (
            f"{SITE}[sit.general.auth]\n",
            "",
            "c.toml, line 3, sit: there is no such key; did you mean sites?",
        ),
        (
            '\n[sites.general.auth]\nmethod = "none"\n',
            "",
            "c.toml, line 2, sites.general.base_url: it is missing; write it here.",
        ),
        (
            f'{SITE}code_dir = ""\n',
            "",
            "c.toml, line 3, sites.general.code_dir: is empty: write a path, or leave the key out.",
        ),
        (
            f'{SITE}lab_aliases = {{" " = "ferritin"}}\n',
            "",
            "write a name; it is empty.",
        ),
        ("# M\xfcnchen\n", "", "c.toml, line 1: not text in UTF-8. Save the file as UTF-8."),
    ],
)
def test_a_mistake_says_what_to_write_and_where(
    text: str, variable: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text, "latin-1")
    if variable:
        monkeypatch.setenv(variable, "epic")
    with pytest.raises(ConfigurationError) as caught:
        settings.load(file)
    assert str(caught.value).endswith(said)


def test_a_file_of_an_editor_that_marks_utf_8_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(SITE, "utf-8-sig")
    assert settings.load(file).site("general").base_url == "https://x.example.org"


def test_what_is_kept_lies_beside_the_file_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "etc" / "c.toml"
    file.parent.mkdir()
    file.write_text(SITE)
    monkeypatch.chdir(tmp_path)
    assert settings.load(file).data_dir == file.parent / ".ferroclaim"
    assert settings.load().data_dir == Path(".ferroclaim")


def test_each_form_of_a_text_is_said_in_words() -> None:
    assert set(_patterns(settings.json_schema())) <= set(FORMS)


def _patterns(schema: Any) -> Iterator[str]:
    for key, value in schema.items():
        if key == "pattern":
            yield value
        elif isinstance(value, dict):
            yield from _patterns(value)
        elif isinstance(value, list):
            yield from _patterns(dict(enumerate(value)))


def test_lines_are_found_in_any_spelling_of_toml() -> None:
    found = lines_of('a.b = 1\n[ c . "d.e" ]\nf = 2\n"g h" = 3 # = 4\n')
    assert found == {
        ("a", "b"): 1,
        ("c",): 2,
        ("c", "d.e"): 2,
        ("c", "d.e", "f"): 3,
        ("c", "d.e", "g h"): 4,
    }


@pytest.mark.parametrize(
    "text", ["localhost:8080/fhir", "fhir.example.org/r4", "127.0.0.1:9", "localhost"]
)
def test_an_address_without_its_beginning_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="begin with http://"):
        is_address(text)


@pytest.mark.parametrize("text", ["chart.json", "folder/chart.json", "general", "-"])
def test_a_file_or_a_name_is_no_address(text: str) -> None:
    assert is_address(text) is False
