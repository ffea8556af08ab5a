"""The prior authorization.

Held by tests/scenarios/authorizations.yaml.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from msgspec import structs

from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.charge.neighbors import Neighbors
from mappings.policy.choosing import AuthorizationRule
from mappings.policy.rules import Need
from mappings.record import Authorization, Coverage
from mappings.requirements.payer.insurers import Whose, whose
from mappings.requirements.result import Result
from mappings.values.remembered import by_identity
from mappings.values.us_dates import us_date

_ASK_THE_PAYER = (
    "Ask the payer whether it requires prior authorization, and record its answer; if it does,"
    " obtain the authorization and record its number."
)


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
    rule = _answered(rule, asked)
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
        says = "Whether this plan requires prior authorization is not known."
        return Result(state="incomplete", says=says, rule=rule, fix=_ASK_THE_PAYER)
    return _why_not(charge, rule)


@by_identity
def _answered(rule: AuthorizationRule, asked: Need) -> AuthorizationRule:
    """The rule as it stands for this code."""
    return structs.replace(rule, asked=asked)


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
    named = not rule.codes or charge.is_among(rule.codes)
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
    for group in [*neighbors.earlier, neighbors.group]:
        units = group.all_units
        fits = (
            place
            for place, authorization in enumerate(approved)
            if _in_period(authorization, charge, group.first.day or date.max)
            and _enough(left[place], units)
            and not _is_of_another(authorization, group, charge)
        )
        taken = next(fits, None)
        if taken is not None:
            left[taken] = _rest(left[taken], units)
    return None if taken is None else approved[taken]


def _is_of_another(authorization: Authorization, group: Group, charge: Charge) -> bool:
    """Whether the line is billed to a payer of whom the authorization is not."""
    billed, ours = _billed(group.first), _billed(charge)
    if billed is None or ours is None or billed.source == ours.source:
        return False
    return whose(authorization, billed, charge.record) == "another's"


def _billed(charge: Charge) -> Coverage | None:
    return charge.coordination.primary if charge.coordination else None


def _enough(left: Decimal | None, units: int) -> bool:
    return left is None or units <= left


def _rest(left: Decimal | None, units: int) -> Decimal | None:
    return None if left is None else left - units


def _for_code(charge: Charge) -> list[Authorization]:
    """The authorizations of the payer that is billed, for the code."""
    code = charge.code.code if charge.code else ""
    ours = _of_payer(charge, "ours")
    found = [authorization for authorization in ours if code in authorization.codes]
    denials = [one for one in ours if one.decision == "denied" and one.reference]
    if not denials:
        return found
    return [one for one in found if not any(_takes_back(denial, one) for denial in denials)]


def _takes_back(denial: Authorization, authorization: Authorization) -> bool:
    """A denial under the number of an approval, as far as anybody knows a later one."""
    if authorization.decision != "approved" or denial.reference != authorization.reference:
        return False
    before, after = authorization.created, denial.created
    one_code = not denial.codes or not set(denial.codes).isdisjoint(authorization.codes)
    return one_code and not (before and after and not after.may_follow(before, None))


def _of_payer(charge: Charge, wanted: Whose) -> list[Authorization]:
    billed = _billed(charge)
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
    """As it says, else after the policy's months, from its start or the payer's answer on."""
    if authorization.end:
        return authorization.end.days(charge.zone)[1]
    rule, begun = charge.rules.prior_authorization, authorization.start or authorization.created
    if begun is None or rule is None or not rule.months:
        return None
    return _months_after(begun.days(charge.zone)[0], rule.months)


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


_NOT_APPROVED = "not-approved"


def _not_approved(authorizations: list[Authorization]) -> Result | None:
    decisions = {authorization.decision for authorization in authorizations}
    if "denied" in decisions:
        says = "The payer has denied the authorization."
        return Result(state="not-covered", says=says, cause=_NOT_APPROVED)
    unread = next(
        (authorization.unread for authorization in authorizations if authorization.unread), None
    )
    if unread:
        says = f"The payer's answer on the authorization is not understood: {unread}."
        return Result(state="incomplete", says=says, cause=_NOT_APPROVED)
    if "in-part" in decisions:
        says = (
            "The payer certified the authorization in part, and what it authorized is not recorded."
        )
        return Result(state="incomplete", says=says, cause=_NOT_APPROVED)
    if authorizations:
        says = "The authorization has been requested and is not decided."
        return Result(state="incomplete", says=says)
    return None


def _others(charge: Charge) -> Result | None:
    """An approval for another code, an answer for none, or one that is not of the payer billed."""
    ours = _of_payer(charge, "ours")
    named = [one for one in ours if one.decision == "approved" and one.codes]
    standing = named or [one for one in ours if not one.codes]
    if standing:
        says = (
            "The authorization on record is for another code."
            if named
            else "The authorization on record does not name the code."
        )
        cited = _cite_all(standing)
        return Result(state="incomplete", says=says, cause="of-another-code", evidence=cited)
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
