"""What notes say of discarded drug: unambiguous phrases only (R12); a plan, a doubt or another
fluid is left alone."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from msgspec import Struct

from mappings import codes
from mappings.record import Amount
from mappings.values import words

_NUMBER = r"(?<![\d.,/<>≤≥~-])(?P<value>\d{1,4}(?:\.\d+)?)(?![\d,]|\.\d)"
_UNIT = r"\s*(?P<unit>mg|milligrams?|mcg|[uµμ]g|g|grams?|ml|cc|milliliters?)\b"
# 50 mg x 2 is 100 mg, and 20 mg/mL is a strength.
_TIMES = r"[\s(),]*(?:(?:[x×*]|times)\s*\d|\d+\s*(?:x|times|vials?)\b)"
_AMOUNT = rf"{_NUMBER}{_UNIT}(?!{_TIMES}|\s*/\s*[a-z])"
_MORE = re.compile(rf"\s*(?:and|plus|or|to|then|[+&])\s*{_AMOUNT}", re.IGNORECASE)
# What makes the amount after it the whole, one of several, or a summand: "50 mg of 200 mg", "2 x 25
# mg", "50 mg and 25 mg".
_SHARED = re.compile(
    r"(?:\d\s*[a-zµμ]+[\s()]*(?:(?:out\s+)?(?:of|from)(?:\s+(?:the|a|total))*|and|or|plus|to|[+&])|\d\s*[x×*])\s*$",
    re.IGNORECASE,
)
# Words about the drug itself that may stand between an amount and what became of it.
_FILLERS = frozenset(
    {
        "a",
        "the",
        "this",
        "total",
        "amount",
        "of",
        "was",
        "were",
        "is",
        "it",
        "drug",
        "med",
        "medication",
        "solution",
        "dose",
        "vial",
    }
    | {"remaining", "remainder", "rest", "residual", "unused", "leftover", "left"}
)
# What may follow a phrase and leave its meaning: who, why, when, where. Any other word may be
# another drug, or name a form or a witness.
_ORDINAL = "(?:first|second|third|opened)"
_THIS = (
    "(?:(?:at|for|from|in|with) )?this"
    " (?:administration|dose|infusion|patient|time|treatment|vial|visit)"
)
_LEAVING = rf"and|because|due|jw|jz|per|rn|since|today|w|witnessed by|{_THIS}|{_ORDINAL}"
_LEAVING_AMOUNT = (
    rf"{_LEAVING}|after|as|at|by|cosigned|during|from|in|into|on|plus|to|upon|when|while|with"
    r"|witness|witnessed"
)
_LEAVING_NOTHING = rf"{_LEAVING}|generated|occurred|produced"
# "Discard 50 mg" and "waste 50 mg" may be instructions: they count as "waste: 50 mg" and "waste of
# 50 mg" only.
_DONE, _NOUN = "(?:wasted|discarded)", "(?:waste|wastage|discard|amount wasted|amount discarded)"
_HEDGED = re.compile(
    r"\b(?:if|may|might|will|would|should|could|can|must|please|approx(?:imately)?|about|around|almost|nearly|estimated"
    r"|(?:less|more) than|at (?:least|most)|up to|plan(?:ned)?|expect(?:ed)?|to"
    r" be|unless|unknown|unclear|possibl[ey]|not|never|without"
    r"|ensure|verify|avoid|prevent|unable|twice|both|every"
    r"|per (?:vial|dose|kg|hour)|each|another|yesterday|previous(?:ly)?|prior"
    r"|last (?:dose|visit|time|week|infusion))\b|n't\b|[~?≈<>≤≥]",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[;\n]|\.(?=\s|$)|,\s(?=[^\dxX×])")


class _Phrases(Struct, frozen=True):
    """Nothing wasted; an amount before its verb; an amount after it. `ends`: what may follow an
    amount."""

    nothing: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    ends: re.Pattern[str]


@cache
def _phrases() -> _Phrases:
    named = {
        word
        for row in codes.products().families
        for name in row.names
        for word in words.plain(name).split()
    }
    any_own = "|".join(sorted(_FILLERS | named))
    own = rf"(?:\s+(?:{any_own}))*"
    nothing = (
        rf"\b(?:(?:no|zero)(?:\s+(?:mg|ml))?{own}\s+(?:waste|wastage|discard|{_DONE}(?:\s+amount)?)"
        rf"|(?:none|nothing)\s+(?:was\s+)?{_DONE}|(?:{_NOUN}|{_DONE})\s*[:=]\s*(?:none|nil|zero))\b"
    )
    before = rf"{_AMOUNT}\)?{own}\s+(?:{_DONE}|waste|wastage|discard)\b"
    after = (
        rf"\b(?:{_DONE}(?!\s+of\b){own}\s*[:=]?|(?<!no )(?<!zero"
        rf" ){_NOUN}(?:\s+amount)?\s*(?:[:=]|\s(?:of|was|is)\b)|wastage)\s*{_AMOUNT}"
    )

    def ends(leaving: str) -> str:
        mark = r"[^\s\w():=?×*-]|[-–]\s"
        own = rf"(?:[\s()]+(?:{any_own}|iv)\b)*(?!{_TIMES})[\s()]*"
        return rf"{own}(?:$|{mark}|(?<=[\s()])(?:\d|(?:{leaving})\b))"

    texts = (nothing + ends(_LEAVING_NOTHING), before, after, ends(_LEAVING_AMOUNT))
    return _Phrases(*(re.compile(text, re.IGNORECASE) for text in texts))


def discarded(note: str) -> Iterator[Amount]:
    """Each amount that the note says was discarded, in its own unit; zero for "no waste". Two
    readings of one phrase are both given."""
    table = codes.products()
    # The first mL of a blood draw are wasted, too.
    drawn = table.line_draws.named_in(note)
    for sentence in _SENTENCE.split(note):
        if _HEDGED.search(sentence) or table.beside_iron.named_in(sentence):
            continue
        yield from (found for found in _read(sentence) if not (drawn and found.unit == "mL"))


def _read(sentence: str) -> Iterator[Amount]:
    phrases = _phrases()
    if phrases.nothing.search(sentence):
        yield Amount(Decimal(0), "mg", None, sentence.strip())
    for phrase in (phrases.before, phrases.after):
        for found in phrase.finditer(sentence):
            if phrases.ends.match(sentence, found.end()) and not _SHARED.search(
                sentence[: found.start()]
            ):
                more = _MORE.match(sentence, found.end())
                added = more if more and phrases.ends.match(sentence, more.end()) else None
                yield from (_amount(match) for match in (found, added) if match)


def _amount(match: re.Match[str]) -> Amount:
    return Amount(
        Decimal(match["value"]), codes.units().texts[match["unit"].lower()], None, match[0].strip()
    )
