"""Notifications that come while others are being kept wait for them, and are then kept together:
one commit for many.

Held by tests/contract/test_intake.py.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from integration.store import Store, StoreUnavailable
from integration.store.inbox import Outcome
from integration.triggers.accepting import Arriving, accept
from integration.work.queue import Queue

MOST = 200  # in one transaction

Waiting = tuple[Arriving, "Future[Outcome]"]


class Intake:
    """Threads share one."""

    def __init__(self, store: Store, queue: Queue) -> None:
        self._store, self._queue = store, queue
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._hand = ThreadPoolExecutor(1, thread_name_prefix="intake")

    def take(self, arriving: Arriving) -> "Future[Outcome]":
        """Done when it is kept; with `StoreUnavailable` where it could not be."""
        future: Future[Outcome] = Future()
        with self._lock:
            self._waiting.append((arriving, future))
            if len(self._waiting) == 1:
                self._hand.submit(self._keep)
        return future

    def _keep(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if self._waiting:
                self._hand.submit(self._keep)
        # Who is gone (a process that ends) is answered no more; the others are.
        batch = [one for one in batch if one[1].set_running_or_notify_cancel()]
        if not self._kept(batch):
            for one in batch:  # what spoiled it must not cost the others
                self._kept([one])

    def _kept(self, batch: Sequence[Waiting]) -> bool:
        """Whether there is an answer to all of BATCH."""
        try:
            outcomes = accept(self._store, self._queue, [arriving for arriving, _ in batch])
        except Exception as error:  # noqa: BLE001 (whatever it is, the sender is told)
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                return False
            for _, future in batch:
                future.set_exception(error)
            return True
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            future.set_result(outcome)
        return True
