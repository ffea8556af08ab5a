"""Workers that are killed, as by `kill -9`, each at a point of its work.

`python tests/crashing.py` reads `[POINT, SETTINGS]` as JSON from each line of its input, and
answers with the signal that ended that worker; what a worker needs is loaded once for all.
"""

import json
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
LIMIT_SECONDS = 60


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


def work(point: str, settings: Settings) -> None:
    dying_at(point)
    with Store.open(settings) as store:
        engine = tasks.engine(settings, store)
        engine.clock = lambda: NOW
        engine.step = lambda step: die() if step == point else None
        Worker(engine, periodic=False).run()


def main() -> None:
    for line in sys.stdin:
        point, settings = json.loads(line)
        worker = os.fork()
        if worker == 0:
            signal.alarm(LIMIT_SECONDS)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # its log is no answer
            work(point, Settings.model_validate(settings))
            os._exit(0)
        print(-os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
