"""What stands on the line itself: date, product, dose, NDC, discarded drug, units, times.

Held by tests/unit/test_intake.py.
"""

from collections.abc import Iterator

from msgspec import structs

from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.charge.most_units import claim_of, listed_units
from mappings.charge.neighbors import Neighbors
from mappings.codes.tables import Family
from mappings.policy.choosing import Rule
from mappings.record import Source
from mappings.requirements.misreadable import or_misread
from mappings.requirements.result import Result
from mappings.values.moment import Moment
from mappings.values.numbers import plain
from mappings.values.stated import Unread, quoted_in
from mappings.values.us_dates import us_date


def service_date(charge: Charge) -> Result:
    administration = charge.administration
    if charge.no_day:
        return Result(**structs.asdict(charge.no_day))
    against = _against_the_patient(charge) or _against_the_day(charge)
    if against:
        return against
    return Result(
        state="met",
        says=f"Given on {us_date(charge.day)}.",
        value=str(charge.day),
        evidence=(cite(administration.source, f"date of service {us_date(charge.day)}"),),
    )


def _against_the_patient(charge: Charge) -> Result | None:
    """A day of death before the dose, or of birth after it; or one that can't be read."""
    died, born = charge.record.died, charge.record.born
    day, zone = charge.day, charge.zone
    if day is None:
        return None
    if isinstance(died, Moment) and died.days(zone)[1] < day:
        says = f"The patient died {died.span(zone).on}, before the dose of {us_date(day)}."
        return _contradicted(charge, says, "died-before", "the day of death")
    if isinstance(born, Moment) and born.days(zone)[0] > day:
        says = f"The patient was born {born.span(zone).on}, after the dose of {us_date(day)}."
        return _contradicted(charge, says, "born-after", "the date of birth")
    unread = died if isinstance(died, Unread) else born
    if not isinstance(unread, Unread):
        return None
    if unread.element == charge.record.patient:
        return Result(
            state="incomplete",
            says=f"The patient's own record can't be read, and may say a day of death: {unread}.",
            fix="Correct the patient's record, or take one version of it.",
            evidence=(cite(charge.administration.source, f"date of service {us_date(day)}"),),
        )
    what = "day of death" if unread is died else "date of birth"
    return Result(
        state="incomplete",
        says=f"The {what} is recorded in a form that can't be read: {unread}.",
        fix=f"Record the {what} as a date.",
        evidence=(cite(charge.administration.source, f"date of service {us_date(day)}"),),
    )


def _against_the_day(charge: Charge) -> Result | None:
    """What a note says of another day."""
    said = charge.administration.giving.another_day
    if said is None:
        return None
    return Result(
        state="contradicted",
        says=f"The dose is recorded on {us_date(charge.day)}, and a note says another day: {said}.",
        fix=or_misread("Correct the date of the dose, or the note.", quoted_in(said)),
        evidence=(
            cite(charge.administration.source, f"date of service {us_date(charge.day)}"),
            cite(charge.administration.source, said),
        ),
    )


def _contradicted(charge: Charge, says: str, cause: str, what: str) -> Result:
    return Result(
        state="contradicted",
        says=says,
        fix=f"Correct {what}, the date of the dose, or the patient whose record it is.",
        evidence=(cite(charge.administration.source, f"date of service {us_date(charge.day)}"),),
        cause=cause,
    )


def product(charge: Charge) -> Result:
    """R2: one product, with a code on the day."""
    drug = charge.administration.drug
    evidence = (cite(charge.administration.source, drug.says or "a medication without a name"),)
    if drug.clash:
        return Result(
            state="contradicted",
            says=f"The record names different products: {drug.clash}.",
            evidence=evidence,
        )
    if drug.lost:
        return Result(
            state="missing",
            says="The administration's medication points to a resource that can't be found.",
            evidence=evidence,
        )
    if drug.doubt:
        says = f"The Medication that names the product has the status {drug.doubt}."
        return Result(state="incomplete", says=says, evidence=evidence)
    if charge.family is None:
        return Result(
            state="missing", says="Nothing says which iron product was given.", evidence=evidence
        )
    if charge.code is None:
        return _no_code(charge, charge.family, evidence)
    another = charge.administration.giving.another_iron
    if another:
        says = f"The dose is recorded as {charge.family.name}, and a note names another: {another}."
        fix = "Correct the product of the administration, or the note."
        fix = or_misread(fix, quoted_in(another))
        cited = (*evidence, cite(charge.administration.source, another))
        return Result(state="contradicted", says=says, fix=fix, evidence=cited)
    says = f"{charge.family.name}: {charge.code.code}."
    return Result(
        state="met", says=says, value=charge.code.code, evidence=evidence, row=charge.code
    )


def _no_code(charge: Charge, family: Family, evidence: tuple[Evidence, ...]) -> Result:
    unsaid = charge.administration.drug.use is None
    if unsaid and any(code.use for code in family.codes) and family.presentations:
        says = (
            f"{family.name} has a code for each presentation, and the record does not say"
            " which was given."
        )
        return Result(state="incomplete", says=says, evidence=evidence)
    return Result(
        state="missing",
        says=f"{family.name} has no billing code for {us_date(charge.day)}.",
        evidence=evidence,
    )


def dose(charge: Charge) -> Result:
    """R3, and R1 for duplicates and stopped administrations."""
    if charge.administration.as_ordered:
        return _canceled_order(charge)
    found = charge.dose
    evidence = (charge.dose_cited, *_words_of(charge))
    if charge.repeated:
        others = (
            reference for reference in charge.repeated.records if reference != charge.reference
        )
        cited = (cite(_source(charge, reference), "may be the same dose") for reference in others)
        return Result(
            state="contradicted",
            says=charge.repeated.says,
            fix=_WHICH_RECORD,
            evidence=(*evidence, *cited),
        )
    if found.mg is None or found.state != "met":
        fix = or_misread(found.fix, *found.quotes) if found.fix else None
        return Result(state=found.state, says=found.says, fix=fix, evidence=evidence)
    return Result(state="met", says=found.says, value=plain(found.mg), unit="mg", evidence=evidence)


def _words_of(charge: Charge) -> Iterator[Evidence]:
    """Words of the record that the dose rests on, and those that a person set aside."""
    for quoted in charge.dose.quotes:
        yield cite(charge.administration.source, str(quoted))
    for said in charge.administration.misread:
        yield cite(said.source, said.says)


_WHICH_RECORD = (
    "Mark a record that is no dose of its own as entered in error; where each is a dose, record"
    " each with its own time and order."
)


def _canceled_order(charge: Charge) -> Result:
    says = (
        "The order was canceled (in this EHR a stopped administration is a canceled order); the"
        " dose on record is the ordered one, and nothing says what was given."
    )
    return Result(state="contradicted", says=says, evidence=(charge.dose_cited,))


def _source(charge: Charge, reference: str) -> Source:
    return next(
        administration.source
        for administration in charge.record.administrations
        if administration.source.resource == reference
    )


def ndc(charge: Charge) -> Result | None:
    """One of a finished package is known; of several sizes, the record says which was opened."""
    rule = charge.rules.ndc
    if not charge.applies(rule):
        return None
    packages = charge.known_packages
    known = tuple(packages)
    named = known or charge.administration.drug.ndcs
    evidence = tuple([cite(charge.administration.source, f"NDC {ndc}") for ndc in named[:1]])
    sizes = {package.mg for package in packages.values()}
    if len(sizes) > 1 and not (charge.administration.containers or charge.dispenses):
        says = (
            f"NDCs of different containers are recorded ({', '.join(known)}), and nothing says"
            " which were opened."
        )
        return Result(state="incomplete", says=says, rule=rule, evidence=evidence)
    if known:
        return Result(
            state="met",
            value=known[0],
            says=f"NDC {', '.join(known)}.",
            rule=rule,
            evidence=evidence,
        )
    if named:
        says = (
            f"The NDC {named[0]} is not a package of this product that is known here on"
            f" {us_date(charge.day)}."
        )
        return Result(state="incomplete", says=says, rule=rule, evidence=evidence)
    return _unread_ndc(charge, rule) or Result(
        state="missing", says="No NDC of the product used is recorded.", rule=rule
    )


def _unread_ndc(charge: Charge, rule: Rule | None) -> Result | None:
    drug = charge.administration.drug
    found = next(iter((*drug.unread_ndcs, *drug.unsaid_ndcs)), None)
    if found is None:
        return None
    cited = (cite(charge.administration.source, f"NDC {found}"),)
    if drug.unread_ndcs:
        says = f'The NDC "{found}" can\'t be read: it takes 11 digits, or 10 with dashes.'
        return Result(state="incomplete", says=says, rule=rule, evidence=cited)
    says = f'"{found}" looks like an NDC, and its system does not say that it is one.'
    fix = "Send the code with the system of NDCs, http://hl7.org/fhir/sid/ndc."
    return Result(state="incomplete", says=says, rule=rule, evidence=cited, fix=fix)


_SMALLEST_VIALS = "Use the smallest vials that make up the dose, or record why there were none."


def discarded_amount(charge: Charge, neighbors: Neighbors) -> Result | None:
    """R5; asked only where JW and JZ are."""
    waste = neighbors.group.waste
    if waste is None or not charge.discard_modifiers.rows:
        return None
    row = charge.discard_modifiers.rows[-1]
    evidence = tuple(dict.fromkeys((charge.dose_cited, *neighbors.group.waste_evidence(charge))))
    if waste.state == "met" and waste.saving and _wants_least_waste(charge):
        says = f"Smaller vials would have left less to discard ({waste.saving})."
        return Result(
            state="not-covered", says=says, evidence=evidence, fix=_SMALLEST_VIALS, row=row
        )
    if waste.state == "met" or (waste.by and charge.reference not in waste.by):
        value = plain(waste.discarded_mg) if waste.state == "met" else None
        return Result(
            state="met",
            says=waste.says if waste.state == "met" else "Nothing is open for this dose.",
            value=value,
            unit="mg" if value else None,
            evidence=evidence,
            row=row,
        )
    fix = (
        f"Document that {plain(waste.expected_mg)} mg was discarded, or what became of it."
        if waste.expected_mg is not None
        else None
    )
    return Result(state=waste.state, says=waste.says, evidence=evidence, fix=fix, row=row)


def _wants_least_waste(charge: Charge) -> bool:
    """A Medicare contractor's text: units correspond with the smallest vials (Noridian JF)."""
    return charge.policy is not None and charge.policy.modifiers.least_waste


def units_limit(charge: Charge, neighbors: Neighbors) -> Result | None:
    rule = charge.rules.units_limit
    if rule is None or not charge.applies(rule) or charge.code is None:
        return None
    code, mue = charge.code.code, rule.mue and charge.code.code not in rule.limits
    row = listed_units(charge) if mue else None
    built_in = charge.code.most_units(claim_of(charge)) if mue else None
    limit = row.units[code] if row else rule.limits.get(code, built_in)
    if limit is None:
        return None
    units = neighbors.units_of_day
    says = f"{units} units of {code} on {us_date(charge.day)}; the limit is {limit}."
    return Result(
        state="met" if units <= limit else "not-covered",
        says=says,
        value=str(units),
        unit="units",
        rule=rule,
        row=row,
        evidence=(charge.dose_cited,),
    )


def infusion_time(charge: Charge) -> Result | None:
    """Asked where the administration service is billed, or by the policy."""
    rule, administration = charge.rules.infusion_time, charge.administration
    if not (charge.applies(rule) or charge.bills_services):
        return None
    recorded = charge.recorded_minutes
    if recorded is None:
        begun = administration.start is not None and administration.start.instant is not None
        says = "The start and stop times of the infusion are not both recorded."
        started = f"given {us_date(charge.day)}, without a stop"
        cited = (cite(administration.source, started),) if begun else ()
        return Result(
            state="incomplete" if begun else "missing", says=says, rule=rule, evidence=cited
        )
    cited = (cite(administration.source, f"{recorded} minutes from start to stop"),)
    if charge.minutes is None:
        says = f"The recorded stop is {recorded} minutes after the start: one of the two is wrong."
        return Result(state="contradicted", says=says, rule=rule, evidence=cited)
    return Result(
        state="met",
        says="Start and stop are recorded.",
        value=str(recorded),
        unit="minutes",
        rule=rule,
        evidence=cited,
    )
