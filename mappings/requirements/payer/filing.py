"""Whether the payer still takes the claim (R1).

Held by tests/scenarios/timely_filing.yaml.
"""

from mappings.assessment import cite
from mappings.charge.charge import Charge
from mappings.requirements.result import Result
from mappings.values.us_dates import us_date


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
