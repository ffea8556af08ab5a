"""Every mistake of data files: of each by itself, and of those without any held against each
other.

Held by tests/contract/test_policy_command.py.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mappings.datafiles.error import DataFileError
from mappings.datafiles.loading import text_of


def mistakes_of(
    paths: Iterable[Path],
    alone: Callable[[str, str], object],
    together: Callable[[Mapping[str, str]], object],
) -> dict[str, list[str]]:
    """File → every mistake in it. `alone` reads a text, named by its file; `together` the texts by
    file; both raise DataFileError."""
    found: dict[str, list[str]] = {}
    good: dict[str, str] = {}
    for path in paths:
        where = str(path)
        try:
            text = text_of(path)
            alone(text, where)
        except DataFileError as problem:
            found[where] = list(problem.every)
        else:
            found[where], good[where] = [], text
    try:
        together(good)
    except DataFileError as problem:
        for said in problem.every:
            found[next(name for name in good if said.startswith(f"{name}:"))].append(said)
    return found
