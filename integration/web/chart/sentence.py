"""The sentence on top of the clinician's page: what is known by whoever reads nothing else. Safety
comes first."""

from collections.abc import Sequence
from datetime import date

from integration.web.chart.views import Card, DoseView, Sentence
from integration.wording import words

NOTHING = " Nothing for you here."


def sentence(
    doses: Sequence[DoseView],
    safety: Sequence[Card],
    yours: Sequence[Card],
    elsewhere: Sequence[Card],
    today: date,
) -> Sentence:
    """SAFETY: its cards, blocking or not. YOURS: what a clinician can settle here. Reversed doses
    are left out of DOSES."""
    before, stressed, after = _of_billing(doses, yours, elsewhere, today)
    if not safety:
        idle = "" if stressed else NOTHING
        return Sentence("", before, stressed, after + idle)
    items = "one safety item" if len(safety) == 1 else f"{words.number(len(safety))} safety items"
    return Sentence(f"Look at {items} before the next dose.", before, stressed, after)


def _of_billing(
    doses: Sequence[DoseView], yours: Sequence[Card], elsewhere: Sequence[Card], today: date
) -> tuple[str, str, str]:
    """What can be billed, what is to be settled here, and the end of it."""
    counted = [dose for dose in doses if dose.status not in ("pending", "not-billable")]
    ready = sum(dose.status == "ready" for dose in counted)
    waiting = len(counted) - ready
    if not doses:
        return "No intravenous iron is on record for this patient.", "", ""
    if not counted:
        return (
            f"{words.plural(len(doses), 'iron dose')} on record, none of them to be billed now.",
            "",
            "",
        )
    if not waiting:
        return (
            f"{f'All {len(counted)} doses are' if len(counted) > 1 else 'The dose is'} documented.",
            "",
            "",
        )
    waits = (
        "It waits for" if len(counted) == 1 else f"{waiting} wait{'s' if waiting == 1 else ''} for"
    )
    start = (
        f"{ready} of {words.plural(len(counted), 'iron dose')}{_since(counted, today)} can be"
        f" billed. {waits} "
    )
    if yours:
        return (
            start,
            (
                f"{words.number(len(yours))} {'thing' if len(yours) == 1 else 'things'} you can"
                " settle here"
            ),
            ".",
        )
    return (
        start
        + ("the billing office." if elsewhere else "the biller's release of what was waived."),
        "",
        "",
    )


def _since(counted: Sequence[DoseView], today: date) -> str:
    since = min((dose.on for dose in counted if dose.on), default=None)
    return f" since {words.day(since, year=since.first.year != today.year)}" if since else ""
