"""How much is said on stderr beside the data, and how far a long run is.

Held by tests/unit/test_logs.py.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.progress import TaskID

Loudness = Literal["quiet", "usual", "verbose"]
PATIENCE_SECONDS = 2.0  # a run that is over sooner shows nothing
_loudness: Loudness = "usual"


def speak(loudness: Loudness) -> None:
    """For the rest of this process."""
    global _loudness  # noqa: PLW0603 (one process, one command line)
    _loudness = loudness


def loudness() -> Loudness:
    return _loudness


@contextmanager
def counting(what: str) -> Iterator[Callable[[], None]]:
    """Call the result once for each of WHAT (`patients`) that is done. On a terminal one line that
    moves; elsewhere a line now and then."""
    if _loudness == "quiet":
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    begun, done = time.monotonic(), 0
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} " + what),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(what, total=None)
    spoken = begun

    def step() -> None:
        nonlocal done, spoken
        done += 1
        now = time.monotonic()
        if now - begun < PATIENCE_SECONDS:
            return
        if bar.console.is_terminal:
            bar.start()
            bar.update(task, completed=done)
        elif now - spoken >= PATIENCE_SECONDS * 5:
            spoken = now
            print(f"{done:,} {what} in {now - begun:.0f} s …", file=sys.stderr, flush=True)

    try:
        yield step
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Call the result with a step's name, how many of its pieces are done, and how many there are.
    On a terminal a bar with an estimate; elsewhere a line now and then."""
    if _loudness == "quiet":
        yield lambda _name, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}
    spoken = begun = time.monotonic()

    def tell(name: str, done: int, total: int) -> None:
        nonlocal spoken
        now = time.monotonic()
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=total)
        bar.update(tasks[name], completed=done, total=total)
        if bar.console.is_terminal and now - begun >= PATIENCE_SECONDS:
            bar.start()
        elif not bar.console.is_terminal and now - spoken >= PATIENCE_SECONDS * 5:
            spoken = now
            print(f"{name}: {done:,} of {total:,} after {now - begun:.0f} s …", file=sys.stderr)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()
