"""What notes say of discarded drug: unambiguous phrases only (R12); a plan, a doubt or another
fluid is left alone.

Held by tests/scenarios/notes_on_waste.yaml.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache

from msgspec import Struct

from mappings import codes
from mappings.reading.drugs.texts import SENTENCE, cut, is_of_another_time
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
# A rule, a plan, a denial, or another dose.
_LEFT_ALONE = re.compile(
    r"\b(?:if|may|might|will|would|should|could|can|must|please|plan(?:ned)?|expect(?:ed)?|to be"
    r"|unless|ensure|verify|avoid|prevent|unable|not|never|without|yesterday|previous(?:ly)?|prior"
    r"|last (?:dose|visit|time|week|infusion))\b|n't\b|\?",
    re.IGNORECASE,
)
# A statement that does not say how much.
_UNSURE = re.compile(
    r"\b(?:approx(?:imately)?|about|around|almost|nearly|estimated|(?:less|more) than"
    r"|at (?:least|most)|up to|unknown|unclear|possibl[ey]|twice|both|every"
    r"|per (?:vial|dose|kg|hour)|each|another)\b|[~≈<>≤≥]",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"\b(?:no|none|nothing|zero|nil|n/a)\b", re.IGNORECASE)
# An instruction: "discard unused portion".
_TO_DISCARD = re.compile(
    r"\b(?:discard|dispose of|waste)\s+"
    r"(?:all|any|excess|leftover|remainder|remaining|rest|the|unused)\b",
    re.IGNORECASE,
)
# What is left when all of the drug was given.
_EMPTIES = (
    r"(?:\d+\s+)?empt(?:y|ied)\s+(?:\d+(?:\.\d+)?\s*(?:mg|ml|cc)\s+)?"
    r"(?:ampules?|bags?|containers?|syringes?|vials?)"
)
_ANY_AMOUNT = re.compile(
    r"(?<![\d.,/])(?!(?:1[4-9]|2[0-7]) ?g\b)(?:\d{1,4}(?:\.\d+)?|\.\d+)\s*(?:mg|mcg|g|ml|cc)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(rf"{SENTENCE.pattern}|,\s(?=[^\dxX×])")


def _any(texts: Iterable[str]) -> str:
    patterns = [r"\s+".join(text.split()) for text in sorted(texts, key=len, reverse=True)]
    return f"(?:{'|'.join(patterns)})"


class _Phrases(Struct, frozen=True):
    """Nothing wasted; an amount before its verb; an amount after it. `ends`: what may follow an
    amount."""

    nothing: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    ends: re.Pattern[str]


@cache
def _phrases() -> _Phrases:
    any_own = "|".join(sorted(_FILLERS | codes.products().name_words))
    own = rf"(?:\s+(?:{any_own}))*"
    done, noun = _any(codes.products().wasting.done), _any(codes.products().wasting.nouns)
    zero = r"(?:zero|0(?:\.0+)?(?:\s*(?:mg|ml|cc))?(?![.\d]))"
    nothing = (
        rf"\b(?:(?:no|zero)(?:\s+(?:mg|ml))?{own}\s+(?:waste|wastage|discard|{done}(?:\s+amount)?)"
        rf"|(?:none|nothing)\s+(?:was\s+)?{done}|(?:{noun}|{done})\s*[:=]\s*(?:none|nil|n/a|{zero})"
        rf"|(?:{noun}|{done})\s+{zero}|(?<![.\d/]){zero}{own}\s+(?:waste|wastage|discard|{done}))\b"
    )
    before = rf"{_AMOUNT}\)?{own}\s+(?:{done}|waste|wastage|discard)\b"
    after = (
        rf"\b(?:{done}(?!\s+of\b){own}\s*[:=]?|(?<!no )(?<!zero"
        rf" ){noun}(?:\s+amount)?\s*(?:[:=]|\s(?:of|was|is)\b)|wastage)\s*{_AMOUNT}"
    )

    def ends(leaving: str, never: str = "") -> str:
        mark = r"[^\s\w():=?×*-]|[-–]\s"
        after = rf"(?:$|{mark}|(?<=[\s()])(?:\d|(?:{leaving})\b))"
        return rf"(?:[\s()]+(?:{any_own}|iv)\b)*{never}[\s()]*{after}"

    several = rf"(?!{_TIMES})"
    texts = (nothing + ends(_LEAVING_NOTHING), before, after, ends(_LEAVING_AMOUNT, several))
    return _Phrases(*(re.compile(text, re.IGNORECASE) for text in texts))


def discarded(note: str, family: str | None = None) -> Iterator[Amount]:
    """Each amount that the note says was discarded, in its own unit; zero for "no waste". Two
    readings of one phrase are both given. `family`: of the dose; a note that names another iron
    says nothing of it."""
    for sentence in _sentences(note):
        if not _UNSURE.search(sentence):
            for found in _of_this_drug(note, sentence):
                yield _of_another_iron(found) if _is_of_another(note, sentence, family) else found


def is_own_waste(text: str, dose: Amount) -> bool:
    """Whether a text says nothing but that as much as the dose was discarded."""
    if len(_ANY_AMOUNT.findall(text)) != 1 or codes.giving().methods.named_in(text):
        return False
    return any((one.value, one.unit) == (dose.value, dose.unit) for one in discarded(text))


def not_read(note: str) -> Iterator[Amount]:
    """What the note says of an amount discarded in words that are not read."""
    table = codes.products().wasting
    for sentence in _sentences(note):
        said = words.plain(sentence).split()
        speaks = any(word.startswith(table.words) for word in said)
        if not speaks or _NOTHING.search(sentence) or not _amounts(note, sentence):
            continue
        if _UNSURE.search(sentence) or not list(_read(sentence)):
            quoted = cut(sentence)
            yield Amount(problem=f'in words that are not read ("{quoted}")', says=quoted)


def only_amount(said: str) -> Amount | None:
    """The amount of words that may record a waste, name no other, and leave no doubt of it."""
    found = list(re.finditer(_AMOUNT, said, re.IGNORECASE))
    several = len(found) != 1 or len(_ANY_AMOUNT.findall(said)) != 1
    unsure = _UNSURE.search(said) or "waste" not in words.plain(said).split()
    return None if several or unsure else _amount(found[0])


def unmeasured(note: str) -> Iterator[Amount]:
    """What the note says was discarded without saying how much: "wasted the remainder"."""
    table, beside = codes.products().wasting, False
    for sentence in _split(_TO_DISCARD.sub("", note)):
        beside = _is_of_drug_beside(sentence, beside)
        wasted = words.first_of(sentence, (*table.done, *table.nouns))
        left = words.first_of(sentence, table.left) and not words.first_of(sentence, table.supplies)
        if wasted and left and not (beside or _measured(sentence) or _is_left_alone(sentence)):
            yield _without_amount(sentence)


def lost(note: str) -> Iterator[Amount]:
    """What the note says of a vial that was opened for nothing: "vial broke, used another"."""
    for sentence in _sentences(note):
        if words.first_of(sentence, codes.products().wasting.lost) and not _measured(sentence):
            yield _without_amount(sentence)


def _without_amount(sentence: str) -> Amount:
    quoted = cut(sentence)
    return Amount(problem=f'without its amount ("{quoted}")', says=quoted)


def _measured(sentence: str) -> bool:
    return bool(_NOTHING.search(sentence) or _ANY_AMOUNT.search(sentence))


def _amounts(note: str, sentence: str) -> list[str]:
    """The amounts of a sentence that may be of the drug: of a blood draw those in mL are not."""
    found = _ANY_AMOUNT.findall(sentence)
    drawn = codes.products().line_draws.named_in(note)
    return [amount for amount in found if not (drawn and amount.lower().endswith(("ml", "cc")))]


def _is_of_drug_beside(sentence: str, before: bool) -> bool:
    """Whether the drug that was named last is none of the iron: "Benadryl 25 mg given, remainder of
    vial discarded"."""
    if irons_named(sentence) or words.first_of(sentence, ("iron",)):
        return False
    return before or words.first_of(sentence, codes.products().drugs_beside_iron) is not None


def repeats(said: str, amount: Amount) -> bool:
    """Whether words name an amount that is known."""
    named = (match for match in re.finditer(rf"{_NUMBER}{_UNIT}", said, re.IGNORECASE))
    return any(
        Decimal(match["value"]) == amount.value
        and codes.units().texts[match["unit"].lower()] == amount.unit
        for match in named
    )


def _sentences(note: str) -> Iterator[str]:
    """Those that may say what became of this drug."""
    yield from (sentence for sentence in _split(note) if not _is_left_alone(sentence))


def _split(note: str) -> list[str]:
    return _SENTENCE.split(_thrown_away().sub("; ", note))


@cache
def _thrown_away() -> re.Pattern[str]:
    """What was, beside the drug: "needle discarded in sharps", "2 empty 100 mg vials discarded"."""
    table = codes.products().wasting
    things = rf"(?:{_EMPTIES}|{_any((*table.supplies, 'vials in sharps'))})"
    done = _any(table.done)
    return re.compile(
        rf"(?<!and )\b(?:{things}\s+(?:was\s+|were\s+)?{done}|{done}\s+{things})\b", re.IGNORECASE
    )


def _is_left_alone(sentence: str) -> bool:
    beside = codes.products().beside_iron.named_in(sentence)
    return beside or _LEFT_ALONE.search(sentence) is not None


def _of_this_drug(note: str, sentence: str) -> Iterator[Amount]:
    """The first mL of a blood draw are wasted, too."""
    drawn = codes.products().line_draws.named_in(note)
    yield from (found for found in _read(sentence) if not (drawn and found.unit == "mL"))


def _is_of_another(note: str, sentence: str, family: str | None) -> bool:
    """Whether the sentence, or where it names none the note, names another iron than the dose's."""
    if family is None:
        return False
    named = irons_named(sentence) or _irons_given(note)
    return bool(named) and family not in named


@codes.remembered
def _irons_given(note: str) -> set[str]:
    return irons_named(" ".join(filter(_is_of_giving, SENTENCE.split(note))))


def _is_of_giving(sentence: str) -> bool:
    """Whether it may say what was given: "Feraheme intolerance noted" does not."""
    return codes.giving().methods.named_in(sentence) and not is_of_another_time(sentence)


def is_of_another_iron(text: str, family: str | None) -> bool:
    """Whether a text names irons, and not that of the dose."""
    named = irons_named(text)
    return bool(named) and family not in named


def irons_named(text: str) -> set[str]:
    """The families of irons whose names stand in a text."""
    rows = (row for row in codes.products().families if not row.vague)
    return {row.family for row in rows if words.first_of(text, row.names)}


def _of_another_iron(found: Amount) -> Amount:
    problem = f'in a note that names another iron ("{found.says}")'
    return Amount(problem=problem, says=found.says, contradicted=True)


def _read(sentence: str) -> Iterator[Amount]:
    phrases, amounts = _phrases(), list(_measures(sentence))
    if phrases.nothing.search(sentence) and all(amount.value for amount in amounts):
        yield Amount(Decimal(0), "mg", None, sentence.strip())
    yield from amounts


def _measures(sentence: str) -> Iterator[Amount]:
    phrases = _phrases()
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
