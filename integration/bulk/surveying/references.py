"""What gathered charts refer to, and what they are called: numbers by type, as in `names`.

Held by tests/unit/test_bulk_survey.py.
"""

import os
import re
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from integration.bulk.surveying import names
from integration.bulk.surveying.names import Forms
from integration.bulk.surveying.usual import UNREADABLE
from mappings.reading import NotJson, of_line
from mappings.reading.bundles.heads import OPENED, Other, is_plain

# Bytes that are in no text, for escapes of what could be taken for the end of a string, or of an
# escape; the backslash comes first.
_ESCAPES = {rb"\\": b"\xfe", rb"\"": b"\xff"}
# Where a slash may be escaped by its number.
_HIDDEN = rb"\u002"
_WITH_SLASH = re.compile(rb'"([^"]*/[^"]*)"')
_others = msgspec.json.Decoder(Other)


def named_in(files: Iterable[Path], forms: Forms) -> dict[str, set[int]]:
    """All that charts refer to, as far as that can lead anywhere, and what they are called."""
    found = _Named(forms)
    for path in files:
        with path.open("rb") as stream:
            found.take(stream.readlines())
    return found.all()


class _Named:
    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._numbers: dict[str, set[int]] = {kind: set() for kind in names.KINDS}
        self._strings: set[bytes] = set()

    def all(self) -> dict[str, set[int]]:
        self._add(names.of_texts(map(_said, self._strings), self._forms))
        return self._numbers

    def take(self, lines: list[bytes]) -> None:
        if self._take_alike(lines):
            return
        for line in lines:
            if not self._take_alike([line]):
                self._add(_named(line))

    def _take_alike(self, lines: list[bytes]) -> bool:
        """Lines that hold one resource each, in text that every decoding reads alike."""
        text, heads = _marked(b"".join(lines)), _heads(lines)
        if text is None or heads is None:
            return False
        by_kind: dict[str, list[str]] = {}
        for head in heads:
            by_kind.setdefault(head.kind, []).append(head.id or "")
        for kind in by_kind.keys() & self._numbers.keys():
            self._numbers[kind].update(names.keys(kind, by_kind[kind]))
        # Without types, also what stands between two strings.
        found = text.split(b'"') if "" in self._forms.kinds else _WITH_SLASH.findall(text)
        self._strings.update(found)
        return True

    def _add(self, more: Iterable[tuple[str, int]]) -> None:
        for kind, number in more:
            if kind in self._numbers:
                self._numbers[kind].add(number)


def _named(line: bytes) -> Iterator[tuple[str, int]]:
    said = of_line(line)
    return iter(()) if isinstance(said, NotJson) else names.named(said)


def _heads(lines: list[bytes]) -> list[Other] | None:
    try:
        found = list(map(_others.decode, lines))
    except UNREADABLE:
        return None
    return found if all(head.id and head.kind not in OPENED for head in found) else None


def _marked(text: bytes) -> bytes | None:
    """So that a quote is where a string begins or ends, and each slash is one; None where it takes
    a decoder to tell."""
    if not is_plain(text):
        return None
    if b"\\" in text:
        for escape, mark in _ESCAPES.items():
            text = text.replace(escape, mark)
    return None if _HIDDEN in text else text


def _said(text: bytes) -> bytes:
    """What the string of a line says."""
    if b"\\" not in text:
        return text.replace(b"\xfe", b"\\").replace(b"\xff", b'"')
    for escape, mark in _ESCAPES.items():
        text = text.replace(mark, escape)
    return msgspec.json.decode(b'"' + text + b'"', type=str).encode()


def write_numbers(found: Mapping[str, Collection[int]], path: Path) -> None:
    with path.open("wb") as stream:
        array("I", (len(found.get(kind, ())) for kind in names.KINDS)).tofile(stream)
        for kind in names.KINDS:
            array("I", found.get(kind, ())).tofile(stream)


def numbers_at(path: Path, kind: str) -> array:
    """Those of a type."""
    counts, found = array("I"), array("I")
    with path.open("rb") as stream:
        counts.fromfile(stream, len(names.KINDS))
        before = sum(counts[: names.code(kind)])
        stream.seek(before * found.itemsize, os.SEEK_CUR)
        found.fromfile(stream, counts[names.code(kind)])
    return found


def holds_numbers(path: Path) -> bool:
    return path.stat().st_size > len(names.KINDS) * array("I").itemsize
