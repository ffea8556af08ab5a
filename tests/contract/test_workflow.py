"""pull → assess → keep → write back: kept whole, done again without a trace, failing without a
loss."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from werkzeug import Response

from integration.errors import ConfigurationError
from integration.serving.stalled import take_over
from integration.store import Db, assessments, patients, releases, worklist
from integration.store.worklist import Filters, Pair
from integration.work import crowding, giving_up, workflow
from integration.work.queue import PERSON, patient_key
from tests import builders
from tests.fakes import chart
from tests.service import NOW, Running

Make = Callable[..., Running]


@pytest.fixture
def service(running: Make) -> Running:
    return running()


def versions(service: Running) -> list[tuple[str, str, str]]:
    """Gap, status and version of each DetectedIssue at the EHR."""
    return sorted(
        (issue["identifier"][0]["value"], issue["status"], issue["meta"]["versionId"])
        for issue in service.fake.of("DetectedIssue")
    )


def ledger(service: Running) -> Counter[str]:
    return Counter(row[0] for row in service.rows("select state from write_backs"))


def with_ferritin(service: Running, value: int = 42) -> None:
    quantity = {
        "value": value,
        "unit": "ng/mL",
        "system": "http://unitsofmeasure.org",
        "code": "ng/mL",
    }
    service.fake.store(chart.ferritin("f1", valueQuantity=quantity))


# Keeping


def test_an_assessment_is_kept_with_its_lines_gaps_and_write_backs(service: Running) -> None:
    service.assess()
    service.work()
    assert service.rows("select code, units, status from lines") == [("J1756", 200, "held")]
    blocking = "select id from gaps where closed_at is null and blocking"
    gaps = {row[0] for row in service.rows(blocking)}
    assert gaps == {gap for gap, _, _ in versions(service)}
    assert {status for _, status, _ in versions(service)} == {"preliminary"}
    assert ledger(service) == {"confirmed": len(gaps)}
    assert service.rows("select count(*) from audit where action = 'created'") == [(len(gaps),)]


def test_doing_it_again_changes_nothing_anywhere(service: Running) -> None:
    for _ in range(3):
        service.assess()
        service.work()
    assert {version for _, _, version in versions(service)} == {"1"}
    assert service.rows("select count(*) from assessments") == [(1,)]
    assert set(ledger(service)) == {"confirmed"}


def test_what_was_known_when_is_kept(service: Running) -> None:
    service.assess()
    service.work()
    with_ferritin(service)
    service.engine.clock = lambda: NOW + timedelta(hours=1)
    service.assess(cause="person")
    service.work()
    with service.store.transaction() as db:
        after, before = assessments.history(db, "general", "p1")
    assert (before.as_of, after.as_of) == (NOW, NOW + timedelta(hours=1))
    assert "ferritin" in before.assessment.lines[0].reasons
    assert "ferritin" not in after.assessment.lines[0].reasons
    assert after.cause == "person"


def test_an_assessment_kept_before_it_was_packed_is_read_the_same(service: Running) -> None:
    service.assess()
    service.work()
    with service.store.transaction() as db:
        packed = assessments.current(db, service.site, "p1")
        assert packed
        db.execute(
            "update assessments set packed = null, digest = '', document = %s",
            [msgspec.json.encode(packed.assessment).decode()],
        )
        whole = assessments.current(db, service.site, "p1")
        assert whole
    assert (whole.packed, whole.assessment) == (None, packed.assessment)
    service.assess()
    service.work()
    assert service.rows("select count(*) from assessments") == [(1,)]


def test_a_closed_gap_closes_its_issue(service: Running) -> None:
    service.assess()
    service.work()
    with_ferritin(service)
    service.assess()
    service.work()
    closed = service.rows(
        "select id from gaps where requirement = 'ferritin' and closed_at is not null"
    )
    assert [
        (status, version) for gap, status, version in versions(service) if (gap,) in closed
    ] == [("final", "2")]


def test_a_patient_without_iron_leaves_no_record(running: Make) -> None:
    service = running(resources=[chart.resource("Patient", "p1"), chart.ferritin("f1")])
    service.assess()
    service.work()
    assert service.rows("select concerns_us from patients") == [(False,)]
    assert service.rows("select 1 from assessments") == []


def test_a_site_that_takes_nothing_owes_nothing(running: Make) -> None:
    service = running(site={"write_back": "worklist"})
    service.assess()
    service.work()
    assert (versions(service), ledger(service)) == ([], Counter())
    assert service.rows("select count(*) > 0 from gaps") == [(True,)]


def pair_of(db: Db) -> Pair:
    row, *_ = worklist.rows(db, Filters(view="all"), ["general"], [])
    return releases.to_decide(db, row.key, ["general"])


def test_a_released_line_outlives_the_assessment_that_changes_it(service: Running) -> None:
    service.assess()
    service.work()
    with service.store.transaction() as db:
        db.execute(
            "update lines set status = 'ready', document = jsonb_set(document, '{status}',"
            " '\"ready\"')"
        )
        releases.release(db, pair_of(db), "Practitioner/b", "biller")
    with_ferritin(service)
    service.assess()
    service.work()
    with service.store.transaction() as db:
        (row,) = pair_of(db)
    assert row.changed  # it is held now
    assert (row.line.status, row.leaving.status) == ("held", "ready")


def test_a_released_line_outlives_its_administration(service: Running) -> None:
    service.assess()
    service.work()
    with service.store.transaction() as db:
        db.execute("update lines set status = 'ready'")
        db.execute(
            "insert into releases (patient_id, line_id, document, released_by) select patient_id,"
            " id, document, 'b' from lines"
        )
    service.fake.store(chart.administration(status="entered-in-error"))
    service.assess()
    service.work()
    with service.store.transaction() as db:
        (row,) = worklist.rows(db, Filters(view="changed"), ["general"], [])
    assert row.gone_at is not None
    assert {status for _, status, _ in versions(service)} == {"cancelled"}


def diagnosed() -> list[dict[str, Any]]:
    """150 mg of a 200 mg vial, complete, with diagnoses of the encounter itself."""
    rows = builders.chart(builders.administration(dose="150 mg", discarded="50 mg"))
    visit = {
        "category": [{"coding": [{"code": "encounter-diagnosis"}]}],
        "encounter": {"reference": "Encounter/encounter"},
    }
    return [row | visit if row["resourceType"] == "Condition" else row for row in rows]


@pytest.mark.parametrize("auto_release", [True, False])
def test_a_site_may_let_ready_lines_go_by_itself(running: Make, auto_release: bool) -> None:
    service = running(resources=diagnosed(), site={"auto_release": auto_release})
    service.assess()
    service.work()
    assert service.rows("select distinct status from lines") == [("ready",)]
    both = service.rows("select released_by from releases")
    assert both == ([("site general",)] * 2 if auto_release else [])
    actors = service.rows("select actor, role from audit where action = 'released'")
    assert actors == ([("site general", "site")] * 2 if auto_release else [])


def test_no_line_goes_by_itself_where_a_part_of_the_chart_was_not_read(running: Make) -> None:
    service = running(resources=diagnosed(), site={"auto_release": True})
    service.fake.fail("^ClaimResponse", 403, times=9)
    service.assess()
    service.work()
    assert service.rows("select distinct status from lines") == [("ready",)]
    assert service.rows("select 1 from releases") == []


# Failing


def hours_later(service: Running, hours: float) -> None:
    """As if the job had failed for that long."""
    service.rows(
        "update procrastinate_jobs set args = args || jsonb_build_object('since', (now() -"
        " make_interval(secs => %s))::text) returning id",
        hours * 3600,
    )


def test_a_site_that_is_down_rests_and_nothing_is_lost(service: Running) -> None:
    service.fake.inject(Response(status=503), pattern="", times=1)
    for method in ("GET", "POST"):
        service.fake.inject(Response(status=503), method=method, times=50)
    service.assess()
    service.work()
    assert service.rows("select failures, rest_until > now() from site_state") == [(1, True)]
    asked = len(service.fake.requests)
    service.assess("p2")
    service.work(rounds=3)
    assert len(service.fake.requests) == asked  # nobody knocks while it rests
    assert service.failures() == []

    service.fake._injections.clear()
    service.rows("update site_state set rest_until = now() returning site")
    service.work(rounds=2)
    assert service.rows("select failures, trouble from site_state") == [(0, None)]
    assert len(versions(service)) > 0


def test_an_ehr_that_hangs_leaves_hands_to_the_other_sites(
    running: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = running(service={"workers": 4})
    other = service.settings.sites["general"].model_copy(update={"name": "other"})
    service.settings.sites["other"] = other
    monkeypatch.setattr(crowding, "LONG_SECONDS", -1.0)
    service.assess()
    with service.engine.crowding.at("general"), service.engine.crowding.at("general"):
        service.work()
        assert service.rows("select scheduled_at > now() from procrastinate_jobs") == [(True,)]
        assert service.fake.requests == []
        assert not service.engine.crowding.keeps_hands("other")
    service.work()
    assert service.fake.requests != []


def test_a_site_rests_as_long_as_it_asks_for_within_reason(service: Running) -> None:
    rests = "select extract(epoch from rest_until - now())::int from site_state"
    for asked, least in (("60", 50), ("86400", 110)):
        answer = Response(status=429, headers={"Retry-After": asked})
        for method in ("GET", "POST"):
            service.fake.inject(answer, method=method, times=1)
        service.assess()
        service.work()
        assert least < service.rows(rests)[0][0] <= 120
        service.fake._injections.clear()
        service.rows("update site_state set rest_until = now() returning site")
        service.work(rounds=2)


@pytest.mark.parametrize("status", [401, 403])
def test_a_site_that_does_not_let_us_in_rests_instead_of_failing_each_patient(
    service: Running, status: int
) -> None:
    service.fake.fail(r"^MedicationAdministration\?", status=status, times=99)
    service.assess()
    service.work(rounds=2)
    assert service.rows("select failures from site_state") == [(1,)]
    assert (service.failures(), service.queued()) == ([], ["patient:1"])


def test_one_chart_that_is_kept_from_us_does_not_hold_up_the_site(service: Running) -> None:
    """Break the glass: 403 for one patient, however often, while others are read."""
    service.engine.clock = lambda: datetime.now(UTC)
    service.fake.load(chart.one_dose("p2"))
    service.fake.fail("^Patient/p1", status=403, times=99)
    service.assess()
    service.work()
    rested = "update site_state set rest_until = null returning failures"
    (later,) = service.rows(
        "select scheduled_at - rest_until from procrastinate_jobs, site_state"
        " where lock = 'patient:1'"
    )
    assert later[0] > timedelta(seconds=1)  # the others first
    service.assess("p2")
    assert service.rows(rested) == [(1,)]
    waits = "update procrastinate_jobs set status = %s where lock = 'patient:1' returning id"
    service.rows(waits, "aborted")  # it waits while p2 has a turn
    service.work()
    service.rows(waits, "todo")
    service.work()
    assert service.failures() == [("assess", "Forbidden", 1)]
    assert service.rows(rested) == [(0,)]
    assert service.queued() == []


def test_what_a_clock_that_was_ahead_put_off_is_done_now(service: Running) -> None:
    ahead = datetime.now(UTC) + timedelta(days=40)
    service.rows(
        "insert into site_state (site, failures, rest_until) values ('general', 3, %s) returning 1",
        ahead,
    )
    service.assess()
    service.rows("update procrastinate_jobs set scheduled_at = %s returning 1", ahead)
    with service.store.transaction() as db:
        take_over(db)
    assert service.rows("select scheduled_at <= now() from procrastinate_jobs") == [(True,)]
    service.work()
    assert service.queued() == []
    assert service.rows("select failures from site_state") == [(0,)]


def test_work_for_a_site_that_another_process_may_know_waits_for_it(service: Running) -> None:
    """One that nobody's configuration has any more needs a person, a day later."""
    with service.store.transaction() as db:
        service.engine.queue.assess(db, patients.known(db, "former", "p1"), "notification")
    service.work(rounds=4)
    assert (service.failures(), len(service.queued())) == ([], 1)
    hours_later(service, 25)
    service.work()
    assert service.failures() == [("assess", "ConfigurationError", 5)]
    assert service.queued() == []


def test_one_record_that_cannot_be_read_is_tried_again_later_and_later_and_then_given_up(
    service: Running,
) -> None:
    service.fake.fail(r"^MedicationAdministration\?", status=500, times=99)
    service.assess()
    service.work()
    assert service.rows("select (args ->> 'attempt')::int from procrastinate_jobs") == [(1,)]
    assert service.rows("select failures from site_state") == []  # the others go on
    hours_later(service, 25)
    service.work()
    assert service.failures() == [("assess", "Unreachable", 2)]
    assert service.queued() == []


def test_a_part_that_the_ehr_fails_at_for_good_does_not_cost_the_rest(service: Running) -> None:
    service.fake.fail(r"^Procedure\?", status=500, times=99)
    service.assess()
    service.work(rounds=workflow.LENIENT_FROM + 1)
    assert (service.failures(), service.queued()) == ([], [])
    assert service.rows("select count(*) from lines") == [(1,)]
    assert versions(service) == []  # nothing is written of what was not wholly read


def test_a_fault_of_ours_is_given_up_soon_and_tells_no_patient(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any) -> None:
        raise KeyError("Patient/p1, Jane Doe")

    monkeypatch.setattr(workflow, "check_pull", fault)
    service.assess()
    service.work(rounds=5)
    ((task, error, message),) = service.rows("select task, error, message from failures")
    assert (task, error) == ("assess", "KeyError")
    assert message.startswith("An unexpected error (KeyError) at contract/test_workflow.py:")


def test_given_up_work_is_retried_by_a_person(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(workflow, "check_pull", lambda *_: 1 / 0)
        service.assess()
        service.work(rounds=3)
    with service.store.transaction() as db:
        (number,) = giving_up.chosen(db, None, everything=True)
        giving_up.retry(db, service.engine.queue, number, "ada")
    assert (service.failures(), service.queued()) == ([], ["patient:1"])
    service.work()
    assert len(versions(service)) > 0
    assert service.rows("select actor, action from audit where actor = 'ada'") == [
        ("ada", "retried")
    ]


def test_given_up_work_is_discarded_by_a_person(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "check_pull", lambda *_: 1 / 0)
    service.assess()
    service.work(rounds=3)
    with service.store.transaction() as db:
        (number,) = giving_up.chosen(db, None, everything=True)
        giving_up.discard(db, number, "ada", "a test patient")
        with pytest.raises(ConfigurationError, match="no failed work with number"):
            giving_up.chosen(db, [number], everything=False)
    assert service.rows("select detail ->> 'reason' from audit where action = 'discarded'") == [
        ("a test patient",)
    ]
    assert (service.failures(), service.queued()) == ([], [])


def test_work_that_succeeds_after_all_is_no_failure_any_more(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(workflow, "check_pull", lambda *_: 1 / 0)
        service.assess()
        service.work(rounds=3)
    assert len(service.failures()) == 1
    service.assess()
    service.work()
    assert service.failures() == []


def test_a_write_back_that_is_refused_waits_for_a_person(service: Running) -> None:
    service.fake.inject(Response(status=422), method="PUT", times=99)
    service.fake.mode = type(service.fake.mode)(**{**vars(service.fake.mode), "transaction": False})
    service.engine.clients.close()
    service.assess()
    service.work()
    assert set(ledger(service)) == {"refused"}
    assert [failure[:2] for failure in service.failures()] == [("write-back", "Refused")]
    service.fake._injections.clear()
    with service.store.transaction() as db:
        (number,) = giving_up.chosen(db, None, everything=True)
        giving_up.retry(db, service.engine.queue, number, "ada")
    service.work()
    assert (set(ledger(service)), service.failures()) == ({"confirmed"}, [])


def test_an_answer_that_never_came_is_settled_by_looking(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The EHR takes the transaction and the connection breaks: the ledger says `sent`, and nothing
    is written twice."""
    handled = service.fake._transaction
    monkeypatch.setattr(
        service.fake, "_transaction", lambda body: (handled(body), (502, None, {}))[1]
    )
    service.assess()
    service.work()
    assert set(ledger(service)) == {"sent"}
    assert service.queued() == ["patient:1"]
    monkeypatch.undo()
    service.work()
    assert set(ledger(service)) == {"confirmed"}
    assert {version for _, _, version in versions(service)} == {"1"}
    assert len(versions(service)) == len({gap for gap, _, _ in versions(service)})


# Alone, and taken over


def job_at_work(service: Running) -> None:
    """A job of p1 that a worker had taken a minute ago."""
    service.assess()
    service.rows("update procrastinate_jobs set status = 'doing' returning id")
    service.rows("update procrastinate_events set at = at - interval '1 minute' returning id")


def taken_over(service: Running) -> int:
    with service.store.transaction() as db:
        return take_over(db)


def test_work_of_a_dead_worker_is_taken_over(service: Running) -> None:
    job_at_work(service)
    assert taken_over(service) == 1
    assert service.queued() == ["patient:1"]


def test_work_of_a_living_worker_is_not(service: Running) -> None:
    job_at_work(service)
    with service.store.holding(patient_key(1)) as hold:
        assert hold.ours
        assert taken_over(service) == 0


def test_work_of_the_dead_that_waits_anyway_is_dropped(service: Running) -> None:
    job_at_work(service)
    service.assess()
    assert taken_over(service) == 1
    assert service.rows("select status, count(*) from procrastinate_jobs group by 1") == [
        ("todo", 1)
    ]


def test_a_worker_that_is_cut_off_writes_nothing(service: Running) -> None:
    """Somebody else may have its patient by now."""

    def cut_off(step: str) -> None:
        if step == "pulled":
            service.rows(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and"
                " database is not null"
            )

    service.assess()
    service.engine.step = cut_off
    service.work()
    assert (versions(service), service.rows("select 1 from assessments")) == ([], [])
    service.engine.step = lambda _: None
    assert taken_over(service) == 1
    service.work()
    assert {version for _, _, version in versions(service)} == {"1"}


def test_a_job_beside_another_holder_of_its_key_waits(service: Running) -> None:
    service.assess()
    with service.store.holding(patient_key(1)):
        service.work()
    assert (service.queued(), service.fake.requests) == (["patient:1"], [])
    service.work()
    assert len(versions(service)) > 0


def test_a_person_does_not_wait_behind_others(running: Make) -> None:
    service = running(service={"settle_seconds": 600, "settle_at_most_seconds": 600})
    service.assess()
    assert service.rows(
        "select scheduled_at > now() + interval '5 minutes', priority from procrastinate_jobs"
    ) == [(True, 0)]
    with service.store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        assert not service.engine.queue.assess(db, patient, "person", priority=PERSON)
    assert service.rows("select scheduled_at <= now(), priority from procrastinate_jobs") == [
        (True, PERSON)
    ]


def test_a_patient_settles_while_more_is_told_but_not_for_ever(running: Make) -> None:
    service = running(service={"settle_seconds": 60, "settle_at_most_seconds": 60.05})
    moments = []
    for _ in range(3):
        service.assess()
        moments += service.rows(
            "select scheduled_at, (args ->> 'until')::timestamptz from procrastinate_jobs"
        )
        time.sleep(0.04)
    (first, until), (second, _), (third, _) = moments
    assert first < second <= until
    assert third == until


def test_a_notification_does_not_hurry_work_that_failed(service: Running) -> None:
    service.fake.fail(r"^MedicationAdministration\?", status=500, times=9)
    service.assess()
    service.work()
    service.assess()
    assert service.rows(
        "select scheduled_at > now() + interval '2 seconds' from procrastinate_jobs"
    ) == [(True,)]


def test_two_workers_never_do_one_patient_at_once(running: Make) -> None:
    people = [f"p{number}" for number in range(6)]
    service = running(
        resources=[resource for person in people for resource in chart.one_dose(person)]
    )
    begun: Counter[str] = Counter()
    at_work: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()
    local = threading.local()
    run = service.engine.run

    def watched(job: Any) -> None:
        local.key = job.key
        run(job)

    def step(name: str) -> None:
        with lock:
            if name == "pulled":
                at_work[local.key] += 1
                most[local.key] = max(most[local.key], at_work[local.key])
                begun[local.key] += 1
                if begun[local.key] == 1:  # what comes while it is at work is a job of its own
                    service.assess(people[int(local.key.split(":")[1]) - 1])
            elif name == "written":
                at_work[local.key] -= 1

    service.engine.run, service.engine.step = watched, step  # type: ignore[method-assign]
    for person in people:
        service.assess(person)
    workers = [
        threading.Thread(target=service.work, kwargs={"concurrency": 3, "rounds": 5})
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == {f"patient:{number + 1}": 1 for number in range(6)}
    assert begun == {f"patient:{number + 1}": 2 for number in range(6)}
    assert service.queued() == []


def test_a_merged_patient_s_lines_go_over_to_the_surviving_one(service: Running) -> None:
    service.assess()
    service.work()
    (person,) = (row for row in service.fake.of("Patient") if row["id"] == "p1")
    link = {"type": "replaced-by", "other": {"reference": "Patient/p9"}}
    service.fake.store({**person, "link": [link]})
    back = {"type": "replaces", "other": {"reference": "Patient/p1"}}
    service.fake.store({**person, "id": "p9", "link": [back]})
    service.assess()
    service.work(rounds=3)
    current = (
        "select p.fhir_id, l.code from lines l join patients p on p.id = l.patient_id"
        " where l.gone_at is null"
    )
    assert service.rows(current) == [("p9", "J1756")]
    assert service.failures() == []
    concerned = "select fhir_id, concerns_us from patients order by fhir_id"
    assert ("p1", False) in service.rows(concerned)
