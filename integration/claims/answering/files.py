"""Files of answers, packed or not.

Held by tests/unit/test_bulk_reports.py.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, TypeVar

from integration.assessing.files import File, files_in, unread
from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from integration.errors import ConfigurationError
from mappings.record import Problem
from mappings.writing.answers.answer import Answer
from mappings.writing.x12.reading import NotX12

Said = TypeVar("Said", bound=Answer)


class AnswerFile(NamedTuple):
    """A file by the name that problems give it; `why`: what keeps it from being read."""

    name: str
    opened: Callable[[], IO[Any]]
    why: str | None = None


def named(paths: Sequence[Path]) -> Iterator[AnswerFile]:
    """Each file, and those of each folder; ConfigurationError where one is not there."""
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"{path}: there is no such file or folder.")
    for path in paths:
        for file in files_in(path) if path.is_dir() else [File(path.name, path)]:
            yield AnswerFile(file.name, partial(file.path.open, "rb"), file.why)


def said(
    file: AnswerFile, reading: Callable[[BinaryIO], Iterator[Said | Problem]], lacks: str
) -> Iterator[Said | Problem]:
    """What READING finds in it. LACKS: what is said of a file without any of it."""
    if file.why:
        yield Problem(file.name, file.why)
        return
    try:
        with file.opened() as stream:
            for one in reading(unpacked(stream)):
                yield placed(one, file.name) if isinstance(one, Problem) else one
    except (NotX12, NotRead) as problem:
        yield Problem(file.name, f"{lacks}: {problem}")
    except DAMAGED as problem:
        why = unread(problem) if isinstance(problem, OSError) and problem.errno else "is damaged"
        yield Problem(file.name, why)


def placed(problem: Problem, file: str) -> Problem:
    return Problem(f"{problem.resource} of {file}", problem.problem)
