"""R10a: what the payer answered when it was asked whether a coverage is in force.

Held by tests/scenarios/eligibility.yaml.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo

from mappings.record import Coverage, Eligibility
from mappings.values.moment import may_span
from mappings.values.stated import Unread
from mappings.values.us_dates import us_date

_NEVER = datetime.min.replace(tzinfo=UTC)


def refused(
    answers: Iterable[Eligibility], active: list[Coverage], day: date, zone: tzinfo | None
) -> str | None:
    """What the newest answers on a day say against coverages that count as active on it."""
    about = [one for one in answers if may_span(one.start, one.end, (day, day), zone)]
    for coverage in active:
        own = [one for one in about if one.coverage in (None, coverage.source.resource)]
        newest = max(own, key=_age, default=None)
        if newest is not None and newest.in_force is not True:
            return _says(newest, day, zone)
    return None


def _age(answer: Eligibility) -> tuple[datetime, bool]:
    """The newest last; of two that can't be told apart the one that says no."""
    created = answer.created.order[0] if answer.created else _NEVER
    return created, answer.in_force is not True


def _says(answer: Eligibility, day: date, zone: tzinfo | None) -> str:
    when = f" of {answer.created.span(zone).shown}" if answer.created else ""
    whose = f"The payer's answer{when} ({answer.source.resource})"
    if isinstance(answer.in_force, Unread):
        return f"{whose} is not understood: {answer.in_force}."
    return f"{whose} says that a coverage active on {us_date(day)} is not in force."
