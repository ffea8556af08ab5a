"""Which product the payer wants, and from whom.

Held by tests/scenarios/products.yaml.
"""

from datetime import date, timedelta
from typing import get_args

from mappings import codes
from mappings.assessment import cite
from mappings.charge.charge import Charge
from mappings.policy.rules import DrugSource
from mappings.record import Administration
from mappings.requirements import quoting
from mappings.requirements.result import Result


def preferred_product(charge: Charge) -> Result | None:
    """This product is preferred, or preferred ones were tried; some products the payer does not
    cover at all."""
    rule = charge.rules.preferred_product
    if rule is None or not charge.applies(rule) or charge.code is None or charge.day is None:
        return None
    code = charge.code.code
    given = (cite(charge.administration.source, code),)
    if charge.is_among(rule.preferred):
        return Result(
            state="met",
            says=f"The payer prefers {quoting.drugs([code])}.",
            value=code,
            rule=rule,
            evidence=given,
        )
    wanted = quoting.drugs(rule.preferred)
    if charge.is_among(rule.not_covered):
        says = f"The payer does not cover {quoting.drugs([code])}; it covers {wanted}."
        fix = (
            "Expect no payment for this drug from this payer; choose one that it covers for the"
            " next dose."
        )
        return Result(
            state="not-covered", says=says, value=code, rule=rule, fix=fix, evidence=given
        )
    ours = codes.windows()
    back = ours.days("preferred-trial") if rule.lookback_days is None else rule.lookback_days
    tried = _tried(charge, rule.preferred, charge.day - timedelta(days=back))
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
        f"The payer prefers {wanted}, and no trial of {number} of them in the {back} days before"
        " is on record."
    )
    # What the payer's text does not say decides only where there is an older trial.
    earlier = {} if rule.lookback_days is not None else _tried(charge, rule.preferred, date.min)
    row = ours.authority if len(earlier) >= rule.tried else None
    cited = tuple(cite(one.source, "an earlier trial") for one in earlier.values()) if row else ()
    return Result(state="missing", says=says, rule=rule, row=row, evidence=cited)


def _tried(charge: Charge, preferred: tuple[str, ...], first: date) -> dict[str, Administration]:
    """Preferred families given before the dose."""
    known = codes.in_force().billing_codes
    families = {codes.family_of(code).family for code in preferred if code in known}
    day, zone = charge.day or date.max, charge.zone
    administrations = [
        administration
        for administration in charge.record.administrations
        if administration.was_given
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
    doubts = charge.administration.source_doubts
    if doubts:
        return Result(
            state="incomplete",
            says=f"Who supplied the drug, or how it was bought, is not clear: {doubts[0]}.",
            rule=rule,
            evidence=(cite(charge.administration.source, str(doubts[0])),),
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
