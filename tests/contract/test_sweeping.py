"""Looking for what nobody told of: windows that overlap, page by page, going on where it was
left."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug import Response

from integration.configuration.resource_types import WAKING
from integration.errors import ConfigurationError, EhrError, Refused
from integration.store import sweeps
from integration.triggers import sweeping, waking
from integration.work.engine import Job
from tests.fakes import chart
from tests.service import NOW, Running

Make = Callable[..., Running]
JOB = Job(sweeping.TASK, "sweep-site:general", "general", {})


@pytest.fixture
def service(running: Make) -> Running:
    return running()


def searched(service: Running, kind: str = "MedicationAdministration") -> list[str]:
    """From which moment each search of KIND went."""
    asked = [
        urlsplit(request.removeprefix("GET "))
        for request in service.fake.requests
        if request.startswith(f"GET {kind}?")
    ]
    return [parse_qs(parts.query)["_lastUpdated"][0] for parts in asked]


def look(service: Running) -> int:
    """As it is asked for every few minutes."""
    with service.store.transaction() as db:
        sweeps.want(db, "general")
    return sweeping.look(service.engine, JOB)


def position(service: Running) -> Any:
    with service.store.transaction() as db:
        return sweeps.find(db, "general", "MedicationAdministration")


def test_a_first_look_goes_back_some_days_and_wakes_everybody_found(service: Running) -> None:
    assert look(service) > 0
    assert searched(service) == ["ge2026-11-16T17:00:00.000Z"]
    assert service.queued() == ["patient:1"]


def test_a_server_before_r4_is_not_swept_in_silence(service: Running) -> None:
    old = {"resourceType": "Conformance", "fhirVersion": "1.0.2"}
    service.fake.inject(Response(json.dumps(old)), pattern="metadata", times=9)
    with pytest.raises(ConfigurationError, match=r"speaks FHIR 1\.0\.2, and ferroclaim reads R4"):
        look(service)


def test_the_next_look_overlaps_the_last(service: Running) -> None:
    look(service)
    service.engine.clock = lambda: NOW + timedelta(minutes=15)
    look(service)
    assert (
        searched(service)[1] == "ge2026-11-23T16:50:00.000Z"
    )  # ten minutes before the end of the first
    assert position(service).position == NOW + timedelta(minutes=15)


def test_a_clock_that_was_ahead_makes_no_blind_day(service: Running) -> None:
    service.engine.clock = lambda: NOW + timedelta(days=30)
    look(service)
    service.engine.clock = lambda: NOW
    look(service)
    assert searched(service)[-1] == searched_from(NOW - timedelta(days=7))
    assert position(service).position == NOW


def searched_from(moment: Any) -> str:
    return f"ge{moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"


def test_a_look_begins_where_a_person_says(service: Running) -> None:
    sweeping.since(service.engine, "general", NOW - timedelta(days=90))
    sweeping.look(service.engine, JOB)
    assert searched(service) == ["ge2026-08-25T17:00:00.000Z"]


def test_laboratory_results_wake_only_patients_whom_we_know(running: Make) -> None:
    service = running(
        resources=[chart.resource("Patient", "p2"), chart.ferritin("f2", patient="p2")]
    )
    sweeping.look(service.engine, JOB)
    assert service.queued() == []


def many(running: Make, people: int) -> Running:
    service = running(
        resources=[
            resource for number in range(people) for resource in chart.one_dose(f"p{number}")
        ],
        sweep={"pages": 3},
        site={"limits": {"page_size": 5, "retries": 0}},
    )
    service.fake.page_size = 5
    return service


def test_a_long_look_is_done_in_parts(running: Make) -> None:
    service = many(running, 40)
    sweeping.look(service.engine, JOB)
    assert len(searched(service)) == 1
    assert position(service).cursor is not None
    assert service.queued()[-1] == JOB.key  # the rest, after others
    assert len(service.queued()) == 15 + 1
    for _ in range(2):
        sweeping.look(service.engine, JOB)
    assert {f"patient:{number}" for number in range(1, 41)} <= set(service.queued())
    assert len(searched(service)) == 1  # it went on, page by page
    assert position(service).position == NOW


ALL = "select kind from sweeps"
FINISHED = f"{ALL} where window_from is null and finished_at is not null"


def is_finished(service: Running) -> bool:
    """Whether all types were read to their last page."""
    return len(service.rows(FINISHED)) == len(service.rows(ALL)) == len(WAKING)


@pytest.mark.parametrize("people", [1, 10, 30])
def test_a_look_ends_however_many_pages_it_has(running: Make, people: int) -> None:
    """Also where its last page is the last of a part."""
    service = many(running, people)
    with service.store.transaction() as db:
        waking.search(db, service.engine.queue, "general")
    parts = 0
    while JOB.key in service.queued():
        service.rows("delete from procrastinate_jobs returning id")
        sweeping.look(service.engine, JOB)
        parts += 1
        assert parts < 12
    assert is_finished(service)
    assert all(len(searched(service, kind)) == 1 for kind in WAKING)


def test_many_changes_of_one_type_hold_up_no_other(running: Make) -> None:
    """Where each look finds so many administrations that its pages are used up."""
    service = many(running, 15)
    minutes = count()
    service.engine.clock = lambda: NOW + timedelta(minutes=next(minutes))
    for _ in range(12):
        look(service)
    ended = service.rows("select kind from sweeps where finished_at is not null")
    assert {kind for (kind,) in ended} == set(WAKING)


def test_a_search_that_is_asked_for_meanwhile_is_seen_to(running: Make) -> None:
    service = many(running, 40)
    look(service)
    service.engine.clock = lambda: NOW + timedelta(minutes=1)
    with service.store.transaction() as db:
        waking.search(db, service.engine.queue, "general")
    for _ in range(9):
        sweeping.look(service.engine, JOB)
    assert position(service).position == NOW + timedelta(minutes=1)


def test_a_look_that_ended_in_the_middle_goes_on_there(running: Make) -> None:
    service = many(running, 12)

    def die(step: str) -> None:
        if step == "swept":
            raise KeyboardInterrupt

    service.engine.step = die
    with pytest.raises(KeyboardInterrupt):
        sweeping.look(service.engine, JOB)
    assert len(service.queued()) == 5
    service.engine.step = lambda _: None
    sweeping.look(service.engine, JOB)
    assert len([key for key in service.queued() if key.startswith("patient")]) == 12
    assert len(searched(service)) == 1


def test_a_page_that_the_server_forgot_begins_the_window_anew(running: Make) -> None:
    service = many(running, 12)
    sweeping.look(service.engine, Job(sweeping.TASK, JOB.key, "general", {}))
    service.rows(
        "update sweeps set window_from = position, window_to = now(), cursor = %s returning site",
        f"{service.fake.base_url}?_getpages=x",
    )
    sweeping.look(service.engine, JOB)
    assert len(searched(service)) == 2


def test_a_type_that_may_not_be_read_holds_up_no_other(service: Running) -> None:
    service.fake.inject(Response(status=403), pattern=r"^Claim\?", times=9)
    sweeping.look(service.engine, JOB)
    with service.store.transaction() as db:
        rows = {row.kind: row for row in sweeps.of_site(db, "general")}
    assert rows["Claim"].window_from is not None  # to be read when it may be
    assert rows["ClaimResponse"].position == NOW


def test_administrations_that_may_not_be_read_are_trouble(service: Running) -> None:
    service.fake.inject(Response(status=403), pattern=r"^MedicationAdministration\?", times=9)
    with service.store.transaction() as db:
        waking.search(db, service.engine.queue, "general")
    service.work()
    assert service.rows("select failures from site_state") == [(1,)]
    assert position(service).window_from is not None


@pytest.mark.parametrize(
    "answer",
    [Response("<html>", content_type="text/html"), Response(status=500)],
    ids=["page", "trouble"],
)
def test_the_trouble_of_one_type_is_told_when_the_others_had_their_turn(
    service: Running, answer: Response
) -> None:
    service.fake.inject(answer, pattern=r"^Observation\?", times=9)
    with pytest.raises(EhrError, match="the search for Observation"):
        sweeping.look(service.engine, JOB)
    with service.store.transaction() as db:
        rows = {row.kind: row for row in sweeps.of_site(db, "general")}
    assert rows["Observation"].window_from is not None
    assert rows["ClaimResponse"].position == NOW


def test_where_administrations_can_not_be_searched_after_all_known_records_are_read_again(
    service: Running,
) -> None:
    """The statement lists _lastUpdated, and the server wants a patient all the same."""
    service.assess()
    service.work()
    service.fake.inject(Response(status=400), pattern=r"^MedicationAdministration\?_last", times=9)
    service.engine.clock = lambda: NOW + timedelta(hours=5)
    with pytest.raises(Refused):
        sweeping.look(service.engine, JOB)
    assert service.queued() == ["patient:1"]


@pytest.mark.parametrize("vendor", ["epic", "oracle"])
def test_where_nothing_can_be_searched_known_records_are_read_again(
    running: Make, vendor: str
) -> None:
    service = running(vendor)
    service.assess()
    service.work()
    asked = len(service.fake.requests)
    service.engine.clock = lambda: NOW + timedelta(hours=1)
    sweeping.look(service.engine, JOB)
    assert service.queued() == []
    service.engine.clock = lambda: NOW + timedelta(hours=5)
    sweeping.look(service.engine, JOB)
    assert service.queued() == ["patient:1"]
    assert len(service.fake.requests) == asked  # no search that would be refused


def test_open_records_are_read_again_every_day(service: Running) -> None:
    service.assess()
    service.work()
    service.engine.clock = lambda: NOW + timedelta(hours=23)
    sweeping.refresh(service.engine, JOB)
    assert service.queued() == []
    service.engine.clock = lambda: NOW + timedelta(hours=25)
    sweeping.refresh(service.engine, JOB)
    assert service.queued() == ["patient:1"]


def test_settled_records_are_not(service: Running) -> None:
    service.assess()
    service.work()
    service.rows("update lines set status = 'not-billable' returning id")
    service.engine.clock = lambda: NOW + timedelta(days=9)
    sweeping.refresh(service.engine, JOB)
    assert service.queued() == []
