"""Answers that come in drops: they end after a while, and say what was asked."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug import Response

from integration.ehr.client import EhrClient
from integration.errors import OutcomeUnknown, Unreachable
from tests.fakes.chart import chart
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]
QUICK = {"retries": 0, "answer_seconds": 0.3}


def dripping(seconds: float = 5) -> Response:
    def drops() -> Iterator[bytes]:
        for _ in range(int(seconds / 0.1)):
            yield b" "
            time.sleep(0.1)

    return Response(drops(), 200, {"Content-Length": "5000"})


def test_a_read_that_drips_ends(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(dripping(), pattern="^Condition")
    began = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer in time"):
        connect(fake, limits=QUICK).search("Condition", {"patient": "p1"})
    assert time.monotonic() - began < 3


def test_a_write_that_drips_is_unknown(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi")
    fake.inject(dripping(), method="PUT")
    with pytest.raises(OutcomeUnknown):
        connect(fake, limits=QUICK).transport.write("PUT", "Device/d1", _device())


def test_what_is_slow_and_ends_in_time_is_read(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(Response(iter([b"[", b"1", b"]"]), 200), pattern="^Condition")
    answer = connect(fake, limits=QUICK).transport.read("Condition?patient=p1")
    assert answer.body == b"[1]"


def _device() -> dict[str, Any]:
    return {"resourceType": "Device", "id": "d1"}
