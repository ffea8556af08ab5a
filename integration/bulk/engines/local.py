"""Processes of this machine.

Held by tests/unit/test_bulk.py.
"""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from integration.bulk.steps import RunSetting, RunWorker, Task
from integration.errors import ConfigurationError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_WATCH_SECONDS = 1.0
_SELDOM = (50_000, 20, 50)

_worker: RunWorker | None = None


def _begin(setting: RunSetting) -> None:
    global _worker  # noqa: PLW0603 (one worker to a process)
    _settle()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began the run ends it
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _worker = RunWorker(setting)


def _settle() -> None:
    """What is loaded stays, and most of what comes goes without cycles: neither need be looked
    through again and again."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)


@contextmanager
def _settled() -> Iterator[None]:
    before = gc.get_threshold()
    _settle()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _end_with(parent: int) -> None:
    """A worker whose run was killed would wait for it for ever."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _wait() -> None:
    """Nothing is asked yet."""


def _make(task: Task) -> None:
    assert _worker is not None  # noqa: S101 - each process begins with `_begin`
    _worker.make(task)


@contextmanager
def pool(setting: RunSetting, workers: int) -> Iterator[Callable[[list[Task]], Iterable[None]]]:
    """What makes pieces, in whatever order; in this process where there is to be one worker."""
    if workers <= 1:
        own = RunWorker(setting)
        with _settled():
            yield lambda tasks: map(own.make, tasks)
        return
    from concurrent.futures import process

    try:
        with _processes(setting, workers) as pool:
            yield partial(_made, pool)
    except process.BrokenProcessPool:
        raise ConfigurationError(
            "A worker was stopped from outside, most often because memory ran out. Give fewer"
            " --workers, and run the same command again: it goes on where it stopped."
        ) from None


def _processes(setting: RunSetting, workers: int) -> "ProcessPoolExecutor":
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Forked processes share what is loaded; beside other threads, as clients of object storage have
    # them, that is not safe.
    beside_none = threading.active_count() == 1 and not setting.source.is_remote
    alone = sys.platform == "linux" and beside_none
    context = get_context("fork" if alone else "spawn")
    pool = ProcessPoolExecutor(workers, context, _begin, (setting,))
    # All of them begin now, before anything else starts a thread.
    pool.submit(_wait).result()
    return pool


def _made(pool: "ProcessPoolExecutor", tasks: list[Task]) -> Iterator[None]:
    from concurrent.futures import as_completed

    futures = [pool.submit(_make, task) for task in tasks]
    try:
        for future in as_completed(futures):
            future.result()
            yield
    finally:
        for future in futures:
            future.cancel()


def processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
