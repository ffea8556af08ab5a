"""How much is said on stderr beside the data, and how far a long run is.

Held by tests/unit/test_logs.py.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Loudness = Literal["quiet", "usual", "verbose"]
PATIENCE_SECONDS = 2.0  # a run that is over sooner shows nothing
_SELDOM_SECONDS = 10.0  # between two lines where nothing can move
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
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        shown(what, done, None)

    with _telling(_counter) as shown:
        yield step


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Call the result with a step's name, how many of its pieces are done, and how many there are.
    On a terminal a bar with an estimate; elsewhere a line now and then."""
    with _telling(_bar) as shown:
        yield shown


@contextmanager
def _telling(draw: "Callable[[], Progress]") -> "Iterator[Callable[[str, int, int | None], None]]":
    """DRAW makes what moves, once a run has lasted long enough to be told of."""
    begun = spoken = time.monotonic()
    moving: Progress | None = None
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int | None) -> None:
        nonlocal spoken, moving
        now = time.monotonic()
        if _loudness == "quiet" or now - begun < PATIENCE_SECONDS:
            return
        if sys.stderr.isatty():
            moving = moving or draw()
            if what not in tasks:
                tasks[what] = moving.add_task(what, total=total)
            moving.update(tasks[what], completed=done, total=total)
            moving.start()
        elif now - spoken >= _SELDOM_SECONDS:
            spoken = now
            print(_line(what, done, total, now - begun), file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if moving:
            moving.stop()


def _line(what: str, done: int, total: int | None, seconds: float) -> str:
    if total is None:
        return f"{done:,} {what} in {seconds:.0f} s …"
    return f"{what}: {done:,} of {total:,} after {seconds:.0f} s …"


def _counter() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
