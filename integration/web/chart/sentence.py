"""The sentence on top of the clinician's page: what is known by whoever reads nothing else. Safety
comes first.

Each part counts what is so: how many doses wait for something that has a button here, how many for
an entry in the chart itself, how many for the billing office alone.

Held by tests/unit/test_chart_sentence.py.
"""

from collections.abc import Collection, Sequence
from datetime import date
from itertools import chain

from integration.web.chart.views import Card, DoseView, Sentence
from integration.wording import words
from mappings.values.words import within

NOTHING = " Nothing for you here."


def sentence(
    doses: Sequence[DoseView],
    safety: Sequence[Card],
    yours: Sequence[Card],
    elsewhere: Sequence[Card],
    today: date,
) -> Sentence:
    """SAFETY: its cards, blocking or not. YOURS: what holds a dose and is the clinician's, with a
    button here or without. Reversed doses are left out of DOSES."""
    before, stressed, after = _of_billing(doses, yours, elsewhere, today)
    if not safety:
        return Sentence("", before, stressed, after + ("" if yours else NOTHING))
    items = f"{words.number(len(safety))} safety {'item' if len(safety) == 1 else 'items'}"
    return Sentence(f"Look at {items} before the next dose.", before, stressed, after)


def _of_billing(
    doses: Sequence[DoseView], yours: Sequence[Card], elsewhere: Sequence[Card], today: date
) -> tuple[str, str, str]:
    """What can be billed, what is to be settled here, and the end of it."""
    counted = [dose for dose in doses if dose.status not in ("pending", "not-billable")]
    aside = _aside(doses, alone=not counted)
    if not doses:
        return "No intravenous iron is on record for this patient.", "", ""
    if not counted:
        return aside, "", ""
    waiting = [dose for dose in counted if dose.status != "ready"]
    if not waiting:
        return f"{_all(counted)} documented.{aside}", "", ""
    before, stressed, after = _waits(waiting, yours, elsewhere, alone=len(counted) == 1)
    return f"{_ready(counted, waiting, today)} {before}", stressed, f"{after}.{aside}"


def _all(counted: Sequence[DoseView]) -> str:
    match len(counted):
        case 1:
            return "The dose is"
        case 2:
            return "Both doses are"
        case count:
            return f"All {count} doses are"


def _ready(counted: Sequence[DoseView], waiting: Sequence[DoseView], today: date) -> str:
    if len(counted) == 1:
        on = counted[0].on
        of = f" of {words.day(on, year=on.first.year != today.year)}" if on else ""
        return f"The iron dose{of} cannot be billed yet."
    ready = len(counted) - len(waiting)
    return f"{ready} of {len(counted)} iron doses{_since(counted, today)} can be billed."


def _waits(
    waiting: Sequence[DoseView], yours: Sequence[Card], elsewhere: Sequence[Card], *, alone: bool
) -> tuple[str, str, str]:
    """`3 wait for`, `two things you can settle here`, `, 1 also for one entry to correct in the
    chart`: one of the three."""
    holding = [card for card in yours if _doses([card], waiting)]
    here = [card for card in holding if card.settled_here]
    entries = [card for card in holding if not card.settled_here]
    of_here, of_chart = _doses(here, waiting), _doses(entries, waiting)
    only_billing = _doses(elsewhere, waiting) - of_here - of_chart
    released = len(waiting) - len(of_here | of_chart | only_billing)
    stressed = f"{words.things(len(here))} you can settle here" if here else ""
    parts = [(len(of_here), stressed, "")] if here else []
    if entries:
        noun = "entry" if len(entries) == 1 else "entries"
        what = f"{words.number(len(entries))} {noun} to correct in the chart"
        parts.append((len(of_chart), what, " also" if of_chart <= of_here else ""))
    if only_billing:
        parts.append((len(only_billing), "the billing office", ""))
    if released:
        parts.append((released, "the biller's release of what was waived", ""))
    (count, first, _), *others = parts
    verb = "It waits" if alone else f"{count} wait{'s' if count == 1 else ''}"
    tail = "".join(
        f", for {what}" if alone else f", {number}{also} for {what}"
        for number, what, also in others
    )
    return (f"{verb} for ", stressed, tail) if here else (f"{verb} for {first}", "", tail)


def _doses(cards: Sequence[Card], waiting: Collection[DoseView]) -> set[str]:
    """Which of the waiting doses these cards are about."""
    about = {dose.administration for dose in chain.from_iterable(card.doses for card in cards)}
    return about & {dose.administration for dose in waiting}


def _aside(doses: Sequence[DoseView], *, alone: bool) -> str:
    """What is not counted, and why: doses that are not billed, or not finished yet."""
    unbilled = [dose for dose in doses if dose.status == "not-billable"]
    pending = [dose for dose in doses if dose.status == "pending"]
    said = []
    if unbilled:
        why = words.joined(list(dict.fromkeys(chain.from_iterable(dose.why for dose in unbilled))))
        because = f": {within(why)}" if why else ""
        said.append(f"{_so_many(unbilled, alone=alone)} not billed{because}.")
    if pending:
        said.append(f"{_so_many(pending, alone=alone)} not finished.")
    text = " ".join(said)
    return text if alone else text and f" {text}"


def _so_many(doses: Sequence[DoseView], *, alone: bool) -> str:
    if alone and len(doses) == 1:
        return "The iron dose is"
    more = "" if alone else " more"
    return f"{len(doses)}{more} {'is' if len(doses) == 1 else 'are'}"


def _since(counted: Sequence[DoseView], today: date) -> str:
    since = min((dose.on for dose in counted if dose.on), default=None)
    return f" since {words.day(since, year=since.first.year != today.year)}" if since else ""
