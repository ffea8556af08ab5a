"""Taking a notification: kept, and its work queued, in one transaction; only then it is
answered.

Held by tests/contract/test_intake.py.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from integration.operating import metrics
from integration.store import Db, Store, inbox
from integration.store.inbox import Arrival, Outcome
from integration.triggers import waking
from integration.triggers.notification import Notification
from integration.triggers.resolving import EVENTS
from integration.work.queue import Queue

log = structlog.get_logger()

IN_FLIGHT_SECONDS = 30  # events overtake each other: a missing number may be on its way
MOST_MISSED = 1000
OVERTAKEN = 100  # a number further behind is no late one


@dataclass(frozen=True)
class Arriving:
    """A notification at a hook of a site, by its name; COUNTS_EVENTS: its numbers run on."""

    site: str
    hook: str
    counts_events: bool
    notification: Notification

    @property
    def kept(self) -> Arrival:
        said = self.notification
        return Arrival(
            self.site,
            self.hook,
            said.shape,
            said.kind,
            tuple(told.reference for told in said.told if told.reference),
            said.event_numbers,
            said.duplicate_key,
        )


def accept(store: Store, queue: Queue, arriving: Sequence[Arriving]) -> list[Outcome]:
    """Returns when all is kept. Raises `StoreUnavailable`: then the senders send it again. A
    statement is waited for where its result is asked for."""
    with store.transaction() as db, db.pipeline():
        outcomes = _accept(db, queue, arriving)
        db.execute("commit")
    kinds = [(one.site, one.notification.shape) for one in arriving]
    for (kind, outcome), count in Counter(zip(kinds, outcomes, strict=True)).items():
        metrics.notifications.labels(*kind, outcome).inc(count)
    for one, outcome in zip(arriving, outcomes, strict=True):
        log.info(
            "notification",
            site=one.site,
            hook=one.hook,
            shape=one.notification.shape,
            kind=one.notification.kind,
            outcome=outcome,
        )
    return outcomes


def _accept(db: Db, queue: Queue, arriving: Sequence[Arriving]) -> list[Outcome]:
    """Sites, hooks, patients and jobs in one order everywhere: transactions that take the same in
    another wait for each other."""
    arrivals = [one.kept for one in arriving]
    searched = set[str]()
    for (site, hook), several in sorted(_by_hook(arriving).items()):
        inbox.hear(db, site, hook)
        counted = [one.notification for one in several if one.counts_events]
        numbered = [said for said in counted if said.last_number is not None]
        if numbered and _count(db, queue, site, hook, numbered):
            searched.add(site)
    new = _new(arrivals, inbox.kept_before(db, arrivals))
    outcomes: list[Outcome] = ["duplicate"] * len(arriving)
    for site in sorted({arriving[place].site for place in new} | searched):
        places = [place for place in new if arriving[place].site == site]
        said = [arriving[place].notification for place in places]
        for place, outcome in zip(places, _woken(db, queue, site, said), strict=True):
            outcomes[place] = outcome
        if site in searched:
            waking.search(db, queue, site)
    inbox.keep(db, [(arrivals[place], outcomes[place]) for place in new])
    return outcomes


def _by_hook(arriving: Sequence[Arriving]) -> dict[tuple[str, str], list[Arriving]]:
    hooks: dict[tuple[str, str], list[Arriving]] = {}
    for one in arriving:
        hooks.setdefault((one.site, one.hook), []).append(one)
    return hooks


def _new(arrivals: Sequence[Arrival], before: set[tuple[str, str, str]]) -> list[int]:
    """The places of those that are no repetition, of one here either."""
    seen, new = set(before), []
    for place, arrival in enumerate(arrivals):
        if arrival.once not in seen:
            new.append(place)
        if arrival.once:
            seen.add(arrival.once)
    return new


def _woken(db: Db, queue: Queue, site: str, said: Sequence[Notification]) -> list[Outcome]:
    """What becomes of each. One that tells of nothing has the site searched."""
    events = ("event-notification", "query-event")
    told = [one.told if one.kind in events else () for one in said]
    outcomes: list[Outcome] = []
    for one, woken in zip(
        said, waking.wake_all(db, queue, site, told, "notification"), strict=True
    ):
        if one.kind not in events:
            outcomes.append("heard")
        elif one.told:
            outcomes.append(woken)
        else:
            waking.search(db, queue, site)
            outcomes.append("catch-up")
    return outcomes


def _count(db: Db, queue: Queue, site: str, hook: str, numbered: Sequence[Notification]) -> bool:
    """The highest number so far; until the transaction ends nobody else counts. Whether the counter
    began anew: then what was told before is to be searched for."""
    before = last = inbox.last_number(db, site, hook)
    anew = False
    for notification in numbered:
        number = _counted(db, queue, site, hook, notification, last)
        anew |= last is not None and number < last
        last = number
    if last is not None and last != before:
        inbox.count(db, site, hook, last)
    return anew


def _counted(
    db: Db, queue: Queue, site: str, hook: str, notification: Notification, last: int | None
) -> int:
    """The last number after NOTIFICATION, a lower one where the counter began anew. A jump is
    looked into a little later."""
    number = notification.last_number or 0
    if last is None:
        return number
    # A heartbeat's own number should have come, too.
    first = min(notification.event_numbers, default=number + 1)
    if first > last + 1:
        missing = [last + 1, min(first - 1, last + MOST_MISSED)]
        at = datetime.now(UTC) + timedelta(seconds=IN_FLIGHT_SECONDS)
        arguments = {"site": site, "hook": hook, "numbers": missing}
        queue.add(db, EVENTS, f"{EVENTS}:{site}:{hook}:{missing[0]}", arguments, at=at)
    elif number <= 1 < last or number < last - OVERTAKEN:
        # HAPI counts in memory: after its restart the count begins anew, and what was in its queue
        # is lost.
        return number
    return max(number, last)
