"""What the payer asks: coverage, place, authorization, preferred products, where the drug came
from."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

from msgspec import structs

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.circumstances.authorizations import Whose, whose
from mappings.codes.tables import Dated, DenialCodes, SettingTable
from mappings.policy.choosing import AuthorizationRule
from mappings.policy.rules import DrugSource, Need
from mappings.record import Administration, Authorization
from mappings.requirements.result import Result
from mappings.values.remembered import by_identity
from mappings.values.us_dates import us_date


def coverage(charge: Charge) -> Result | None:
    """R10a. A payer that is known but that no policy is for is held, too."""
    found = charge.coordination
    if found is None:
        return None
    evidence = found.evidence
    if found.state == "met" and not charge.known_payer:
        kind = found.primary.kind if found.primary else ""
        return Result(
            state="incomplete",
            says=f"There is no policy for a {kind} payer on {us_date(charge.day)}.",
            evidence=evidence,
            fix="Add a policy for this payer, or name the payer in the table of payer aliases.",
        )
    denial = DenialCodes(carc=found.carc) if found.carc else None
    names = found.primary.names if found.primary else ()
    unknown = found.unknown_payer.says if found.unknown_payer else None
    return Result(
        state=found.state,
        says=found.says,
        evidence=evidence,
        denial=denial,
        value=unknown or next(iter(names), None),
    )


def place_of_service(charge: Charge) -> Result | None:
    """R7, R8: the setting is known and on the policy's list; the dialysis facility treats ESRD or
    AKI."""
    setting, policy, table = charge.setting, charge.policy, codes.settings()
    evidence = (cite(setting.source, setting.says),) if setting.source else ()
    row = _said_by(table)
    if setting.code is None:
        return _no_place(charge, row)
    asked = policy.authority if policy else row
    if (
        policy
        and policy.bundled_with_dialysis
        and charge.kidney.in_facility
        and not (charge.kidney.esrd_diagnosis or charge.kidney.aki)
    ):
        says = (
            "The dose was given in a dialysis facility, but neither end-stage renal disease nor"
            " acute kidney injury is recorded."
        )
        return Result(state="contradicted", says=says, evidence=evidence, row=asked)
    allowed = (policy.audience.settings if policy else ()) or tuple(table.by_code)
    if setting.code not in allowed:
        says = f"Place of service {setting.code} is not on the payer's list ({', '.join(allowed)})."
        return Result(
            state="not-covered", says=says, evidence=evidence, value=setting.code, row=asked
        )
    if setting.warning:
        warned = cite(setting.warning.source, setting.warning.says)
        return Result(
            state="incomplete",
            says=setting.warning.says,
            evidence=(*evidence, warned),
            value=setting.code,
            row=row,
            fix=_LOOK_AT_STAY,
            blocking=False,
        )
    return Result(
        state="met",
        says=f"Place of service {setting.code}, {setting.says}.",
        evidence=evidence,
        value=setting.code,
        row=row,
    )


# By what is not understood, how a site says once what it means.
_SAY_ONCE = {
    "Encounter.class": "Give the class a meaning once, in the site's `encounter_classes`.",
    "Encounter.status": "Correct the encounter, or give the word a meaning in `status_words`.",
    "MedicationAdministration.category": "Give the word a meaning once, in `status_words`.",
}
_LOOK_AT_STAY = "Check whether the dose belongs to that stay before the line is released."
_CORRECT_STAY = (
    "Correct the encounter, or leave the dose to the inpatient claim if it was given in that stay."
)


@by_identity
def _said_by(table: SettingTable) -> Dated:
    return Dated(source=table.source, verified=table.verified)


def _no_place(charge: Charge, row: Dated) -> Result:
    setting = charge.setting
    unread = setting.unread
    fix = _SAY_ONCE.get(unread.element) if unread else None
    if fix is None and setting.state == "contradicted":
        fix = _CORRECT_STAY
    cited = (cite(setting.source, setting.says),) if setting.source else ()
    return Result(state=setting.state, says=setting.says, evidence=cited, row=row, fix=fix)


def esrd_consolidated_billing(charge: Charge) -> Result | None:
    """R8: any IV iron for an ESRD patient outside the dialysis facility (not
    asked while the place is unknown)."""
    kidney, policy, day = charge.kidney, charge.policy, charge.day
    if policy is None or not policy.consolidated_billing or charge.code is None or day is None:
        return None
    if kidney.in_facility or charge.setting.code is None:
        return None
    row = codes.payment().esrd_consolidated_billing.rule_for(charge.code.code, day)
    if not (kidney.esrd or kidney.esrd_unproven) or row is None:
        return None
    stands = "with ESRD on dialysis" if kidney.esrd else "with ESRD (N18.6)"
    says = (
        f"{charge.code.code} for a patient {stands} belongs on the dialysis facility's claim"
        " (consolidated billing)."
    )
    return Result(state="not-covered", says=says, evidence=kidney.evidence, row=row)


def prior_authorization(charge: Charge, neighbors: Neighbors) -> Result | None:
    """An approved authorization for this code, in its period, with units left; one on record also
    settles an open question."""
    rule = charge.rules.prior_authorization
    if rule is None or charge.code is None or charge.day is None or not charge.when(rule):
        return None
    said = next((answer for answer in charge.payer_answers if answer[1].authorization), None)
    if said is None:
        return _authorized(charge, neighbors, rule, _asked(charge, rule))
    decision, answer = said
    asked: Need = "yes" if answer.authorization == "required" else "no"
    cited = (cite(decision.decided.source, decision.decided.says),)
    found = _authorized(charge, neighbors, rule, asked)
    if found is None:
        return Result(state="not-applicable", says=f"{decision.says}.", evidence=cited)
    return structs.replace(found, evidence=(*found.evidence, *cited))


def _authorized(
    charge: Charge,
    neighbors: Neighbors,
    rule: AuthorizationRule,
    asked: Need,
) -> Result | None:
    if asked == "no":
        return None
    rule = structs.replace(rule, asked=asked)
    found = usable_authorization(charge, neighbors)
    if found:
        return Result(
            state="met",
            says="An approved authorization covers the dose.",
            value=found.reference,
            evidence=(_cited(found),),
            rule=rule,
        )
    unasked = next(_answers(charge, "not-required"), None)
    if unasked:
        says = "The payer has said that no authorization is required."
        return Result(state="met", says=says, evidence=(_cited(unasked),), rule=rule)
    if asked == "unknown" and not _for_code(charge):
        says = (
            "Whether this plan requires prior authorization is not known here: set it for the site,"
            " or record the authorization."
        )
        return Result(state="incomplete", says=says, rule=rule)
    return _why_not(charge, rule)


def _cited(authorization: Authorization) -> Evidence:
    return cite(
        authorization.source, authorization.says or f"authorization, {authorization.decision}"
    )


def _answers(charge: Charge, decision: str) -> Iterator[Authorization]:
    """The payer's answers of a kind for the code whose period holds the day."""
    for authorization in _for_code(charge):
        if authorization.decision == decision and _in_period(
            authorization, charge, charge.day or date.max
        ):
            yield authorization


def _asked(charge: Charge, rule: AuthorizationRule) -> Need:
    """By the policy for the code; what it leaves open, as the site has set it."""
    named = not rule.codes or (charge.code is not None and charge.code.code in rule.codes)
    said = rule.asked if named else rule.others
    own = charge.site.prior_authorization.get(charge.policy.id) if charge.policy else None
    if own is None or said != "unknown":
        return said
    return "yes" if own else "no"


def usable_authorization(charge: Charge, neighbors: Neighbors) -> Authorization | None:
    """The approved authorization for code and day that has enough units left: each line takes from
    the one that ends first."""
    if not charge.authorizations:
        return None
    day = charge.day or date.max
    approved = sorted(
        (
            authorization
            for authorization in _for_code(charge)
            if authorization.decision == "approved"
        ),
        key=lambda authorization: _ends(authorization, charge) or date.max,
    )
    if not approved:
        return None
    left = [authorization.units for authorization in approved]
    taken = None
    for on, units in [*neighbors.earlier_units, (day, neighbors.group.all_units)]:
        fits = (
            place
            for place, authorization in enumerate(approved)
            if _in_period(authorization, charge, on) and _enough(left[place], units)
        )
        taken = next(fits, None)
        if taken is not None:
            left[taken] = _rest(left[taken], units)
    return None if taken is None else approved[taken]


def _enough(left: Decimal | None, units: int) -> bool:
    return left is None or units <= left


def _rest(left: Decimal | None, units: int) -> Decimal | None:
    return None if left is None else left - units


def _for_code(charge: Charge) -> list[Authorization]:
    """The authorizations of the payer that is billed, for the code."""
    code = charge.code.code if charge.code else ""
    return [
        authorization for authorization in _of_payer(charge, "ours") if code in authorization.codes
    ]


def _of_payer(charge: Charge, wanted: Whose) -> list[Authorization]:
    billed = charge.coordination.primary if charge.coordination else None
    return [
        authorization
        for authorization in charge.authorizations
        if billed and whose(authorization, billed, charge.record) == wanted
    ]


def _in_period(authorization: Authorization, charge: Charge, day: date) -> bool:
    begins, ends = _begins(authorization, charge), _ends(authorization, charge)
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def _begins(authorization: Authorization, charge: Charge) -> date | None:
    return authorization.start.days(charge.zone)[0] if authorization.start else None


def _ends(authorization: Authorization, charge: Charge) -> date | None:
    """As it says, else after the policy's months."""
    begins, rule = _begins(authorization, charge), charge.rules.prior_authorization
    if authorization.end:
        return authorization.end.days(charge.zone)[1]
    return _months_after(begins, rule.months) if begins and rule and rule.months else None


def _months_after(day: date, months: int) -> date:
    """The last day of so many calendar months that begin on `day`."""
    later = day.month - 1 + months
    year, month = day.year + later // 12, later % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1])) - timedelta(days=1)


def _why_not(charge: Charge, rule: AuthorizationRule) -> Result:
    """What stands in the way of those for the code, else of the others on record."""
    authorizations = _for_code(charge)
    found = _not_enough(charge, authorizations) or _not_approved(authorizations) or _others(charge)
    if found is None:
        says = "The payer requires prior authorization and none is on record."
        return Result(state="missing", says=says, rule=rule)
    return structs.replace(found, rule=rule, evidence=found.evidence or _cite_all(authorizations))


def _cite_all(authorizations: list[Authorization]) -> tuple[Evidence, ...]:
    return tuple(_cited(authorization) for authorization in authorizations)


def _not_enough(charge: Charge, authorizations: list[Authorization]) -> Result | None:
    """An approved one that has too few units, or is for other days."""
    approved = [
        authorization for authorization in authorizations if authorization.decision == "approved"
    ]
    on_the_day = [
        authorization
        for authorization in approved
        if _in_period(authorization, charge, charge.day or date.max)
    ]
    if on_the_day:
        return Result(state="not-covered", says="The authorized units are used up.")
    if approved:
        return Result(
            state="expired", says=f"The authorization does not cover {us_date(charge.day)}."
        )
    return None


_NOT_DECIDED = DenialCodes(carc="197")


def _not_approved(authorizations: list[Authorization]) -> Result | None:
    decisions = {authorization.decision for authorization in authorizations}
    if "denied" in decisions:
        says = "The payer has denied the authorization."
        return Result(state="not-covered", says=says, denial=_NOT_DECIDED)
    unread = next(
        (authorization.unread for authorization in authorizations if authorization.unread), None
    )
    if unread:
        says = f"The payer's answer on the authorization is not understood: {unread}."
        return Result(state="incomplete", says=says, denial=_NOT_DECIDED)
    if "in-part" in decisions:
        says = (
            "The payer certified the authorization in part, and what it authorized is not recorded."
        )
        return Result(state="incomplete", says=says, denial=_NOT_DECIDED)
    if authorizations:
        says = "The authorization has been requested and is not decided."
        return Result(state="incomplete", says=says)
    return None


def _others(charge: Charge) -> Result | None:
    """An approval for another code, or one that is not of the payer billed."""
    approved = [
        authorization
        for authorization in _of_payer(charge, "ours")
        if authorization.decision == "approved"
    ]
    if approved:
        says = (
            "The authorization on record is for another code."
            if any(authorization.codes for authorization in approved)
            else "The authorization on record does not name the code."
        )
        denial = DenialCodes(carc="284")
        return Result(state="incomplete", says=says, denial=denial, evidence=_cite_all(approved))
    foreign, unnamed = _of_payer(charge, "another's"), _of_payer(charge, "not known")
    if foreign:
        insurer = foreign[0].insurer
        name = f": {insurer.names[0]}" if insurer and insurer.names else ""
        says = f"The authorization on record is from another insurer{name}."
        return Result(state="incomplete", says=says, evidence=_cite_all(foreign))
    if unnamed:
        says = "The authorization on record does not name its payer, and there are several payers."
        return Result(state="incomplete", says=says, evidence=_cite_all(unnamed))
    return None


def timely_filing(charge: Charge) -> Result | None:
    """R1: the payer still takes the claim. Past a limit that nobody has confirmed, a person does;
    past one that is settled there is no finding, the line is not billable."""
    filing = charge.filing
    if filing is None:
        return None
    by, rule = us_date(filing.by), filing.rule
    given = (cite(charge.administration.source, f"given on {us_date(charge.day)}"),)
    if not filing.past:
        says = f"The payer accepts the claim until {by}."
        return Result(state="met", says=says, value=str(filing.by), rule=rule, evidence=given)
    says = (
        f"The claim was due on {by} ({filing.says}), by a limit that"
        " is not confirmed for this payer."
    )
    return Result(state="incomplete", says=says, value=str(filing.by), rule=rule, evidence=given)


def preferred_product(charge: Charge) -> Result | None:
    """This product is preferred, or preferred ones were tried; some products the payer does not
    cover at all."""
    rule = charge.rules.preferred_product
    if rule is None or not charge.applies(rule) or charge.code is None or charge.day is None:
        return None
    code = charge.code.code
    given = (cite(charge.administration.source, code),)
    if code in rule.preferred:
        return Result(
            state="met",
            says=f"{code} is a preferred product.",
            value=code,
            rule=rule,
            evidence=given,
        )
    wanted = ", ".join(rule.preferred)
    if code in rule.not_covered:
        says = f"The payer does not cover {code}; it covers {wanted}."
        fix = (
            "Expect no payment for this drug from this payer; choose one that it covers for the"
            " next dose."
        )
        return Result(
            state="not-covered", says=says, value=code, rule=rule, fix=fix, evidence=given
        )
    first = charge.day - timedelta(days=rule.lookback_days)
    tried = _tried(charge, rule.preferred, first)
    if len(tried) >= rule.tried:
        return Result(
            state="met",
            says="A preferred product was tried.",
            evidence=tuple(
                cite(administration.source, "preferred product")
                for administration in tried.values()
            ),
            rule=rule,
        )
    number = "one" if rule.tried == 1 else rule.tried
    says = (
        f"The payer prefers {wanted}, and no trial of {number} of them in the {rule.lookback_days}"
        " days before is on record."
    )
    return Result(state="missing", says=says, rule=rule)


def _was_given(administration: Administration) -> bool:
    """Also one that was stopped, as for a reaction to it."""
    return administration.status in ("completed", "stopped") and not administration.not_given


def _tried(charge: Charge, preferred: tuple[str, ...], first: date) -> dict[str, Administration]:
    """Preferred families given before the dose."""
    families = {
        family.family
        for family in codes.families().values()
        if any(code.code in preferred for code in family.codes)
    }
    day, zone = charge.day or date.max, charge.zone
    administrations = [
        administration
        for administration in charge.record.administrations
        if _was_given(administration)
        and administration.start
        and administration.drug.family in families
    ]
    return {
        administration.drug.family or "": administration
        for administration in administrations
        if administration.start and first <= administration.start.days(zone)[0] < day
    }


def drug_source(charge: Charge) -> Result | None:
    """Where the drug came from is one of the known ways, and one that the payer's vendor rule
    allows."""
    rule = charge.rules.drug_source
    evidence = (cite(charge.administration.source, charge.drug_source or "no source of the drug"),)
    if charge.drug_source is not None and charge.drug_source not in get_args(DrugSource):
        return Result(
            state="incomplete",
            says="The recorded source of the drug is not recognized.",
            rule=rule,
            evidence=evidence,
        )
    if rule is None or not charge.applies(rule):
        return None
    if charge.drug_source in rule.allowed:
        return Result(
            state="met",
            says=f"The payer takes {charge.drug_source}.",
            value=charge.drug_source,
            rule=rule,
            evidence=evidence,
        )
    says = (
        f"The payer requires another source of the drug ({', '.join(rule.allowed)}), not"
        f" {charge.drug_source}."
    )
    return Result(
        state="not-covered", says=says, value=charge.drug_source, rule=rule, evidence=evidence
    )
