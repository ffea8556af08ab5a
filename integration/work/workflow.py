"""The one workflow: pull → assess → keep → write back. Every step may be done twice, and may end
anywhere.

Held by tests/contract/test_workflow.py.
"""

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

import structlog

from integration.assessing.keeping import keep, leaves_out
from integration.assessing.patient import check_pull, owed_issues
from integration.ehr.reading.patient import PatientPull, read_patient
from integration.ehr.writing.writeback import Outcome, write_back_for
from integration.errors import FerroclaimError, NotFound
from integration.operating import metrics
from integration.store import Hold, decisions, gaps, patients
from integration.store.ledger import StoredLedger
from integration.store.patients import Patient
from integration.work.engine import Closing, Engine, Job
from integration.work.owing import note, owe
from integration.work.retries import DOUBTS
from mappings.decisions import Decision

log = structlog.get_logger()


# The try from which on a part that the EHR fails at is left out rather than everything (Q21).
LENIENT_FROM = 3


class Unsettled(FerroclaimError):
    """A write-back is not settled; the next look at the chart settles it."""

    retryable = True


def assess(engine: Engine, job: Job) -> Closing | None:
    """The handler of the task `assess`: {"patient": number, "cause": text}."""
    hold = job.hold
    assert hold is not None  # noqa: S101 (the engine's)
    with hold.singly() as db:
        patient = patients.by_id(db, job.arguments["patient"])
        decided = decisions.of_patient(db, patient) if patient else None
    if patient is None or decided is None:
        return None
    started, closing = time.perf_counter(), None
    try:
        result, closing = _assessed(engine, patient, decided, job, hold)
    except NotFound:
        if patient.concerns_us or job.attempt < 1:
            raise
        result = "no such patient"  # of a notification that named nobody
    metrics.assessments.labels(patient.site, result).inc()
    metrics.assessing.labels(patient.site).observe(time.perf_counter() - started)
    log.info(
        "assessed",
        site=patient.site,
        patient=patient.reference,
        result=result,
        cause=job.arguments.get("cause"),
    )
    return closing


def _assessed(
    engine: Engine, patient: Patient, decided: Sequence[Decision], job: Job, hold: Hold
) -> tuple[str, Closing | None]:
    client, policies = engine.clients.of(patient.site)
    ledger = StoredLedger(hold, patient.id)
    port = write_back_for(client, ledger, limit=client.site.limits.writes)
    as_of = engine.clock()
    pull = read_patient(client, patient.fhir_id, fresh=True, lenient=job.attempt >= LENIENT_FROM)
    if pull.odd and job.attempt + 1 < DOUBTS:
        raise pull.odd
    engine.step("pulled")
    if pull.patient != patient.reference:
        return _merged(engine, patient, pull, job, hold)
    checked = check_pull(pull, client.site, policies, as_of, decided)
    assessment = checked.assessment
    engine.step("assessed")
    with hold.transaction() as db:
        cause = str(job.arguments.get("cause", "retry"))
        changed = keep(db, client.site, patient, checked, pull, as_of, cause)
        owed = owed_issues(assessment, pull, as_of, gaps.waivers(db, patient.id))
        engine.step("keeping")
    engine.step("kept")
    try:
        outcomes = port.put_all(owed, pull.issues) if owed else []
    except Exception:
        with hold.transaction() as db:
            owe(db, patient, port, owed)
        raise
    closing = partial(note, patient=patient, answers=ledger.answers, outcomes=outcomes, owed=owed)
    _check(patient, outcomes, hold, closing)
    engine.step("written")
    result = "changed" if changed else "unchanged"
    if leaves_out(client.site, assessment):
        result = "test patient"
    return result, closing if owed else None


def _merged(
    engine: Engine, patient: Patient, pull: PatientPull, job: Job, hold: Hold
) -> tuple[str, None]:
    """Nothing stands under the id of a merged patient any more; the surviving one is assessed with
    what stood there."""
    client, policies = engine.clients.of(patient.site)
    as_of, cause = engine.clock(), str(job.arguments.get("cause", "retry"))
    empty = PatientPull(patient.reference, [], [], 0)
    checked = check_pull(empty, client.site, policies, as_of)
    with hold.transaction() as db:
        keep(db, client.site, patient, checked, empty, as_of, cause)
        survivor = patients.known(db, patient.site, pull.patient.removeprefix("Patient/"))
        engine.queue.assess(db, survivor, cause)
    return "merged", None


def _check(patient: Patient, outcomes: Sequence[Outcome], hold: Hold, closing: Closing) -> None:
    """Raises `Unsettled`, with everything noted, where not all is written."""
    results = Counter(outcome.result for outcome in outcomes)
    for result, count in results.items():
        metrics.written.labels(patient.site, result).inc(count)
    unsettled = sorted(results.keys() & {"unknown", "conflict"})
    if unsettled:
        with hold.transaction() as db:
            closing(db)
        raise Unsettled(
            f"Site {patient.site}: a write-back ended with {' and '.join(unsettled)}. It is looked"
            " up before it is repeated."
        )
