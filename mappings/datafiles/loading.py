"""YAML data files read into frozen structures, with every mistake located by file and line. What
was read and found right before is not read again, where `compiled` has a place to keep it.

Held by tests/unit/test_policy_files.py.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from mappings.datafiles import compiled
from mappings.datafiles.checking import Check
from mappings.datafiles.error import DataFileError

T = TypeVar("T")
_SUFFIXES = frozenset({".yaml", ".yml"})
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
        raise DataFileError(
            f"{path}: can't be read: {problem.strerror or type(problem).__name__}"
        ) from None
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
    """Those that are YAML files, in order."""
    return sorted(path for path in paths if path.suffix.lower() in _SUFFIXES and path.is_file())


def refuse_no_folder(folder: Path, of: str) -> None:
    """DataFileError where FOLDER, a site's folder of policies for one, is none."""
    if not folder.is_dir():
        raise DataFileError(
            f"{folder}: {'not a folder' if folder.exists() else 'no such folder'} {of}"
        )


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
