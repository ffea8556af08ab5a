"""What is written of a dose in its dosages and notes, and how it is quoted.

Held by tests/unit/test_reading_administrations.py.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Concept

# An element of a dose, and the words that stand in it.
Written = tuple[str, str]

MOST_SAID = 80
# Whoever checks words needs the whole sentence.
_MOST_QUOTED = 160
# Of what is written of one dose: more is no note of it, but a document.
MOST_READ = 50_000
# What ends a sentence, but for a point within a number; in the second one also an exclamation.
# Where an interface left out the ends of lines, two spaces and a capital stand for one.
_TWO_SPACES = re.compile(r"(?<=\S) {2,}(?=[A-Z])")
_LINE = rf"[;\n]|{_TWO_SPACES.pattern}"
SENTENCE = re.compile(rf"{_LINE}|\.(?=\s|$)")
SENTENCE_OR_CRY = re.compile(rf"{_LINE}|[.!](?=\s|$)")
# What fills lines beyond what tells words and lines apart: patterns would look through it again and
# again.
_FILLING = (
    (re.compile(r"[^\S\n]{2,}"), "  "),
    (re.compile(r"\n(?:\s*\n)+"), "\n"),
    (re.compile(r"([-–—_=*~#.])(?: ?\1){3,}"), r"\1\1\1"),
)
# A rule, a plan, or another dose.
_ANOTHER_TIME = re.compile(
    r"\b(?:if|should|would|may|might|could|unless|yesterday|previous(?:ly)?(?! (?:clinic|facility))"
    r"|prior(?! (?:to|clinic|facility))|history(?! only)|hx|ago|next"
    r"|allerg(?:y|ies|ic to)|after (?:this|today)|in (?:19|20)\d\d"
    r"|(?:last|past) (?:dose|infusion|month|time|treatment|visit|week))\b",
    re.IGNORECASE,
)

# A question of a form that is answered with no: "Reaction (Y/N): N", "Study drug? No". "Not given -
# no IV access" is none.
_ANSWERED_NO = re.compile(
    r"(?:^|(?<=[.;|,\n]))(?P<asked>[^.;|,\n:?=]*)(?:(?P<mark>[:?=])|\s[-–](?=\s)){1,4}+\s*+"
    r"(?i:no|n|none|nil|n/?a|not applicable|false)\s*"
    r"(?:(?=$|[.;|,\n)])|(?(mark)(?=\s[A-Z][a-z]|\s[-–]\s)|(?!)))"
)
_ANSWERED_YES = re.compile(r"(?<!\s)\s*+[:?=]\s*+(?:yes|y|true)\b", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\([^()]*\)")


def denied(text: str) -> list[str]:
    """The questions of a text that it answers with no."""
    asked = (found["asked"] for found in _ANSWERED_NO.finditer(_TWO_SPACES.sub("; ", text)))
    return [_IN_BRACKETS.sub("", question) for question in asked]


def without_denied(text: str) -> str:
    """A text without the questions that it answers with no; those that it answers with yes say what
    they ask."""
    return _ANSWERED_YES.sub("", _ANSWERED_NO.sub("", _TWO_SPACES.sub("; ", text)))


def stated(dosages: list[Resource], element: str) -> list[object]:
    """What stands in an element of the dosages."""
    return [dosage[element] for dosage in dosages if dosage.get(element) is not None]


def stated_concept(value: object) -> Concept:
    """A CodeableConcept, or the text that some systems write in its place."""
    return Concept(text=value) if isinstance(value, str) else elements.concept(value)


def texts(resource: Resource, dosages: list[Resource]) -> list[Written]:
    """What is written of a dose in words, without what only fills lines."""
    found = [("dosage.text", elements.text(text)) for text in stated(dosages, "text")]
    found += [("note", note) for note in elements.notes(resource.get("note"))]
    return [(element, _unfilled(said)) for element, said in found]


def _unfilled(text: str) -> str:
    for pattern, kept in _FILLING:
        text = pattern.sub(kept, text)
    return text


def are_too_long(written: list[Written]) -> bool:
    """Whether they are more than is read of one dose."""
    return len(written) + sum(len(text) for _, text in written) > MOST_READ


def is_of_another_time(text: str) -> bool:
    """Whether words may be of another dose, a rule or a plan."""
    return _ANOTHER_TIME.search(text) is not None


def cut(text: str) -> str:
    """As much of it as is quoted."""
    return text.strip()[:_MOST_QUOTED]


def narrowed(text: str, says: Callable[[str], object]) -> str:
    """The sentence of a text of which something is so, or the two in a row; else the text."""
    sentences = list(_sentences(text))
    several = [(first[0], second[1]) for first, second in pairwise(sentences)]
    parts = (text[start:end] for start, end in (*sentences, *several))
    return next(filter(says, parts), text)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each begins and ends."""
    start = 0
    for end in SENTENCE_OR_CRY.finditer(text):
        yield start, end.start()
        start = end.end()
    yield start, len(text)


def without(text: str, words: str) -> str:
    """A text without the sentences in which the words stand."""
    found = re.search(r"\s+".join(map(re.escape, words.split())), text, re.IGNORECASE)
    if not found:
        return text
    apart = (
        span for span in _sentences(text) if span[1] <= found.start() or found.end() <= span[0]
    )
    return "; ".join(text[start:end] for start, end in apart)


def quoted(concept: Concept) -> str:
    """What stands there: its words, else its codes."""
    said = concept.words or concept.statements
    return " / ".join(dict.fromkeys(said))[:MOST_SAID]
