"""Looking up what a notification did not say: whose resource it is, and which events never came.

Held by tests/contract/test_hooks.py.
"""

from integration.ehr.fhir import references
from integration.errors import EhrError, NotFound
from integration.operating import metrics
from integration.store import inbox, subscriptions
from integration.triggers import notification, waking
from integration.triggers.notification import Told, Unusable
from integration.work.engine import Engine, Job

TASK, EVENTS = waking.RESOLVE, "missed-events"


def resolve(engine: Engine, job: Job) -> None:
    """Reads one resource, and wakes its patient. One that is gone concerned those who were woken
    when it was told."""
    site, kind, identity = str(job.site), str(job.arguments["kind"]), str(job.arguments["id"])
    client, _ = engine.clients.of(site)
    try:
        resource = client.read(kind, identity, fresh=True)
    except NotFound:
        return
    whose = (
        f"Patient/{identity}"
        if kind == "Patient"
        else references.subject(resource, client.site.addresses)
    )
    if whose and whose.startswith("Patient/"):
        told = Told(kind, identity, whose.removeprefix("Patient/"))
        with engine.store.transaction() as db:
            waking.wake(
                db, engine.queue, site, [told], str(job.arguments.get("cause", "notification"))
            )


def fetch_events(engine: Engine, job: Job) -> None:
    """Events whose numbers never came: asked for with $events, else the site is searched."""
    site, hook = str(job.site), str(job.arguments["hook"])
    first, last = job.arguments["numbers"]
    with engine.store.transaction() as db:
        missing = sorted(
            set(range(first, last + 1))
            - inbox.heard_numbers(db, site, hook, range(first, last + 1))
        )
        subscription = subscriptions.find(db, site, hook)
    if not missing:
        return
    metrics.missed.labels(site).inc(len(missing))
    told = (
        _asked(engine, site, subscription.fhir_id, missing)
        if subscription and subscription.fhir_id
        else None
    )
    with engine.store.transaction() as db:
        if told is None:
            waking.search(db, engine.queue, site)
        else:
            waking.wake(db, engine.queue, site, told, "notification")


def _asked(
    engine: Engine, site: str, subscription: str, numbers: list[int]
) -> tuple[Told, ...] | None:
    """What $events answers; None where the server does not have it, or not those."""
    client, _ = engine.clients.of(site)
    path = f"Subscription/{subscription}/$events"
    params = {
        "eventsSinceNumber": str(numbers[0]),
        "eventsUntilNumber": str(numbers[-1]),
        "content": "id-only",
    }
    try:
        answer = client.transport.read(path, params=params, what="$events")
        found = notification.read("POST", "", answer.body, client.site.addresses)
    except (EhrError, Unusable) as error:
        if isinstance(error, EhrError) and error.retryable:
            raise
        return None
    return found.told if set(numbers) <= set(found.event_numbers) else None
