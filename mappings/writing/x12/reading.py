"""Any X12 file as segments: its own delimiters, with line breaks, without, or with several
interchanges.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from mappings.writing.x12.segments import COMPONENT, Segment

# Widths of ISA01 to ISA16 (X12.5): the one segment of fixed length.
ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
_ISA_ELEMENTS = 16
_CHUNK = 1 << 16
_LONGEST_SEGMENT = 1 << 20
# A component separator that is another's plain text in ours, and the other way round.
_HIDDEN = "\x1f"
_SPACES = " \t\r\n\ufeff\x00\x1a"


class NotX12(ValueError):
    """The file is none that can be read as X12; the message is the sentence for a person."""


Numbered = tuple[int, Segment]


def segments(stream: BinaryIO) -> Iterator[Numbered]:
    """Each segment with its number from 1, its composites apart by `:` whatever the file has.

    Raises `NotX12` where the file is empty, foreign or broken in its first segment.
    """
    text = _Text(stream)
    number = 0
    if not text.skip_blank():
        raise NotX12("the file is empty")
    while text.skip_blank():
        element, component, terminator, header = _interchange(text, first=not number)
        number += 1
        yield number, header
        while text.skip_blank() and not text.at_interchange(element):
            raw = text.until(terminator)
            number += 1
            yield number, _parted(raw, element, component)


def _interchange(text: "_Text", *, first: bool) -> tuple[str, str, str, Segment]:
    head = text.peek(400)
    if not head.startswith("ISA"):
        where = "the file begins" if first else "what follows an interchange begins"
        raise NotX12(f"{where} with {_shown(head)}, not with ISA: it is not an X12 file")
    element = head[3:4]
    parts = head.split(element, _ISA_ELEMENTS) if element else []
    if len(parts) <= _ISA_ELEMENTS or len(parts[-1]) < 2:
        raise NotX12("the file ends within its first segment (ISA)")
    component, terminator = parts[-1][0], parts[-1][1]
    if terminator in "\r\n" or not terminator.isprintable():
        terminator = parts[-1][1]
    if len({element, component, terminator}) != 3 or element.isalnum():
        raise NotX12("the first segment (ISA) does not declare its delimiters")
    header = (*parts[:-1], component)
    text.drop(len(element.join(parts[:-1])) + 3)
    return element, component, terminator, header


def _parted(raw: str, element: str, component: str) -> Segment:
    if component != COMPONENT:
        raw = raw.replace(COMPONENT, _HIDDEN).replace(component, COMPONENT)
    return tuple(raw.split(element))


def _shown(text: str) -> str:
    """Enough to tell what it is, and nobody's data."""
    kinds = {"<": "markup", "{": "JSON", "%PDF": "PDF", "PK": "a zip archive", "UNA": "EDIFACT"}
    kinds |= {"UNB": "EDIFACT", "GS": "GS", "ST": "ST"}
    return next((kind for start, kind in kinds.items() if text.startswith(start)), "other text")


class _Text:
    """A stream of bytes as text, a piece at a time. What is no UTF-8 is read as Latin-1."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._kept, self._at, self._ended = stream, "", 0, False

    def skip_blank(self) -> bool:
        """Over white space; whether anything is left."""
        while True:
            while self._at < len(self._kept) and self._kept[self._at] in _SPACES:
                self._at += 1
            if self._at < len(self._kept):
                return True
            if not self._fill():
                return False

    def peek(self, size: int) -> str:
        while len(self._kept) - self._at < size and self._fill():
            pass
        return self._kept[self._at : self._at + size]

    def at_interchange(self, element: str) -> bool:
        return self.peek(4) == f"ISA{element}"

    def drop(self, size: int) -> None:
        self._at += size

    def until(self, terminator: str) -> str:
        """The next segment without line breaks around it; the rest where the file is cut."""
        while (end := self._kept.find(terminator, self._at)) < 0:
            if len(self._kept) - self._at > _LONGEST_SEGMENT:
                raise NotX12("a segment does not end within a million characters")
            if not self._fill():
                end = len(self._kept)
                break
        found = self._kept[self._at : end]
        self._at = end + 1
        return re.sub(r"[\r\n]+", "", found)

    def _fill(self) -> bool:
        if self._ended:
            return False
        data = self._stream.read(_CHUNK)
        # A letter of several bytes must not be cut at the end of a piece.
        while data and data[-1] >= 0x80 and (more := self._stream.read(1)):
            data += more
        self._ended = not data
        self._kept = self._kept[self._at :] + _decoded(data)
        self._at = 0
        return bool(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
