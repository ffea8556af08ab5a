"""Results written as text: "LT 5 ng/mL", "30-50 ng/mL (L)", and words that say there is none.

Held by tests/unit/test_lab_texts.py.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache, lru_cache
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.values import words

_NUMBER = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_FORM = re.compile(
    rf"(?P<comparator>[<>]=?|[≤≥])?\s*(?P<low>{_NUMBER})(?![\d.,])"
    rf"(?:\s*(?:-|–|to)\s*(?P<high>{_NUMBER})(?![\d.,]))?\s*(?P<unit>[^\d\s.,–-].*)?"
)
_SIGNS = {"≤": "<=", "≥": ">="}
# A remark with a number of its own may be another result: "42 ng/mL (was 24)".
_REMARK_WITH_NUMBER = re.compile(r"[(\[][^()\[\]]*\d[^()\[\]]*[)\]]\s*$")
# But for the range that is normal: "42 ng/mL [11-307]", "42 ng/mL (ref 11-307 ng/mL)".
_NORMAL_RANGE = re.compile(
    r"(?<=[\w%])\s*[(\[]\s*(?:(?:normal|ref(?:erence)?|range|nl)\.?:?\s+)*"
    r"\d[\d.]*\s*[-–]\s*\d[\d.]*\s*[a-zµ%/]*\s*[)\]]\s*$",
    re.IGNORECASE,
)


class Written(Struct, frozen=True):
    """The parts of a result written as text; `high` only of a range."""

    low: Decimal
    high: Decimal | None
    comparator: str | None
    unit: str
    has_comma: bool


@lru_cache(maxsize=2048)
def parts(text: str) -> Written | None:
    """Comparator, number or range, unit, mark, and nothing else; None for any other text."""
    text = _NORMAL_RANGE.sub("", text.strip())
    found = _FORM.fullmatch(_signed(_unmarked(text)))
    if not found or (found["comparator"] and found["high"]):
        return None
    if _REMARK_WITH_NUMBER.search(text) or says_none(text):
        return None
    low, high, sign = found["low"], found["high"], found["comparator"]
    return Written(
        _number(low),
        _number(high) if high else None,
        _SIGNS.get(sign, sign),
        found["unit"] or "",
        "," in f"{low}{high}",
    )


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def says_none(text: str) -> bool:
    """Whether it says that there is no result (pending, hemolyzed, see comment), or points
    elsewhere and names no number."""
    table = codes.labs().words
    said = words.plain(text)
    return any(words.plain(word) in said for word in table.no_result) or (
        not re.search(r"\d", text) and any(words.plain(word) in said for word in table.elsewhere)
    )


def takes_back(note: str) -> bool:
    """Whether a note says that a result is none of this patient's, or of no use."""
    return words.first_of(note, codes.labs().words.taken_back) is not None


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """A mark before the result, one behind it, one in brackets within it, and a comparator in
    words."""
    table = codes.labs().words
    flag = _any_of(table.flags)
    signs = _any_of(chain.from_iterable(table.comparators.values()))
    return (
        re.compile(rf"^(?:(?:{flag})\s+(?=\S)|[(\[](?:{flag})[)\]]\s*|\*+\s*)", re.IGNORECASE),
        re.compile(
            rf"(?:[,;]?\s+(?:[-–]\s+)?(?:{flag})|\s*[(\[](?:{flag})[)\]]|\s*\*+)$", re.IGNORECASE
        ),
        re.compile(rf"(?<=\d)\s*[(\[](?:{flag})[)\]]\s*(?=\S)", re.IGNORECASE),
        re.compile(rf"^({signs})\b\.?\s*(?=\d)", re.IGNORECASE),
    )


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _unmarked(text: str) -> str:
    before, behind, within, _ = _patterns()
    return within.sub(" ", before.sub("", behind.sub("", text)))


def _signed(text: str) -> str:
    """With a comparator in words as its sign."""
    found = _patterns()[-1].match(text)
    if not found:
        return text
    said = found[1].lower()
    comparators = codes.labs().words.comparators.items()
    sign = next(sign for sign, names in comparators if said in names)
    return f"{sign}{text[found.end() :]}"
