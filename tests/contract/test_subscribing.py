"""Subscriptions at an EHR: made once, verified, repaired, made again where the server dropped them,
removed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer

from integration.configuration.settings import Settings
from integration.errors import ConfigurationError
from integration.store import Store, subscriptions
from integration.triggers import subscribing
from integration.triggers.subscribing import SubscriptionResult
from integration.work.engine import Job
from tests import notifications as sent
from tests.fakes import chart, modes
from tests.fakes.ehr import Answer, FakeEhr
from tests.service import FHIR_JSON, Running

JOB = Job(subscribing.TASK, "watch-subscriptions:general", "general", {})
MODE = replace(
    modes.HAPI,
    types={**modes.EVERYTHING, "Subscription": ["url", "status"]},
    writes={
        **modes.HAPI.writes,
        "Subscription": frozenset({"read", "search-type", "create", "update"}),
    },
)


class SubscribableEhr(FakeEhr):
    """Turns what is requested active at its next reading, as HAPI does. `stubborn`: into that,
    instead."""

    stubborn = "active"
    events: dict[str, Any] | None = None

    def answer(
        self, method: str, target: str, body: dict[str, Any] | None, headers: Mapping[str, str]
    ) -> Answer:
        parts = urlsplit(target)
        if parts.path.endswith("/$events"):
            self.queries.append(f"{method} {target}")
            return (200, self.events, {}) if self.events else (404, None, {})
        if method == "DELETE":
            self.queries.append(f"{method} {target}")
            return (204, None, {}) if self.resources.pop(parts.path, None) else (404, None, {})
        answered = super().answer(method, target, body, headers)
        if parts.path == "Subscription" and method == "GET":
            wanted = parse_qs(parts.query)["url"][0]
            answered = (
                200,
                {
                    "resourceType": "Bundle",
                    "entry": [
                        {"resource": r} for r in self.ours if r["channel"]["endpoint"] == wanted
                    ],
                },
                {},
            )
        for issue in self.ours:
            if issue["status"] == "requested":
                self.store({**issue, "status": self.stubborn})
        return answered

    @property
    def ours(self) -> list[dict[str, Any]]:
        return self.of("Subscription")

    @property
    def made(self) -> list[str]:
        return [
            query
            for query in self.queries
            if query.split()[0] in ("PUT", "POST", "DELETE") and "Subscription" in query
        ]


@pytest.fixture
def fake(ehr_server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> SubscribableEhr:
    monkeypatch.setitem(modes.MODES, "hapi", MODE)
    made = SubscribableEhr(ehr_server, "hapi")
    made.load(chart.chart())
    return made


@pytest.fixture
def start(
    fake: SubscribableEhr, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Running]]:
    monkeypatch.setattr(subscribing, "ACTIVATION_SECONDS", 1.0)
    made: list[Running] = []

    def make(**wanted: Any) -> Running:
        made.append(
            Running(
                fake,
                store,
                site={
                    "subscriptions": {
                        "types": ["MedicationAdministration", "Observation"],
                        **wanted,
                    }
                },
            )
        )
        return made[-1]

    yield make
    for service in made:
        service.close()


def establish(service: Running) -> list[SubscriptionResult]:
    client, _ = service.engine.clients.of("general")
    return subscribing.establish(service.store, service.settings, client)


def done(results: list[SubscriptionResult]) -> list[tuple[str, str, str]]:
    return sorted((result.name, result.did, result.status) for result in results)


def test_they_are_made_and_active(start: Callable[..., Running], fake: SubscribableEhr) -> None:
    assert done(establish(start())) == [
        ("medication-administration", "created", "active"),
        ("observation", "created", "active"),
    ]
    administration, observation = sorted(fake.ours, key=lambda row: row["criteria"])
    assert (administration["criteria"], observation["criteria"]) == (
        "MedicationAdministration?",
        "Observation?category=laboratory",
    )
    channel = administration["channel"]
    assert (channel["type"], channel["endpoint"]) == (
        "rest-hook",
        "http://127.0.0.1:1/hooks/general/medication-administration",
    )
    assert channel["payload"] == FHIR_JSON


def test_doing_it_again_leaves_them_alone(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    before = fake.made.copy()
    assert {subscription.did for subscription in establish(service)} == {"kept"}
    assert fake.made == before


def test_each_has_a_secret_of_its_own_which_opens_its_hook_alone(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    secrets = {
        issue["criteria"].split("?")[0]: (
            issue["channel"]["header"][0].removeprefix("X-Ferroclaim-Secret: ")
        )
        for issue in fake.ours
    }
    assert len(set(secrets.values())) == 2
    assert all(len(secret) >= 43 for secret in secrets.values())  # 256 bits
    body = sent.administration()
    assert (
        service.notify(
            body,
            hook="medication-administration",
            X_Ferroclaim_Secret=secrets["MedicationAdministration"],
        )
        == 204
    )
    assert (
        service.notify(
            body, hook="medication-administration", X_Ferroclaim_Secret=secrets["Observation"]
        )
        == 401
    )


def test_one_that_the_server_broke_is_repaired(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    fake.store({**fake.ours[0], "status": "error", "error": "gave up"})
    fake.store(
        {
            **fake.ours[1],
            "channel": {**fake.ours[1]["channel"], "endpoint": "http://127.0.0.1:1/elsewhere"},
        }
    )
    assert {subscription.did for subscription in establish(service)} == {"repaired"}
    assert {issue["status"] for issue in fake.ours} == {"active"}
    assert all("/hooks/general/" in issue["channel"]["endpoint"] for issue in fake.ours)


def test_one_that_never_turns_active_is_told(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    fake.stubborn = "error"
    assert {subscription.status for subscription in establish(start())} == {"error"}


def test_a_create_without_an_answer_makes_no_second(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    """The store never learned the id; the endpoint tells which one is ours."""
    service = start()
    establish(service)
    service.rows("update subscriptions set fhir_id = null returning site")
    fake.store({**fake.ours[0], "id": "twin"})
    assert {subscription.did for subscription in establish(service)} == {"kept"}
    assert len(fake.ours) == 2


def test_what_is_not_wanted_any_more_is_removed(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    establish(start())
    service = start(types=["MedicationAdministration"])
    assert done(establish(service)) == [
        ("medication-administration", "kept", "active"),
        ("observation", "removed", "off"),
    ]
    assert [issue["criteria"] for issue in fake.ours] == ["MedicationAdministration?"]


def test_all_can_be_removed_even_those_that_are_gone(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    fake.resources.pop(f"Subscription/{fake.ours[0]['id']}")
    client, _ = service.engine.clients.of("general")
    assert {row.did for row in subscribing.remove(service.store, client)} == {"removed"}
    assert (fake.ours, service.rows("select 1 from subscriptions")) == ([], [])


def test_a_dropped_one_is_noticed_made_again_and_what_went_by_is_searched(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    fake.resources.pop(f"Subscription/{fake.ours[0]['id']}")
    fake.store({**fake.ours[0], "status": "off"})
    subscribing.watch(service.engine, JOB)
    assert len(fake.ours) == 2
    assert service.queued() == ["sweep-site:general"]
    assert service.rows("select recreated from subscriptions order by name") == [(1,), (1,)]


@pytest.mark.parametrize("status", ["error", "off", "entered-in-error", ""])
def test_whatever_is_not_active_is_made_again(
    status: str, start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    fake.store({**fake.ours[0], "status": status})
    subscribing.watch(service.engine, JOB)
    assert service.rows("select sum(recreated) from subscriptions") == [(1,)]


def test_one_that_may_not_be_looked_at_holds_up_no_other(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    kept, dropped = fake.ours
    fake.resources.pop(f"Subscription/{dropped['id']}")
    fake.fail(f"^Subscription/{kept['id']}", 403, times=9)
    subscribing.watch(service.engine, JOB)
    found = service.rows("select recreated, status from subscriptions order by recreated")
    assert [recreated for recreated, _ in found] == [0, 1]
    assert found[0][1] == "unknown"


@pytest.mark.parametrize("place", [True, False])
def test_a_create_that_is_answered_with_something_else_is_found(
    place: bool, start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    usual = fake.answer

    def odd(method: str, target: str, body: Any, headers: Any) -> Answer:
        status, made, answered = usual(method, target, body, headers)
        if method in ("PUT", "POST") and "Subscription" in target:
            said = {"resourceType": "OperationOutcome", "issue": []}
            return status, said, answered if place else {}
        return status, made, answered

    fake.answer = odd  # type: ignore[method-assign]
    service = start()
    assert [result.did for result in establish(service)] == ["created", "created"]
    assert len(fake.ours) == 2


def test_watching_what_is_well_does_nothing(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start()
    establish(service)
    before = fake.made.copy()
    subscribing.watch(service.engine, JOB)
    assert (fake.made, service.queued()) == (before, [])


def test_topics(start: Callable[..., Running], fake: SubscribableEhr) -> None:
    service = start(
        form="topic", topics={"MedicationAdministration": "urn:topic:iron"}, content="id-only"
    )
    assert done(establish(service)) == [("medication-administration", "created", "active")]
    (made,) = fake.ours
    assert made["criteria"] == "urn:topic:iron"
    assert made["_criteria"]["extension"][0]["valueString"] == "MedicationAdministration?"
    assert made["channel"]["_payload"]["extension"][0]["valueCode"] == "id-only"


def test_events_that_never_came_are_asked_for(
    start: Callable[..., Running], fake: SubscribableEhr
) -> None:
    service = start(form="topic", topics={"MedicationAdministration": "urn:topic:iron"})
    establish(service)
    ((secret,),) = service.rows("select secret from subscriptions")
    for number in (1, 4):
        told = sent.topic_r4(sent.event(number, "Observation/o1", "Patient/p9"))
        assert (
            service.notify(told, hook="medication-administration", X_Ferroclaim_Secret=secret)
            == 204
        )
    dose = sent.event(3, "MedicationAdministration/ma1", "Patient/p1")
    fake.events = sent.topic_r4(
        sent.event(2, "Observation/o2", "Patient/p9"), dose, kind="query-event"
    )
    service.work()
    (asked,) = [query for query in fake.queries if "$events" in query]
    assert parse_qs(urlsplit(asked).query) == {
        "eventsSinceNumber": ["2"],
        "eventsUntilNumber": ["3"],
        "content": ["id-only"],
    }
    assert service.rows("select fhir_id from patients where concerns_us") == [("p1",)]
    assert service.rows("select 1 from sweeps") == []


def test_a_site_without_subscriptions_gets_none(running: Callable[..., Running]) -> None:
    assert establish(running("epic")) == []


def test_somebody_must_say_where_we_are(start: Callable[..., Running]) -> None:
    service = start()
    nowhere = Settings.model_validate({"service": {"port": 0}})
    with pytest.raises(ConfigurationError, match="hooks_url"):
        subscribing.hook_url(nowhere, "general", "observation")
    assert (
        subscribing.hook_url(service.settings, "general", "observation")
        == "http://127.0.0.1:1/hooks/general/observation"
    )


def test_a_secret_is_not_shown(start: Callable[..., Running]) -> None:
    service = start()
    establish(service)
    with service.store.transaction() as db:
        rows = subscriptions.of_site(db, "general")
    assert all(row.secret not in repr(row) for row in rows)
