"""R1: until when the payer takes a claim.

Held by tests/scenarios/timely_filing.yaml.
"""

from calendar import monthrange
from datetime import date, timedelta

from msgspec import Struct

from mappings.policy.choosing import FilingRule, Policy
from mappings.site import DIALYSIS


class Filing(Struct, frozen=True, gc=False):
    """`by`: the last day on which the claim can be filed. `settled`: by a limit that the payer's
    text says, or that the site has confirmed."""

    rule: FilingRule
    by: date
    past: bool
    settled: bool

    @property
    def says(self) -> str:
        """`90 days`, `1 calendar year`."""
        number, one = (
            (self.rule.years, "calendar year") if self.rule.years else (self.rule.days, "day")
        )
        return f"{number} {one}{'' if number == 1 else 's'}"


def filing(
    policy: Policy | None,
    day: date | None,
    bill_type: str | None,
    today: date,
    answered: int | None = None,
) -> Filing | None:
    """Of a service on `day`; None where no limit is known. `answered`: days that the payer named to
    a person, which count before the policy's."""
    rule = policy.requirements.timely_filing if policy else None
    if answered:
        rule = FilingRule(days=answered, confirmed=True)
    if policy is None or rule is None or day is None:
        return None
    by = _last_day(rule, _month_end(day) if bill_type == DIALYSIS else day)
    return Filing(rule, by, today > by, rule.confirmed or policy.verifies(rule))


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _last_day(rule: FilingRule, day: date) -> date:
    """After calendar years: the same date, of a 29 February the 28th."""
    if rule.years is None:
        return day + timedelta(days=rule.days or 0)
    try:
        return day.replace(year=day.year + rule.years)
    except ValueError:
        return day.replace(year=day.year + rule.years, day=28)
