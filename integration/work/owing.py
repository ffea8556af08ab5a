"""What a chart is owed, and what became of it: in the ledger, in the audit table, and, where the
server refused, before a person.

Held by tests/contract/test_workflow.py.
"""

from collections.abc import Mapping, Sequence

from integration.ehr.fhir.answers import Json
from integration.ehr.writing import issues
from integration.ehr.writing.ledger import Entry
from integration.ehr.writing.sending import STATES
from integration.ehr.writing.writeback import Outcome, Worklist, WriteBack
from integration.store import Db, audit, failures, ledger
from integration.store.failures import Failure
from integration.store.patients import Patient
from mappings.writing.detected_issue import gap_of

_NOT_SENT = frozenset({"unchanged", "refused"})
WRITE_BACK = "write-back"  # the name under which a refused one waits for a person


def owe(db: Db, patient: Patient, port: WriteBack, owed: Sequence[Json]) -> None:
    """Notes the issues that are still to be written; nothing where the site takes nothing."""
    if not isinstance(port, Worklist):
        digests = {str(gap_of(issue)): issues.digest(issue) for issue in owed}
        ledger.owe(db, patient.site, patient.id, digests)


def note(
    db: Db,
    patient: Patient,
    answers: Mapping[str, Entry],
    outcomes: Sequence[Outcome],
    owed: Sequence[Json],
    by: str = audit.OURSELVES,
    role: str | None = None,
) -> None:
    """What became of the issues OWED. ANSWERS: of the ledger that was written with."""
    by_gap = {str(gap_of(issue)): issue for issue in owed}
    entries = {
        o.gap: Entry(STATES[o.result], issues.digest(by_gap[o.gap]), o.location, o.version)
        for o in outcomes
        if o.result in _NOT_SENT
    }
    refused = [outcome for outcome in outcomes if outcome.result == "refused"]
    ledger.record(db, patient.site, patient.id, {**answers, **entries})
    ledger.explain(db, patient.site, [(o.gap, o.message) for o in refused])
    written = [outcome for outcome in outcomes if outcome.result in ("created", "updated")]
    about = {"role": role, "site": patient.site, "patient_id": patient.id}
    audit.note_all(
        db,
        by,
        [
            about | {"action": o.result, "resource": o.location, "detail": {"gap": o.gap}}
            for o in written
        ],
    )
    key = f"{WRITE_BACK}:{patient.id}"
    if not refused:
        failures.settled(db, WRITE_BACK, key)
        return
    says = f"{len(refused)} of {len(outcomes)} gaps were not taken: {refused[0].message}."
    arguments = {"site": patient.site, "patient": patient.id, "cause": "retry"}
    failures.add(
        db, Failure(patient.site, WRITE_BACK, key, patient.id, arguments, "Refused", says, 1)
    )
