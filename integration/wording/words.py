"""What requirements, states and dates are called on the pages, and who can settle what."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from mappings import codes
from mappings.policy.choosing import LabRule, Policy
from mappings.policy.conditions import And, Compare, Node, Not, Or, parse
from mappings.values.moment import Span

Owner = Literal["clinician", "billing"]

# What a clinician can put right in the chart; the rest is for the billing office.
CLINICIAN = frozenset(
    {
        "dose", "discarded-amount", "iron-deficiency-diagnosis", "ckd-diagnosis", "anemia-ckd-link", "ferritin",
        "transferrin-saturation", "hemoglobin", "treatment-plan", "oral-iron-history", "progress-note", "infusion-time",
        "preferred-product", "ndc", "product", "service-date", "dosing", "iron-overload",
    }
)  # fmt: skip
CLINICIAN_REQUIREMENTS = sorted(CLINICIAN)
LABS = {"ferritin": "ferritin", "tsat": "transferrin saturation", "hb": "haemoglobin"}
UNITS = {"ferritin": "ng/mL", "tsat": "%", "hb": "g/dL"}
SIGNS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
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

_ASKS = {
    "service-date": "needs the day on which the drug was given.",
    "product": "needs one code for the drug that was given.",
    "dose": "pays by the milligram, so the dose needs a number and a unit.",
    "ndc": "wants the NDC of the vial on the claim.",
    "discarded-amount": (
        "wants each vial accounted for: what was given and what was thrown away (JW), or that"
        " nothing was (JZ)."
    ),
    "iron-deficiency-diagnosis": "pays for iron that treats a recorded iron deficiency.",
    "ckd-diagnosis": "covers this drug in chronic kidney disease, recorded with its stage.",
    "anemia-ckd-link": "wants the anaemia tied to the kidney disease.",
    "treatment-plan": "wants an order or plan with dose and frequency that covers the day.",
    "coverage": "has to be known as the plan that pays first on that day.",
    "place-of-service": "pays by the place where the drug was given.",
    "esrd-consolidated-billing": "pays for this drug within the dialysis facility's own claim.",
    "drug-source": "wants to know who bought the drug.",
    "units-limit": "pays up to a number of units a day without asking.",
    "dosing": "compares the dose with the product's label.",
    "iron-overload": "does not expect iron to be given at such values.",
    "infusion-time": "pays for the infusion by its start and stop.",
    "preferred-product": "prefers other iron products, tried first.",
}


def payer(policy: Policy | None) -> str:
    """What people call the payer whose policy it is; `The payer` where a policy only stands in for
    an unknown one."""
    return "The payer" if policy is None or " without " in policy.title else policy.title


def payer_asks(
    requirement: str, policy: Policy | None, groups: tuple[str | None, ...] | None = None
) -> str:
    """One sentence: what this payer wants here; GROUPS: the conditions of laboratory rules that are
    the patient's."""
    who = payer(policy)
    rules = policy.requirements if policy else None
    if requirement in ("ferritin", "transferrin-saturation", "hemoglobin") and rules:
        fitting = [rule for rule in rules.laboratory if groups is None or rule.when in groups]
        return f"{who} wants {_laboratory(requirement, fitting or rules.laboratory)}."
    if requirement == "oral-iron-history":
        days = rules.oral_iron_history.trial_days if rules and rules.oral_iron_history else None
        trial = f"a trial of oral iron of {days} days" if days else "a trial of oral iron"
        return f"{who} wants {trial}, an intolerance, or the reason why it is unsuitable."
    if requirement == "progress-note" and rules and rules.progress_note:
        return (
            f"{who} wants a signed progress note within {rules.progress_note.window_days} days"
            " before the dose."
        )
    if requirement == "prior-authorization":
        unknown = bool(
            rules and rules.prior_authorization and rules.prior_authorization.asked == "unknown"
        )
        return (
            f"{who} {'may ask' if unknown else 'asks'} for an authorization before the drug is"
            " given."
        )
    return f"{who} {_ASKS.get(requirement, 'asks for this.')}"


def _laboratory(requirement: str, rules: Iterable[LabRule]) -> str:
    said = []
    for rule in rules:
        group = {"ckd": " in kidney disease", "not ckd": " without kidney disease"}.get(
            rule.when or "", ""
        )
        wanted = (
            limit(parse(rule.limit))
            if rule.limit
            else joined([LABS[name] for name in rule.on_record]) + " on record"
        )
        said.append(f"{wanted}, within {rule.window_days} days before each dose{group}")
    return "; ".join(said) or f"a {requirement.replace('-', ' ')} result"


def limit(node: Node) -> str:
    """`ferritin at most 500 ng/mL and transferrin saturation at most 30 %`."""
    if isinstance(node, Compare):
        return f"{LABS[node.name]} {SIGNS[node.operator]} {node.limit} {UNITS[node.name]}"
    if isinstance(node, Not):
        return f"not {limit(node.inner)}"
    if isinstance(node, And | Or):
        word = " and " if isinstance(node, And) else " or "
        return word.join(
            f"({limit(part)})" if isinstance(part, And | Or) else limit(part) for part in node.parts
        )
    return {"ckd": "kidney disease", "not ckd": "no kidney disease"}.get(node.name, node.name)


def owner(requirement: str) -> Owner:
    return "clinician" if requirement in CLINICIAN_REQUIREMENTS else "billing"


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


def money(value: Decimal | None) -> str:
    return "—" if value is None else f"${value:,.2f}"


def clock(moment: datetime, zone: str | None) -> str:
    local = moment.astimezone(ZoneInfo(zone)) if zone else moment
    return f"{local:%H:%M}"


def local_day(moment: datetime, zone: str | None) -> date:
    return (moment.astimezone(ZoneInfo(zone)) if zone else moment).date()
