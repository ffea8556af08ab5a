"""How a dose was given, beside its amount: route, what speaks of a mixture or of another amount,
and what became of it (R1, R3).

Held by tests/unit/test_reading_administrations.py.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from mappings import codes
from mappings.codes.conversions import ml
from mappings.reading.drugs.amounts import amount, written
from mappings.reading.drugs.days import another_day
from mappings.reading.drugs.discards import irons_named, is_own_waste
from mappings.reading.drugs.masses import masses
from mappings.reading.drugs.mixtures import names_mixture
from mappings.reading.drugs.texts import (
    SENTENCE,
    Written,
    cut,
    is_of_another_time,
    quoted,
    stated,
    stated_concept,
)
from mappings.reading.drugs.ungiven import outcome, sub_potent
from mappings.reading.drugs.vial_counts import vials_said
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.units import bare, code_of, text_of
from mappings.record import Amount, Concept, Drug, Giving, RouteSaid
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.stated import Unread

# A vial's drug is pushed within so many minutes; what runs for longer is a mixture (R3).
_LONGEST_PUSH = 15
_OVER = re.compile(r"\bover\s+(\d+(?:\.\d+)?)\s*[- ]?\s*([a-z]+)", re.IGNORECASE)
# "Ferrlecit given instead", "substituted Ferrlecit for Venofer", "sub: Ferrlecit".
_INSTEAD = re.compile(
    r"\b(?:instead|actually|substitut\w+|sub(?:s|bed)?(?=:| for| with)|(?:changed|switched) to)\b",
    re.IGNORECASE,
)
# "Actually gave Ferrlecit", "Ferrlecit 125 mg given, not Venofer": a clause that says it by itself.
_GAVE = re.compile(
    r"^(?:actually |pt |patient |was |nurse |rn )*(?:gave|given|administered|infused|received|used)"
    r" (.*?)(?: ?\d[\d,.]* ?mg)?(?: (?:iv|ivp|ivpb|today|instead|sample))*$"
    r"|^(.*?)(?: ?\d[\d,.]* ?mg)?(?: (?:iv|ivp|ivpb))* (?:was )?(?:actually )?"
    r"(?:given|administered|infused|used)(?: (?:today|instead))*"
    r"(?: (?:as|by|due|iv|over|per)\b.*)?$",
    re.IGNORECASE,
)
# "This was Feraheme, charted as Venofer".
_CHARTED_AS = re.compile(
    r"^(?:actually |drug |it |product |this )*was (.*?)[,;]? (?:but )?"
    r"(?:charted|documented|entered|recorded|scanned) as\b.*$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r",\s|\s[-–]\s|\b(?:and|but|then)\b")
_IN_PLACE_OF = re.compile(r"\b(?:instead of|for|from)\b.*$", re.IGNORECASE)

# From when to when.
Times = tuple[Moment | None, Moment | None]


def giving(
    resource: Resource,
    status: str,
    dosages: list[Resource],
    written: list[Written],
    dose: Amount,
    drug: Drug,
    times: Times,
) -> Giving:
    """How the dose of an administration was given; `written`: all that its words say."""
    routes, unread = _routes(dosages)
    said = outcome(resource, status, dosages, written, drug.family)
    in_ml = dose.unit in codes.units().ml_per
    completed = bool(written) and status == "completed"
    return Giving(
        routes=routes,
        mixture=_mixture(written, dosages, dose, drug, times) if in_ml else None,
        refused=said.refused or _wasted(written, dose),
        another_iron=_another(written, drug),
        another_day=another_day(times[0], written) if completed else None,
        partly=said.partly or sub_potent(resource),
        masses=tuple(masses(written, len(dosages))),
        vials=vials_said(written),
        unread=(*unread, *said.unread),
    )


def _wasted(written: Iterable[Written], dose: Amount) -> str | None:
    """What makes a row of the record that of the waste: its own dose is what its text says was
    discarded."""
    for element, text in written:
        if element == "dosage.text" and is_own_waste(text, dose):
            return f"was discarded: {_shown(text, element)}"
    return None


def _another(written: Iterable[Written], drug: Drug) -> str | None:
    """What says that another iron was given in its place."""
    for element, text in written if drug.family else ():
        for sentence in SENTENCE.split(text):
            irons = irons_named(_given_instead(sentence))
            if irons and drug.family not in irons and not is_of_another_time(sentence):
                return _shown(sentence, element)
    return None


def _given_instead(sentence: str) -> str:
    """The words of a sentence that name what was given in place of something else, or by itself."""
    charted = _CHARTED_AS.search(sentence)
    if charted:
        return charted[1]
    clauses = _CLAUSE.split(sentence)
    instead = " ".join(clause for clause in clauses if _INSTEAD.search(clause))
    if instead:
        return _IN_PLACE_OF.sub("", instead if irons_named(instead) else sentence)
    given = (_GAVE.search(clause.strip(" .")) for clause in clauses)
    named = (found[1] or found[2] or "" for found in given if found)
    return " ".join(name for name in named if _is_iron(name))


@codes.remembered
def _is_iron(text: str) -> bool:
    """Whether a text is the name of an iron, and nothing else."""
    named = (name for row in codes.products().families if not row.vague for name in row.names)
    return words.is_one_of(text, named)


def _routes(dosages: list[Resource]) -> tuple[tuple[RouteSaid, ...], list[Unread]]:
    found: list[RouteSaid] = []
    unread: list[Unread] = []
    for said in stated(dosages, "route"):
        concept = stated_concept(said)
        read = _routes_of(concept)
        found += read
        if not read and quoted(concept):
            unread.append(Unread("dosage.route", quoted(concept)))
    return tuple(found), unread


@codes.remembered
def _routes_of(concept: Concept) -> tuple[RouteSaid, ...]:
    """Each coding and the text by what they name; a coding by its code, else by its display."""
    table = codes.giving()
    found: list[RouteSaid] = []
    for coding in concept.codings:
        named = table.routes_of(coding.system, coding.code) or table.routes_of("", coding.display)
        if named:
            found.append(RouteSaid(coding.display or concept.text or coding.code, named))
    named = table.routes_of("", concept.text)
    if named:
        found.append(RouteSaid(concept.text, named))
    return tuple(found)


def _mixture(
    written: list[Written], dosages: list[Resource], dose: Amount, drug: Drug, times: Times
) -> str | None:
    """What says that the volume is one of a mixture, quoted."""
    for dosage in dosages:
        for element, text in _of_dosage(dosage):
            if names_mixture(text, drug.family):
                return _shown(text, element)
        lasting = _lasting(dosage, dose, drug)
        if lasting:
            return lasting
    for element, text in written:
        if element == "note" and names_mixture(text, None):
            return _shown(text, element)
    minutes = _recorded_minutes(*times)
    return f"{minutes} minutes from start to stop" if minutes > _LONGEST_PUSH else None


def _recorded_minutes(start: Moment | None, end: Moment | None) -> int:
    if not (start and end and start.instant and end.instant):
        return 0
    return int((end.instant - start.instant).total_seconds() // 60)


def _of_dosage(dosage: Resource) -> Iterator[Written]:
    yield "dosage.text", elements.text(dosage.get("text"))
    yield "dosage.dose", elements.text(elements.mapping(dosage.get("dose")).get("unit"))
    for element in ("route", "method", "site"):
        for text in stated_concept(dosage.get(element)).statements:
            yield f"dosage.{element}", text


def _shown(text: str, element: str) -> str:
    return str(Unread(element, cut(text)))


def _lasting(dosage: Resource, dose: Amount, drug: Drug) -> str | None:
    """A rate, or words, by which the volume runs for longer than a push; one that is not read does
    not say that it is a push."""
    for number, unit in _OVER.findall(elements.text(dosage.get("text"))):
        each = codes.units().minutes_per.get(unit.lower())
        if each and Decimal(number) * each > _LONGEST_PUSH:
            return _shown(elements.text(dosage.get("text")), "dosage.text")
    rate = dosage.get("rateQuantity") or dosage.get("rateRatio") or dosage.get("rateSimpleQuantity")
    if not rate:
        return None
    minutes, says = _minutes(elements.mapping(rate), ml(dose), drug)
    if minutes is None:
        return f"{says}, a rate that is not read (dosage.rate)"
    return f"{says} (dosage.rate)" if minutes > _LONGEST_PUSH else None


def _minutes(rate: Resource, volume: Decimal | None, drug: Drug) -> tuple[Decimal | None, str]:
    """How long a volume runs at a rate, and the rate as it is written."""
    over, under = elements.ratio(rate)
    if over or under:
        says = f"{written(over)}/{written(under)}"
        per, time = amount(over), _time(under)
    else:
        says = written(rate)
        if _time(rate) is not None:
            return _time(rate), says
        per, time = _parts(rate)
    if volume is None or time is None:
        return None, says
    each = ml(per) or _ml_of_mass(per, drug)
    return (volume / each * time if each and each > 0 else None), says


def _parts(rate: Resource) -> tuple[Amount, Decimal | None]:
    """What flows, and in how many minutes: `200 mL/h`, `25 mL per 15 min`."""
    unit = bare(text_of(rate) or code_of(rate))
    what, _, time = unit.partition("/") if "/" in unit else unit.partition(" per ")
    number, _, name = time.strip().rpartition(" ")
    each = codes.units().minutes_per.get(name.strip().lower())
    count = Decimal(number) if re.fullmatch(r"\d{1,4}(?:\.\d+)?", number) else Decimal(1)
    flow = amount({"value": rate.get("value"), "unit": what.strip()})
    return flow, each * count if each and (not number or count) else None


def _time(quantity: Resource) -> Decimal | None:
    """A time in minutes."""
    unit = bare(text_of(quantity) or code_of(quantity))
    each = codes.units().minutes_per.get(unit.lower())
    value = elements.decimal(quantity.get("value"))
    return value * each if each and value is not None and value > 0 else None


def _ml_of_mass(per: Amount, drug: Drug) -> Decimal | None:
    """A mass in mL of the label's strength."""
    label = codes.families()[drug.family].strength_mg_per_ml if drug.family else None
    factor = codes.units().mg_per.get(per.unit or "")
    if label is None or factor is None or per.value is None:
        return None
    return per.value * factor / label
