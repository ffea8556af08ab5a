"""YAML data files read into frozen structures, with every mistake located by file and line. What
was read and found right before is not read again, where `compiled` has a place to keep it.

Held by tests/unit/test_policy_files.py.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from mappings.datafiles import compiled
from mappings.datafiles.checking import Check
from mappings.datafiles.error import DataFileError

T = TypeVar("T")
_SUFFIXES = frozenset({".yaml", ".yml"})
# What macOS and Emacs put beside a file.
_BESIDE = ("._", ".#")
# `policy.yaml.txt`, as Windows saves without showing it, and `policy.json`.
_NEARLY = re.compile(r"\.(ya?ml|json)\b", re.IGNORECASE)
_PACKAGE = Path(__file__).parents[1]


def packaged(folder: str, name: str) -> tuple[str, str]:
    """Name and text of a data file that ships in the package."""
    return f"{folder}/{name}", (_PACKAGE / folder / name).read_text("utf-8")


def packaged_in(folder: str) -> dict[str, str]:
    """Name and text of every data file of a folder of the package, in order."""
    names = sorted(path.name for path in (_PACKAGE / folder).glob("*.yaml"))
    return dict(packaged(folder, name) for name in names)


def text_of(path: Path) -> str:
    """The text of a site's file; DataFileError where it can't be read."""
    try:
        said = path.read_bytes()
    except OSError as problem:
        raise _unreadable(path, problem) from None
    try:
        return said.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = said.count(b"\n", 0, problem.start) + 1
        raise DataFileError(f"{path}:{line}: not text in UTF-8: save the file as UTF-8") from None


def texts_of(paths: Iterable[Path]) -> dict[str, str]:
    """The texts of several, by name."""
    return {str(path): text_of(path) for path in paths}


def each(texts: Mapping[str, str], read: Callable[[str, str], T]) -> tuple[dict[str, T], list[str]]:
    """What READ makes of each text, by name, and every mistake of those that can't be read."""
    found: dict[str, T] = {}
    mistakes: list[str] = []
    for where, text in texts.items():
        try:
            found[where] = read(text, where)
        except DataFileError as problem:
            mistakes += problem.every
    return found, mistakes


def data_files(paths: Iterable[Path]) -> list[Path]:
    """Those that are YAML files, in order; a link that leads nowhere is one, too, so that it is not
    passed over."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in _SUFFIXES
        and not path.name.startswith(_BESIDE)
        and (path.is_file() or path.is_symlink())
        and not path.is_dir()
    )


def data_files_in(folder: Path, of: str) -> list[Path]:
    """Those of a site's folder, of policies for one; DataFileError where it is none."""
    if not folder.is_dir():
        raise DataFileError(
            f"{folder}: {'not a folder' if folder.exists() else 'no such folder'} {of}"
        )
    try:
        return data_files(folder.iterdir())
    except OSError as problem:
        raise _unreadable(folder, problem) from None


def not_read_in(folder: Path) -> list[Path]:
    """What looks like a data file of a folder and is not read: in a folder of it, or under another
    name."""
    # A mounted folder has its files in `..data`, and links to them.
    deeper = [path for path in folder.glob("*/*") if not path.parent.name.startswith("..")]
    odd = (path for path in folder.glob("*") if _NEARLY.search(path.name) and path.is_file())
    return [
        *data_files(deeper),
        *sorted(path for path in odd if path.suffix.lower() not in _SUFFIXES),
    ]


def _unreadable(path: Path, problem: OSError) -> DataFileError:
    return DataFileError(f"{path}: can't be read: {problem.strerror or type(problem).__name__}")


def structure(
    text: str,
    where: str,
    form: type[T],
    check: Check | None = None,
    rests_on: bytes | None = None,
) -> T:
    """The YAML text as `form`, with nothing that `check` finds wrong; DataFileError with every
    mistake otherwise.

    `rests_on`: what `check` asks beside the text. With it (empty for nothing) the structure may be
    kept; a text that holds patients' data must go without.
    """
    if rests_on is None:
        return _read(text, where, form, check)
    key = compiled.key_of(text, form, rests_on)
    kept = compiled.get(key, form)
    if kept is not None:
        return kept
    found = _read(text, where, form, check)
    compiled.keep(key, found, form)
    return found


def _read(text: str, where: str, form: type[T], check: Check | None) -> T:
    from mappings.datafiles import yaml_text
    from mappings.datafiles.form import held

    node, value, mistakes = yaml_text.parsed(text, where)
    found, others = held(node, value, form, check)
    every = sorted(dict.fromkeys([*mistakes, *others]), key=lambda mistake: mistake[0])
    if every or found is None:
        raise DataFileError(*(f"{where}:{line}: {said}" for line, said in every))
    return found


def line_of(text: str, path: str) -> int:
    """The line of a path such as `$.requirements.ferritin.window_days` (or the nearest that exists
    above it)."""
    from mappings.datafiles import yaml_text

    return yaml_text.line_of(text, path)
