"""An administration becomes a charge: its day, product, dose, setting, payer and policy.

Held by tests/scenarios/lines.yaml.
"""

from collections.abc import Iterable
from datetime import date

from msgspec import structs

from mappings import codes
from mappings.charge import payment
from mappings.charge.charge import Charge
from mappings.charge.filing import filing
from mappings.charge.history import History
from mappings.circumstances.coverage import Coordination, is_known_as
from mappings.circumstances.kidney import DIALYSIS_FACILITY, KidneyStatus
from mappings.circumstances.kidney import status as kidney_status
from mappings.circumstances.setting import Setting, setting
from mappings.circumstances.standing import Standing, doubts
from mappings.circumstances.visit import visit_of
from mappings.codes.tables import BillingCode, Family
from mappings.dose.day import service_day
from mappings.dose.intake import TakenIn
from mappings.dose.product import billing_code
from mappings.policy.choosing import Policy, PolicySet
from mappings.record import Administration, Diagnosis, Encounter, PatientRecord
from mappings.site import Site
from mappings.standing_decisions import PayerDecision

_SUPPLIED_BY_PAYER = frozenset({"white-bag", "brown-bag"})
_DEFAULT_SOURCE = "buy-and-bill"


def charge_of(
    administration: Administration,
    history: History,
    intake: TakenIn,
    policies: PolicySet,
) -> Charge:
    """An administration with everything that the requirements ask about it."""
    record, site, zone = history.record, history.site, history.zone
    day, no_day = service_day(administration, zone)
    visit = visit_of(administration, record, zone)
    encounter = visit.encounter
    place = setting(administration, visit, history.places, day)
    standing = (
        history.diagnoses.at(
            administration, encounter, _reasons(administration, record, encounter), day
        )
        if day
        else Standing()
    )
    kidney = _kidney(history, standing, place, day)
    coordination = history.coverages.on(day) if day else None
    family = codes.families().get(administration.drug.family or "")
    code = _code(family, administration, kidney.esrd, day)
    policy, known = _policy(policies, coordination, place, day, code)
    answers = _answers(history, coordination, code, day)
    named = _payer_names(coordination)
    last_day = day or (administration.start.days(zone)[1] if administration.start else None)
    speaks = policy or _no_payer(policies, last_day)
    reference = administration.source.resource
    facts = Charge(
        history=history,
        record=record,
        site=site,
        zone=zone,
        once=history.once,
        reference=reference,
        administration=administration,
        day=day,
        no_day=no_day,
        dose=history.doses.on(administration, day),
        family=family,
        code=code,
        encounter=encounter,
        setting=place,
        standing=standing,
        kidney=kidney,
        coordination=coordination,
        policy=policy,
        known_payer=known,
        payer_answers=answers,
        drug_source=_drug_source(administration, named, place, site),
        is_340b=_is_340b(administration, named, place, site),
        possible_duplicates=intake.copies.get(reference, ()),
        repeated=intake.repeated.get(reference),
        duplicate_identifier=intake.same_identifier.get(reference, ()),
        filing=filing(speaks, last_day, place.bill_type, intake.assessed_on, _filing_days(answers)),
        labs=history.results.at(administration.start, day) if day else None,
    )
    paid, why_not = payment.payment(facts), _not_billable(facts)
    return structs.replace(
        facts,
        paid=paid,
        not_billable=why_not,
        discard_modifiers=payment.discard_modifiers(facts, paid, billable=not why_not),
    )


def _kidney(history: History, standing: Standing, place: Setting, day: date | None) -> KidneyStatus:
    """Of a day that is not known only what holds on any."""
    if day is None:
        always = Standing(doubtful=doubts(history.diagnoses.doubtful_on(date.min)))
        return kidney_status(always, (), False)
    in_facility = place.code == DIALYSIS_FACILITY
    return history.once(kidney_status, standing, history.dialysis.before(day), in_facility)


def _answers(
    history: History,
    coordination: Coordination | None,
    code: BillingCode | None,
    day: date | None,
) -> tuple[PayerDecision, ...]:
    """What people were told by the payer that is billed, of this code and day."""
    billed = coordination.primary if coordination else None
    if billed is None or code is None or day is None:
        return ()
    decisions = history.site.decisions
    if not decisions.of_payers:
        return ()
    return tuple(decisions.answers(history.once(is_known_as, billed), code.code, day))


def _reasons(
    administration: Administration, record: PatientRecord, encounter: Encounter | None
) -> list[Diagnosis]:
    """Diagnoses that the administration, its order or its encounter states as coded reasons."""
    named = administration.orders
    stated = [administration.reason]
    stated += [order.reason for order in record.orders if order.source.resource in named]
    stated += [encounter.reason] if encounter else []
    return [reason for reason in stated if reason]


def _policy(
    policies: PolicySet,
    coordination: Coordination | None,
    place: Setting,
    day: date | None,
    code: BillingCode | None,
) -> tuple[Policy | None, bool]:
    """The payer's policy; without a payer, what stands in for one (R10a)."""
    if day is None or coordination is None:
        return None, False
    primary = coordination.primary
    drug = code.code if code else None
    found = (
        policies.choose(day, place.code, primary.kind or "", primary.payer, drug)
        if primary
        else None
    )
    return (found, True) if found else (_no_payer(policies, day), False)


def _no_payer(policies: PolicySet, day: date | None) -> Policy | None:
    """What stands in while no payer is known."""
    return policies.choose(day, None, "none", None) if day else None


def _code(
    family: Family | None, administration: Administration, esrd: bool, day: date | None
) -> BillingCode | None:
    """R2: the drug administered; ferumoxytol by ESRD on dialysis on that date."""
    if family is None or administration.drug.lost:
        return None
    use = administration.drug.use
    if "esrd-on-dialysis" in [code.use for code in family.codes]:
        use = "esrd-on-dialysis" if esrd else "other"
    return billing_code(family, use, day)


def _drug_source(
    administration: Administration, named: list[str], place: Setting, site: Site
) -> str | None:
    """As documented, else the site's default for the place or payer, else bought and billed."""
    by_place = place.place.drug_source if place.place else None
    by_payer = [site.drug_sources[key] for key in named if site.drug_sources.get(key)]
    return administration.drug_source or by_place or (*by_payer, _DEFAULT_SOURCE)[0]


def _is_340b(administration: Administration, named: list[str], place: Setting, site: Site) -> bool:
    """Bought under 340B: as documented, else the site's default for the place or payer."""
    by_place = place.place.r340b if place.place else None
    by_payer = [site.r340b[key] for key in named if key in site.r340b]
    stated = [said for said in (administration.is_340b, by_place, *by_payer) if said is not None]
    return bool(stated) and stated[0]


def _payer_names(coordination: Coordination | None) -> list[str]:
    """The primary payer by name, then by kind."""
    primary = coordination.primary if coordination else None
    return [key for key in (primary.payer, primary.kind) if key] if primary else []


def _not_billable(charge: Charge) -> str | None:
    """R1, R7, R10: too old, an inpatient stay, a drug that somebody else supplied."""
    if charge.filing and charge.filing.past and charge.filing.settled:
        return "timely-filing"
    if charge.setting.inpatient:
        return "inpatient"
    if charge.drug_source in _SUPPLIED_BY_PAYER:
        return "drug-supplied-by-payer"
    return "drug-sample" if charge.drug_source == "sample" else None


def _filing_days(answers: Iterable[PayerDecision]) -> int | None:
    """As the payer said to a person."""
    for _, answer in answers:
        if answer.timely_filing_days:
            return answer.timely_filing_days
    return None
