"""An element that stands twice in one object, and not with the same: JSON does not say which of
them counts, and a decoder takes the last.

Held by tests/unit/test_decoding.py.
"""

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

TWICE_SAID = (
    "has an element that stands twice with different content, so it was not used; correct it where"
    " the file is made"
)
_numbers: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_encode = msgspec.json.Encoder().encode
_NAME_ENDS, _QUOTE = b'":', rb"\u0022"
_NAME_ENDS_LATER = re.compile(rb'"\s+:')


class Twofold(dict[str, Any]):
    """An object that says two things of one element, at any depth."""


def told_apart(text: bytes, found: Any) -> Any:
    """FOUND, which was decoded from TEXT, with `Twofold` for each such object."""
    # As many names stand in the text as in what was made of it.
    is_kept = text.count(_NAME_ENDS) == _encode(found).count(_NAME_ENDS)
    # Unless they can't be counted: a quote is written as its number, or stands before a space.
    is_spaced = b'" ' in text or b'"\n' in text or b'"\r' in text or b'"\t' in text
    misleads = (b"\\" in text and _QUOTE in text) or (is_spaced and _NAME_ENDS_LATER.search(text))
    return found if is_kept and not misleads else _exactly(text)


def _exactly(text: bytes) -> Any:
    return json.loads(
        text.decode(), object_pairs_hook=_object, parse_float=_number, parse_int=_number
    )


def _number(digits: str) -> Any:
    return _numbers.decode(digits.encode())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    is_twice = len(found) < len(pairs) and any(found[name] != value for name, value in pairs)
    return Twofold(found) if is_twice or any(map(_holds_one, found.values())) else found


def _holds_one(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_one, value))
    return isinstance(value, Twofold)
