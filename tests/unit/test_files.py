"""Files in the forms that people keep charts in: what is read, and that what is not is named."""

import gzip
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from integration import private
from integration.assessing.files import collect
from integration.assessing.sources import AssessedCharts, from_collection
from integration.claims import output
from integration.commands import formats
from integration.errors import ConfigurationError
from mappings.policy import choosing
from mappings.site import Site
from tests import builders

READY = ["J1756 JZ × 200 ready"]


def text(content: Any) -> bytes:
    return json.dumps(content, default=float).encode()


CHART = builders.chart()
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"resource": resource} for resource in CHART],
}
LINES = b"\n".join(map(text, CHART))


def assessed(source: Path) -> AssessedCharts:
    return from_collection(collect(str(source)), Site(), choosing.built_in(), builders.AS_OF)


def lines(result: AssessedCharts) -> list[str]:
    return [shown for patient in result.document.patients for shown in builders.shown(patient)]


def unread(result: AssessedCharts) -> list[tuple[str, str]]:
    return [(problem.resource, problem.problem) for problem in result.document.unreadable]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("chart.json", text(BUNDLE)),
        ("chart.json", b"\xef\xbb\xbf" + text(BUNDLE)),
        ("chart.json", text(BUNDLE).decode().encode("utf-16")),
        ("chart.json", text(CHART)),
        ("chart.json", LINES),
        ("chart.txt", text(BUNDLE)),
        ("chart", LINES),
        ("chart.json", text({"resourceType": "Bundle", "entry": CHART})),
        ("chart.json", text({"resourceType": "Bundle", "entry": {"resource": BUNDLE}})),
        (
            "answer.json",
            text({"resourceType": "Parameters", "parameter": [{"name": "x", "resource": BUNDLE}]}),
        ),
        (
            "answer.json",
            text(
                {
                    "resourceType": "Parameters",
                    "parameter": [{"part": [{"name": "x", "resource": part} for part in CHART]}],
                }
            ),
        ),
        ("chart.ndjson", LINES),
        ("chart.ndjson", text(BUNDLE)),
        ("chart.ndjson", json.dumps(BUNDLE, indent=2, default=float).encode()),
        ("chart.ndjson", b"\xef\xbb\xbf" + LINES),
        ("chart.ndjson", LINES.decode().encode("utf-16-le").join((b"\xff\xfe", b""))),
        ("chart.jsonl", LINES),
        ("chart.ndjson", text(CHART)),
        ("chart.ndjson.gz", gzip.compress(LINES)),
        ("chart.json.gz", gzip.compress(text(BUNDLE))),
        ("chart.ndjson.zst", zstandard.compress(LINES)),
        ("chart.json.zst", zstandard.compress(text(BUNDLE))),
        ("chart.ndjson", gzip.compress(LINES)),
        ("chart.ndjson.gz", gzip.compress(LINES[:99]) + gzip.compress(LINES[99:])),
        ("chart.ndjson.zst", zstandard.compress(LINES[:99]) + zstandard.compress(LINES[99:])),
    ],
)  # fmt: skip
@pytest.mark.parametrize("below", ["", "2026/11"])
def test_what_is_read(name: str, content: bytes, below: str, tmp_path: Path) -> None:
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    for source in (tmp_path, folder / name):
        result = assessed(source)
        assert (lines(result), unread(result), result.complete) == (READY, [], True)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("package.json", b'{"name":"x"}', "is JSON, but not a FHIR Bundle or resource"),
        ("notes.md", b"# Charts of November", "is not JSON"),
        ("empty.json", b"", "is empty"),
        ("cut.json", text(BUNDLE)[:-40], "is not JSON"),
        ("cut.json.gz", gzip.compress(text(BUNDLE))[:-40], "ends early or is damaged"),
        ("cut.json.zst", zstandard.compress(text(BUNDLE))[:-40], "ends early or is damaged"),
        ("more.zip", b"PK\x03\x04 and so on", "is a zip archive, which is not read"),
        ("more.ndjson.bz2", b"BZh9", "is bzip2"),
        ("more.ndjson.xz", b"\xfd7zXZ\x00", "is xz"),
        (".chart.json", text(BUNDLE), "it is hidden"),
        (".git/config", b"[core]", "it is hidden"),
        ("log.ndjson", b'{"exportId": 1}\n{"exportId": 1}\n', "holds no FHIR resource"),
        ("chart.xml", b"<Bundle xmlns='http://hl7.org/fhir'/>", "is not JSON"),
        ("list.json", b"[1, 2]", "is JSON, but not a FHIR Bundle or resource"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_and_the_rest_is_read(
    name: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "chart.json").write_bytes(text(BUNDLE))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    result = assessed(tmp_path)
    ((named, why),) = unread(result)
    assert (named, problem in why) == (name.removesuffix("/config"), True)
    assert (lines(result), result.complete) == (READY, False)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.slow
def test_lines_before_a_cut_count_and_the_cut_is_named(pack: Any, tmp_path: Path) -> None:
    noise = b"\n".join(
        text({"resourceType": "Basic", "id": f"b{number}", "implicitRules": os.urandom(9999).hex()})
        for number in range(30)
    )
    (tmp_path / "chart.ndjson.gz").write_bytes(pack(LINES + b"\n" + noise)[:-2000])
    for source in (tmp_path, tmp_path / "chart.ndjson.gz"):
        result = assessed(source)
        assert lines(result)
        assert "ends early or is damaged" in str(unread(result))
        assert not result.complete


def test_a_line_that_is_no_resource_is_named(tmp_path: Path) -> None:
    (tmp_path / "chart.ndjson").write_bytes(LINES + b'\n{"a": 1}\n{"resourceType": ')
    names = [name for name, _ in unread(assessed(tmp_path))]
    count = len(CHART)
    assert names == [f"line {count + 1} of chart.ndjson", f"line {count + 2} of chart.ndjson"]


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "chart.json").write_bytes(text(BUNDLE))
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere.json")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    result = assessed(tmp_path)
    assert [name for name, _ in unread(result)] == ["gone.json", "pipe.json"]
    assert lines(result) == READY


def test_the_list_of_an_export_is_no_chart_and_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "chart.json").write_bytes(text(BUNDLE))
    manifest = {"transactionTime": "2026-11-23T10:00:00Z", "output": [], "error": []}
    (tmp_path / "manifest.json").write_bytes(text(manifest))
    assert assessed(tmp_path).complete


@pytest.mark.parametrize("files", [{}, {"notes.md": b"x"}, {"package.json": b"{}"}])
def test_a_folder_without_any_chart_is_one_sentence(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match="has no file that can be read") as caught:
        collect(str(tmp_path))
    assert all(name in str(caught.value) for name in files)


class TestForTheirOwnerAlone:
    @pytest.fixture(autouse=True)
    def usual_umask(self) -> Iterator[None]:
        before = os.umask(0o022)
        yield
        os.umask(before)

    def test_a_new_one(self, tmp_path: Path) -> None:
        private.make(tmp_path / "a")
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600

    def test_one_that_is_there_stays_as_its_owner_made_it(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("said")
        private.make(tmp_path / "a")
        assert (tmp_path / "a").read_text() == "said"
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644
        with pytest.raises(FileExistsError):
            private.make(tmp_path / "a", anew=True)

    def test_what_a_command_writes(self, tmp_path: Path) -> None:
        formats.put(b"{}", tmp_path / "a.json")
        output.place_whole(b"ISA", tmp_path / "a.x12")
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_patient_without_a_name_is_called_by_the_reference(tmp_path: Path) -> None:
    nameless = {**builders.patient(), "name": [{"use": "official"}]}
    named = {**builders.patient(), "id": "p2", "name": [{"family": "Sampleton"}]}
    people = [{"resource": resource} for resource in (nameless, named)]
    path = tmp_path / "chart.json"
    path.write_bytes(text({**BUNDLE, "entry": people}))
    found = from_collection(collect(str(path)), Site(), choosing.built_in(), builders.AS_OF)
    assert found.names == {"Patient/p2": "Sampleton"}
