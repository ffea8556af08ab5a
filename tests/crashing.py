"""A worker that is killed, as by `kill -9`, at a point of its work: python tests/crashing.py POINT
SETTINGS-AS-JSON."""

import os
import signal
import sys
from typing import Any

from integration.configuration.settings import Settings
from integration.ehr.transport.http import Transport
from integration.serving import tasks
from integration.serving.worker import Worker
from integration.store import Store
from tests.service import NOW

# Of the engine and the workflow; `sending` and `answered` are before and after the EHR took a
# write.
POINTS = (
    "begun",
    "pulled",
    "assessed",
    "keeping",
    "kept",
    "sending",
    "answered",
    "written",
    "over",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(point: str) -> None:
    """Makes writes deadly, before or after."""
    write = Transport.write

    def deadly(self: Transport, *arguments: Any, **more: Any) -> Any:
        if point == "sending":
            die()
        answer = write(self, *arguments, **more)
        if point == "answered":
            die()
        return answer

    Transport.write = deadly  # type: ignore[method-assign]


def main(point: str, settings: Settings) -> None:
    dying_at(point)
    with Store.open(settings) as store:
        engine = tasks.engine(settings, store)
        engine.clock = lambda: NOW
        engine.step = lambda step: die() if step == point else None
        Worker(engine, periodic=False).run()


if __name__ == "__main__":
    main(sys.argv[1], Settings.model_validate_json(sys.argv[2]))
