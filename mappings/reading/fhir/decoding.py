"""JSON text to dicts, with every decimal as it is written.

Text that no database, page or claim can hold (U+0000, half of a surrogate pair, bytes that are no
UTF-8) spoils the resource that it stands in, and nothing else: it is decoded as U+FFFD, and the
objects around it are `Damaged`.

Held by tests/unit/test_decoding.py.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import msgspec

from mappings.reading.fhir.twofold import told_apart

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
# A noncharacter: Unicode keeps it for use inside a process (23.7), so no chart has a reason to hold
# it.
_MARK = "\ufdd0"
_MARK_BYTES = _MARK.encode()
# What stands twice is asked of these alone.
_OF_DRUGS = b"Medication"
_NUL = rb"\u0000"
# Deeper than any resource that means something.
_SHALLOW = 100
_HOLDERS = (dict, list)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_TEXT = re.compile(f"[\0\ud800-\udfff{_MARK}]")
# Every escape, so that a backslash before it is not overlooked; the group: one that stands for no
# character.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))|\\.",
    re.DOTALL,
)
BROKEN_TEXT = (
    "holds a character that is not text (U+0000, half of a surrogate pair, a byte that is not"
    " UTF-8), so it was not used; correct it in the EHR, or write the file as UTF-8"
)


class NotJson(ValueError):
    """The text is not JSON; the message says where it breaks."""


class TooDeep(NotJson):
    """Nested more deeply than anything is that means something."""

    def __init__(self) -> None:
        super().__init__("nested too deeply")


class Damaged(dict[str, Any]):
    """An object that holds, at any depth, text that was broken."""


class Decoder(Protocol[T_co]):
    def decode(self, text: bytes, /) -> T_co: ...


def decode(text: bytes | str | msgspec.Raw) -> Any:
    """JSON to dicts, lists, str, int, Decimal, bool, None; NotJson otherwise."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    read, found = decode_with(_decoder, data)
    try:
        found = told_apart(read, found) if _OF_DRUGS in read else found
    except RecursionError:
        raise TooDeep from None
    return cleaned(found) if _MARK_BYTES in read else found


def decode_plain(text: bytes | msgspec.Raw) -> Any:
    """`decode` of text of which it is known that no character of it is broken; what stands twice in
    it is not told."""
    return _decoder.decode(text)


def decode_with(decoder: Decoder[T], data: bytes) -> tuple[bytes, T]:
    """The text as DECODER could read it, and what it says: U+FDD0 stands where text was broken."""
    try:
        text = _mended(data) if _NUL in data else data
        return text, decoder.decode(text)
    except RecursionError:
        raise TooDeep from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = _mended(data)
    try:
        return text, decoder.decode(text)
    except RecursionError:
        raise TooDeep from None
    except msgspec.DecodeError as problem:
        raise NotJson(str(problem).removeprefix("JSON is malformed: ")) from None


def _mended(data: bytes) -> bytes:
    """DATA with U+FDD0 for each escape and each byte that stands for no character."""
    whole = _ESCAPES.sub(lambda escape: _MARK_BYTES if escape[1] else escape[0], data)
    text = whole.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    return _SURROGATE.sub(_MARK, text).encode()


def is_text(text: str) -> bool:
    """Whether a database, a page and a claim can hold it."""
    return _NO_TEXT.search(text) is None


def cleaned(value: Any) -> Any:
    """VALUE with U+FFFD for what is no text, and `Damaged` around it. TooDeep where it is nested
    so."""
    if _is_whole(value):
        return value
    try:
        return _cleaned(value)[0]
    except RecursionError:
        raise TooDeep from None


def _is_whole(value: Any) -> bool:
    """Whether there is nothing to clean, as far as a quick look tells."""
    level = [value]
    for _ in range(_SHALLOW):
        level = [part for one in level for part in _inside(one) if isinstance(part, _HOLDERS)]
        if not level:
            return _is_written(value)
    return False


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_written(value: Any) -> bool:
    """Whether JSON can be written of it without a mark of what is no text."""
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return _NUL not in text and _MARK_BYTES not in text


def _cleaned(value: Any) -> tuple[Any, bool]:
    """With whether anything had to be replaced."""
    if isinstance(value, str):
        return (value, False) if is_text(value) else (_NO_TEXT.sub("\ufffd", value), True)
    if isinstance(value, list):
        items = [_cleaned(item) for item in value]
        return [item for item, _ in items], any(damaged for _, damaged in items)
    if not isinstance(value, dict):
        return value, False
    members = [(_cleaned(name), _cleaned(item)) for name, item in value.items()]
    found = type(value)({name: item for (name, _), (item, _) in members})
    damaged = any(name_damaged or item_damaged for (_, name_damaged), (_, item_damaged) in members)
    return (Damaged(found), True) if damaged else (found, False)


def lines(data: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any] | list[Any] | NotJson]]:
    """The resources of NDJSON lines (or lists of some) with their line numbers; a broken line as
    the problem, so that the others go on."""
    return ((number, of_line(line)) for number, line in enumerate(data, 1) if line.strip())


def of_line(line: bytes) -> dict[str, Any] | list[Any] | NotJson:
    """The resource of one line of NDJSON, or a list of some; else the problem."""
    try:
        resource = decode(line)
    except NotJson as problem:
        return problem
    return resource if isinstance(resource, dict | list) else NotJson("not a FHIR resource")
