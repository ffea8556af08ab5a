"""R1: the date of service, or why there is none."""

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
    says = f"given {start.span(zone).on}" if start else "given on a day that is not recorded"
    evidence = (cite(administration.source, says),)
    if start is None or start.partial:
        in_part = (
            f"The date of service is recorded only in part: {start.span(zone).shown}."
            if start
            else None
        )
        says = in_part or _no_date(administration)
        return None, NoDay(state="missing", says=says, evidence=evidence)
    if start.floating and zone is None:
        return None, NoDay(
            state="incomplete",
            says=(
                "The time of the dose is recorded without a time zone, and none is set for the"
                " site."
            ),
            evidence=evidence,
        )
    day = start.day(zone)
    if day is None:
        says = (
            f"The dose was given {start.span(zone).on}, depending on the time zone, which is not"
            " known."
        )
        return None, NoDay(
            state="incomplete",
            says=says,
            evidence=evidence,
            fix="Set the site's time zone, or record the time of the dose with its offset.",
        )
    return day, None


def _no_date(administration: Administration) -> str:
    if administration.unread_start:
        unread = administration.unread_start
        return f"The date of service is recorded in a form that can't be read: {unread}."
    return "No date of service that can be read is recorded."
