"""Notifications that arrive together are kept together, and each is answered for itself."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from integration.configuration.service import HOOK_HEADER
from integration.store import StoreUnavailable, subscriptions
from integration.store.inbox import Outcome
from integration.triggers import intake as module
from integration.triggers import notification, proof
from integration.triggers.accepting import Arriving, accept
from integration.triggers.intake import Intake
from integration.triggers.proof import Gates
from tests import notifications as sent
from tests.service import Running

SECONDS = 20


def arriving(identity: str, patient: str) -> Arriving:
    body = sent.encoded(sent.administration(identity, patient))
    read = notification.read("POST", "", body, ("http://127.0.0.1/fhir",))
    return Arriving("general", "lab", False, read)


class Together:
    """An intake whose first transaction waits until all that a test sends have come."""

    def __init__(self, service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self._begun, self._all_there = threading.Event(), threading.Event()
        monkeypatch.setattr(module, "accept", self._accept)
        self._intake = Intake(service.store, service.engine.queue)
        self._intake.take(arriving("first", "p1"))
        assert self._begun.wait(SECONDS)

    def _accept(self, store: Any, queue: Any, batch: Sequence[Arriving]) -> list[Outcome]:
        self._begun.set()
        assert self._all_there.wait(SECONDS)
        self.sizes.append(len(batch))
        return accept(store, queue, batch)

    def leave(self, one: Arriving) -> "Future[Outcome]":
        """As a sender does whose request is ended while it waits."""
        answer = self._intake.take(one)
        assert answer.cancel()
        return answer

    def send(self, *several: Arriving) -> list["Future[Outcome]"]:
        """What each is answered."""
        answers = [self._intake.take(one) for one in several]
        self._all_there.set()
        assert not wait(answers, SECONDS).not_done
        return answers


@pytest.fixture
def together(running: Callable[..., Running], monkeypatch: pytest.MonkeyPatch) -> Any:
    service = running()
    return service, Together(service, monkeypatch)


def test_those_who_wait_are_kept_in_one_transaction(together: tuple[Running, Together]) -> None:
    service, intake = together
    answers = intake.send(*(arriving(f"ma{number}", f"p{number % 2}") for number in range(6)))
    assert intake.sizes[1:] == [6]
    assert [answer.result() for answer in answers] == [
        "queued",  # p0; p1 was queued by the first
        *["waiting"] * 5,
    ]
    assert service.queued() == ["patient:1", "patient:2"]
    assert len(service.outcomes()) == 7


def test_a_repetition_in_one_transaction_is_kept_once(together: tuple[Running, Together]) -> None:
    service, intake = together
    answers = intake.send(arriving("ma1", "p2"), arriving("ma1", "p2"))
    assert [answer.result() for answer in answers] == ["queued", "duplicate"]
    assert service.outcomes() == ["queued", "queued"]


def test_a_site_is_searched_after_its_patients_are_queued(running: Callable[..., Running]) -> None:
    """The order in which every transaction takes the same jobs."""
    service = running()
    heard = [sent.topic_r4(kind="heartbeat", since_start=number) for number in (40, 1)]
    signs = [
        notification.read("POST", "", sent.encoded(one), ("http://127.0.0.1/fhir",))
        for one in heard
    ]
    counted = [Arriving("general", "lab", True, sign) for sign in signs]
    accept(service.store, service.engine.queue, [*counted, arriving("ma1", "p1")])
    locks = service.rows("select lock from procrastinate_jobs order by id")
    assert locks == [("patient:1",), ("sweep-site:general",)]


def test_what_spoils_a_transaction_costs_nobody_else(together: tuple[Running, Together]) -> None:
    service, intake = together
    good = arriving("ma1", "p2")
    broken = replace(good.notification, duplicate_key="no text: \0")
    answers = intake.send(good, replace(good, notification=broken), arriving("ma2", "p3"))
    assert isinstance(answers[1].exception(), psycopg.DataError)
    assert [answers[0].result(), answers[2].result()] == ["queued", "queued"]
    assert service.outcomes() == ["queued"] * 3


def test_without_a_database_each_sender_is_told_to_send_again(
    together: tuple[Running, Together], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, intake = together

    def away(*_: Any) -> list[Outcome]:
        raise StoreUnavailable("The database does not answer.")

    answers = [intake.send(arriving("ma1", "p2"))[0]]
    monkeypatch.setattr(module, "accept", away)
    answers += intake.send(arriving("ma2", "p3"))
    assert answers[0].result() == "queued"
    assert isinstance(answers[1].exception(), StoreUnavailable)


def test_the_secret_of_a_subscription_is_known_for_a_moment(
    running: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = running()
    gates, site = Gates(service.store), service.settings.site("general")
    with service.store.transaction() as db:
        made = subscriptions.want(db, "general", "dose", "rest-hook", "MedicationAdministration?")
    assert gates.known(site, "dose") is None
    assert gates.read(site, "dose") == gates.known(site, "dose")
    assert gates.read(site, "dose").opens({HOOK_HEADER: made.secret}, b"")  # type: ignore[union-attr]
    monkeypatch.setattr(proof, "KNOWN_SECONDS", 0)
    gates.read(site, "dose")
    assert gates.known(site, "dose") is None


def test_who_is_gone_keeps_nobody_waiting(together: tuple[Running, Together]) -> None:
    service, intake = together
    gone = intake.leave(arriving("ma1", "p2"))
    (answer,) = intake.send(arriving("ma2", "p3"))
    assert gone.cancelled()
    assert answer.result() == "queued"
    assert service.outcomes() == ["queued"] * 2
