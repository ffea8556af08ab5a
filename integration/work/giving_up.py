"""What a person does about work that was given up.

Held by tests/contract/test_workflow.py.
"""

from collections.abc import Sequence

from integration.errors import ConfigurationError
from integration.store import Db, audit, failures
from integration.work.owing import WRITE_BACK
from integration.work.queue import ASSESS, PERSON, Queue, patient_key


def chosen(db: Db, numbers: Sequence[int] | None, *, everything: bool) -> list[int]:
    """The failures that a command is about; raises where one is not there."""
    there = [failure.id for failure in failures.every(db)]
    if everything:
        return there
    if not numbers:
        raise ConfigurationError(
            "Name the numbers that `ferroclaim failed list` shows, or say --all."
        )
    if unknown := sorted(set(numbers) - set(there)):
        raise ConfigurationError(
            f"There is no failed work with number {', '.join(map(str, unknown))}."
        )
    return list(numbers)


def retry(db: Db, queue: Queue, identity: int, by: str) -> None:
    """Queues it again, from its first try on."""
    failure = failures.find(db, identity)
    if failure is None:
        return
    task, key = failure.task, failure.key
    if task == WRITE_BACK and failure.patient_id is not None:
        task, key = ASSESS, patient_key(failure.patient_id)
    queue.add(db, task, key, failure.arguments, priority=PERSON)
    failures.remove(db, identity)
    audit.note(
        db,
        by,
        "retried",
        site=failure.site or None,
        patient_id=failure.patient_id,
        resource=failure.task,
    )


def discard(db: Db, identity: int, by: str, reason: str) -> None:
    failure = failures.find(db, identity)
    if failure is None:
        return
    failures.remove(db, identity)
    audit.note(
        db,
        by,
        "discarded",
        site=failure.site or None,
        patient_id=failure.patient_id,
        resource=failure.task,
        error=failure.message,
        reason=reason,
    )
