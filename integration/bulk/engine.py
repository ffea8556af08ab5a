"""A run on one machine: step by step, each step on several workers.

Held by tests/unit/test_bulk.py.
"""

import errno
import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
from msgspec import structs

from integration.bulk import sifting
from integration.bulk.charts import Beside
from integration.bulk.engines import local
from integration.bulk.sifting import Wanted
from integration.bulk.steps import RunSetting, Task, facts_of, index_of
from integration.bulk.surveying import names, references
from integration.bulk.surveying.index import Index, RangeFacts
from integration.bulk.surveying.names import Forms
from integration.bulk.work import Work, written
from integration.errors import ConfigurationError
from mappings.reading.bundles.entries import Deletion

_MOST_PARTS = 800  # files that are open when all are merged
# Each task reads what all parts ask for: of a larger source it is given more ranges.
_RANGES_A_TASK, _MOST_TASKS = 8, 32

Do = Callable[[list[Task]], Iterable[None]]
# Makes pieces, in whatever order, and tells of each; on so many workers.
Pool = Callable[[RunSetting, int], AbstractContextManager[Do]]
# Told the name of a step and how many pieces it has, then each time that one is done.
Tell = Callable[[str, int, int], None]


def run(
    setting: RunSetting,
    workers: int,
    tell: Tell = lambda _step, _done, _all: None,
    pool: Pool = local.pool,
) -> Wanted:
    """Everything up to the assessments of each part, as far as it is not there already."""
    with pool(setting, workers) as do:
        steps = _Steps(setting, do, tell)
        who = steps.gathered()
        steps.assess(who.parts)
    return who


def gather(
    setting: RunSetting, workers: int, tell: Tell = lambda _step, _done, _all: None
) -> Wanted:
    """Everything up to the charts of each part."""
    with local.pool(setting, workers) as do:
        return _Steps(setting, do, tell).gathered()


class _Steps:
    """Has the pieces of each step made that are not there."""

    def __init__(self, setting: RunSetting, do: Do, tell: Tell) -> None:
        self._setting = setting
        self.work, self._do, self._tell = Work(setting.work), do, tell
        self._ranges = [range_.number for range_ in setting.source.ranges]
        size = max(_RANGES_A_TASK, math.ceil(len(self._ranges) / _MOST_TASKS))
        starts = range(0, len(self._ranges), size)
        self._tasks = [self._ranges[start : start + size] for start in starts]

    def _step(self, name: str, tasks: Iterable[tuple[Path, Task]]) -> None:
        pieces = list(tasks)
        open_ = [task for path, task in pieces if not path.exists()]
        done = len(pieces) - len(open_)
        self._tell(name, done, len(pieces))
        for _ in self._do(open_):
            done += 1
            self._tell(name, done, len(pieces))

    def gathered(self) -> Wanted:
        self.survey()
        who = _sift(self._setting, self.work)
        self.gather()
        self.look_up(who.parts)
        return who

    def survey(self) -> None:
        piece = self.work.piece
        self._step(
            "survey",
            (
                (piece("survey", f"{number}.facts"), ("survey", (number,)))
                for number in self._ranges
            ),
        )

    def gather(self) -> None:
        piece = self.work.piece
        self._step(
            "gather",
            ((piece("gather", numbers[0]), ("gather", (numbers,))) for numbers in self._tasks),
        )

    def look_up(self, parts: int) -> None:
        """Until nothing is named that was not looked for before."""
        piece = self.work.piece
        for round_ in itertools.count():
            asked = [piece(f"names-{round_}", part) for part in range(parts)]
            self._step(
                "name", ((path, ("name", (round_, part))) for part, path in enumerate(asked))
            )
            if not any(map(references.holds_numbers, asked)):
                return
            self._step(
                "look up",
                (
                    (piece(f"found-{round_}", numbers[0]), ("look_up", (round_, numbers)))
                    for numbers in self._tasks
                ),
            )

    def assess(self, parts: int) -> None:
        piece = self.work.piece
        self._step(
            "assess",
            ((piece("assess", f"{part}.part"), ("assess", (part,))) for part in range(parts)),
        )


class AllFacts:
    """Of all ranges, read anew each time."""

    def __init__(self, work: Work, count: int) -> None:
        self._work, self._count = work, count

    def __iter__(self) -> Iterator[RangeFacts]:
        return (facts_of(self._work, number) for number in range(self._count))


def _sift(setting: RunSetting, work: Work) -> Wanted:
    path = work.piece("sift", "wanted")
    if path.exists():
        return sifting.decoded(path.read_bytes())
    count = len(setting.source.ranges)
    facts = AllFacts(work, count)
    beside = _beside(facts)
    deleted = (deletion.name for deletion in beside.deletions)
    found = sifting.wanted(facts, _indexes(work, count), beside.bases, deleted)
    size = sum(index.bytes_of(found.members) for index in _indexes(work, count))
    found = structs.replace(found, parts=min(_MOST_PARTS, 1 + size // setting.part_bytes))
    with written(work.piece("sift", "beside")) as other:
        other.write_bytes(msgspec.msgpack.encode(beside))
    with written(path) as unfinished:
        unfinished.write_bytes(sifting.encoded(found))
    return found


def _beside(facts: Iterable[RangeFacts]) -> Beside:
    bases: set[str] = set()
    forms: set[Forms] = set()
    deletions: list[Deletion] = []
    for of_range in facts:
        bases.update(of_range.bases)
        forms.add(of_range.forms)
        deletions += of_range.deletions
    return Beside(sorted(bases), names.together(forms), deletions)


def _indexes(work: Work, count: int) -> Iterator[Index]:
    return (index_of(work, number) for number in range(count))


@contextmanager
def explained() -> Iterator[None]:
    """What a person can do about what stops a run."""
    again = "run the same command again: it goes on where it stopped"
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ConfigurationError(
                f"There is no space left where the run keeps its work. Free some, and {again}."
            ) from None
        name = Path(str(problem.filename)).name if problem.filename else "a file"
        raise ConfigurationError(
            f"{name} can't be read or written: {problem.strerror}. Put that right, and {again}."
        ) from None


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
