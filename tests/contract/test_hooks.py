"""Notifications come in, are kept and queue their patients; what cannot be trusted stays out."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest

from integration.operating import metrics
from integration.store import Store, StoreUnavailable
from tests import notifications as sent
from tests.service import SECRET, Running

Make = Callable[..., Running]


@pytest.fixture
def service(running: Make) -> Running:
    return running()


def known(service: Running) -> Running:
    """A service that has assessed p1 before."""
    service.assess()
    service.work()
    return service


# What wakes whom


@pytest.mark.parametrize(
    ("body", "path", "method"),
    [
        (sent.administration(), "/MedicationAdministration/ma1", "PUT"),
        (sent.administration(), "", "POST"),
        (sent.topic_r4(sent.event(1, "MedicationAdministration/ma1", "Patient/p1")), "", "POST"),
        (
            sent.topic_r4(
                sent.event(1, "MedicationAdministration/ma1"),
                entries=[{"resource": sent.administration()}],
            ),
            "",
            "POST",
        ),
        (
            sent.topic_r5(
                {
                    "eventNumber": 1,
                    "focus": {"reference": "MedicationAdministration/ma1"},
                    "additionalContext": [{"reference": "Patient/p1"}],
                }
            ),
            "",
            "POST",
        ),
    ],
    ids=["HAPI", "Medplum", "R4 topic", "R4 topic, full", "R5 topic"],
)
def test_an_administration_queues_its_patient(
    service: Running, body: Any, path: str, method: str
) -> None:
    assert service.notify(body, path, method) == 204
    assert service.outcomes() == ["queued"]
    assert service.queued() == ["patient:1"]


def test_a_laboratory_result_of_somebody_unknown_wakes_nobody(service: Running) -> None:
    assert service.notify(sent.observation()) == 204
    assert (service.outcomes(), service.queued()) == (["ignored"], [])


@pytest.mark.parametrize(
    "kind",
    [
        "Observation",
        "Condition",
        "MedicationRequest",
        "DocumentReference",
        "Encounter",
        "Procedure",
    ],
)
def test_what_may_close_a_gap_wakes_a_patient_whom_we_know(service: Running, kind: str) -> None:
    known(service)
    assert service.notify(sent.resource(kind, "x1", "p1")) == 204
    assert service.queued() == ["patient:1"]


@pytest.mark.parametrize(
    "kind", ["DetectedIssue", "Task", "Communication", "Provenance", "Appointment"]
)
def test_what_we_write_ourselves_wakes_nobody(service: Running, kind: str) -> None:
    known(service)
    assert service.notify(sent.resource(kind, "x1", "p1")) == 204
    assert (service.outcomes(), service.queued()) == (["ignored"], [])


def test_a_deleted_administration_wakes_those_who_rest_on_it(service: Running) -> None:
    known(service)
    assert service.notify(path="/MedicationAdministration/ma1", method="DELETE") == 204
    assert service.queued() == ["patient:1"]


def test_medplum_s_deletion_wakes_those_who_rest_on_it(service: Running) -> None:
    known(service)
    deleted = "MedicationAdministration/ma1"
    assert service.notify(b"{}", X_Medplum_Deleted_Resource=deleted) == 204
    assert service.queued() == ["patient:1"]


def test_a_dose_charted_to_the_wrong_patient_wakes_both(service: Running) -> None:
    known(service)
    service.notify(sent.administration("ma1", patient="p2", version="2"))
    assert service.queued() == ["patient:1", "patient:2"]


def test_an_id_alone_is_looked_up(service: Running) -> None:
    assert service.notify(sent.topic_r4(sent.event(1, "MedicationAdministration/ma1"))) == 204
    assert service.queued() == ["resolve:general:MedicationAdministration/ma1"]
    service.work()
    assert service.rows("select fhir_id from patients where concerns_us") == [("p1",)]


def test_an_id_that_is_gone_when_looked_up_is_nobodys(service: Running) -> None:
    service.notify(sent.topic_r4(sent.event(1, "MedicationAdministration/gone")))
    service.work()
    assert (service.queued(), service.failures()) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        sent.topic_r4(sent.event(1)),
        sent.topic_r5({"focus": {"identifier": {"value": "a-1.X"}}}),
    ],
)
def test_a_notification_of_nothing_has_the_site_searched(service: Running, body: Any) -> None:
    assert service.notify(body) == 204
    assert (service.outcomes(), service.queued()) == (["catch-up"], ["sweep-site:general"])


@pytest.mark.parametrize("kind", ["handshake", "heartbeat"])
def test_a_sign_of_life_is_noted(service: Running, kind: str) -> None:
    assert service.notify(sent.topic_r4(kind=kind, since_start=0)) == 204
    assert (service.outcomes(), service.queued()) == (["heard"], [])
    assert service.rows("select site, name, last_event from hooks") == [("general", "lab", 0)]


# Once


def test_many_notifications_of_one_patient_are_one_job(service: Running) -> None:
    for number in range(30):
        assert service.notify(sent.administration(f"ma{number}")) == 204
    assert service.queued() == ["patient:1"]
    assert service.outcomes() == ["queued"] + ["waiting"] * 29


def test_a_repetition_is_kept_once_and_wakes_nobody(service: Running) -> None:
    service.notify(sent.administration())
    service.work()
    for _ in range(3):
        assert service.notify(sent.administration()) == 204
    assert (service.outcomes(), service.queued()) == (["queued"], [])


def test_a_refused_duplicate_job_does_not_lose_the_notification(service: Running) -> None:
    """PostgreSQL spoils a transaction in which something failed, unless a savepoint guards it."""
    service.notify(sent.administration("ma1"))
    service.notify(sent.administration("ma2"))
    assert service.rows("select references_ from notifications order by id") == [
        (["MedicationAdministration/ma1"],),
        (["MedicationAdministration/ma2"],),
    ]


def test_nothing_is_answered_before_it_is_kept(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Store) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(Store, "transaction", away)
    assert service.notify(sent.administration()) == 503


# Counting


def test_a_missing_number_is_asked_for_and_then_searched_for(service: Running) -> None:
    for number in (1, 2, 5):
        service.notify(sent.topic_r4(sent.event(number, "Observation/o1", "Patient/p9")))
    assert service.queued() == ["missed-events:general:lab:3"]
    assert service.rows("select args -> 'numbers' from procrastinate_jobs") == [([3, 4],)]
    service.work()
    assert [
        kind for (kind,) in service.rows("select kind from sweeps")
    ]  # this server has no $events


def test_numbers_that_were_only_late_are_not_missed(service: Running) -> None:
    for number in (1, 3, 2):
        service.notify(sent.topic_r4(sent.event(number, "Observation/o1", "Patient/p9")))
    service.work()
    assert service.rows("select kind from sweeps") == []


def test_a_heartbeat_tells_of_events_that_never_came(service: Running) -> None:
    service.notify(sent.topic_r4(sent.event(1, "Observation/o1", "Patient/p9")))
    service.notify(sent.topic_r4(kind="heartbeat", since_start=3))
    assert service.rows("select args -> 'numbers' from procrastinate_jobs") == [([2, 3],)]


def test_a_counter_that_begins_anew_has_the_site_searched(service: Running) -> None:
    for number in (40, 41, 1, 2):
        service.notify(sent.topic_r4(sent.event(number, "Observation/o1", "Patient/p9")))
    assert service.queued() == ["sweep-site:general"]
    assert service.rows("select last_event from hooks") == [(2,)]


def test_numbers_of_a_sender_that_does_not_count_mean_nothing(running: Make) -> None:
    service = running(site={"hooks": {"lab": {"secret": SECRET}}})
    for number in (1, 900):
        service.notify(sent.topic_r4(sent.event(number, "Observation/o1", "Patient/p9")))
    assert service.queued() == []


# Keeping out


def refused(reason: str) -> float:
    return (
        metrics.REGISTRY.get_sample_value(
            "ferroclaim_notifications_refused_total", {"reason": reason}
        )
        or 0
    )


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ({"X_Ferroclaim_Secret": "close-sesame"}, 401, "secret"),
        ({"hook": "nowhere"}, 404, "unknown"),
        ({"Content_Type": "application/fhir+xml"}, 415, "content-type"),
        ({"body": b" " * (2**20 + 1)}, 413, "too-large"),
        ({"body": b'{"a":' * 200 + b"1" + b"}" * 200}, 400, "nesting"),
        ({"body": b"{}"}, 422, "not-fhir"),
        ({"path": "/MedicationAdministration/ma2"}, 400, "mismatch"),
        (
            {
                "body": {
                    **sent.administration(),
                    "subject": {"reference": "https://evil.example/fhir/Patient/p1"},
                }
            },
            422,
            "foreign",
        ),
        (
            {
                "body": sent.topic_r4(
                    sent.event(1, "https://evil.example/fhir/MedicationAdministration/ma1")
                )
            },
            422,
            "foreign",
        ),
    ],
)
def test_refused_counted_and_nothing_asked(
    service: Running, arguments: dict[str, Any], status: int, reason: str
) -> None:
    before = refused(reason)
    assert service.notify(**{"body": sent.administration(), **arguments}) == status
    assert refused(reason) == before + 1
    assert (service.outcomes(), service.queued(), service.fake.requests) == ([], [], [])


def test_an_unknown_site_is_refused(service: Running) -> None:
    answer = service.web.post("/hooks/elsewhere/lab", headers={"X-Ferroclaim-Secret": SECRET})
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not-found", "message": "There is no such hook."}}


def test_what_the_body_says_is_not_what_is_assessed(service: Running) -> None:
    """The dose, the drug, the patient's name: all of it is read from the configured base again."""
    lying = {
        **sent.administration(),
        "dosage": {"dose": {"value": 9999, "unit": "mg"}},
        "status": "entered-in-error",
    }
    service.notify(lying)
    service.work()
    assert service.rows("select units, status from lines") == [(200, "held")]


def test_a_patient_whom_the_ehr_does_not_know_is_forgotten(service: Running) -> None:
    service.notify(sent.administration(patient="nobody"))
    service.work(rounds=4)
    assert (service.queued(), service.failures()) == ([], [])


@pytest.mark.parametrize(
    ("header", "prefix"),
    [("X-Signature", ""), ("X-Hub-Signature", "sha256=")],
    ids=["Medplum", "athenahealth"],
)
def test_signed_notifications(running: Make, header: str, prefix: str) -> None:
    service = running(
        site={"hooks": {"lab": {"secret": SECRET, "proof": "hmac-sha256", "header": header}}}
    )
    body = sent.encoded(sent.administration())
    signature = prefix + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert service.notify(body, **{header: signature}) == 204
    assert service.notify(body + b" ", **{header: signature}) == 401
    assert service.queued() == ["patient:1"]
