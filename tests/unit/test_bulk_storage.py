"""A bulk run on an export in object storage: the same bytes as from a folder. Needs the `bulk`
extra, as `make test-spark` installs it."""

import builtins
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from benchmarks import population
from integration.bulk.surveying import storage
from integration.errors import ConfigurationError
from tests.fakes.object_storage import Bucket
from tests.unit.test_bulk import bulk, problems, written


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Names as a bucket has them: a blank, a percent sign, a folder, what is hidden."""
    folder = tmp_path / "export"
    population.write(folder, patients=12, iron=0.3)
    (folder / "of 100%").mkdir()
    (folder / "Observation.ndjson").rename(folder / "of 100%" / "Observation 1.ndjson")
    (folder / ".hidden.ndjson").write_text("{}\n")
    (folder / "broken.ndjson").write_text("no JSON\n")
    return folder


@pytest.fixture
def bucket(export: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    pytest.importorskip("pyarrow.fs", reason="needs pyarrow: `make test-spark`")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-a-test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return Bucket(httpserver, export)


def test_object_storage_gives_the_same_bytes(export: Path, bucket: Bucket, tmp_path: Path) -> None:
    by_folder, by_bucket = tmp_path / "one", tmp_path / "other"
    bulk(export, by_folder)
    bulk(bucket.address, by_bucket, workers=2)
    assert written(by_bucket) == written(by_folder)
    assert [name for name, _ in problems(by_bucket)] == [".hidden.ndjson", "broken.ndjson"]


def test_a_prefix_and_a_single_object_are_read(bucket: Bucket, tmp_path: Path) -> None:
    for key in ("of 100%25", "of%20100%25/Observation%201.ndjson"):
        (only,) = storage.stored_files(bucket.at(key))
        assert (only.name, only.why) == ("Observation 1.ndjson", None)
        with storage.opened(only.path, 10) as stream:
            assert len(stream.read()) == only.bytes > 0


@pytest.mark.parametrize(
    "address",
    [
        "abfs://exports@account.dfs.core.windows.net/2026-11",
        "abfs://account.dfs.core.windows.net/exports/2026-11/",
        "abfs://account@127.0.0.1:10000/exports/2026-11?enable_tls=false",
        "gs://anonymous@exports/2026-11",
        "s3://exports/2026-11?region=us-east-2",
    ],
)
def test_a_folder_is_found_however_its_address_is_written(address: str) -> None:
    pytest.importorskip("pyarrow.fs", reason="needs pyarrow: `make test-spark`")
    _, place = storage._found(address)
    assert place == "exports/2026-11"


def test_what_is_not_given_ends_the_run_which_goes_on(
    export: Path, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_folder, by_bucket = tmp_path / "one", tmp_path / "other"
    own, opened = storage.opened, list[str]()

    def refusing(path: str, buffer: int) -> Any:
        opened.append(path)
        if len(opened) > 30:
            bucket.refused.add("Condition.ndjson")
        return own(path, buffer)

    monkeypatch.setattr("integration.bulk.surveying.sources.opened", refusing)
    with pytest.raises(ConfigurationError, match=r"Condition\.ndjson.*goes on where it stopped"):
        bulk(bucket.address, by_bucket)
    monkeypatch.undo()
    bucket.refused.clear()
    bulk(export, by_folder)
    assert bulk(bucket.address, by_bucket).resumed
    assert written(by_bucket) == written(by_folder)


def test_what_is_not_there_is_said(bucket: Bucket) -> None:
    with pytest.raises(ConfigurationError, match=r"Cannot read s3://exports/nowhere"):
        list(storage.stored_files(bucket.at("nowhere")))
    with pytest.raises(ConfigurationError, match=r"Cannot read ftp://exports"):
        list(storage.stored_files("ftp://exports/2026"))


def test_an_address_holds_no_secret() -> None:
    with pytest.raises(ConfigurationError, match=r"holds no secret") as refused:
        list(storage.stored_files("s3://key:secret-of-ours@exports/2026"))
    assert "secret-of-ours" not in str(refused.value)


def test_without_pyarrow_the_fix_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    own = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return own(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"install `ferroclaim\[bulk\]`"):
        list(storage.stored_files("s3://exports-of-nobody"))
