"""Each shape in which an EHR tells of something, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.triggers.notification import Notification, Told, Unusable, read
from tests import notifications as sent

BASE = "https://ehr.example/fhir"
BASES = (BASE, "http://internal:8080/fhir")
MA1 = Told("MedicationAdministration", "ma1", "p1")


def reading(body: object, path: str = "", method: str = "POST") -> Notification:
    return read(method, path, body if isinstance(body, bytes) else json.dumps(body).encode(), BASES)


def refusal(body: object, path: str = "", method: str = "POST") -> tuple[int, str]:
    with pytest.raises(Unusable) as caught:
        reading(body, path, method)
    return caught.value.status, caught.value.reason


def test_hapi_puts_the_resource() -> None:
    found = reading(sent.administration(), "MedicationAdministration/ma1", "PUT")
    assert (found.shape, found.told) == ("resource", (MA1,))


def test_medplum_posts_the_resource() -> None:
    assert reading(sent.administration()).told == (MA1,)


def test_hapi_posts_nothing() -> None:
    assert reading(b"") == Notification("empty")


def test_hapi_deletes() -> None:
    assert reading(b"", "MedicationAdministration/ma1", "DELETE").told == (
        Told("MedicationAdministration", "ma1"),
    )


def test_a_coverage_names_its_patient_otherwise() -> None:
    body = {
        "resourceType": "Coverage",
        "id": "c1",
        "beneficiary": {"reference": f"{BASE}/Patient/p1"},
    }
    assert reading(body).told == (Told("Coverage", "c1", "p1"),)


def test_repetitions_of_a_version_are_told_from_news() -> None:
    once, again = (
        reading(sent.administration(version="3")),
        reading(sent.administration(version="3")),
    )
    assert once.duplicate_key == again.duplicate_key is not None
    assert reading(sent.administration(version="4")).duplicate_key != once.duplicate_key
    assert (
        reading({**sent.administration(version="3"), "status": "x"}).duplicate_key
        != once.duplicate_key
    )
    assert reading(sent.administration(version=None)).duplicate_key is None


@pytest.mark.parametrize("kind", ["handshake", "heartbeat", "query-status"])
def test_signs_of_life_tell_of_nothing(kind: str) -> None:
    found = reading(sent.topic_r4(kind=kind, since_start=7))
    assert (found.kind, found.told, found.last_number) == (kind, (), 7)


def test_r4_topic_id_only() -> None:
    found = reading(sent.topic_r4(sent.event(5, "MedicationAdministration/ma1")))
    assert (found.shape, found.told, found.event_numbers) == (
        "topic-r4",
        (Told("MedicationAdministration", "ma1"),),
        (5,),
    )


def test_r4_topic_with_the_patient_beside_the_focus() -> None:
    found = reading(
        sent.topic_r4(sent.event(5, "MedicationAdministration/ma1", "Patient/p1", "Encounter/e1"))
    )
    assert found.told == (MA1,)


def test_r4_topic_with_the_resource() -> None:
    entries = [
        {
            "fullUrl": "https://elsewhere.example/fhir/MedicationAdministration/ma1",
            "resource": sent.administration(),
        }
    ]
    assert reading(
        sent.topic_r4(sent.event(5, "MedicationAdministration/ma1"), entries=entries)
    ).told == (MA1,)


def test_r4_topic_empty() -> None:
    found = reading(sent.topic_r4(sent.event(5)))
    assert (found.told, found.event_numbers) == ((), (5,))


def test_r4_topic_of_several_events() -> None:
    found = reading(
        sent.topic_r4(
            sent.event(6, "Observation/o1"), sent.event(5, "MedicationAdministration/ma1")
        )
    )
    assert found.event_numbers == (5, 6)
    assert {told.reference for told in found.told} == {
        "Observation/o1",
        "MedicationAdministration/ma1",
    }


def test_r4_topic_of_a_delete() -> None:
    entries = [{"request": {"method": "DELETE", "url": "Observation/o1"}}]
    assert reading(sent.topic_r4(sent.event(5), entries=entries)).told == (
        Told("Observation", "o1"),
    )


def test_r5_topic() -> None:
    event = {
        "eventNumber": "5",
        "focus": {"reference": "Observation/o1"},
        "additionalContext": [{"reference": "Patient/p1"}],
    }
    found = reading(sent.topic_r5(event))
    assert (found.shape, found.told, found.event_numbers) == (
        "topic-r5",
        (Told("Observation", "o1", "p1"),),
        (5,),
    )


def test_athena_names_a_proprietary_id() -> None:
    event = {"eventNumber": "1", "focus": {"identifier": {"system": "x", "value": "a-1.Claim-2"}}}
    assert reading(sent.topic_r5(event)).told == (Told("?", None, None),)


def test_a_version_in_a_reference_is_left_out() -> None:
    assert reading(sent.topic_r4(sent.event(1, "Observation/o1/_history/3"))).told == (
        Told("Observation", "o1"),
    )


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        (b"{", "", (400, "json")),
        (b"\xff\xfe", "", (400, "json")),
        (b"[" * 100_000, "", (400, "nesting")),
        (b"[" * 100 + b"]" * 100, "", (400, "nesting")),
        ([], "", (422, "not-fhir")),
        ({"resourceType": "Observation"}, "", (422, "not-fhir")),
        ({"resourceType": "Observation", "id": "../../admin"}, "", (422, "not-fhir")),
        (sent.administration("ma2"), "MedicationAdministration/ma1", (400, "mismatch")),
        (sent.observation("ma1"), "MedicationAdministration/ma1", (400, "mismatch")),
        (sent.administration(), "../metadata", (400, "path")),
        (
            {
                **sent.administration(),
                "subject": {"reference": "https://evil.example/fhir/Patient/p1"},
            },
            "",
            (422, "foreign"),
        ),
        (
            {**sent.administration(), "subject": {"reference": "//evil.example/Patient/p1"}},
            "",
            (422, "foreign"),
        ),
        (
            sent.topic_r4(sent.event(1, "https://evil.example/fhir/Observation/o1")),
            "",
            (422, "foreign"),
        ),
        (sent.topic_r4(kind="payload"), "", (422, "not-a-notification")),
        (
            {
                "resourceType": "Bundle",
                "type": "searchset",
                "entry": [{"resource": sent.observation()}],
            },
            "",
            (422, "not-a-notification"),
        ),
        ({"resourceType": "Bundle"}, "", (422, "not-a-notification")),
        (sent.topic_r4(entries=[{}] * 1001), "", (413, "too-large")),
    ],
)
def test_refused(body: object, path: str, expected: tuple[int, str]) -> None:
    assert refusal(body, path) == expected


def test_a_delete_of_nothing_is_refused() -> None:
    assert refusal(b"", "", "DELETE") == (400, "path")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "entry",
                    "resource",
                    "parameter",
                    "name",
                    "part",
                    "subject",
                    "reference",
                    "meta",
                    "type",
                ]
            ),
            inner
            | st.sampled_from(
                [
                    "Bundle",
                    "Parameters",
                    "SubscriptionStatus",
                    "Observation",
                    "type",
                    "notification-event",
                    "event-notification",
                ]
            ),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_refused(body: object) -> None:
    try:
        reading(body)
    except Unusable:
        pass


DELETED = "X-Medplum-Deleted-Resource"


@pytest.mark.parametrize(
    "named", ["MedicationAdministration/ma1", f"{BASE}/MedicationAdministration/ma1"]
)
@pytest.mark.parametrize("body", [b"{}", b""])
def test_medplum_tells_of_a_deletion_in_a_header(named: str, body: bytes) -> None:
    found = read("POST", "", body, BASES, {DELETED: named})
    told = (Told("MedicationAdministration", "ma1"),)
    assert (found.shape, found.told, found.duplicate_key) == ("delete", told, None)


@pytest.mark.parametrize(
    ("named", "reason"),
    [("", "deleted"), ("ma1", "deleted"), ("https://evil.example/fhir/Patient/p1", "foreign")],
)
def test_a_header_that_names_nothing_here_is_refused(named: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        read("POST", "", b"{}", BASES, {DELETED: named})
    assert caught.value.reason == reason


@pytest.mark.parametrize("base", BASES)
def test_a_reference_by_any_of_the_server_s_own_addresses_is_one_into_it(base: str) -> None:
    body = {
        "resourceType": "Observation",
        "id": "o1",
        "subject": {"reference": f"{base}/Patient/p1"},
    }
    (told,) = reading(body).told
    assert told.patient == "p1"
