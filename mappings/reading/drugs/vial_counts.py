"""How many vials a note says were given or used: "gave 1 vial only", "1 of 2 vials given" (R3, R5).

Held by tests/scenarios/given_in_part.yaml.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from mappings import codes
from mappings.reading.drugs.texts import SENTENCE_OR_CRY, Written, cut, is_of_another_time, narrowed
from mappings.record import VialsSaid
from mappings.values.stated import only

_NUMBERS = {
    "1/2": "0.5", "½": "0.5", "half": "0.5", "half a": "0.5", "half of a": "0.5", "a": "1",
    "one": "1", "a single": "1", "two": "2", "both": "2", "three": "3", "four": "4", "five": "5",
}  # fmt: skip
_WORDS = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_COUNT = rf"(?P<count>\d{{1,3}}(?:\.\d{{1,2}})?(?!\d)|{_WORDS})"
_GIVEN = r"(?:gave|given|infused|administered|received|got|pushed|used|opened)"
_CLAUSE = re.compile(r",\s|\s[-–]\s|\b(?:and|but|then)\b")
# What of a sentence is of vials that were not this dose.
_OTHERS = re.compile(
    r"\b(?:discard|draw|lot|need|order|pull|remain|return|sav|take|unopened|unused|wast|exp|each"
    r"|per|left|waiting|stock)\w*",
    re.IGNORECASE,
)
_NTH = re.compile(
    r"\b(?:first|1st|second|2nd|third|3rd|another|other|next)\s+(?:vial|one)\b", re.IGNORECASE
)
_ONLY_ONE = re.compile(
    r"\b(?:(?:only|just)\s+(?:1|one|a single)\s+vial|(?:1|one)\s+of\s+(?:\d|two|three)\s+vials)\b",
    re.IGNORECASE,
)
_BEFORE = {name: Decimal(count) for name, count in (
    ("second", 1), ("2nd", 1), ("third", 2), ("3rd", 2), ("fourth", 3), ("4th", 3),
)}  # fmt: skip
_UNUSED = re.compile(
    r"(?:^|[.;,] )(?:the )?(?P<nth>second|2nd|third|3rd) vial (?:was )?(?:not|never)"
    r" (?:used|opened|needed|drawn)\b"
)

_OPENED = re.compile(
    r"\b(?P<nth>third|3rd|fourth|4th) vial (?:was )?(?:opened|used|spiked|drawn|punctured)\b"
)


def vials_said(written: Iterable[Written]) -> VialsSaid | None:
    """The one count of vials that the notes of a dose name; several may be parts of it. Where the
    second was not used, it was one."""
    for element, text in written:
        if element == "note" and not is_of_another_time(text):
            unused, opened = _is_unused(text), _is_opened(text)
            if unused:
                count, says = _BEFORE[unused["nth"]], cut(narrowed(text, _is_unused))
                return VialsSaid(count=count, each_mg=None, says=says)
            if opened:
                count = _BEFORE[opened["nth"]] + 1
                says = cut(narrowed(text, _is_opened))
                return VialsSaid(count=count, each_mg=None, says=says, at_least=True)
    found = [
        said
        for element, text in written
        if element == "note" and (_ONLY_ONE.search(text) or not _NTH.search(text))
        for sentence in SENTENCE_OR_CRY.split(text)
        for said in _of_sentence(sentence)
    ]
    return only(found)


def _is_unused(text: str) -> re.Match[str] | None:
    return _UNUSED.search(text.lower())


def _is_opened(text: str) -> re.Match[str] | None:
    return _OPENED.search(text.lower())


def _of_sentence(sentence: str) -> Iterator[VialsSaid]:
    said = " ".join(sentence.lower().split())
    if codes.products().beside_iron.named_in(said) or is_of_another_time(said):
        return
    for clause in _CLAUSE.split(said):
        if not _OTHERS.search(clause):
            found = (pattern.search(clause.strip(" .")) for pattern in _patterns())
            yield from (_said(match, sentence) for match in list(filter(None, found))[:1])


def _said(match: re.Match[str], sentence: str) -> VialsSaid:
    count, each = match["count"], match.groupdict().get("each")
    return VialsSaid(
        count=Decimal(_NUMBERS.get(count, count)),
        each_mg=Decimal(each) if each else None,
        says=cut(sentence),
    )


@codes.remembered
def _patterns() -> tuple[re.Pattern[str], ...]:
    """A clause that says it by itself: "gave 1 vial", "1 of 2 vials given", "only 1 vial"."""
    names = sorted({name for row in codes.families().values() for name in row.names}, key=len)
    drug = rf"(?:(?:{'|'.join(map(re.escape, reversed(names)))}|iron|drug|med(?:ication)?)\s+)?"
    count = rf"(?:(?:only|just|total(?: of)?|a total of)\s+)*{_COUNT}(?:\s+(?:full|whole))?"
    of_more = r"(?:\s+(?:out\s+)?of\s+(?:the\s+)?(?:\d{1,3}|two|three|four|five))?"
    each = r"(?:\s*\(?(?P<each>\d{1,4}(?:\.\d{1,2})?)\s*mg\)?)?"
    size = r"(?:\s*[/(]?\s*\d{1,4}(?:\.\d{1,2})?\s*ml\)?)?"
    vial = r"(?:vials?|ampules?|amps?)\b(?! ?[#:]|\s+\d)"
    vials = rf"{count}{of_more}(?:\s*x\b)?{each}{size}\s+{drug}{vial}"
    of_mg = r"(?:\d{1,4}(?:\.\d{1,2})? ?mg \()?"
    in_mg = r"(?:\(?\d{1,4}(?:\.\d{1,2})? ?mg\)?\s+)?"
    was = r"(?:(?:was|were|only|iv|ivp|ivpb|push)\s+)*"
    who = r"(?:(?:the\s+)?(?:pt|patient|rn|nurse)\s+)?(?:was\s+)?"
    return (
        re.compile(rf"^{who}{drug}{_GIVEN}[:\s]+(?:only\s+|just\s+)?{of_mg}{vials}"),
        re.compile(rf"^{drug}{vials}(?:\s+of\s+{drug})?\s*{in_mg}{was}{_GIVEN}\b"),
        re.compile(rf"^{drug}(?=(?:only|just)\b){vials}\s*$"),
        re.compile(rf"^{drug}{vials}\s+only\s*$"),
    )
