"""What notes say of discarded drug: unambiguous phrases only (R12); a plan, a doubt or another fluid is left alone."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from mappings import codes, words
from mappings.record import Amount

_NUMBER = r"(?<![\d.,/<>≤≥~-])(?P<value>\d{1,4}(?:\.\d+)?)(?![\d,]|\.\d)"
_UNIT = r"\s*(?P<unit>mg|milligrams?|mcg|[uµμ]g|g|grams?|ml|cc|milliliters?)\b"
# 50 mg x 2 is 100 mg, and 20 mg/mL is a strength.
_AMOUNT = rf"{_NUMBER}{_UNIT}(?!\s*(?:[x×*]|times)\s*\d|\s*/\s*[a-z])"
_MORE = re.compile(rf"\s*(?:and|plus|or|to|then|[+&])\s*{_AMOUNT}", re.IGNORECASE)
_OF_SOMETHING = re.compile(r"\)?\s+of\s+([a-z]+)", re.IGNORECASE)
# Words about the drug itself that may stand between an amount and what became of it.
_FILLERS = frozenset(
    {"a", "the", "this", "total", "amount", "of", "was", "were", "is", "it", "drug", "med", "medication", "solution", "dose", "vial"}
    | {"remaining", "remainder", "rest", "residual", "unused", "leftover", "left"}
)
# "Discard 50 mg" and "waste 50 mg" may be instructions: they count as "waste: 50 mg" and "waste of 50 mg" only.
_DONE, _NOUN = "(?:wasted|discarded)", "(?:waste|wastage|discard|amount wasted|amount discarded)"
_HEDGED = re.compile(
    r"\b(?:if|may|might|will|would|should|could|can|must|please|approx(?:imately)?|about|around|almost|nearly|estimated"
    r"|(?:less|more) than|at (?:least|most)|up to|plan(?:ned)?|expect(?:ed)?|to be|unless|unknown|unclear|possibl[ey]|not|never|without"
    r"|per (?:vial|dose|kg|hour)|each|another|yesterday|previous(?:ly)?|prior"
    r"|last (?:dose|visit|time|week|infusion))\b|n't\b|[~?≈<>≤≥]",
    re.IGNORECASE,
)
# "No waste documented" says that a record is missing.
_NO_RECORD = re.compile(r"\b(?:documentation|documented|document|record(?:ed)?|noted|charted|entered|container|bin)\b", re.IGNORECASE)
_OTHER_FLUID = re.compile(
    r"\b(?:saline|ns|nacl|flush|heparin|diluent|dextrose|d5w|water|blood|dialysate|lidocaine|epogen|epoetin|esa|aranesp|benadryl"
    r"|diphenhydramine|tylenol|acetaminophen|solu[- ]?medrol|methylprednisolone|hydrocortisone|dexamethasone|pepcid|famotidine|zofran"
    r"|ondansetron|fentanyl|morphine|hydromorphone|ketamine|midazolam|lorazepam)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[;\n]|\.(?=\s|$)|,\s(?=\D)")


@cache
def _own_words() -> frozenset[str]:
    """Fillers, and the words of the products' names."""
    names = (words.plain(name).split() for row in codes.products().families for name in row.names)
    return _FILLERS.union(*names)


@cache
def _phrases() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Nothing wasted; an amount before its verb; an amount after it."""
    own = rf"(?:\s+(?:{'|'.join(sorted(_own_words()))}))*"
    none = (
        rf"\b(?:no|zero)(?:\s+(?:mg|ml))?{own}\s+(?:waste|wastage|discard|{_DONE}(?:\s+amount)?)\b"
        rf"|\b(?:none|nothing)\s+(?:was\s+)?{_DONE}\b|\b(?:{_NOUN}|{_DONE})\s*[:=]\s*(?:none|nil|zero)\b"
    )
    before = rf"{_AMOUNT}\)?{own}\s+(?:{_DONE}|waste|wastage|discard)\b"
    after = rf"\b(?:{_DONE}{own}\s*[:=]?|{_NOUN}(?:\s+amount)?\s*(?:[:=]|\s(?:of|was|is)\b)|wastage)\s*{_AMOUNT}"
    return re.compile(none, re.IGNORECASE), re.compile(before, re.IGNORECASE), re.compile(after, re.IGNORECASE)


def discarded(note: str) -> Iterator[Amount]:
    """Each amount that the note says was discarded, in its own unit; zero for "no waste". Two readings of one phrase are both given."""
    none, *amounts = _phrases()
    for sentence in _SENTENCE.split(note):
        if _HEDGED.search(sentence) or _OTHER_FLUID.search(sentence):
            continue
        if none.search(sentence) and not _NO_RECORD.search(sentence):
            yield Amount(Decimal(0), "mg", None, sentence.strip())
        for phrase in amounts:
            for found in phrase.finditer(sentence):
                yield from _read(found, sentence)


def _read(found: re.Match[str], sentence: str) -> Iterator[Amount]:
    """The amount of a phrase, and what is added to it; nothing where it is an amount of something else."""
    of = _OF_SOMETHING.match(sentence, found.end())
    if of and of[1].lower() not in _own_words():
        return
    more = _MORE.match(sentence, found.end())
    for match in filter(None, (found, more)):
        yield Amount(Decimal(match["value"]), codes.units().texts[match["unit"].lower()], None, match[0].strip())
