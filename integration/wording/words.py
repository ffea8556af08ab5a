"""What requirements, states and dates are called on the pages, and who can settle what.

Held by tests/unit/test_tables.py.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from mappings import codes
from mappings.assessment import Asked, Finding, Gap
from mappings.codes.requirement import Owner
from mappings.policy.choosing import Policy
from mappings.requirements.asking import sentence
from mappings.values.moment import Span, shown
from mappings.values.us_dates import us_date, us_day, us_time

STATES = {
    "missing": "not on record",
    "expired": "too old",
    "incomplete": "incomplete",
    "contradicted": "contradictory",
    "not-covered": "outside the payer's limit",
}
STATUS = {
    "ready": "ready",
    "held": "held",
    "not-billable": "not billable",
    "pending": "not finished",
    "reversed": "reversed",
    "waived": "waived",
    "released": "released",
    "sent": "sent",
    "accepted": "accepted",
    "rejected": "rejected",
    "replaced": "replaced",
    "void": "voided",
    "paid": "paid",
    "denied": "denied",
    "written-off": "written off",
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def payer(policy: Policy | None) -> str | None:
    """What people call the payer whose policy it is; `The payer` where a policy only stands in for
    one that has none, None where nobody knows who pays."""
    if policy is None:
        return None
    return "The payer" if policy.stands_in else policy.payer_name


def payer_asks(found: Gap | Finding, policy: Policy | None) -> str:
    """One sentence: what the rule that decided wants; POLICY: the one that it stands in."""
    asked = found.asked or Asked(says="asks for this.")
    return sentence(payer(policy), asked.says, asked.of_payer)


def owner(requirement: str) -> Owner:
    known = codes.requirements().get(requirement)
    return known.owner if known else "billing"


def of_clinicians() -> list[str]:
    """The requirements that a clinician can put right in the chart; the rest is for the billing
    office."""
    return sorted(known.id for known in codes.requirements().values() if known.owner == "clinician")


def state(requirement: str, found: str) -> str:
    """The state of a requirement in a clinician's words, as it fits the requirement."""
    known = codes.requirements()[requirement]
    if found == "expired" and known.has_end:
        return "has ended"
    if found == "not-covered" and not known.has_limit:
        return "not covered"
    return STATES[found]


def title(requirement: str) -> str:
    known = codes.requirements().get(requirement)
    return known.title if known else requirement.replace("-", " ").capitalize()


def reason(text: str) -> str:
    """A reason of a line as a chip: a requirement's title, or the words of the code."""
    return (
        title(text)
        if text in codes.requirements()
        else text.replace("not-yet-decided:", "not decided yet: ").replace("-", " ").capitalize()
    )


def status(name: str) -> str:
    """What a state of a line or a dose is called, everywhere."""
    return STATUS.get(name, name)


def number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def things(count: int) -> str:
    """`one thing`, `two things`."""
    return f"{number(count)} {'thing' if count == 1 else 'things'}"


def plural(count: int, one: str, several: str | None = None) -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def joined(words: list[str]) -> str:
    if len(words) > 1:
        return f"{', '.join(words[:-1])} and {words[-1]}"
    return words[0] if words else ""


def day(value: date | Span | str | None, *, year: bool = True) -> str:
    """`Nov 1, 2026`, or `Nov 1`; `Oct 2026` where the day is not known. A text is a date of the
    assessment document."""
    if value is None:
        return "no date"
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Span) and (year or value.first != value.last):
        return value.shown
    on = value.first if isinstance(value, Span) else value
    return us_date(on) if year else us_day(on)


def first_sentence(text: str) -> str:
    """The finding, without what is said elsewhere on the card."""
    return re.split(r"(?<=[.])\s+(?=[A-Z(0-9])", text)[0]


def clock(moment: datetime, zone: str | None) -> str:
    """`2:02 PM`."""
    return us_time(moment, ZoneInfo(zone) if zone else None)


def at(moment: datetime | None, zone: str | None) -> str:
    """`Nov 1, 2026, 2:02 PM`."""
    if moment is None:
        return "no time"
    return f"{us_date(local_day(moment, zone))}, {clock(moment, zone)}"


def local_day(moment: datetime, zone: str | None) -> date:
    return (moment.astimezone(ZoneInfo(zone)) if zone else moment).date()
