"""What words say of a dose of which not all was given: a share of it, what was left over or lost,
or an infusion that ended before its time and did not go on (R1).

Held by tests/scenarios/given_in_part.yaml.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import chain, pairwise

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
    (re.compile(r"[⅓¼]"), "one third"),
    (re.compile(r"\brec['’]?d\b"), "received"),
    (re.compile(r"\b(could|did)n['’]?t\b"), r"\1 not"),
    (re.compile(r"[⅔¾]"), "two thirds"),
)
_ABOUT = r"(?:(?:about|approx(?:imately)?|around|nearly|only|roughly|just)\.? |~ ?)*"
_NUMBER = r"(?<![\d.])\d+(?:\.\d+)?"
_AMOUNT = rf"{_NUMBER} ?(?:mg|ml|cc)s?\b"
# A third alone is one of several doses.
_SHARE = (
    r"(?:(?:(?:one|two|three|a)[ -])?(?:half|quarters?)\b|(?:one|two|1|2|a)[ -]thirds?\b"
    r"|\bthirds? of (?=the|his|her|this|it)|(?<![\d.])[1-9]\d ?%)"
)
# "Dose 1/2" is the first of two.
_FRACTION = r"(?<![\d/.])(?:1/2|1/3|2/3|1/4|3/4|0?\.(?:25|5|75)(?= of))(?![\d/])"
_ORDINAL = r"(?<!first )(?<!second )(?<!other )(?<!last )(?<!1st )(?<!2nd )"
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
# What is left of a course is none of this dose.
_COURSE = re.compile(r"\b(?:course|series|cumulative|deficit|(?:to date|so far))\b")
# What may follow upon "stopped" where it is the infusion that was: when, why, by whom.
_ITSELF = (
    r"(?= ?(?:$|[^\w ]|\d|at (?=\W*(?:\d|about|approx|pt|patient))|(?:after|and|as|because|before"
    r"|by|due|earl(?:y|ier)|for|half ?way|immediately|in|incomplete|mid|mid ?way|not|on|part"
    r"|part ?way|patient|per|premature(?:ly)?|prior|pt|related|secondary|then|today|when|with)\b))"
)
_WAS = r"(?: (?:was|were|has been|had been|been|is|had to be|then|also))*"
# Of a reaction that did not happen, or is looked out for.
_NONE = (
    r"\b(?:no|not|without|denie[sd]|w/o|free|never|signs|s/s|aware|(?:monitor|observ|assess|watch"
    r"|educat|instruct)\w*)\b"
)
_OF = r"(?: of)?(?: (?:the|his|her|iv|iron|ordered|prescribed|planned|this|today's))* "


class _Patterns(Struct, frozen=True):
    """`outright`: whatever else a sentence names; `alone`: only where it names no other drug or
    fluid, and nothing that was wasted; `left`: where it speaks of no course, either;
    `after_reaction`: across its clauses, without what only looks like one."""

    outright: tuple[re.Pattern[str], ...]
    alone: tuple[re.Pattern[str], ...]
    left: re.Pattern[str]
    reaction: re.Pattern[str]
    after_reaction: re.Pattern[str]
    no_reaction: re.Pattern[str]
    begins_ended: re.Pattern[str]


class _Words(Struct, frozen=True):
    """What the patterns are made of: an `infusion`, a `whole` of one, that it `ended`, what was
    `given`, `why` it ended, and so much `of_more`."""

    infusion: str
    whole: str
    ended: str
    given: str
    why: str
    of_more: str


@cache
def _patterns() -> _Patterns:
    table, said = codes.products().interrupted, _words()
    reaction = rf"\b{_any(table.reactions)}\b"
    of_drug = rf"(?:{said.infusion}|(?<!oral )(?<!po )(?:iron|drug|med|medication))"
    end = (
        rf"(?:\b{of_drug}{_WAS} {said.ended}\b"
        rf"|\b{said.ended} (?:iron |the |this )*{said.infusion}\b"
        rf"|(?:,| [-–]) {said.ended}(?= ?(?:$|[,.:]|immediately\b)))"
    )
    after_reaction = rf"^(?!.*{_NONE}).*?(?:{reaction}.*?{end}|{end}.*?{reaction})"
    return _Patterns(
        outright=tuple(map(re.compile, _outright(said))),
        alone=tuple(map(re.compile, _alone(said))),
        left=re.compile(
            rf"(?!0+(?:\.0+)? )(?:{_AMOUNT}|{_SHARE}|{_FRACTION}) (?:was |were |still )?{_LEFT}\b"
            rf"|\b(?:remaining|residual) (?:amount|volume):? (?!0+(?:\.0+)? ){_AMOUNT}"
        ),
        reaction=re.compile(reaction),
        after_reaction=re.compile(after_reaction),
        no_reaction=re.compile(rf"\b{_any(table.no_reactions)}\b"),
        begins_ended=re.compile(said.ended),
    )


def _words() -> _Words:
    table = codes.products().interrupted
    own = _any(name for family in codes.products().families for name in family.names)
    given, ml = _any(table.given), r" ?(?:ml|cc)s?"
    return _Words(
        infusion=rf"(?:{_any(table.infusions)}|{own})",
        whole=rf"(?:{_any(table.wholes)}|{own}){_WHOLE_ENDS}",
        ended=_any(table.ended),
        given=given,
        why=rf"(?!{_any(table.no_causes)}\b)(?:{_any(table.causes)}|{_any(table.early)})",
        of_more=(
            rf"(?P<part>{_NUMBER})(?P<unit>{ml})?(?: {given})? ?\(?(?:out )?of (?:the )?"
            rf"(?P<more>{_NUMBER})(?(unit)(?:{ml})?|{ml})\b"
        ),
    )


def _outright(said: _Words) -> Iterator[str]:
    table, infusion, ended, given = (
        codes.products().interrupted,
        said.infusion,
        said.ended,
        said.given,
    )
    the, unable = r"(?:(?:the|this|his|her|it|iron) ?)*", r"\b(?:unable to|could not|not able to)"
    itself = rf"(?: {the}(?:{infusion}|{said.whole}|pump)?)?{_ITSELF}"
    all_of_it = (
        r"(?:(?:rest|remainder|remaining|full|entire|whole|all|second|2nd|other)(?: of)?(?: the)?"
        rf" (?:{said.whole}|vial|half|it)\b|\b(?:rest|remainder)(?=$|[^\w ]))"
    )
    yield rf"\b{_any(table.phrases)}\b"
    yield rf"(?:^|\()(?:(?:and|but|then|was) )*{ended}{itself}.*?\b{said.why}\b"
    yield rf"\b{infusion}{_WAS} {ended}\b.*?\b{said.why}\b"
    yield rf"\b{ended} (?:the )?(?:iron )?{infusion}\b.*?\b{said.why}\b"
    yield rf"\b{_any(table.asked)} {the}{infusion}\b(?: {_any(table.early)}\b.*)?"
    yield (
        rf"\b(?:request|ask|want)\w* that {the}{infusion}(?: \w+){{0,2}}"
        r" (?:stop|end|halt|discontinu|terminat)\w*"
    )
    yield rf"\bleft .*?\bbefore .*?\b{infusion}\b.*"
    begun_or_over = r"(?:begun|complete|done|finish|hung|over|start)\w*"
    yield rf"\b(?:left|leave|leaving|go)\b.*?\bbefore it (?:was )?{begun_or_over}"
    yield rf"{unable} (?:\w+ ){{1,3}}?{all_of_it}"
    yield (
        rf"(?:{unable}|\bdid not) (?:complete|continue|finish)(?: {the}{infusion}?)?"
        r"(?=$|[^\w ]| (?:and|as|because|due|since|today))"
    )
    yield (
        r"\b(?:iron|drug|medication|med) (?:was |had )?"
        r"(?:leaked|leaking|spilled|on (?:the )?floor)\b"
    )
    yield (
        r"\b(?:unable to|could not|can ?not) (?:determine|tell|verify|say|estimate) (?:how much"
        rf"|(?:the )?(?:amount|volume|dose|quantity)\b.*?\b{given})\b"
    )
    yield rf"\b(?:unknown|undetermined|unclear) (?:amount|volume|dose|quantity)\b.*?\b{given}\b"
    yield r"\b(?:unknown|unclear|unsure|not sure) how much\b"


def _alone(said: _Words) -> Iterator[str]:
    table, whole, given = codes.products().interrupted, said.whole, said.given
    lost, in_part, of_more = _any(table.lost), _any(table.in_part), said.of_more
    paid = "approved|authorized|covered|paid|reimbursed"
    yield rf"{_ORDINAL}{_SHARE}{_OF}{whole}"
    yield rf"{_FRACTION}(?: of(?: the)? {whole}|(?: the)? bag\b|(?= dose{_WAS} {given}\b)| in$)"
    yield rf"\b(?:{given}|only) {_FRACTION} dose\b"
    yield rf"\b{given} {_ABOUT}{_SHARE}{_NO_SHARE}"
    yield rf"{_ORDINAL}{_SHARE}{_WAS} {given}\b"
    yield (
        rf"\b{said.ended}(?: {said.infusion})? (?:at|with|after)"
        rf" {_ABOUT}(?:{_SHARE}|{_FRACTION}){_NO_SHARE}"
    )
    yield rf"(?:{_AMOUNT}|{_PART}).*? (?:not|never) (?:be )?{given}\b"
    yield rf"{_PART}(?: (?:of|the|dose|infusion|drug|bag))*{_WAS} {_any(table.withheld)}\b"
    yield rf"(?:{_AMOUNT}|\b(?:some|part|portion|amount)\b).*? {lost}\b"
    yield rf"(?<!ebl )(?<!blood )\b{lost} {_ABOUT}{_AMOUNT}(?!(?: of)? (?:blood|ebl))"
    yield rf"(?<!no )\b{in_part} (?:{whole}|{given}\b)"
    yield rf"\b{whole}{_WAS} {in_part}\b(?! (?:{paid}))"
    yield rf"\b(?:gave|{given}) {in_part}(?=$|[^\w ])"
    yield rf"\b(?:{given}|{said.ended})\W.*?{of_more}"
    yield rf"\b{given} {_ABOUT}{_AMOUNT} only\b"
    yield rf"{_AMOUNT}{_WAS} {given},? (?:and|before|then) (?:it )?(?:was )?{said.ended}\b"
    yield rf"{of_more}.*?\b{given}\b"
    ended = rf"(?:vtbi|when {said.ended})"
    yield rf"(?=.*\b(?:{given}|{said.ended})\b.* of |.* of .*\b{ended}\b){of_more}"


def _any(texts: Iterable[str]) -> str:
    """Any of them, whatever stands between their words."""
    longest_first = sorted(set(texts), key=lambda text: (-len(text), text))
    patterns = [r"\W+".join(text.split()) for text in longest_first]
    return f"(?:{'|'.join(patterns)})"


@codes.remembered
def is_in_part(text: str) -> bool:
    """Whether a text says that not all of the dose was given, and not that it went on."""
    sentences = list(map(_spelled, SENTENCE_OR_CRY.split(text.replace("|", ";"))))
    of_course = list(map(_COURSE.search, sentences))
    # A course is named before what is left of it: "total course 1500 mg; 750 mg remaining".
    before = (None, *of_course)
    rest = [
        _without_what_is_in_part(sentence, bool(here or last))
        for sentence, here, last in zip(sentences, of_course, before, strict=False)
    ]
    in_part = any("|" in sentence for sentence in rest) or _is_ended_by_reaction(sentences)
    return in_part and not any(map(went_on, rest))


def _is_ended_by_reaction(sentences: list[str]) -> bool:
    """Whether of two sentences in a row one is nothing but a reaction, and one says that the
    infusion ended."""
    return any(
        any(map(_is_reaction, pair)) and "|" in _without_reaction(", ".join(pair))
        for pair in pairwise(sentences)
    )


def _is_reaction(sentence: str) -> bool:
    left, found = _patterns().reaction.subn(" ", sentence)
    beside = codes.products().interrupted.beside_reactions
    is_all = all(word in beside or word.isdecimal() for word in words.plain(left).split())
    return found > 0 and is_all


def _spelled(sentence: str) -> str:
    said = sentence.lower()
    for pattern, spelled in _SPELLED:
        said = pattern.sub(spelled, said)
    return " ".join(said.split())


def _without_what_is_in_part(sentence: str, of_course: bool) -> str:
    """The sentence without the words that say so."""
    sentence = _without_reaction(sentence)
    patterns = tuple(_applied(sentence, of_course))
    parts, oral = [], False
    for clause in chain.from_iterable(map(_pieces, _CLAUSE.split(sentence))):
        # "Ferrous sulfate daily, stopped d/t nausea".
        goes_on = oral and _patterns().begins_ended.match(clause)
        oral = _is_of_oral_iron(clause)
        parts.append(clause if oral or goes_on else _without(clause, patterns))
    return ", ".join(parts)


def _without_reaction(sentence: str) -> str:
    """A mark instead of a reaction after which the infusion ended."""
    if is_of_another_time(sentence) or len(sentence) > _MOST_WORDS * _LONGEST_WORD:
        return sentence
    sentence = _patterns().no_reaction.sub("", sentence)
    return _patterns().after_reaction.sub("|", sentence)


def _is_of_oral_iron(clause: str) -> bool:
    return words.first_of(clause, codes.products().oral_iron.names) is not None


def _pieces(clause: str) -> Iterator[str]:
    said = [word[:_LONGEST_WORD] for word in clause.split()]
    for start in range(0, max(len(said), 1), _MOST_WORDS):
        yield " ".join(said[start : start + _MOST_WORDS])


def _without(clause: str, patterns: Iterable[re.Pattern[str]]) -> str:
    if is_of_another_time(clause):
        return clause
    for pattern in patterns:
        clause = pattern.sub(_unless_all, clause)
    return clause


def _unless_all(found: re.Match[str]) -> str:
    """A mark, but for as much as the whole: "110 mL of 100 mL infused" (a bag is overfilled)."""
    said = found.groupdict()
    whole = "more" in said and Decimal(said["part"]) >= Decimal(said["more"])
    return found[0] if whole else "|"


def _applied(sentence: str, of_course: bool) -> Iterator[re.Pattern[str]]:
    table, patterns = codes.products(), _patterns()
    yield from patterns.outright
    wasted = any(word.startswith(table.wasting.words) for word in words.plain(sentence).split())
    if not (wasted or table.beside_iron.named_in(sentence)):
        yield from patterns.alone
        yield from () if of_course else (patterns.left,)


def went_on(sentence: str) -> bool:
    """Whether a clause says that the infusion did; a report that was completed does not."""
    table = codes.products().interrupted
    return any(
        words.first_of(clause, table.went_on) and not words.first_of(clause, table.other_tasks)
        for clause in _TASK.split(sentence)
    )
