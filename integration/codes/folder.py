"""A site's own rows of the code tables: a folder, read once and again when a file of it changes.

Held by tests/unit/test_own_codes.py.
"""

import threading
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from integration.errors import ConfigurationError
from mappings.codes import CodeTables, built_in, own
from mappings.codes.freshness import Age, ages
from mappings.codes.published.x12_lists import predicted_denials
from mappings.codes.quarters import quarter_name
from mappings.datafiles import loading
from mappings.datafiles.error import DataFileError
from mappings.datafiles.mistakes import mistakes_of
from mappings.values.us_dates import us_date

# Name, time of change and size of each file: what says that a folder has changed.
_Look = tuple[tuple[str, int, int], ...]

_kept: dict[Path, tuple[_Look, CodeTables]] = {}
_lock = threading.Lock()


def tables_of(folder: Path) -> CodeTables:
    """The built-in tables with the rows of the folder as they are now; DataFileError on any mistake
    in them."""
    look = _look(folder)
    with _lock:
        before = _kept.get(folder)
        if before is None or before[0] != look:
            before = _kept[folder] = (look, own.load(folder))
        return before[1]


def _look(folder: Path) -> _Look:
    return tuple(map(_seen, own.files_in(folder)))


def _seen(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return path.name, 0, 0
    return path.name, stat.st_mtime_ns, stat.st_size


BUILT_IN = "built-in"


def tables_from(which: str) -> CodeTables:
    """The tables with the rows of a folder or file; those that ship for `built-in`."""
    path = Path(which)
    if path.is_dir():
        return own.load(path)
    if path.is_file():
        return own.with_own({which: loading.text_of(path)})
    if which == BUILT_IN:
        return built_in()
    raise ConfigurationError(
        f"There is no folder or file of code tables {which!r}; `built-in` are those that ship."
    )


def mistakes(names: Iterable[str]) -> dict[str, list[str]]:
    """File → every mistake in it; the files of one folder are held against each other, too."""
    found: dict[str, list[str]] = {}
    for name in names:
        path = Path(name)
        if not path.exists():
            raise ConfigurationError(f"There is no folder or file of code tables {name!r}.")
        paths = own.files_in(path) if path.is_dir() else [path]
        found |= mistakes_of(paths, own.read, own.with_own)
    return found


def odd_prices(which: str) -> list[str]:
    """Prices of a folder or file without mistakes that a person should look at."""
    path = Path(which)
    texts = loading.texts_of(own.files_in(path) if path.is_dir() else [path])
    return list(own.odd_prices({where: own.read(text, where) for where, text in texts.items()}))


def ended_denials(tables: CodeTables) -> list[str]:
    """The codes that gaps predict and that X12 ends."""
    predicted = predicted_denials(tables)
    ended = [row for row in tables.denial_codes if row.end and row.code in predicted]
    return [
        f"{row.kind.upper()} {row.code} ends on {row.end}; {', '.join(predicted[row.code])}"
        " predict it"
        for row in ended
    ]


def ages_of(folder: Path | None, day: date) -> list[Age]:
    """How old the tables of a site are; DataFileError where its folder can't be used."""
    return ages(tables_of(folder) if folder else built_in(), day)


def stale_in_words(folder: Path | None, day: date) -> list[str]:
    """What of a site's tables has outlived its time, for who looks after the service."""
    try:
        return [row.says for row in ages_of(folder, day) if row.stale]
    except DataFileError:
        return ["The site's code tables can't be used: run `ferroclaim codes check`"]


def limits_in_words(folder: Path | None, day: date) -> str:
    """How old the payment limits are that a line of the day is priced with."""
    try:
        age = next(row for row in ages_of(folder, day) if row.table == "payment-limits")
    except DataFileError:
        return "the code tables can't be used"
    if age.of is None:
        return "no payment limits"
    late = f", normally current until {us_date(age.current_until)}" if age.stale else ""
    return f"payment limits of {quarter_name(age.of)}, {age.days} days old{late}"
