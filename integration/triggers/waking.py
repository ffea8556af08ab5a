"""From what was told to the patients who are assessed again. Used by notifications and sweeps
alike.

Held by tests/contract/test_sweeping.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from integration.configuration.resource_types import WAKING
from integration.store import Db, patients, sweeps
from integration.store.inbox import Outcome
from integration.store.patients import Patient
from integration.triggers.notification import Told
from integration.work.queue import LATER, USUAL, Queue, WantedJob, patient_key

ADMINISTRATION = "MedicationAdministration"
RESOLVE, SWEEP_SITE = "resolve", "sweep-site"


@dataclass(frozen=True)
class Concerned:
    """Whom something concerns: patients; resources of which nobody says whose they are; whether
    something was told of nothing at all."""

    patients: frozenset[str]
    unknown: tuple[Told, ...]
    nameless: bool


def wake(db: Db, queue: Queue, site: str, told: Iterable[Told], cause: str) -> Outcome:
    """Queues every patient concerned, in the caller's transaction.

    An administration concerns its patient; anything else only a patient of whom we know an IV iron.
    Whatever it is, it concerns those whose current assessment rests on it: a resource may move to
    another patient, or be gone. What names nobody is looked up later; what names nothing makes us
    search the site.
    """
    return wake_all(db, queue, site, [told], cause)[0]


def wake_all(
    db: Db, queue: Queue, site: str, several: Sequence[Iterable[Told]], cause: str
) -> list[Outcome]:
    """The same for what each of SEVERAL notifications told; what became of each."""
    known, concerned = _concerned(db, site, several)
    ids = set[str]().union(*(one.patients for one in concerned))
    if new_ids := ids - known.keys():
        known |= patients.known_all(db, site, new_ids)
    priority = USUAL if cause == "notification" else LATER
    new = queue.assess_all(db, [known[fhir_id] for fhir_id in ids], cause, priority=priority)
    unknown = set(chain.from_iterable(one.unknown for one in concerned))
    new |= queue.add_all(db, [_lookup(site, told, cause) for told in unknown])
    if any(one.nameless for one in concerned):
        search(db, queue, site)
    outcomes: list[Outcome] = []
    for one in concerned:
        keys = {patient_key(known[fhir_id].id) for fhir_id in one.patients}
        keys |= {_lookup(site, told, cause).key for told in one.unknown}
        outcomes.append(_outcome(keys, new, one.nameless))
        new -= keys  # the first of several that concern one patient queued them
    return outcomes


def _outcome(keys: set[str], new: set[str], nameless: bool) -> Outcome:
    if keys & new:
        return "queued"
    if keys:
        return "waiting"
    return "catch-up" if nameless else "ignored"


def _lookup(site: str, told: Told, cause: str) -> WantedJob:
    arguments = {"site": site, "kind": told.kind, "id": told.id, "cause": cause}
    return WantedJob(RESOLVE, f"{RESOLVE}:{site}:{told.reference}", arguments)


def search(db: Db, queue: Queue, site: str) -> bool:
    """Has a site searched for changes now."""
    sweeps.want(db, site)
    return queue.add(db, SWEEP_SITE, f"{SWEEP_SITE}:{site}", {"site": site})


def _concerned(
    db: Db, site: str, several: Sequence[Iterable[Told]]
) -> tuple[dict[str, Patient], list[Concerned]]:
    """The patients that we know of those who are named or meant, by id; and whom each concerns."""
    relevant = [[told for told in one if told.kind in (*WAKING, "Patient", "?")] for one in several]
    everything = list(chain.from_iterable(relevant))
    ids = {told.patient for told in everything if told.patient}
    references = {told.reference for told in everything if told.reference}
    known, resting = dict[str, Patient](), dict[str, set[str]]()
    rows = patients.concerned(db, site, ids, references) if everything else []
    for patient, reference in rows:
        known[patient.fhir_id] = patient
        if reference:
            resting.setdefault(reference, set()).add(patient.fhir_id)
    ours = {patient.fhir_id for patient in known.values() if patient.concerns_us}
    return known, [_of_one(one, ours, resting) for one in relevant]


def _of_one(relevant: Iterable[Told], ours: set[str], resting: Mapping[str, set[str]]) -> Concerned:
    concerned, unknown, nameless = set[str](), [], False
    for told in relevant:
        rest_on_it = resting.get(told.reference or "", set())
        concerned |= rest_on_it
        if told.patient and (told.kind == ADMINISTRATION or told.patient in ours):
            concerned.add(told.patient)
        if told.patient or rest_on_it:
            continue
        if told.reference:
            unknown.append(told)
        else:
            nameless = True
    return Concerned(frozenset(concerned), tuple(unknown), nameless)
