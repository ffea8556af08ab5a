"""What words say of a dose of which not all was given: a share of it, what was left over or lost,
or an infusion that ended before its time and did not go on (R1).

Held by tests/scenarios/given_in_part.yaml.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.reading.drugs.texts import SENTENCE_OR_CRY, is_of_another_time
from mappings.values import words

_CLAUSE = re.compile(r",\s")
# What is read at once: nobody says it in more words, or longer ones.
_MOST_WORDS, _LONGEST_WORD = 50, 60
_TASK = re.compile(r"[:,()]|\s[-–]\s|\b(?:and|but|then|to)\b")
# How charts shorten what the patterns spell.
_SPELLED = (
    (re.compile(r"\bd/?c['’]?e?d\b"), "discontinued"),
    (re.compile(r"\b(?:d/t|r/t|s/t|2/2(?= [a-z])|2nd to)\b"), "due to"),
    (re.compile(r"½"), "half"),
    (re.compile(r"[⅓¼]"), "third"),
    (re.compile(r"[⅔¾]"), "two thirds"),
)
_ABOUT = r"(?:(?:about|approx(?:imately)?|around|nearly|only|roughly|just)\.? |~ ?)*"
_NUMBER = r"(?<![\d.])\d+(?:\.\d+)?"
_AMOUNT = rf"{_NUMBER} ?(?:mg|ml|cc)s?\b"
_SHARE = r"(?:(?:(?:one|two|three|a)[ -])?(?:half|thirds?|quarters?)\b|(?<![\d.])[1-9]\d ?%)"
# "Dose 1/2" is the first of two.
_FRACTION = r"(?<![\d/.])(?:1/2|1/3|2/3|1/4|3/4|0?\.(?:25|5|75)(?= of))(?![\d/])"
_ORDINAL = r"(?<!first )(?<!second )(?<!other )(?<!last )"
# What makes of a whole something else: its rate, its course, its place.
_WHOLE_ENDS = (
    r"(?!\w|[ -](?:rate|time|series|course|site|suite|center|clinic|room|chair|visit|nurse))"
)
_NO_SHARE = r"(?! ?(?:an? )?(?:hour|hr|min|way|liter|normal|strength|the rate|rate))"
_PART = (
    r"\b(?:rest|remainder|remaining|balance|unknown amount"
    rf"|(?:second|2nd|other) (?:bag|half|vial|{_AMOUNT}))\b"
    r"(?!.*\b(?:doses|infusions|series|sessions|treatments|visits)\b)"
)
_LEFT = r"(?:left|remain(?:ing|ed|s)|residual)"
_WAS = r"(?: (?:was|were|has been|had been|been|is|had to be|then|also))*"
# Of a reaction that did not happen, or is looked out for.
_NONE = (
    r"\b(?:no|not|without|denie[sd]|w/o|free|never|signs|s/s|aware|(?:monitor|observ|assess|watch"
    r"|educat|instruct)\w*)\b"
)
_OF = r"(?: of)?(?: (?:the|his|her|iv|iron|ordered|prescribed|planned|this|today's))* "


class _Patterns(Struct, frozen=True):
    """`outright`: whatever else a sentence names; `alone`: only where it names no other drug or
    fluid, and nothing that was wasted; `after_reaction`: across its clauses."""

    outright: tuple[re.Pattern[str], ...]
    alone: tuple[re.Pattern[str], ...]
    after_reaction: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    table = codes.products().interrupted
    own = _any(name for family in codes.products().families for name in family.names)
    infusion, whole = rf"(?:{_any(table.infusions)}|{own})", rf"(?:{_any(table.wholes)}|{own})"
    whole, ended, given = whole + _WHOLE_ENDS, _any(table.ended), _any(table.given)
    why = rf"(?:{_any(table.causes)}|{_any(table.early)})"
    of_more = (
        rf"(?P<part>{_NUMBER}) ?(?:ml|cc)s?(?: {given})? ?\(?(?:out )?of (?:the )?"
        rf"(?!(?P=part)\b){_NUMBER}(?: ?(?:ml|cc)s?)?\b"
    )
    until = rf"(?: {_any(table.early)}\b.*)?"
    outright = (
        rf"\b{_any(table.phrases)}\b",
        rf"(?:^|\(|\b{infusion}{_WAS} ){ended}\b.*?\b{why}\b",
        rf"\b{ended} (?:the )?(?:iron )?{infusion}\b.*?\b{why}\b",
        rf"\b{_any(table.asked)} (?:(?:the|this|his|her|iron) )*{infusion}\b{until}",
        rf"\bleft .*?\bbefore .*?\b{infusion}\b.*",
    )
    alone = (
        rf"{_ORDINAL}{_SHARE}{_OF}{whole}",
        rf"{_FRACTION}(?: of(?: the)? {whole}|(?: the)? bag\b|(?= dose{_WAS} {given}\b))",
        rf"\b(?:{given}|only) {_FRACTION} dose\b",
        rf"\b{given} {_ABOUT}{_SHARE}{_NO_SHARE}",
        rf"{_ORDINAL}{_SHARE}{_WAS} {given}\b",
        rf"\b{ended}(?: {infusion})? (?:at|with|after) {_ABOUT}(?:{_SHARE}|{_FRACTION}){_NO_SHARE}",
        rf"(?:{_AMOUNT}|{_SHARE}|{_FRACTION}) (?:was |were |still )?{_LEFT}\b",
        rf"(?:{_AMOUNT}|{_PART}).*? (?:not|never) (?:be )?{given}\b",
        rf"{_PART}(?: (?:of|the|dose|infusion|drug|bag))*{_WAS} {_any(table.withheld)}\b",
        rf"(?:{_AMOUNT}|\b(?:some|part|portion|amount)\b).*? {_any(table.lost)}\b",
        rf"\b{_any(table.lost)} {_ABOUT}{_AMOUNT}(?!(?: of)? (?:blood|ebl))",
        rf"(?<!no )\b{_any(table.in_part)} (?:{whole}|{given}\b)",
        rf"\b{whole}{_WAS} {_any(table.in_part)}\b",
        rf"\b{given}\W.*?{of_more}",
        rf"{of_more}.*?\b{given}\b",
        rf"(?=.*\b{given}\b.* of ){of_more}",
    )
    reaction, end = rf"\b{_any(table.reactions)}\b", rf"\b{infusion}{_WAS} {ended}\b"
    after_reaction = rf"^(?!.*{_NONE}).*?(?:{reaction}.*?{end}|{end}.*?{reaction})"
    return _Patterns(
        tuple(map(re.compile, outright)), tuple(map(re.compile, alone)), re.compile(after_reaction)
    )


def _any(texts: Iterable[str]) -> str:
    """Any of them, whatever stands between their words."""
    longest_first = sorted(set(texts), key=lambda text: (-len(text), text))
    patterns = [r"\W+".join(text.split()) for text in longest_first]
    return f"(?:{'|'.join(patterns)})"


@codes.remembered
def is_in_part(text: str) -> bool:
    """Whether a text says that not all of the dose was given, and not that it went on."""
    said = text.lower().replace("|", ";")
    for pattern, spelled in _SPELLED:
        said = pattern.sub(spelled, said)
    sentences = [" ".join(sentence.split()) for sentence in SENTENCE_OR_CRY.split(said)]
    rest = list(map(_without_what_is_in_part, sentences))
    return any("|" in sentence for sentence in rest) and not any(map(_went_on, rest))


def _without_what_is_in_part(sentence: str) -> str:
    """The sentence without the words that say so."""
    if not is_of_another_time(sentence) and len(sentence) <= _MOST_WORDS * _LONGEST_WORD:
        sentence = _patterns().after_reaction.sub("|", sentence)
    patterns = tuple(_applied(sentence))
    clauses = chain.from_iterable(map(_pieces, _CLAUSE.split(sentence)))
    return ", ".join(_without(clause, patterns) for clause in clauses)


def _pieces(clause: str) -> Iterator[str]:
    said = [word[:_LONGEST_WORD] for word in clause.split()]
    for start in range(0, max(len(said), 1), _MOST_WORDS):
        yield " ".join(said[start : start + _MOST_WORDS])


def _without(clause: str, patterns: Iterable[re.Pattern[str]]) -> str:
    if is_of_another_time(clause) or words.first_of(clause, codes.products().oral_iron.names):
        return clause
    for pattern in patterns:
        clause = pattern.sub("|", clause)
    return clause


def _applied(sentence: str) -> Iterator[re.Pattern[str]]:
    table, patterns = codes.products(), _patterns()
    yield from patterns.outright
    wasted = any(word.startswith(table.wasting.words) for word in words.plain(sentence).split())
    if not (wasted or table.beside_iron.named_in(sentence)):
        yield from patterns.alone


def _went_on(sentence: str) -> bool:
    """Whether a clause says that the infusion did; a report that was completed does not."""
    table = codes.products().interrupted
    return any(
        words.first_of(clause, table.went_on) and not words.first_of(clause, table.other_tasks)
        for clause in _TASK.split(sentence)
    )
