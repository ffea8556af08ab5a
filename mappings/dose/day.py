"""R1: the date of service, or why there is none.

Held by tests/unit/test_partial_dates.py.
"""

from datetime import date, tzinfo

from msgspec import Struct

from mappings.assessment import Evidence, State, cite
from mappings.record import Administration


class NoDay(Struct, frozen=True, kw_only=True):
    """Why the date of service can't be said. `fix` replaces the requirement's own."""

    state: State
    says: str
    evidence: tuple[Evidence, ...]
    fix: str | None = None


def service_day(
    administration: Administration, zone: tzinfo | None
) -> tuple[date | None, NoDay | None]:
    """The date of service, or why there is none."""
    start = administration.start
    day = start.day(zone) if start else None
    if day is not None and start and not start.partial and (zone or not start.floating):
        return day, None
    return None, _no_day(administration, zone)


def _no_day(administration: Administration, zone: tzinfo | None) -> NoDay:
    start = administration.start
    given = f"given {start.span(zone).on}" if start else "given on a day that is not recorded"
    evidence = (cite(administration.source, given),)
    if start is None:
        return NoDay(state="missing", says=_no_date(administration), evidence=evidence)
    if start.partial:
        says = f"The date of service is recorded only in part: {start.span(zone).shown}."
        return NoDay(state="missing", says=says, evidence=evidence)
    if start.floating and zone is None:
        return NoDay(
            state="incomplete",
            says=(
                "The time of the dose is recorded without a time zone, and none is set for the"
                " site."
            ),
            evidence=evidence,
        )
    return NoDay(
        state="incomplete",
        says=(
            f"The dose was given {start.span(zone).on}, depending on the time zone, which is not"
            " known."
        ),
        evidence=evidence,
        fix="Set the site's time zone, or record the time of the dose with its offset.",
    )


def _no_date(administration: Administration) -> str:
    if administration.unread_start:
        unread = administration.unread_start
        return f"The date of service is recorded in a form that can't be read: {unread}."
    return "No date of service that can be read is recorded."
