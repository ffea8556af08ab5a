"""The files that `assess` reads: a Bundle, NDJSON, or a folder of either, compressed or not. What
of them was not read is named, and never keeps the rest from being read.

Held by tests/unit/test_files.py.
"""

import io
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from integration.errors import ConfigurationError
from mappings.reading import Collection, NotJson, decode, of_line
from mappings.record import Problem

_STDIN = "-"
LINES = re.compile(r"\.(ndjson|jsonl)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]+:?/|www\.|[a-z0-9.-]+:\d+(?:/|$)")
HIDDEN = "was not read: it is hidden; rename it if it belongs to the charts"
CUT_OFF = "ends early or is damaged: what follows was not read"
# http://hl7.org/fhir/uv/bulkdata/export.html#response---complete-status: a list of files, no chart
MANIFEST = {"transactionTime", "output"}
# In a folder that `ferroclaim bulk` wrote.
BULK_SUMMARY, BULK_CHARTS = "summary.json", "charts"


class File(NamedTuple):
    """A file by the name that problems give it; `why`: what keeps it from being read."""

    name: str
    path: Path
    why: str | None = None


def is_folder(source: str) -> bool:
    return source not in ("", _STDIN) and Path(source).is_dir()


def collect(source: str) -> Collection:
    """The resources of a Bundle, NDJSON or folder of either, or of `-`; ConfigurationError where
    nothing of it can be read."""
    collection = Collection()
    path = Path(source)
    if is_folder(source):
        _take_folder(collection, path)
        return collection
    name = "standard input" if source == _STDIN else path.name
    try:
        with _opened(source) as stream:
            _take(collection, name, stream)
    except NotRead as problem:
        raise ConfigurationError(f"{name} {problem}. Give a FHIR Bundle or NDJSON.") from None
    return collection


def _opened(source: str) -> BinaryIO:
    if source == _STDIN:
        return io.BytesIO(sys.stdin.buffer.read())
    try:
        return Path(source).open("rb")
    except (OSError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else "no such name"
        address = _ADDRESS.match(source)
        shown = source.rpartition("@")[2] if address else source
        begins = ", which begins with http:// or https://" if address else ""
        raise ConfigurationError(
            f"Cannot read {shown or 'an empty name'}: {said}. Name a Bundle file, NDJSON, a folder,"
            f" a FHIR base URL{begins}, or `-`."
        ) from None


def _take_folder(collection: Collection, folder: Path) -> None:
    """Every file of a folder and of those below it."""
    files = list(files_in(folder))
    found = [(file.name, file.why or _taken(collection, file)) for file in files]
    problems = [Problem(name, why) for name, why in found if why]
    if len(problems) == len(files):
        said = "; ".join(f"{problem.resource} {problem.problem}" for problem in problems[:3])
        raise ConfigurationError(
            f"The folder {folder} has no file that can be read{': ' if said else ''}{said}. Give"
            " FHIR Bundles or NDJSON."
        )
    collection.problems += problems


def _taken(collection: Collection, file: File) -> str | None:
    """Why it was not read; None where it was."""
    try:
        with file.path.open("rb") as stream:
            _take(collection, file.name, stream)
    except NotRead as problem:
        return str(problem)
    except OSError as problem:
        return unread(problem)
    return None


def unread(problem: OSError) -> str:
    return f"was not read: {problem.strerror}"


def files_in(folder: Path) -> Iterator[File]:
    """In the order of their names. Links are followed, each folder once."""
    seen: set[str] = set()
    refusals: list[File] = []

    def refused(problem: OSError) -> None:
        path = Path(str(problem.filename))
        refusals.append(File(_name(folder, path), path, unread(problem)))

    for place, below, names in os.walk(folder, onerror=refused, followlinks=True):
        hidden = [name for name in below if name.startswith(".")]
        real = os.path.realpath(place)
        below[:] = [] if real in seen else sorted(set(below) - set(hidden))
        if real not in seen:
            seen.add(real)
            yield from (_file(folder, Path(place) / name) for name in sorted(hidden + names))
    yield from refusals


def _file(folder: Path, path: Path) -> File:
    name = _name(folder, path)
    if path.name.startswith("."):
        return File(name, path, HIDDEN)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as problem:
        return File(name, path, unread(problem))
    return File(name, path, None if regular else "was not read: it is not a regular file")


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _take(collection: Collection, name: str, stream: BinaryIO) -> None:
    """A file of lines as NDJSON, any other as one JSON document; NotRead where it is neither."""
    try:
        text = unpacked(stream)
        in_lines = bool(LINES.search(name))
        if in_lines and begins_with_lines(text):
            _take_lines(collection, name, text)
        else:
            _take_document(collection, name, text.read(), in_lines)
    except DAMAGED:
        raise NotRead(CUT_OFF) from None


def begins_with_lines(text: io.BufferedReader) -> bool:
    """Whether the first line may be a resource: one cut in lines for the eye is read as a whole."""
    first, end, _ = text.peek(1).lstrip().partition(b"\n")
    return not end or first.rstrip().endswith((b"}", b"]"))


def _take_document(collection: Collection, name: str, data: bytes, in_lines: bool) -> None:
    if collection.add_text(data, name):
        return
    if not (in_lines or data.strip()):
        raise NotRead("is empty")
    try:
        content = decode(data)
    except NotJson as problem:
        if not in_lines and not looks_like_lines(data):
            raise NotRead(f"is not JSON: {problem}") from None
        _take_lines(collection, name, data.splitlines(keepends=True))
        return
    if isinstance(content, dict) and content.keys() >= MANIFEST:
        return
    if not is_fhir(content):
        raise NotRead("is JSON, but not a FHIR Bundle or resource")
    collection.add(content, name)


def is_fhir(content: object) -> bool:
    """A resource, or a list with one."""
    several = content if isinstance(content, list) else [content]
    return any(
        isinstance(one, dict) and isinstance(one.get("resourceType"), str) for one in several
    )


def looks_like_lines(data: bytes) -> bool:
    first = next((line for line in data.splitlines() if line.strip()), b"").strip()
    return first.startswith((b"{", b"\xef\xbb\xbf{")) and first.endswith(b"}")


def _take_lines(collection: Collection, name: str, data: Iterable[bytes]) -> None:
    """Line by line; NotRead where none of several lines is FHIR."""
    found: list[tuple[str, Any]] = []
    taken = 0
    try:
        for number, line in enumerate(data, 1):
            place = f"line {number} of {name}"
            if not line.strip():
                continue
            if collection.add_text(line, place):
                taken += 1
                continue
            resource = of_line(line)
            if isinstance(resource, NotJson) or not is_fhir(resource):
                why = (
                    f"not JSON: {resource}"
                    if isinstance(resource, NotJson)
                    else "not a FHIR resource"
                )
                found.append((place, why))
            else:
                taken += 1
                collection.add(resource, place)
    except DAMAGED:
        if not taken:
            raise
        found.append((name, CUT_OFF))
    if found and not taken:
        raise NotRead(f"holds no FHIR resource: {found[0][0]}: {found[0][1]}")
    collection.problems += [Problem(*place_and_why) for place_and_why in found]
