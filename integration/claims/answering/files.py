"""Files of answers, packed or not.

Held by tests/unit/test_bulk_reports.py and tests/contract/test_answers.py.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from integration.assessing.files import File, files_in, unread
from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from integration.errors import ConfigurationError
from mappings.record import Problem
from mappings.writing.answers.answer import Answer
from mappings.writing.x12.reading import NotX12

Said = TypeVar("Said", bound=Answer)


def named(paths: Sequence[Path]) -> Iterator[File]:
    """Each file, and those of each folder; ConfigurationError where one is not there."""
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"{path}: there is no such file or folder.")
    for path in paths:
        yield from files_in(path) if path.is_dir() else [File(path.name, path)]


def said(
    file: File, reading: Callable[[BinaryIO], Iterator[Said | Problem]], lacks: str
) -> Iterator[Said | Problem]:
    """What READING finds in it. LACKS: what is said of a file without any of it."""
    if file.why:
        yield Problem(file.name, file.why)
        return
    try:
        with file.path.open("rb") as stream:
            for one in reading(unpacked(stream)):
                yield placed(one, file.name) if isinstance(one, Problem) else one
    except (NotX12, NotRead) as problem:
        yield Problem(file.name, f"{lacks}: {problem}")
    except DAMAGED as problem:
        why = unread(problem) if isinstance(problem, OSError) and problem.errno else "is damaged"
        yield Problem(file.name, why)


def placed(problem: Problem, file: str) -> Problem:
    return Problem(f"{problem.resource} of {file}", problem.problem)
