"""What stands on the line itself: date, product, dose, NDC, discarded drug, units, times."""

from collections.abc import Iterable

from mappings import codes
from mappings.assessment import cite
from mappings.charge.charge import Service
from mappings.record import Source
from mappings.requirements.result import Result
from mappings.values.numbers import plain


def service_date(service: Service) -> Result:
    administration = service.administration
    if service.day_problem:
        return service.day_problem
    return Result(
        state="met",
        says=f"Given on {service.day}.",
        value=str(service.day),
        evidence=(cite(administration.source, f"date of service {service.day}"),),
    )


def product(service: Service) -> Result:
    """R2: one product, with a code on the day."""
    drug = service.administration.drug
    evidence = (cite(service.administration.source, drug.says or "medication"),)
    if drug.clash:
        return Result(
            state="contradicted",
            says=f"The record names different products: {drug.clash}.",
            evidence=evidence,
        )
    if drug.lost:
        return Result(
            state="missing",
            says="The medication of the administration points to a resource that can't be found.",
            evidence=evidence,
        )
    if service.family is None:
        return Result(
            state="missing", says="Nothing says which iron product was given.", evidence=evidence
        )
    if service.code is None:
        return _no_code(service)
    says = f"{service.family.name}: {service.code.code}."
    return Result(
        state="met", says=says, value=service.code.code, evidence=evidence, row=service.code
    )


def _no_code(service: Service) -> Result:
    assert service.family is not None  # noqa: S101 - the caller has looked
    evidence = (
        cite(service.administration.source, service.administration.drug.says or "medication"),
    )
    if any(row.use for row in service.family.codes) and service.family.presentations:
        says = (
            f"{service.family.name} has a code for each presentation, and the record does not say"
            " which was given."
        )
        return Result(state="incomplete", says=says, evidence=evidence)
    return Result(
        state="missing",
        says=f"{service.family.name} has no billing code for {service.day}.",
        evidence=evidence,
    )


def dose(service: Service) -> Result:
    """R3, and R1 for duplicates and stopped administrations."""
    found = service.dose
    evidence = (cite(service.administration.source, found.says.rstrip(".")),)
    if service.possible_duplicates:
        others = [
            reference for reference in service.possible_duplicates if reference != service.reference
        ]
        says = (
            "The same dose is recorded twice with the same product and start time: it is counted"
            " once until one record is corrected."
        )
        return Result(
            state="contradicted",
            says=says,
            evidence=(
                *evidence,
                *(
                    cite(_source(service, reference), "same product, start and dose")
                    for reference in others
                ),
            ),
        )
    if found.mg is None or found.state != "met":
        return Result(state=found.state, says=found.says, evidence=evidence)
    return Result(state="met", says=found.says, value=plain(found.mg), unit="mg", evidence=evidence)


def _source(service: Service, reference: str) -> Source:
    return next(
        row.source for row in service.record.administrations if row.source.resource == reference
    )


def ndc(service: Service) -> Result | None:
    """One of a finished package is known; of several sizes, the record says which was opened."""
    rule, known = service.rules.ndc, service.known_ndcs
    if not service.applies(rule):
        return None
    named = known or service.administration.drug.ndcs
    evidence = tuple(cite(service.administration.source, f"NDC {row}") for row in named[:1])
    if _sizes(known) > 1 and not (service.administration.containers or service.dispenses):
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
            f"The NDC {named[0]} is not a finished package of this product that is known here on"
            f" {service.day}."
        )
        return Result(state="incomplete", says=says, rule=rule, evidence=evidence)
    return Result(state="missing", says="No NDC of the product used is recorded.", rule=rule)


def _sizes(ndcs: Iterable[str]) -> int:
    return len({codes.packages()[row].mg for row in ndcs})


def discarded_amount(service: Service) -> Result | None:
    """R5; asked only where JW and JZ are."""
    waste = service.waste
    if waste is None or not service.discard_modifiers:
        return None
    row = next(
        row
        for row in reversed(codes.payment().discard_modifiers)
        if row.modifier in service.discard_modifiers
    )
    given = cite(service.administration.source, service.dose.says.rstrip("."))
    evidence = tuple(dict.fromkeys((given, *service.waste_evidence)))
    if waste.state == "met" or (waste.by and service.reference not in waste.by):
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


def units_limit(service: Service) -> Result | None:
    rule = service.rules.units_limit
    if rule is None or not service.applies(rule) or service.code is None:
        return None
    limit = rule.limits.get(service.code.code)
    if limit is None:
        return None
    says = (
        f"{service.units_of_day} units of {service.code.code} on {service.day}; the limit is"
        f" {limit}."
    )
    return Result(
        state="met" if service.units_of_day <= limit else "not-covered",
        says=says,
        value=str(service.units_of_day),
        unit="units",
        rule=rule,
        evidence=(cite(service.administration.source, service.dose.says.rstrip(".")),),
    )


def infusion_time(service: Service) -> Result | None:
    """Asked where the administration service is billed, or by the policy."""
    rule, administration = service.rules.infusion_time, service.administration
    if not (service.applies(rule) or service.bills_services):
        return None
    recorded = service.recorded_minutes
    if recorded is None:
        begun = administration.start is not None and administration.start.instant is not None
        says = "Start and stop of the infusion are not both recorded."
        cited = (cite(administration.source, "start only"),) if begun else ()
        return Result(
            state="incomplete" if begun else "missing", says=says, rule=rule, evidence=cited
        )
    cited = (cite(administration.source, f"{recorded} minutes from start to stop"),)
    if service.minutes is None:
        says = (
            f"The recorded stop lies {recorded} minutes after the start: one of the two is wrong."
        )
        return Result(state="contradicted", says=says, rule=rule, evidence=cited)
    return Result(
        state="met",
        says="Start and stop are recorded.",
        value=str(recorded),
        unit="minutes",
        rule=rule,
        evidence=cited,
    )
