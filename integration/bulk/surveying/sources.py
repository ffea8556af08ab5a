"""The files of an export in ranges that can be read apart: pieces of NDJSON, or whole files where
they are compressed or no lines.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import compress, count
from typing import BinaryIO, Literal, NamedTuple

from msgspec import Struct

from integration.assessing import files
from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from integration.bulk.surveying.index import Index
from integration.bulk.surveying.storage import StoredFile, is_address, opened, stored_files
from integration.errors import ConfigurationError
from mappings.reading import NotJson, decode
from mappings.record import Problem

RANGE_BYTES = 16 << 20
_BUFFER = 1 << 17  # what is decoded of it stays in the cache of a processor
_AHEAD = 1 << 13  # read beyond it, for the end of its last line

# A file by name, bytes, and when it was changed (nanoseconds).
Stamp = tuple[str, int, int]


class Range(Struct, frozen=True):
    """Bytes of a file, or all of it (`end` None). `form`: lines, or one document."""

    number: int
    file: str
    path: str
    start: int
    end: int | None
    form: Literal["lines", "document"]

    @property
    def is_whole(self) -> bool:
        return self.end is None


class SourceFiles(Struct, frozen=True):
    """What there is to read, and why the rest is not. `stamps` tell whether a file has changed
    since."""

    ranges: list[Range]
    problems: list[Problem]
    stamps: list[Stamp]

    @property
    def bytes(self) -> int:
        return sum(size for _, size, _ in self.stamps)

    @property
    def is_remote(self) -> bool:
        """Whether any of it is read over the network."""
        return any(is_address(range_.path) for range_ in self.ranges)


def source(text: str, range_bytes: int = RANGE_BYTES) -> SourceFiles:
    """Of a folder, a file or an address; ConfigurationError where nothing of it can be read."""
    ranges: list[Range] = []
    problems: list[Problem] = []
    stamps: list[Stamp] = []
    for file in stored_files(text):
        try:
            form = None if file.why else _form(file)
        except NotRead as problem:
            problems.append(Problem(file.name, str(problem)))
            continue
        except OSError as problem:
            problems.append(Problem(file.name, files.unread(problem)))
            continue
        if form is None:
            problems.append(Problem(file.name, file.why or ""))
            continue
        stamps.append(_stamp(file))
        for start, end in _cut(file.bytes, range_bytes) if form == "pieces" else [(0, None)]:
            kind: Literal["lines", "document"] = "document" if form == "document" else "lines"
            ranges.append(Range(len(ranges), file.name, file.path, start, end, kind))
    if not ranges:
        said = "; ".join(f"{problem.resource} {problem.problem}" for problem in problems[:3])
        raise ConfigurationError(
            f"{text} has no file that can be read{': ' if said else ''}{said}. Give FHIR Bundles or"
            " NDJSON."
        )
    return SourceFiles(ranges, problems, stamps)


def stamps_of(text: str) -> list[Stamp]:
    """Of all files, without a look into them: whether any has changed. ConfigurationError where
    there is none."""
    return list(map(_stamp, stored_files(text)))


def _stamp(file: StoredFile) -> Stamp:
    return file.name, file.bytes, file.changed


def _cut(size: int, range_bytes: int) -> Iterator[tuple[int, int]]:
    for start in range(0, size, range_bytes):
        yield start, min(start + range_bytes, size)


def _form(file: StoredFile) -> Literal["pieces", "lines", "document"]:
    """`pieces`: lines that begin where they stand in the file."""
    try:
        with opened(file.path, _BUFFER) as stream:
            text = unpacked(stream)
            packed = text is not stream
            named = bool(files.LINES.search(file.name))
            in_lines = named and files.begins_with_lines(text)
        if not in_lines and _is_document(file, named):
            return "document"
        return "lines" if packed else "pieces"
    except DAMAGED as problem:
        if isinstance(problem, OSError) and problem.errno:
            raise
        return "lines"  # damaged: what comes before is read


def _is_document(file: StoredFile, named_lines: bool) -> bool:
    """Whether it is one JSON text, be it in one line; unless the first line is, all is asked."""
    with opened(file.path, _BUFFER) as stream:
        text = unpacked(stream)
        first = b""
        for first in text:
            if first.strip():
                break
        if _is_json(first):
            return not text.read(_BUFFER).strip()
        rest = first + text.read()
    return _is_json(rest) or not (named_lines or files.looks_like_lines(first))


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(decode(text), dict | list)
    except NotJson:
        return False


class Block(NamedTuple):
    """Lines that follow one another, where the first begins and the last ends."""

    start: int
    lines: list[bytes]
    end: int


def blocks(range_: Range) -> Iterator[Block]:
    """The lines that begin in the range, many at a time; DAMAGED may come on the way, after all
    that was whole."""
    with opened(range_.path, _AHEAD) as stream:
        if range_.form == "document":
            data = unpacked(stream).read()
            yield Block(0, [data], len(data))
        elif range_.is_whole:
            yield from _blocks(unpacked(stream))
        else:
            if range_.start:
                stream.seek(range_.start - 1)
                stream.readline((range_.end or 0) - range_.start + 1)
            yield from _blocks_until(stream, range_.end or 0)


def _blocks(text: Iterable[bytes]) -> Iterator[Block]:
    lines: list[bytes] = []
    start = end = 0
    try:
        for line in text:
            lines.append(line)
            end += len(line)
            if end - start >= _BUFFER:
                yield Block(start, lines, end)
                start, lines = end, []
    except DAMAGED:
        yield Block(start, lines, end)
        raise
    yield Block(start, lines, end)


def _blocks_until(stream: BinaryIO, end: int) -> Iterator[Block]:
    """Lines that begin before this place."""
    place = stream.tell()
    while place < end and (text := stream.read(min(end - place, _BUFFER))):
        lines = BytesIO(text).readlines()
        if not text.endswith(b"\n"):
            lines[-1] += stream.readline()
        yield Block(place, lines, stream.tell())
        place = stream.tell()


def lines_at(range_: Range, index: Index, numbers: list[int]) -> Iterator[bytes]:
    """The lines of these numbers, which are in order; of a file that was cut meanwhile those that
    are left."""
    if range_.is_whole:
        yield from _lines_of_whole(range_, set(numbers))
        return
    with opened(range_.path, _AHEAD) as stream:
        for block, wanted in index.blocks_with(numbers):
            stream.seek(block.place)
            lines = BytesIO(stream.read(block.bytes)).readlines()
            yield from (lines[number] for number in wanted if number < len(lines))


def _lines_of_whole(range_: Range, wanted: set[int]) -> Iterator[bytes]:
    first, last = 0, max(wanted, default=-1)
    try:
        for block in blocks(range_):
            yield from compress(block.lines, map(wanted.__contains__, count(first)))
            first += len(block.lines)
            if first > last:
                return
    except DAMAGED:
        return  # named by the survey
