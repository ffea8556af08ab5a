"""The mass that words of a record say was given: outright, or in a clause that says it by itself
(R3).

Held by tests/scenarios/given_in_part.yaml.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache

from mappings import codes
from mappings.reading.drugs.mixtures import masses_alone
from mappings.reading.drugs.texts import SENTENCE, Written, cut, is_of_another_time
from mappings.record import MassSaid
from mappings.values.stated import only

# "Only 150 mg given", "150 mg of 200 mg given", "dose given was 150 mg": what a note says outright.
_ONLY = re.compile(r"\b(?:only|just)\b", re.IGNORECASE)
_OF = re.compile(
    r"\s*(?:mg)?\s+\(?(?:out\s+)?of\s+(?:the\s+)?(?:(?:ordered|planned|prescribed)\s+)?"
    r"\d[\d.]*\s*mg\b\)?",
    re.IGNORECASE,
)
_DOSE = re.compile(
    r"\b(?:dose|amount)\s+(?:actually\s+)?(?:given|administered|infused|received)"
    r"(?:\s+(?:was|is))?\s*[:=]?\s*\d",
    re.IGNORECASE,
)
# "Given 150 mg IV", "150 mg infused", "dose reduced to 150 mg": a clause that says it by itself.
_CLAUSE = re.compile(r",\s|\s[-–]\s|\s(?:in|with|w)\b(?=[\s/])|\b(?:and|diluted|mixed|then)\b")
_GIVEN = r"(?:gave|given|infused|administered|received|rec['’]?d|got|tolerated)"
_BY_WHOM = "dr|md|np|order|pa|pharmacy|policy|protocol|provider"
_RATE = rf" ?[-/]|s? (?:per\b(?! (?:{_BY_WHOM})\b)|x\b|×|\d|vials?\b)"
_MG = rf"(\d[\d.,]* ?mg)\b(?!{_RATE})"
# Until when so much was given: "before the reaction".
_MEANWHILE = re.compile(
    r"\b(?:after|before|prior to|until|when)\b"
    r"(?= (?:the )?(?:infiltrat|onset|patient|pt|reaction|rxn|stop)).*",
    re.IGNORECASE,
)
# What was discarded of the vials, or is still to come, beside what was given; once.
_NOT_THIS_DOSE = re.compile(
    r"\b(?:wast|discard)\w*|\b(?:to|will) be (?:administered|given|infused)\b"
)
_ONCE = re.compile(r"\bx ?1\b")
_IN_A_FLUID = re.compile(r"\bin \d+ ?(?:cc|ml)\b.*")
# Words of the whole that are of this dose as well.
_OF_THIS_DOSE = re.compile(r"\b(?:to|total|(?<=stopped )after)\b")


def masses(written: Iterable[Written], dosages: int) -> Iterator[MassSaid]:
    """The masses that can only be the dose: of the text of a single dosage, and of a note that says
    how much was given, and no more."""
    for element, text in written:
        if element == "dosage.text":
            parts = [(text, text)] if dosages == 1 else []
        else:
            sentences = SENTENCE.split(text)
            outright = ((_said_outright(sentence), sentence) for sentence in sentences)
            parts = [*outright, *_said_once(sentences)]
        for part, says in parts:
            mass = _mass(part)
            if mass is not None:
                yield mass, element, cut(says)


def _said_outright(sentence: str) -> str:
    """A sentence that says how much was given and no more, with that mass alone."""
    of_more = _OF.sub("mg", _MEANWHILE.sub("", sentence))
    says = _ONLY.search(sentence) or _DOSE.search(sentence) or _OF.search(sentence)
    return of_more if says and codes.giving().methods.named_in(sentence) else ""


def _said_once(sentences: list[str]) -> list[tuple[str, str]]:
    """The one clause of a note that says, by itself, how much was given, with its sentence;
    several may be parts of it."""
    found = []
    for sentence in sentences:
        clauses = _CLAUSE.split(_ONCE.sub("", _MEANWHILE.sub("", sentence).lower()))
        clauses = [clause for clause in clauses if not _NOT_THIS_DOSE.search(clause)]
        said = ", ".join(clauses)
        of_mass = ", ".join(filter(_names_mass, clauses))
        if (
            codes.giving().other_mass.named_in(_OF_THIS_DOSE.sub("", of_mass))
            or codes.products().beside_iron.named_in(_IN_A_FLUID.sub("", said))
            or is_of_another_time(said)
        ):
            continue
        matches = (_by_itself().search(clause.strip()) for clause in clauses)
        named = (next(filter(None, match.groups())) for match in matches if match)
        found += [(f"{name} mg" if name.isdecimal() else name, sentence) for name in named]
    return found if len(found) == 1 else []


def _names_mass(clause: str) -> bool:
    return any(letter.isdecimal() for letter in clause) and "mg" in clause


@cache
def _by_itself() -> re.Pattern[str]:
    families = codes.families().values()
    names = sorted({name for family in families for name in family.names}, key=len, reverse=True)
    drug = rf"(?:(?:of |iv )*(?:{'|'.join(map(re.escape, names))}|iron) ?)"
    tail = "iv|ivp|ivpb|push|over|via|at|by|per|through|today|from|instead|only|slow(?:ly)?|as"
    ends = rf"(?= ?$| ?[.:()]| (?:{tail}|without|undiluted|dose)\b| {drug})"
    about = r"(?:about |approx(?:imately)?\.? |only |~ ?)*"
    interrupted = codes.products().interrupted
    infusion, ended = "|".join(interrupted.infusions), "|".join(interrupted.ended)
    who, route = r"(?:(?:the )?(?:pt|patient|rn) )?", r"(?:(?:iv|ivp|ivpb|push) )*"
    return re.compile(
        rf"^{who}gave {about}([1-9]\d\d)$|\bonly ([1-9]\d\d) {_GIVEN}$"
        rf"|^{who}(?:was |only |total (?:dose |amount )?)*{_GIVEN}[: ]+{about}{drug}?{_MG}{ends}"
        rf"|^(?:(?:{infusion}|iron) )?(?:was )?(?:{ended}) (?:at|after) {_MG}{ends}"
        rf"|^{about}{drug}?{_MG} {drug}?{route}"
        rf"(?:was |were )?{_GIVEN}\b"
        r"|^(?:(?:actual|given|administered) )?(?:actual|dose|amount|amt)"
        rf"(?: {_GIVEN})? ?[:= ] ?{_MG}{ends}"
        r"|\bdose (?:was )?(?:reduced|decreased|changed|lowered|adjusted|cut|increased)"
        rf"(?: (?:per|by) (?:the )?(?:{_BY_WHOM}))? to"
        rf" {_MG}{ends}"
    )


def _mass(text: str) -> Decimal | None:
    """The one mass that a text names, where it can only be the dose."""
    if not text or codes.giving().other_mass.named_in(text):
        return None
    if codes.products().beside_iron.named_in(text):
        return None
    found = set(masses_alone(text))
    return only(found)
