"""What stands in a log line."""

import io
import json
import sys

import pytest
import structlog

from integration.configuration.settings import Log
from integration.operating import logs


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture(autouse=True)
def _as_before() -> object:
    yield
    structlog.reset_defaults()


def test_ids_are_hashed_with_the_installations_key(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json"), b"key")
    structlog.get_logger().info(
        "assessed", site="general", patient="Patient/p1", reference="Observation/o1"
    )
    structlog.get_logger().info("assessed", site="general", patient="Patient/p1")
    structlog.get_logger().info("assessed", site="other", patient="Patient/p1")
    logs.configure(Log(format="json"), b"another key")
    structlog.get_logger().info("assessed", site="general", patient="Patient/p1")
    first, again, elsewhere, rekeyed = lines(capsys)
    assert "p1" not in json.dumps([first, again, elsewhere, rekeyed])
    assert "o1" not in first["reference"]
    assert first["patient"] == again["patient"]
    assert len({first["patient"], elsewhere["patient"], rekeyed["patient"]}) == 3


def test_ids_can_be_had_in_the_clear(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json", resource_ids="plain"), b"key")
    structlog.get_logger().info("assessed", site="general", patient="Patient/p1")
    assert lines(capsys)[0]["patient"] == "Patient/p1"


def test_an_error_is_told_by_its_place_not_its_words() -> None:
    with pytest.raises(KeyError) as caught:
        dict[str, str]()["Patient/p1"]
    assert logs.where(caught.value).startswith("unit/test_logs.py:")


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json", level="warning"), b"key")
    structlog.get_logger().info("quiet")
    assert lines(capsys) == []


def test_it_writes_to_the_stream_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command within a process gives back the stream that it was configured with, closed."""
    before, after = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", before)
    logs.configure(Log(format="json"), b"key")
    before.close()
    monkeypatch.setattr(sys, "stderr", after)
    structlog.get_logger().info("assessed")
    assert json.loads(after.getvalue())["event"] == "assessed"
