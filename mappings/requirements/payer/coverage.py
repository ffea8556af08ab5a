"""Who pays (R10a).

Held by tests/scenarios/coverage.yaml.
"""

from mappings.charge.charge import Charge
from mappings.circumstances.coverage import Coordination
from mappings.requirements.result import Result
from mappings.values.us_dates import us_date


def coverage(charge: Charge) -> Result | None:
    """R10a. A payer that is known but that no policy is for is held, too."""
    found = charge.coordination
    if found is None:
        return None
    if found.state == "met" and not charge.known_payer:
        kind = found.primary.kind if found.primary else ""
        return Result(
            state="incomplete",
            says=f"There is no policy for a {kind} payer on {us_date(charge.day)}.",
            evidence=found.evidence,
            fix="Add a policy for this payer, or name the payer in the table of payer aliases.",
        )
    return charge.once(_as_coordinated, found)


def _as_coordinated(found: Coordination) -> Result:
    names = found.primary.names if found.primary else ()
    unknown = found.unknown_payer.says if found.unknown_payer else None
    return Result(
        state=found.state,
        says=found.says,
        evidence=found.evidence,
        cause=found.cause,
        fix=found.fix or _unnamed(found),
        value=unknown or next(iter(names), None),
    )


def _unnamed(found: Coordination) -> str | None:
    """Which of plans that are all unknown is primary settles nothing."""
    if found.state != "incomplete" or any(coverage.kind for coverage in found.seen):
        return None
    return (
        "Say once for the site what kind of payer it is (`payer_aliases`), or correct the coverage"
        " where the patient is registered."
    )
