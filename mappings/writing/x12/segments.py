"""X12 segments: free text in X12's own characters, elements that cannot break out of their
place.

Held by tests/unit/test_envelopes.py.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

# The delimiters that we declare in ISA: element, component (ISA16), segment, repetition (ISA11).
ELEMENT, COMPONENT, TERMINATOR, REPETITION = "*", ":", "~", "^"
_BREAKING = re.compile(r"[*:~^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CARRIED = re.compile(r"[A-Z0-9 !\"&'()+,\-./;?=%@\[\]_{}\\|<>#$]*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 \-./_#+]{1,49}")
# Letters that Unicode does not take apart.
_LETTERS = str.maketrans({
    "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe",
    "Œ": "OE", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "’": "'",
    "‘": "'", "`": "'", "´": "'", "–": "-", "—": "-",
})  # fmt: skip

Segment = tuple[str, ...]
Part = str | int | Decimal | Sequence[str | int] | None


def text(value: str, most: int) -> str:
    """Free text in capitals, at most so long; empty where letters would be lost (a name in another
    script)."""
    apart = unicodedata.normalize("NFKD", value.translate(_LETTERS))
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter)).upper()
    plain = " ".join(_BREAKING.sub(" ", plain).split())
    return plain[:most].strip() if _CARRIED.fullmatch(plain) else ""


def carried(identifier: str | None) -> str:
    """An identifier as it is, since changing it would make it another's; empty where X12 can't
    carry it."""
    value = (identifier or "").strip()
    return value if _IDENTIFIER.fullmatch(value) else ""


def segment(identity: str, *elements: Part) -> Segment:
    """A segment without its trailing empty elements. A sequence is a composite. No element can hold
    a delimiter."""
    written = [identity, *(_element(part) for part in elements)]
    while len(written) > 1 and not written[-1]:
        written.pop()
    return tuple(written)


def _element(part: Part) -> str:
    if part is None:
        return ""
    if isinstance(part, Decimal):
        return number(part)
    if isinstance(part, str | int):
        return _BREAKING.sub(" ", str(part))
    return COMPONENT.join(_element(item) for item in part).rstrip(COMPONENT)


def number(value: Decimal) -> str:
    """X12's R: no exponent, no trailing zeros after the point."""
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def written(segments: Iterable[Segment]) -> str:
    """One segment a line."""
    return "".join(f"{ELEMENT.join(segment)}{TERMINATOR}\n" for segment in segments)


def parsed(file: str) -> list[Segment]:
    """The segments of a file in our delimiters."""
    return [
        tuple(segment.strip("\r\n").split(ELEMENT))
        for segment in file.split(TERMINATOR)
        if segment.strip()
    ]
