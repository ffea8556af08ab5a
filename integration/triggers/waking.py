"""From what was told to the patients who are assessed again. Used by notifications and sweeps
alike."""

from collections import defaultdict
from collections.abc import Iterable

from integration.configuration.resource_types import WAKING
from integration.store import Db, patients
from integration.store.inbox import Outcome
from integration.triggers.notification import Told
from integration.work.queue import LATER, USUAL, Queue

ADMINISTRATION = "MedicationAdministration"
RESOLVE, SWEEP_SITE = "resolve", "sweep-site"


def wake(db: Db, queue: Queue, site: str, told: Iterable[Told], cause: str) -> Outcome:
    """Queues every patient concerned, in the caller's transaction.

    An administration concerns its patient; anything else only a patient of whom we know an IV iron.
    Whatever it is, it concerns those whose current assessment rests on it: a resource may move to
    another patient, or be gone. What names nobody is looked up later; what names nothing makes us
    search the site.
    """
    rows = [row for row in told if row.kind in (*WAKING, "Patient", "?")]
    concerned, unknown, nameless = _concerned(db, site, rows)
    outcomes: set[Outcome] = set()
    for fhir_id in sorted(
        concerned
    ):  # in one order everywhere, or two transactions wait for each other
        added = queue.assess(
            db,
            patients.known(db, site, fhir_id),
            cause,
            priority=USUAL if cause == "notification" else LATER,
        )
        outcomes.add("queued" if added else "waiting")
    for row in sorted(unknown, key=lambda row: str(row.reference)):
        arguments = {"site": site, "kind": row.kind, "id": row.id, "cause": cause}
        added = queue.add(db, RESOLVE, f"{RESOLVE}:{site}:{row.reference}", arguments)
        outcomes.add("queued" if added else "waiting")
    if nameless:
        search(db, queue, site)
        outcomes.add("catch-up")
    return next(
        (outcome for outcome in ("queued", "waiting", "catch-up") if outcome in outcomes), "ignored"
    )


def search(db: Db, queue: Queue, site: str) -> bool:
    """Has a site searched for changes now."""
    return queue.add(db, SWEEP_SITE, f"{SWEEP_SITE}:{site}", {"site": site})


def _concerned(db: Db, site: str, rows: list[Told]) -> tuple[set[str], list[Told], bool]:
    """Patients; resources of which nobody says whose they are; whether something was told of
    nothing at all."""
    hinted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.patient:
            hinted[row.kind].add(row.patient)
    others = (
        set().union(*(named for kind, named in hinted.items() if kind != ADMINISTRATION))
        if hinted
        else set()
    )
    concerned = hinted[ADMINISTRATION] | patients.of_ours(db, site, others)
    unknown, nameless = [], False
    for row in rows:
        resting = patients.resting_on(db, site, [row.reference]) if row.reference else set()
        concerned |= resting
        if row.reference is None:
            nameless = nameless or not row.patient
        elif not row.patient and not resting:
            unknown.append(row)
    return concerned, unknown, nameless
