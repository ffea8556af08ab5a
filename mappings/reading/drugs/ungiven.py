"""What a record says became of its own dose: that it was not given, not here, or not all of it
(R1).

Held by tests/unit/test_reading_administrations.py.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from mappings import codes
from mappings.reading.drugs.actions import in_extensions
from mappings.reading.drugs.discards import is_of_another_iron
from mappings.reading.drugs.interruptions import is_in_part, went_on
from mappings.reading.drugs.texts import (
    SENTENCE_OR_CRY,
    Written,
    cut,
    denied,
    is_of_another_time,
    narrowed,
    quoted,
    stated,
    stated_concept,
    without_denied,
)
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Amount, Coding, Concept
from mappings.values import words
from mappings.values.stated import Unread

_NOT_GIVEN_SYSTEM = "http://terminology.hl7.org/CodeSystem/reason-medication-not-given"
# HL7 v2 table 0322, however converters name it.
_COMPLETION = "http://terminology.hl7.org/CodeSystem/v2-0322"
_ANY_COMPLETION = re.compile(r"0322$|\.12\.322$")
_NOT_GIVEN, _ELSEWHERE, _PARTLY = "was not given", "was given elsewhere", "was given in part"
# What begins a text, up to its first mark or reason: "Not given - patient left".
_TRIES = r"(?:\d+|two|three|four|many|multiple|several) (?:\w+ )?(?:attempts|sticks|tries)"
_REASON = rf"[;:.,()\n]|\s[-–]\s|\b(?:because|d/t|due|per|since)\b|\bafter(?= {_TRIES}\b)"
_CLAUSE = re.compile(rf"{_REASON}|\bby(?= (?!p(?:a?t|atient)\b))\b", re.IGNORECASE)
_WITH_BY_WHOM = re.compile(_REASON, re.IGNORECASE)
# Words about the dose itself that may stand beside what became of it.
_OWN = frozenset(
    {"a", "the", "this", "dose", "drug", "med", "medication", "infusion", "was", "iv", "today"}
    | {"treatment", "tx"}
)
# "Rescheduled to 11/10", "no IV access x 3", "held for infection".
_UNTIL = re.compile(
    r"\b(?:to (?=another|later|next|tomorrow)|(?:on|to|x)\s*\d"
    r"|(?:by|for|till?|until)\b).*$",
    re.IGNORECASE,
)
# What would hold a dose: "Hold for SBP < 90".
_PARAMETER = re.compile(
    r"hold\b[^.;]*(?:[<>≤≥]|\b(?:above|below|greater|if|less|parameters|when)\b)", re.IGNORECASE
)
# An error of the charting that was none of the dose: "Charting error - site is left arm".
_ERROR = re.compile(r"\b(?:error|erroneous|incorrect|mistake)\b", re.IGNORECASE)
_GIVEN = re.compile(
    r"\b(?:given|administered|infused|received (?:this |the |iron )*(?:dose|infusion))\b(?! to\b)",
    re.IGNORECASE,
)


class Ungiven(Struct, frozen=True):
    """What says that the dose of a record was not given or not here (`refused`), or not
    all of it (`partly`), quoted; `unread`: what is not understood."""

    refused: str | None = None
    partly: str | None = None
    unread: tuple[Unread, ...] = ()


class _Said(Struct, frozen=True):
    outcome: str | None
    element: str
    quoted: str


def not_given(resource: Resource, dose: Amount) -> bool:
    """Whether a status reason says that the dose was not given; more of them do where no dose is
    recorded."""
    nothing = dose.problem == "missing" or dose.value == 0
    reasons = (*_reasons(resource, "statusReason"), *_reasons(resource, "reasonNotGiven"))
    return any(_says_not_given(reason, nothing) for reason in reasons)


def _reasons(resource: Resource, element: str) -> Iterator[Concept]:
    """Also those that are texts; a bare code of table 0322 is one of it."""
    said = resource.get(element)
    if said is None:
        return
    table = codes.products().not_given.coded
    for reason in map(stated_concept, said if isinstance(said, list) else (said,)):
        bare = [one.code for one in reason.codings if not (one.system or one.display)]
        known = [code for code in (*bare, reason.text.strip()) if code in table]
        yield replace(
            reason, codings=(*reason.codings, *(Coding(_COMPLETION, code) for code in known))
        )


def outcome(
    resource: Resource,
    status: str,
    dosages: list[Resource],
    written: Sequence[Written],
    family: str | None,
) -> Ungiven:
    """What a record that is over says became of its dose; of one that was stopped only that nothing
    was given, for the rest was not."""
    if status not in ("completed", "stopped"):
        return Ungiven()
    completed = status == "completed"
    for element in ("notGiven", "wasNotGiven"):
        denied = elements.flag(resource.get(element), element)
        if denied:
            quote = denied if isinstance(denied, Unread) else Unread(element, "not given")
            return Ungiven(refused=f"{_NOT_GIVEN}: {quote}")
    coded = list(_coded(resource, dosages, completed))
    said = [*coded, *(_written(written, completed, family) if written else ())]
    if not said:
        return Ungiven()
    found = {one.outcome: one for one in reversed(said)}
    refusals = (
        f"{kind}: {_shown(found[kind])}" for kind in (_NOT_GIVEN, _ELSEWHERE) if kind in found
    )
    return Ungiven(
        refused=next(refusals, None),
        partly=_shown(found[_PARTLY]) if _PARTLY in found else None,
        unread=tuple(
            Unread(one.element, one.quoted) for one in coded if completed and one.outcome is None
        ),
    )


def sub_potent(resource: Resource) -> str | None:
    """R5's mark that not all of the dose was given."""
    marked = elements.flag(resource.get("isSubPotent"), "isSubPotent")
    if not marked:
        return None
    return str(marked) if isinstance(marked, Unread) else "isSubPotent"


def _shown(said: _Said) -> str:
    return str(Unread(said.element, said.quoted))


def _coded(resource: Resource, dosages: list[Resource], completed: bool) -> Iterator[_Said]:
    """Reasons and methods; a method that is one needs no understanding."""
    for reason in _reasons(resource, "statusReason"):
        if quoted(reason):
            yield _Said(_outcome(reason, completed), "statusReason", quoted(reason))
    for reason in _reasons(resource, "reasonNotGiven"):
        if quoted(reason):
            yield _Said(_NOT_GIVEN, "reasonNotGiven", quoted(reason))
    yield from _named(resource)
    for method in map(stated_concept, stated(dosages, "method")):
        became = _outcome(method, completed)
        if quoted(method) and (became or not _is_method(method)):
            yield _Said(became, "dosage.method", quoted(method))


def _named(resource: Resource) -> Iterator[_Said]:
    """Where the row is named for what became of the dose."""
    for element, concept in _naming(resource):
        if any(map(_refuses, concept.words)):
            yield _Said(_NOT_GIVEN, element, quoted(concept))
    for concept in in_extensions(resource):
        if any(map(_is_refused_alone, concept.statements)):
            yield _Said(_NOT_GIVEN, "extension", quoted(concept))


def _naming(resource: Resource) -> Iterator[tuple[str, Concept]]:
    """Where a row of the record is named for what it is: "Venofer - WASTE"."""
    yield "medication", elements.concept(resource.get("medicationCodeableConcept"))
    for element in ("category", "reasonCode"):
        for concept in elements.concepts(resource.get(element)):
            yield element, concept


@codes.remembered
def _is_refused_alone(text: str) -> bool:
    """Whether it says nothing but that the dose was not given."""
    table = codes.products().not_given
    return _is_one_of(text, (*table.phrases, *table.refusals))


@codes.remembered
def _refuses(text: str) -> bool:
    """Whether a name says that the dose was not given or was wasted, or no more than that it was
    refused, held …: "oral iron refused" is the reason of an infusion."""
    table = codes.products()
    refusing = (*table.not_given.phrases, *table.wasting.done, *table.wasting.nouns)
    without_dose = table.not_given.without_dose
    return words.first_of(text, refusing) is not None or _is_one_of(text, without_dose)


def _outcome(concept: Concept, completed: bool) -> str | None:
    """What became of the dose, where that is not that all of it was given here."""
    table, said = codes.products().not_given, _phrased(concept)
    if any(words.first_of(text, table.partly) or is_in_part(text) for text in said):
        return _PARTLY
    if _says_not_given(concept, completed) and not _of_a_part(concept):
        return _NOT_GIVEN
    return _ELSEWHERE if any(words.first_of(text, table.elsewhere) for text in said) else None


def _says_not_given(reason: Concept, nothing: bool) -> bool:
    table = codes.products().not_given
    snomed = {*table.snomed, *(table.snomed_without_dose if nothing else ())}
    if any(
        coding.system == _NOT_GIVEN_SYSTEM
        or (coding.system == elements.SNOMED and coding.code in snomed)
        for coding in reason.codings
    ):
        return True
    said = _phrased(reason)
    if nothing:
        return any(words.first_of(text, (*table.phrases, *table.without_dose)) for text in said)
    return any(
        words.first_of(text, table.phrases) and not words.first_of(text, table.of_a_part)
        for text in said
    )


def _phrased(concept: Concept) -> list[str]:
    """What it says, with the phrases that its codes stand for."""
    coded = codes.products().not_given.coded
    stands_for = (
        coded[coding.code]
        for coding in concept.codings
        if coding.code in coded and _ANY_COMPLETION.search(coding.system)
    )
    return [*concept.statements, *stands_for]


def _of_a_part(concept: Concept) -> bool:
    table = codes.products().not_given
    return any(words.first_of(text, table.of_a_part) for text in concept.words)


def _is_method(concept: Concept) -> bool:
    return any(codes.giving().methods.named_in(text) for text in concept.statements)


def _written(written: Sequence[Written], completed: bool, family: str | None) -> Iterator[_Said]:
    """What the dosage's text and the notes say outright; any other words may be of something
    else."""
    became = partial(_became, completed=completed, family=family)
    for place, (element, text) in enumerate(written):
        for says in (partial(_partly, after=written[place + 1 :]), became):
            outcome = says(text)
            if outcome:
                yield _Said(outcome, element, cut(narrowed(text, says)))


def _partly(text: str, after: Iterable[Written]) -> str | None:
    later = (note for element, note in after if element == "note")
    in_part = is_in_part(without_denied(text)) and not any(map(_says_it_went_on, later))
    denied_whole = codes.products().not_given.denied_whole
    denies = any(words.is_one_of(one, denied_whole) for one in denied(text))
    return _PARTLY if in_part or denies else None


def _became(text: str, completed: bool, family: str | None) -> str | None:
    table = codes.products().not_given.denied
    if any(words.is_one_of(one, table) for one in denied(text)):
        return _NOT_GIVEN
    return _outright(without_denied(text), completed, family)


@codes.remembered
def _says_it_went_on(addendum: str) -> bool:
    """Whether a later note says outright that the infusion did."""
    return any(
        _names_dose(sentence) and went_on(sentence) for sentence in SENTENCE_OR_CRY.split(addendum)
    )


def _outright(text: str, completed: bool, family: str | None) -> str | None:
    """What a text says in so many words: by a whole sentence, its beginning or a clause about the
    dose; or by nothing but one word of those that are no plan: "Waste", where "Waste: 50 mg" is
    another matter."""
    table = codes.products()
    said = [
        part
        for part in SENTENCE_OR_CRY.split(text)
        if not table.beside_iron.named_in(part) and not is_of_another_iron(part, family)
    ]
    if any(map(_says_outright, said)):
        return _NOT_GIVEN
    if completed and said and _is_one_of(text, table.not_given.without_dose):
        return _NOT_GIVEN
    if completed and said and _is_refused(text, said):
        return _NOT_GIVEN
    return _ELSEWHERE if any(map(_is_given_elsewhere, said)) else None


def _says_outright(sentence: str) -> bool:
    phrases = codes.products().not_given.phrases
    begin, *later = _CLAUSE.split(sentence.strip())
    of_anything = codes.products().not_given.of_anything
    after_colon = ":" in sentence
    details = codes.products().not_given.details
    if _ERROR.search(begin) and any(words.first_of(clause, details) for clause in later):
        return False
    if after_colon and _is_one_of(begin, of_anything):
        return False
    return (
        _is_one_of(sentence, phrases)
        or _is_one_of(begin, phrases)
        or any(
            _is_one_of(clause, phrases)
            and (_names_dose(clause) or not (after_colon or words.first_of(clause, of_anything)))
            for clause in later
        )
    )


def _names_dose(clause: str) -> bool:
    """Whether it names the dose or its drug."""
    named = {"dose", "infusion", *codes.products().name_words}
    return not named.isdisjoint(words.plain(clause).split())


def _is_refused(text: str, sentences: list[str]) -> bool:
    """Whether it begins with nothing but that the dose was refused, held …, or has a clause that
    says so of the dose, and no word of its being given after all."""
    table = codes.products()
    after_all = (*table.interrupted.given, *table.interrupted.went_on, *table.not_given.after_all)
    if words.first_of(text, after_all):
        return False
    if _PARAMETER.match(text.strip()):
        return False
    begin, *later = (_UNTIL.sub("", clause) for clause in _CLAUSE.split(sentences[0].strip()))
    of_the_rest = sentences[0].strip()[len(begin) :].startswith(":")
    begins = text.strip().startswith(begin.strip()) and not of_the_rest
    about_dose = (
        clause for clause in chain(later, *map(_CLAUSE.split, sentences[1:])) if _names_dose(clause)
    )
    return any(
        _is_one_of(_UNTIL.sub("", clause), table.not_given.refusals)
        for clause in (*((begin,) if begins else ()), *about_dose)
    )


def _is_given_elsewhere(sentence: str) -> bool:
    elsewhere = codes.products().not_given.elsewhere
    if is_of_another_time(sentence):
        return False
    for clause in _WITH_BY_WHOM.split(sentence.strip()):
        given = _GIVEN.search(clause)
        if given and words.first_of(clause[given.end() :], elsewhere):
            return True
    return _is_one_of(_CLAUSE.split(sentence.strip(), maxsplit=1)[0], elsewhere)


@codes.remembered
def _is_one_of(text: str, phrases: tuple[str, ...]) -> bool:
    """Whether it is a phrase and nothing else, beside words that name the dose itself."""
    return _bare(text) in _all_bare(phrases)


@codes.remembered
def _all_bare(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_bare, phrases))


def _bare(text: str) -> str:
    own = _OWN | codes.products().name_words
    said = words.plain(text).replace("cancelled", "canceled")
    return " ".join(word for word in said.split() if word not in own)
