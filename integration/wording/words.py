"""What requirements, states and dates are called on the pages, and who can settle what."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from mappings import codes
from mappings.assessment import Asked, Finding, Gap
from mappings.codes.requirement import Owner
from mappings.policy.choosing import Policy
from mappings.requirements.asking import sentence
from mappings.values.moment import Span

STATES = {
    "missing": "not on record",
    "expired": "too old",
    "incomplete": "incomplete",
    "contradicted": "contradictory",
    "not-covered": "outside the payer's limit",
}
# A day or a month, not the middle of an NDC.
_DATE = re.compile(r"(?<![\w-])((?:19|20)\d{2})-(\d{2})(?:-(\d{2}))?(?![\w-])")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def payer(policy: Policy | None) -> str:
    """What people call the payer whose policy it is; `The payer` where a policy only stands in for
    an unknown one."""
    return "The payer" if policy is None or policy.stands_in else policy.payer_name


def payer_asks(found: Gap | Finding, policy: Policy | None) -> str:
    """One sentence: what the rule that decided wants; POLICY: the one that it stands in."""
    asked = found.asked or Asked(says="asks for this.")
    return sentence(payer(policy), asked.says, asked.of_payer)


def owner(requirement: str) -> Owner:
    row = codes.requirements().get(requirement)
    return row.owner if row else "billing"


def of_clinicians() -> list[str]:
    """The requirements that a clinician can put right in the chart; the rest is for the billing
    office."""
    return sorted(row.id for row in codes.requirements().values() if row.owner == "clinician")


def state(requirement: str, found: str) -> str:
    """The state of a requirement in a clinician's words, as it fits the requirement."""
    row = codes.requirements()[requirement]
    if found == "expired" and row.has_end:
        return "has ended"
    if found == "not-covered" and not row.has_limit:
        return "not covered"
    return STATES[found]


def title(requirement: str) -> str:
    row = codes.requirements().get(requirement)
    return row.title if row else requirement.replace("-", " ").capitalize()


def reason(text: str) -> str:
    """A reason of a line as a chip: a requirement's title, or the words of the code."""
    return (
        title(text)
        if text in codes.requirements()
        else text.replace("not-yet-decided:", "not decided yet: ").replace("-", " ").capitalize()
    )


def number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def things(count: int) -> str:
    """`one thing`, `two things`."""
    return f"{number(count)} {'thing' if count == 1 else 'things'}"


def inside(text: str) -> str:
    """A text that begins a sentence, as it stands within one: `NDC …` stays as it is."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def plural(count: int, one: str, several: str | None = None) -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def joined(words: list[str]) -> str:
    return (
        words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
    )


def day(value: date | Span | None, *, year: bool = False) -> str:
    """`1 Nov`, or `1 Nov 2026`; `Oct 2026` where the day is not known."""
    if value is None:
        return "no date"
    if isinstance(value, Span):
        return day(value.first, year=year) if value.first == value.last else dated(value.text)
    return f"{value.day} {value:%b} {value.year}" if year else f"{value.day} {value:%b}"


def dated(text: str) -> str:
    """A sentence with its dates and signs as people write them."""
    text = re.sub(r"\btsat\b", "TSAT", text.replace("<=", "≤").replace(">=", "≥"))
    return _DATE.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    try:
        on = date(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        return found[0]
    return day(on, year=True) if found[3] else f"{on:%b} {on.year}"


def first_sentence(text: str) -> str:
    """The finding, without what is said elsewhere on the card."""
    return dated(re.split(r"(?<=[.])\s+(?=[A-Z(0-9])", text)[0])


def clock(moment: datetime, zone: str | None) -> str:
    local = moment.astimezone(ZoneInfo(zone)) if zone else moment
    return f"{local:%H:%M}"


def local_day(moment: datetime, zone: str | None) -> date:
    return (moment.astimezone(ZoneInfo(zone)) if zone else moment).date()
