"""Taking a notification: kept, and its work queued, in one transaction; only then it is
answered."""

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


def accept(
    store: Store,
    queue: Queue,
    site: str,
    hook: str,
    counts_events: bool,
    notification: Notification,
) -> Outcome:
    """Returns when all is kept. Raises `StoreUnavailable`: then the sender sends it again."""
    with store.transaction() as db:
        outcome = _accept(db, queue, site, hook, counts_events, notification)
    metrics.notifications.labels(site, notification.shape, outcome).inc()
    log.info(
        "notification",
        site=site,
        hook=hook,
        shape=notification.shape,
        kind=notification.kind,
        outcome=outcome,
    )
    return outcome


def _accept(
    db: Db, queue: Queue, site: str, hook: str, counts_events: bool, notification: Notification
) -> Outcome:
    references = tuple(row.reference for row in notification.told if row.reference)
    arrival = Arrival(
        site,
        hook,
        notification.shape,
        notification.kind,
        references,
        notification.event_numbers,
        notification.duplicate_key,
    )
    identity = inbox.take(db, arrival)
    inbox.hear(db, site, hook)
    if counts_events and notification.last_number is not None:
        _count(db, queue, site, hook, notification, notification.last_number)
    if identity is None:
        return "duplicate"
    outcome: Outcome = "heard"
    if notification.kind in ("event-notification", "query-event"):
        if notification.told:
            outcome = waking.wake(db, queue, site, notification.told, "notification")
        else:
            waking.search(db, queue, site)
            outcome = "catch-up"
    inbox.settle(db, identity, outcome)
    return outcome


def _count(
    db: Db, queue: Queue, site: str, hook: str, notification: Notification, number: int
) -> None:
    """A jump in the event numbers is looked into a little later, a counter that began anew at
    once."""
    last = inbox.last_number(db, site, hook)
    if last is None or number > last:
        inbox.count(db, site, hook, number)
    first = min(
        notification.event_numbers, default=number + 1
    )  # a heartbeat's own number should have come, too
    if last is not None and first > last + 1:
        missing = [last + 1, min(first - 1, last + MOST_MISSED)]
        at = datetime.now(UTC) + timedelta(seconds=IN_FLIGHT_SECONDS)
        queue.add(
            db,
            EVENTS,
            f"{EVENTS}:{site}:{hook}:{missing[0]}",
            {"site": site, "hook": hook, "numbers": missing},
            at=at,
        )
    elif last is not None and (number <= 1 < last or number < last - OVERTAKEN):
        # HAPI counts in memory: after its restart the count begins anew, and what was in its queue
        # is lost.
        inbox.count(db, site, hook, number)
        waking.search(db, queue, site)
