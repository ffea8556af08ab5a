"""What the payer asks: coverage, place, authorization, preferred products, where the drug came
from."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

from msgspec import structs

from mappings import codes
from mappings.assessment import cite
from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.codes.tables import Dated, DenialCodes
from mappings.policy.choosing import AuthorizationRule
from mappings.policy.rules import DrugSource, Need
from mappings.record import Administration, Authorization
from mappings.requirements.result import Result


def coverage(charge: Charge) -> Result | None:
    """R10a. A payer that is known but that no policy is for is held, too."""
    found = charge.coordination
    if found is None:
        return None
    evidence = tuple(
        cite(row.source, f"coverage, {row.kind or 'payer not recognised'}") for row in found.seen
    )
    if found.state == "met" and not charge.known_payer:
        kind = found.primary.kind if found.primary else ""
        return Result(
            state="incomplete",
            says=f"There is no policy for a {kind} payer on {charge.day}.",
            evidence=evidence,
            fix="Add a policy for this payer, or name the payer in the table of payer aliases.",
        )
    return Result(state=found.state, says=found.says, evidence=evidence)


def place_of_service(charge: Charge) -> Result | None:
    """R7, R8: the setting is known and on the policy's list; the dialysis facility treats ESRD or
    AKI."""
    setting, policy, table = charge.setting, charge.policy, codes.settings()
    evidence = (cite(setting.source, setting.says),) if setting.source else ()
    row = Dated(source=table.source, verified=table.verified)
    if setting.code is None:
        return Result(state="missing", says=setting.says, evidence=evidence, row=row)
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
    return Result(
        state="met",
        says=f"Place of service {setting.code}, {setting.says}.",
        evidence=evidence,
        value=setting.code,
        row=row,
    )


def esrd_consolidated_billing(charge: Charge) -> Result | None:
    """R8: any IV iron for an ESRD patient outside the dialysis facility (not
    asked while the place is unknown)."""
    kidney, policy, day = charge.kidney, charge.policy, charge.day
    if policy is None or not policy.consolidated_billing or charge.code is None or day is None:
        return None
    if kidney.in_facility or charge.setting.code is None:
        return None
    row = codes.payment().esrd_consolidated_billing.rule_for(charge.code.code, day)
    if not kidney.esrd or row is None:
        return None
    says = (
        f"{charge.code.code} for a patient with ESRD on dialysis belongs to the dialysis"
        " facility's claim (consolidated billing)."
    )
    return Result(state="not-covered", says=says, evidence=kidney.evidence, row=row)


def prior_authorization(charge: Charge, neighbors: Neighbors) -> Result | None:
    """An approved authorization for this code, in its period, with units left; one on record also
    settles an open question."""
    rule = charge.rules.prior_authorization
    if rule is None or charge.code is None or charge.day is None or not charge.when(rule):
        return None
    asked = _asked(charge, rule)
    if asked == "no":
        return None
    rule = structs.replace(rule, asked=asked)
    found = usable_authorization(charge, neighbors)
    if found:
        return Result(
            state="met",
            says="An approved authorization covers the dose.",
            value=found.reference,
            evidence=(cite(found.source, "approved authorization"),),
            rule=rule,
        )
    if asked == "unknown" and not _for_code(charge):
        says = (
            "Whether this plan asks for prior authorization is not known here: set it for the site,"
            " or record the authorization."
        )
        return Result(state="incomplete", says=says, rule=rule)
    return _why_not(charge, rule)


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
    day = charge.day or date.max
    rows = sorted(
        (row for row in _for_code(charge) if row.decision == "approved"),
        key=lambda row: _ends(row, charge) or date.max,
    )
    left = [row.units for row in rows]
    taken = None
    for on, units in [*neighbors.earlier_units, (day, neighbors.group.all_units)]:
        fits = (
            place
            for place, row in enumerate(rows)
            if _in_period(row, charge, on) and _enough(left[place], units)
        )
        taken = next(fits, None)
        if taken is not None:
            left[taken] = _rest(left[taken], units)
    return None if taken is None else rows[taken]


def _enough(left: Decimal | None, units: int) -> bool:
    return left is None or units <= left


def _rest(left: Decimal | None, units: int) -> Decimal | None:
    return None if left is None else left - units


def _for_code(charge: Charge) -> list[Authorization]:
    code = charge.code.code if charge.code else ""
    return [row for row in charge.record.authorizations if code in row.codes]


def _in_period(row: Authorization, charge: Charge, day: date) -> bool:
    begins, ends = _begins(row, charge), _ends(row, charge)
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def _begins(row: Authorization, charge: Charge) -> date | None:
    return row.start.days(charge.zone)[0] if row.start else None


def _ends(row: Authorization, charge: Charge) -> date | None:
    """As it says, else after the policy's months."""
    begins, rule = _begins(row, charge), charge.rules.prior_authorization
    if row.end:
        return row.end.days(charge.zone)[1]
    return _months_after(begins, rule.months) if begins and rule and rule.months else None


def _months_after(day: date, months: int) -> date:
    """The last day of so many calendar months that begin on `day`."""
    later = day.month - 1 + months
    year, month = day.year + later // 12, later % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1])) - timedelta(days=1)


def _why_not(charge: Charge, rule: AuthorizationRule) -> Result:
    rows = _for_code(charge)
    approved = [row for row in rows if row.decision == "approved"]
    cited = tuple(cite(row.source, f"authorization, {row.decision}") for row in rows)
    if any(_in_period(row, charge, charge.day or date.max) for row in approved):
        return Result(
            state="not-covered", says="The authorized units are used up.", evidence=cited, rule=rule
        )
    if approved:
        return Result(
            state="expired",
            says=f"The authorization does not cover {charge.day}.",
            evidence=cited,
            rule=rule,
        )
    if any(row.decision == "denied" for row in rows):
        return Result(
            state="not-covered",
            says="The payer has denied the authorization.",
            evidence=cited,
            rule=rule,
            denial=DenialCodes(carc="197"),
        )
    if rows:
        return Result(
            state="incomplete",
            says="The authorization has been asked for and is not decided.",
            evidence=cited,
            rule=rule,
        )
    others = [row for row in charge.record.authorizations if row.decision == "approved"]
    if others:
        says = (
            "The authorization on record is for another code."
            if any(row.codes for row in others)
            else "The authorization on record does not name the code."
        )
        return Result(
            state="incomplete",
            says=says,
            evidence=tuple(cite(row.source, "authorization") for row in others),
            rule=rule,
            denial=DenialCodes(carc="284"),
        )
    return Result(
        state="missing",
        says="The payer asks for prior authorization and none is on record.",
        rule=rule,
    )


def timely_filing(charge: Charge) -> Result | None:
    """R1: the payer still takes the claim. Past a limit that nobody has confirmed, a person does;
    past one that is settled there is no finding, the line is not billable."""
    filing = charge.filing
    if filing is None:
        return None
    by, rule = str(filing.by), filing.rule
    given = (cite(charge.administration.source, f"given on {charge.day}"),)
    if not filing.past:
        says = f"The payer takes the claim until {by}."
        return Result(state="met", says=says, value=by, rule=rule, evidence=given)
    says = (
        f"The claim was due on {by} ({filing.says}), by a limit that is not confirmed for this"
        " payer."
    )
    return Result(state="incomplete", says=says, value=by, rule=rule, evidence=given)


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
            evidence=tuple(cite(row.source, "preferred product") for row in tried.values()),
            rule=rule,
        )
    number = "one" if rule.tried == 1 else rule.tried
    says = (
        f"The payer prefers {wanted}, and no trial of {number} of them in the {rule.lookback_days}"
        " days before is on record."
    )
    return Result(state="missing", says=says, rule=rule)


def _was_given(row: Administration) -> bool:
    """Also one that was stopped, as for a reaction to it."""
    return row.status in ("completed", "stopped") and not row.not_given


def _tried(charge: Charge, preferred: tuple[str, ...], first: date) -> dict[str, Administration]:
    """Preferred families given before the dose."""
    families = {
        row.family
        for row in codes.families().values()
        if any(code.code in preferred for code in row.codes)
    }
    day, zone = charge.day or date.max, charge.zone
    rows = [
        row
        for row in charge.record.administrations
        if _was_given(row) and row.start and row.drug.family in families
    ]
    return {
        row.drug.family or "": row
        for row in rows
        if row.start and first <= row.start.days(zone)[0] < day
    }


def drug_source(charge: Charge) -> Result | None:
    """Where the drug came from is one of the known ways, and one that the payer's vendor rule
    allows."""
    rule = charge.rules.drug_source
    evidence = (cite(charge.administration.source, charge.drug_source or "no source of the drug"),)
    if charge.drug_source is not None and charge.drug_source not in get_args(DrugSource):
        return Result(
            state="incomplete",
            says="The recorded source of the drug is not one that is known.",
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
        f"The payer wants the drug from another source ({', '.join(rule.allowed)}), not"
        f" {charge.drug_source}."
    )
    return Result(
        state="not-covered", says=says, value=charge.drug_source, rule=rule, evidence=evidence
    )
