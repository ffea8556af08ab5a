"""Writing gaps back: once, merged with what others did, in the form that the EHR takes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.ehr.client import EhrClient
from integration.ehr.reading.patient import read_patient
from integration.ehr.writing.ledger import Entry, MemoryLedger
from integration.ehr.writing.writeback import Outcome, ServerWriteBack, WriteBack, write_back_for
from integration.errors import ConfigurationError, Unreachable
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.chart import chart, detected_issue, mitigation
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]
NO_WAIT = {"retries": 0, "read_timeout_seconds": 0.2}


def writes(fake: FakeEhr) -> list[str]:
    """The requests that wrote."""
    return [r for r in fake.requests if not r.startswith("GET")]


def results(outcomes: list[Outcome]) -> list[str]:
    return [outcome.result for outcome in outcomes]


def test_all_of_a_patients_gaps_go_in_one_request(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    outcomes = write_back_for(connect(fake)).put_all([detected_issue("a"), detected_issue("b")], [])
    assert results(outcomes) == ["created", "created"]
    assert [o.version for o in outcomes] == ["1", "1"]
    assert writes(fake) == ["POST "]
    assert sorted(r["identifier"][0]["value"] for r in fake.of("DetectedIssue")) == ["a", "b"]


def test_who_wrote_it_is_said_with_it(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    outcomes = write_back_for(connect(fake)).put_all([detected_issue("a"), detected_issue("b")], [])
    (provenance,) = fake.of("Provenance")
    assert [target["reference"] for target in provenance["target"]] == [
        o.location for o in outcomes
    ]
    assert provenance["agent"][0]["who"] == {"reference": "Device/ferroclaim"}
    assert [device["id"] for device in fake.of("Device")] == ["ferroclaim"]


def test_who_wrote_it_is_said_after_single_writes_too(ehr: Make, connect: Connect) -> None:
    fake = ehr("oracle").load(chart())
    outcomes = write_back_for(connect(fake)).put_all([detected_issue("a"), detected_issue("b")])
    (provenance,) = fake.of("Provenance")
    assert [target["reference"] for target in provenance["target"]] == [
        o.location for o in outcomes
    ]


@pytest.mark.parametrize("withheld", [("Provenance",), ("Device",), ("Provenance", "Device")])
def test_what_the_token_does_not_give_is_not_sent(
    withheld: tuple[str, ...], ehr: Make, connect: Connect, ehr_server: HTTPServer
) -> None:
    authorization = FakeAuthorization(ehr_server, withheld=withheld)
    auth = {
        "method": "client_secret_basic",
        "client_id": "ferroclaim",
        "client_secret": authorization.secret,
    }
    fake = ehr("hapi", authorization=authorization).load(chart())
    outcomes = write_back_for(connect(fake, auth=auth)).put_all([detected_issue("a")], [])
    assert results(outcomes) == ["created"]
    assert writes(fake) == ["POST "]
    assert all(fake.of(kind) == [] for kind in withheld)
    if "Device" in withheld:
        assert fake.of("DetectedIssue")[0].get("author", {}).get("reference") is None


def test_a_provenance_that_is_refused_spoils_no_transaction(ehr: Make, connect: Connect) -> None:
    """Some servers check the rights of each entry, whatever they say of scopes."""
    fake = ehr("hapi").load(chart())
    fake.fail("^Provenance", 403, times=99)
    ours = write_back_for(connect(fake))
    both = [detected_issue("a"), detected_issue("b")]
    assert results(ours.put_all(both, [])) == ["created", "created"]
    assert writes(fake) == ["POST ", "POST "]  # with it, then without
    ours.put_all([detected_issue("c")], [])
    assert len(writes(fake)) == 3  # it is not tried again


def test_twice_changes_nothing(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], [])
    before = len(fake.requests)
    later = detected_issue(
        "a", identifiedDateTime="2026-12-01T00:00:00Z"
    )  # when it was first found stays
    assert results(ours.put_all([later], read_patient(client, "p1").issues)) == ["unchanged"]
    assert len(fake.requests) == before + 1  # the reading alone
    assert fake.of("DetectedIssue")[0]["identifiedDateTime"] == "2026-11-23T15:05:00Z"


def test_a_settled_gap_is_updated(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], [])
    done = detected_issue(
        "a", "final", mitigation=[mitigation("Ferritin is on record", "Device/ferroclaim")]
    )
    (outcome,) = ours.put_all([done], read_patient(client, "p1").issues)
    assert (outcome.result, outcome.version) == ("updated", "2")
    assert fake.of("DetectedIssue")[0]["status"] == "final"


def test_a_gap_that_was_closed_before_it_was_written_is_not_written(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load(chart())
    assert results(
        write_back_for(connect(fake)).put_all([detected_issue("a", "cancelled")], [])
    ) == ["unchanged"]
    assert writes(fake) == []


def edited(fake: FakeEhr, **fields: Any) -> None:
    """Somebody else changes our issue."""
    (issue,) = fake.of("DetectedIssue")
    fake.store(issue | fields)


@pytest.mark.parametrize("mode", ["hapi", "medplum"])
def test_a_clinicians_edit_between_our_read_and_our_write_stays(
    mode: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode).load(chart())
    client = connect(fake)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], [])
    known = read_patient(client, "p1").issues
    edited(fake, status="final", mitigation=[mitigation("Waived: labs done elsewhere")])
    (outcome,) = ours.put_all([detected_issue("a", detail="Now 80 days.")], known)
    assert (outcome.result, outcome.version) == ("updated", "3")
    (there,) = fake.of("DetectedIssue")
    assert there["status"] == "final"
    assert [m["action"]["text"] for m in there["mitigation"]] == ["Waived: labs done elsewhere"]
    assert there["detail"] == "Now 80 days."


def test_an_earlier_mitigation_is_never_lost(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], [])
    edited(fake, mitigation=[mitigation("Ordered ferritin")])
    settled = detected_issue(
        "a", "final", mitigation=[mitigation("On record", "Device/ferroclaim")]
    )
    ours.put_all([settled], read_patient(client, "p1").issues)
    (there,) = fake.of("DetectedIssue")
    assert [m["action"]["text"] for m in there["mitigation"]] == ["Ordered ferritin", "On record"]


def test_an_edit_that_already_says_what_we_wanted_is_left_alone(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], [])
    known = read_patient(client, "p1").issues
    edited(fake, detail="Now 80 days.")
    assert results(ours.put_all([detected_issue("a", detail="Now 80 days.")], known)) == [
        "unchanged"
    ]
    assert fake.of("DetectedIssue")[0]["meta"]["versionId"] == "2"


def test_others_who_keep_writing_are_given_way_to(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], [])
    known = read_patient(client, "p1").issues
    fake.fail("^DetectedIssue/", 412, times=9)
    (outcome,) = ours.put_all([detected_issue("a", detail="new")], known)
    assert outcome.result == "conflict"


def test_one_refused_gap_of_a_transaction_does_not_take_the_others_along(
    ehr: Make, connect: Connect
) -> None:
    """Q24: a failed transaction does not say which entry; then they go one by one."""
    fake = ehr("hapi").load(chart())
    bad = detected_issue("bad", modifierExtension=[{"url": "x"}])
    object.__setattr__(
        fake.mode, "refuse_body", lambda body: (422, "x") if "modifierExtension" in body else None
    )
    try:
        outcomes = write_back_for(connect(fake)).put_all([detected_issue("a"), bad], [])
    finally:
        object.__setattr__(fake.mode, "refuse_body", lambda body: None)
    assert results(outcomes) == ["created", "refused"]
    assert "422" in outcomes[1].message
    fake.unexpected.clear()


def test_a_write_without_an_answer_is_unknown_and_settled_by_searching(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("medplum", latency_seconds=0).load(chart())
    client, ledger = connect(fake, limits=NO_WAIT), MemoryLedger()
    ours = write_back_for(client, ledger)
    real = fake._handled

    def late(request: Any, target: str) -> Response:
        answer = real(request, target)
        return Response("", 504) if request.method == "POST" else answer

    fake._handled = late  # type: ignore[method-assign]
    assert results(ours.put_all([detected_issue("a")], [])) == ["unknown"]
    assert ledger.entries("general", ["a"])["a"].state == "sent"
    fake._handled = real  # type: ignore[method-assign]
    assert results(ours.put_all([detected_issue("a")], [])) == ["unchanged"]
    assert len(fake.of("DetectedIssue")) == 1


def test_a_write_that_was_not_done_is_done_the_second_time(ehr: Make, connect: Connect) -> None:
    fake = ehr("medplum").load(chart())
    ours = write_back_for(connect(fake))
    fake.inject(Response("", 504), method="POST")
    assert results(ours.put_all([detected_issue("a")], [])) == ["unknown"]
    assert results(ours.put_all([detected_issue("a")], [])) == ["created"]
    assert len(fake.of("DetectedIssue")) == 1


def test_an_answer_that_cannot_be_read_is_unknown(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    ours = write_back_for(connect(fake))
    fake.inject(Response("<html>", 200), method="POST")
    assert results(ours.put_all([detected_issue("a")], [])) == ["unknown"]


@pytest.mark.parametrize(
    ("status", "told", "result", "location"),
    [
        (201, {"id": "c7", "meta": {"versionId": "4"}}, "created", "Communication/c7"),
        (200, {"id": "c7", "meta": {"versionId": "4"}}, "unchanged", "Communication/c7"),
        (201, {}, "created", None),
        (201, None, "created", None),
        (201, {"resourceType": "OperationOutcome", "id": "o1"}, "created", None),
        (202, None, "unknown", None),
        (204, None, "unchanged", None),
    ],
)
def test_an_answer_without_a_place_is_that_of_the_resource_in_it(
    status: int, told: Any, result: str, location: str | None, ehr: Make, connect: Connect
) -> None:
    fake = ehr("oracle").load(chart())
    body = "" if told is None else json.dumps({"resourceType": "Communication", **told})
    fake.inject(Response(body, status, content_type="application/fhir+json"), method="POST")
    (outcome,) = write_back_for(connect(fake)).put_all([detected_issue("a")])
    assert (outcome.result, outcome.location) == (result, location)
    assert outcome.version == ("4" if location else None)


def test_a_busy_server_is_tried_later(ehr: Make, connect: Connect) -> None:
    fake, ledger = ehr("hapi").load(chart()), MemoryLedger()
    ours = write_back_for(connect(fake), ledger)
    fake.inject(Response("", 429), method="POST")
    with pytest.raises(Unreachable):
        ours.put_all([detected_issue("a")], [])
    assert ledger.entries("general", ["a"])["a"].state == "pending"


def test_the_ledger_ends_confirmed(ehr: Make, connect: Connect) -> None:
    fake, ledger = ehr("hapi").load(chart()), MemoryLedger()
    (outcome,) = write_back_for(connect(fake), ledger).put_all([detected_issue("a")], [])
    entry = ledger.entries("general", ["a"])["a"]
    assert (entry.state, entry.location, entry.version) == ("confirmed", outcome.location, "1")


def test_q23_two_of_one_gap_are_repaired(ehr: Make, connect: Connect) -> None:
    """Parallel conditional creates may both succeed; the one without a clinician's mitigation gives
    way."""
    fake = ehr("medplum").load([*chart(), detected_issue("a") | {"id": "first"}])
    fake.load([detected_issue("a", mitigation=[mitigation("Ordered")]) | {"id": "second"}])
    client = connect(fake)
    (outcome,) = write_back_for(client).put_all(
        [detected_issue("a", detail="new")], read_patient(client, "p1").issues
    )
    assert (outcome.result, outcome.location) == ("updated", "DetectedIssue/second")
    assert [(r["id"], r["status"]) for r in fake.of("DetectedIssue")] == [
        ("first", "entered-in-error"),
        ("second", "preliminary"),
    ]


def test_q23_a_dry_run_repairs_nothing(ehr: Make, connect: Connect) -> None:
    fake = ehr("medplum").load(
        [*chart(), *(detected_issue("a") | {"id": n} for n in ("first", "second"))]
    )
    client = connect(fake)
    write_back_for(client).put_all(
        [detected_issue("a")], read_patient(client, "p1").issues, dry_run=True
    )
    assert [r["status"] for r in fake.of("DetectedIssue")] == ["preliminary", "preliminary"]


def test_q23_a_conditional_create_that_matches_two_is_settled(ehr: Make, connect: Connect) -> None:
    fake = ehr("medplum").load(
        [*chart(), *(detected_issue("a") | {"id": n} for n in ("first", "second"))]
    )
    (outcome,) = write_back_for(connect(fake)).put_all([detected_issue("a", detail="new")], [])
    assert (outcome.result, outcome.location) == ("updated", "DetectedIssue/first")


def test_q25_the_author_exists_on_the_server_before_it_is_named(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    for gap in "ab":
        write_back_for(client).put_all([detected_issue(gap)], [])
    assert fake.queries.count("PUT Device/ferroclaim") == 1


def test_nothing_is_written_in_a_dry_run(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load([*chart(), detected_issue("b") | {"id": "x"}])
    client = connect(fake)
    wanted = [detected_issue("a"), detected_issue("b", detail="new")]
    planned = write_back_for(client).put_all(
        wanted, read_patient(client, "p1").issues, dry_run=True
    )
    assert results(planned) == ["created", "updated"]
    assert [r for r in writes(fake) if r != "POST "] == []
    assert len(fake.of("DetectedIssue")) == 1


def test_a_run_writes_no_more_than_its_limit(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    ours = write_back_for(connect(fake), limit=2)
    outcomes = ours.put_all([detected_issue(name) for name in "abc"], [])
    assert results(outcomes) == ["created", "created", "refused"]
    assert outcomes[2].message == "not written: the limit of this run is reached"
    assert results(ours.put_all([detected_issue("d")], [])) == ["refused"]


# Forms


@pytest.mark.parametrize(
    ("mode", "wanted", "form"),
    [
        ("hapi", "auto", "DetectedIssue"),
        ("hapi", "Task", "Task"),
        ("hapi", "worklist", "worklist"),
        ("medplum", "auto", "DetectedIssue"),
        ("epic", "auto", "Communication"),
        ("epic", "DocumentReference", "DocumentReference"),
        ("oracle", "auto", "Communication"),
        ("athena", "auto", "worklist"),
    ],
)
def test_q26_the_form_follows_capability_and_site(
    mode: str, wanted: str, form: str, ehr: Make, connect: Connect
) -> None:
    assert write_back_for(connect(ehr(mode), write_back=wanted)).form == form


def test_q26_a_form_that_the_server_does_not_take_is_an_error(ehr: Make, connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match="this server lets nobody create a Task"):
        write_back_for(connect(ehr("epic"), write_back="Task"))


def test_q26_athena_leaves_it_to_the_worklist(ehr: Make, connect: Connect) -> None:
    fake = ehr("athena")
    assert results(write_back_for(connect(fake)).put_all([detected_issue("a")], [])) == ["worklist"]
    assert writes(fake) == []


@pytest.mark.parametrize("mode", ["epic", "oracle"])
def test_a_communication_is_sent_once_for_each_change_of_state(
    mode: str, ehr: Make, connect: Connect
) -> None:
    fake, ledger = ehr(mode).load(chart()), MemoryLedger()
    for _ in range(2):
        write_back_for(connect(fake), ledger).put_all([detected_issue("a")])
    write_back_for(connect(fake)).put_all([detected_issue("a")])  # with an empty ledger, too
    (first,) = fake.of("Communication")
    assert first["payload"][0]["contentString"].startswith("No ferritin\nNo ferritin result within")
    assert first["subject"] == {"reference": "Patient/p1"}
    settled = detected_issue("a", "final", mitigation=[mitigation("On record")])
    for _ in range(2):
        write_back_for(connect(fake), ledger).put_all([settled])
    texts = sorted(r["payload"][0]["contentString"] for r in fake.of("Communication"))
    assert [text.partition("\n")[0] for text in texts] == ["No ferritin", "Settled: No ferritin"]


def test_a_communication_that_was_never_sent_is_not_withdrawn(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    assert results(write_back_for(connect(fake)).put_all([detected_issue("a", "cancelled")])) == [
        "unchanged"
    ]
    assert fake.of("Communication") == []


def test_a_task_is_opened_and_completed(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    ours = write_back_for(connect(fake, write_back="Task"))
    assert results(ours.put_all([detected_issue("a")])) == ["created"]
    (task,) = fake.of("Task")
    assert (task["status"], task["for"], task["focus"]["reference"]) == (
        "requested",
        {"reference": "Patient/p1"},
        "MedicationAdministration/ma1",
    )
    fake.store(task | {"status": "in-progress", "owner": {"reference": "Practitioner/dr"}})
    assert results(ours.put_all([detected_issue("a", detail="new")])) == ["updated"]
    (task,) = fake.of("Task")
    assert (task["status"], task["owner"]) == ("in-progress", {"reference": "Practitioner/dr"})
    ours.put_all([detected_issue("a", "final")])
    assert fake.of("Task")[0]["status"] == "completed"


@pytest.mark.parametrize(
    ("mode", "form"),
    [("hapi", "Task"), ("epic", "auto"), ("oracle", "auto"), ("epic", "DocumentReference")],
)
def test_the_life_of_a_gap_goes_on_from_any_form(
    mode: str, form: str, ehr: Make, connect: Connect
) -> None:
    """What was written in another form is read back as the DetectedIssue that it stands for, and
    never as a fact."""
    fake = ehr(mode).load(chart())
    client = connect(fake, write_back=form)
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")], read_patient(client, "p1").issues)
    pull = read_patient(client, "p1")
    assert [(i["status"], i["implicated"]) for i in pull.issues] == [
        ("preliminary", detected_issue()["implicated"])
    ]
    assert {r["resourceType"] for r in pull.resources} == {r["resourceType"] for r in chart()}
    settled = pull.issues[0] | {"status": "final", "mitigation": [mitigation("On record")]}
    ours.put_all([settled], pull.issues)
    assert [(i["status"], len(i["mitigation"])) for i in read_patient(client, "p1").issues] == [
        ("final", 1)
    ]


@pytest.mark.parametrize("mode", ["epic", "oracle", "hapi"])
def test_a_document_is_written_once_and_updated(mode: str, ehr: Make, connect: Connect) -> None:
    fake, ledger = ehr(mode).load(chart()), MemoryLedger()
    for _ in range(2):
        ours = write_back_for(connect(fake, write_back="DocumentReference"), ledger)
        ours.put_all([detected_issue("a")])
    ours.put_all([detected_issue("a", "final")])
    (document,) = fake.of("DocumentReference")
    assert document["description"] == "Settled: No ferritin"
    assert document["meta"]["versionId"] == "2"


def test_q27_nothing_that_we_write_has_a_modifier_extension(ehr: Make, connect: Connect) -> None:
    fake = ehr("oracle").load(chart())
    write_back_for(connect(fake)).put_all([detected_issue("a")])
    assert "modifierExtension" not in json.dumps(fake.of("Communication"))


def test_oracles_409_is_a_conflict_like_any_other(ehr: Make, connect: Connect) -> None:
    fake = ehr("oracle").load(chart())
    client = connect(fake, write_back="DocumentReference")
    ours = write_back_for(client)
    ours.put_all([detected_issue("a")])
    real = client.search

    def overtaken(*args: Any, **options: Any) -> list[dict[str, Any]]:
        found = real(*args, **options)
        fake.store(fake.of("DocumentReference")[0] | {"docStatus": "amended"})
        client.search = real  # type: ignore[method-assign]
        return found

    client.search = overtaken  # type: ignore[method-assign]
    (outcome,) = ours.put_all([detected_issue("a", "final")])
    assert (outcome.result, outcome.version) == ("updated", "3")


def test_where_nothing_can_be_searched_for_the_ledger_knows_the_place(
    ehr: Make, connect: Connect
) -> None:
    fake, ledger = ehr("hapi").load(chart()), MemoryLedger()
    ledger.record("general", {"a": Entry("confirmed", "old", "Task/t1", "1")})
    fake.load(
        [
            {
                "resourceType": "Task",
                "id": "t1",
                "identifier": detected_issue("a")["identifier"],
                "status": "requested",
            }
        ]
    )
    client = connect(fake, write_back="Task")
    known = client.capability.types
    object.__setattr__(
        client.capability,
        "types",
        known
        | {"Task": known["Task"].__class__(known["Task"].interactions, frozenset({"status"}))},
    )
    ours: WriteBack = write_back_for(client, ledger)
    assert isinstance(ours, ServerWriteBack)
    assert results(ours.put_all([detected_issue("a", "final")])) == ["updated"]
    assert len(fake.of("Task")) == 1
    del fake.resources["Task/t1"]
    assert results(ours.put_all([detected_issue("a")])) == ["created"]
