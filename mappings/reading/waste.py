"""What notes say of discarded drug: unambiguous phrases only (R12); anything hedged or about another fluid is left alone."""

import re
from collections.abc import Iterator
from decimal import Decimal

from mappings import codes
from mappings.record import Amount

_NUMBER = r"(?<![\d.,/-])(?P<value>\d{1,4}(?:\.\d+)?)(?![\d,]|\.\d)"
_UNIT = r"\s*(?P<unit>mg|milligrams?|mcg|ug|g|ml|cc|milliliters?)\b"
_VERB = r"(?:wasted|waste|wastage|discarded|discard)"
_AMOUNT_AFTER = re.compile(rf"\b{_VERB}\b(?:\s+(?:amount|of|was|is|drug))*\s*[:=]?\s*{_NUMBER}{_UNIT}", re.IGNORECASE)
_AMOUNT_BEFORE = re.compile(rf"{_NUMBER}{_UNIT}\)?\s+(?:(?:was|were|of|drug|iron|sucrose|venofer|remaining)\s+)*{_VERB}\b", re.IGNORECASE)
_NONE = re.compile(
    r"\b(?:no|zero)\s+(?:drug\s+|medication\s+)?(?:waste|wastage|discard(?:ed amount)?|drug (?:was )?(?:wasted|discarded))\b"
    r"|\b(?:none|nothing)\s+(?:was\s+)?(?:wasted|discarded)\b"
    r"|\b(?:waste|wastage|wasted|discarded)\s*[:=]\s*(?:none|nil|zero)\b",
    re.IGNORECASE,
)
# A plan, a doubt or a missing record is no statement; a flush or diluent is not the drug.
_HEDGED = re.compile(
    r"\b(?:if|may|might|will|would|should|could|approx(?:imately)?|about|around|plan(?:ned)?|expect(?:ed)?|to be|unless|unknown|unclear|possibl[ey]"
    r"|not\s+(?:wasted|discarded)|documentation|documented|document|recorded|noted|charted|per\s+vial|each|another\s+patient)\b|[~?≈]",
    re.IGNORECASE,
)
_OTHER_FLUID = re.compile(
    r"\b(?:saline|ns|nacl|flush|heparin|diluent|dextrose|d5w|water|blood|dialysate|lidocaine|epogen|epoetin|esa|aranesp)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[;\n]|\.(?=\s|$)|,\s(?=\D)")


def discarded(note: str) -> Iterator[Amount]:
    """Each amount that the note says was discarded, in its own unit; zero for "no waste"."""
    for sentence in _SENTENCE.split(note):
        if _HEDGED.search(sentence) or _OTHER_FLUID.search(sentence):
            continue
        if _NONE.search(sentence):
            yield Amount(Decimal(0), "mg", None, sentence.strip())
        for found in _amounts(sentence):
            yield Amount(Decimal(found["value"]), codes.units().texts[found["unit"].lower()], None, found[0].strip())


def _amounts(sentence: str) -> Iterator[re.Match[str]]:
    """Amounts before their verb, then amounts after a verb that has none before it."""
    before = list(_AMOUNT_BEFORE.finditer(sentence))
    yield from before
    yield from (found for found in _AMOUNT_AFTER.finditer(sentence) if not any(found.start() < other.end() for other in before))
