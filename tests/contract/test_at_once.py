"""Two who do something about the same patient at once: whoever comes second does not undo what the
first one did, and is told."""

import threading
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.claims import service as writing
from integration.store import (
    Db,
    Store,
    answers,
    assessments,
    claims,
    decisions,
    erasing,
    patients,
    releases,
    write_offs,
)
from integration.store.answers import NewAnswer
from integration.store.assessments import Overtaken
from integration.store.claims import NewClaim, NewFile
from integration.store.releases import NotReleasable
from integration.store.write_offs import WriteOff
from mappings import decisions as forms
from mappings.assessment import PatientAssessment
from mappings.writing.answers.answer import ClaimSays
from tests import builders
from tests.contract.test_release import NOW, keep, line, listed, ready
from tests.office import PAIR, Opened
from tests.service import Running

EMPTY = PatientAssessment(patient="Patient/p1")


def waits(store: Store) -> None:
    """Until somebody waits for a lock."""
    query = "select 1 from pg_locks where not granted"
    for _ in range(200):
        with store.transaction() as db:
            if db.execute(query).fetchone():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def at_once(store: Store, first: Callable[[Db], Any], second: Callable[[Db], Any]) -> Any:
    """SECOND begins before FIRST ends, and has to wait for it; what it returned or raised."""
    said: list[Any] = []

    def run() -> None:
        try:
            with store.transaction() as db:
                said.append(second(db))
        except Exception as error:  # noqa: BLE001 (told by the test)
            said.append(error)

    thread = threading.Thread(target=run)
    with store.transaction() as db:
        first(db)
        thread.start()
        waits(store)
    thread.join(20)
    return said[0]


def test_a_line_that_leaves_the_record_meanwhile_is_not_released(store: Store) -> None:
    with store.transaction() as db:
        keep(db, ready())
        (row,) = listed(db)

    def release(db: Db) -> None:
        pair = releases.to_decide(db, row.key, ["general"])
        releases.release(db, pair, "ada", "biller")

    said = at_once(store, keep, release)
    assert isinstance(said, NotReleasable)
    assert said.why == "A selected line is no longer there."
    with store.transaction() as db:
        assert db.execute("select count(*) from releases").fetchone() == (0,)


def test_a_patient_who_is_deleted_meanwhile_is_not_released(store: Store) -> None:
    with store.transaction() as db:
        keep(db, ready())
        (row,) = listed(db)

    def erase(db: Db) -> None:
        known = patients.find(db, "general", "p1")
        assert known
        erasing.erase(db, known, "ada", "asked to")

    said = at_once(store, erase, lambda db: releases.to_decide(db, row.key, ["general"]))
    assert isinstance(said, NotReleasable)


def test_a_release_that_is_taken_back_meanwhile_does_not_leave(
    office: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its line could be released and leave a second time."""
    here = office(PAIR)
    here.release()
    remember = writing._Run.remember

    def late(*given: Any) -> int:
        here.withdraw()
        return remember(*given)

    monkeypatch.setattr(writing._Run, "remember", late)
    with pytest.raises(claims.NotWritten, match="The release of a line was taken back meanwhile"):
        here.write()
    assert here.files == []
    assert {row.state for row in here.rows()} == {"ready"}
    assert here.service.rows("select count(*) from claims") == [(0,)]
    monkeypatch.undo()
    here.release()
    assert here.write().claims == 1


def look(store: Store) -> Any:
    """One begins to look at the chart of p1."""
    with store.transaction() as db:
        return patients.known(db, "general", "p1")


def found(store: Store, patient: Any, *lines: Any) -> bool:
    with store.transaction() as db:
        assessment = PatientAssessment(patient="Patient/p1", lines=lines)
        return assessments.keep(db, patient, assessment, NOW, "notification")


def test_the_newest_look_counts_whoever_ends_first(store: Store) -> None:
    """Also where it found what had been known before, and whatever the clocks say."""
    found(store, look(store), ready())
    slow = look(store)
    assert not found(store, look(store), ready())
    with pytest.raises(Overtaken):
        found(store, slow, line())
    with store.transaction() as db:
        assert [row.status for row in listed(db)] == ["ready"]
    assert found(store, look(store), line())


def test_a_look_at_a_patient_who_is_deleted_meanwhile_is_not_kept(store: Store) -> None:
    found(store, look(store), ready())
    slow = look(store)
    with store.transaction() as db:
        erasing.erase(db, slow, "ada", "asked to")
    with pytest.raises(Overtaken):
        found(store, slow, line())


def test_what_a_clock_that_was_ahead_found_holds_up_nothing(store: Store) -> None:
    ahead = NOW.replace(year=2050)
    with store.transaction() as db:
        assessment = PatientAssessment(patient="Patient/p1", lines=(line(),))
        assessments.keep(db, patients.known(db, "general", "p1"), assessment, ahead, "sweep")
    assert found(store, look(store), ready())


def another(claim: claims.Sent, number: str) -> tuple[NewFile, NewClaim]:
    """A claim that replaces CLAIM, in a file of its own."""
    file = NewFile("general", number, "x12", "837P", None, 9, True, False, b"")
    about = NewClaim(number, number, claim.patient_id, "7", "ICN", claim.id, Decimal(1), [], {})
    return file, about


def test_a_claim_that_is_replaced_anew_while_an_answer_rejects_its_first_replacement(
    office: Opened,
) -> None:
    here = office(PAIR)
    here.release()
    here.write()
    store = here.service.store

    def sent(db: Db, number: str) -> claims.Sent:
        claim = claims.by_number(db, "general", number)
        assert claim
        return claim

    def replace(db: Db, number: str) -> None:
        file, new = another(sent(db, first), number)
        claims.record(db, file, [new], "ada", "biller")

    def reject(db: Db) -> None:
        claims.one_at_a_time(db)
        answers.keep(db, sent(db, "A"), NewAnswer("277CA", "rejected", "x", "f"), "ada")

    first = here.rows()[0].sent_number or ""
    with store.transaction() as db:
        replace(db, "A")
        assert sent(db, first).state == "replaced"
    assert at_once(store, lambda db: replace(db, "B"), reject) is None
    with store.transaction() as db:
        assert [sent(db, one).state for one in ("A", "B", first)] == [
            "rejected",
            "sent",
            "replaced",
        ]


def test_a_chart_that_somebody_looked_at_later_is_read_again(
    running: Callable[..., Running],
) -> None:
    """What the slower look found is neither kept nor written into the chart."""
    service = running(resources=builders.chart(without=["ferritin"]))
    looked: list[str] = []

    def meanwhile(step: str) -> None:
        if step == "pulled" and not looked:
            looked.append(step)
            with service.store.transaction() as db:
                patient = patients.known(db, "general", "p1")
                seen = PatientAssessment(patient="Patient/p1", lines=(ready(),))
                assessments.keep(db, patient, seen, NOW, "claims")

    service.engine.step = meanwhile
    service.assess()
    service.work()
    assert service.fake.of("DetectedIssue") == []
    with service.store.transaction() as db:
        assert [row.line_id for row in listed(db)] == ["l1"]
    service.work()
    assert service.fake.of("DetectedIssue") != []
    with service.store.transaction() as db:
        assert [row.line_id for row in listed(db)] != ["l1"]
    assert service.failures() == []


def test_a_line_is_reopened_while_its_answer_is_dated_anew(office: Opened) -> None:
    """Neither has what the other waits for."""
    here = office(PAIR)
    here.release()
    here.write()
    store = here.service.store

    def answered(db: Db, says: ClaimSays, day: int) -> None:
        claims.one_at_a_time(db)
        claim = claims.by_number(db, "general", number)
        assert claim
        new = NewAnswer("277CA", says, says, "f", day=date(2026, 12, day))
        answers.keep(db, claim, new, "ada")

    def reopen(db: Db) -> None:
        write_offs.reopen(db, releases.to_decide(db, row.key, ["general"]), "ada", "biller")

    row = here.rows()[0]
    number = row.sent_number or ""
    with store.transaction() as db:
        answered(db, "rejected", 20)
        answered(db, "accepted", 10)
    with store.transaction() as db:
        pair = releases.to_decide(db, row.key, ["general"])
        write_offs.write_off(db, pair, WriteOff("too-late"), "ada", "biller")
    said = at_once(store, lambda db: answered(db, "rejected", 5), reopen)
    assert isinstance(said, NotReleasable), said
    assert {row.state for row in here.rows()} == {"sent"}


def test_two_decide_the_same_matter(store: Store) -> None:
    """The later one counts, and both stand in the history."""

    def decide(days: int) -> Callable[[Db], Any]:
        answer = {"payer": "Medicare", "code": "J1756", "authorization": "not-required"}
        made = forms.from_document(
            {
                "who": "Maria",
                "when": "2026-11-01",
                "payer_answer": answer | {"timely_filing_days": days, "confirmed_by": "a call"},
            }
        )
        return lambda db: decisions.record(db, "general", made, "ada", "biller")

    assert at_once(store, decide(100), decide(200)) == []
    with store.transaction() as db:
        (kept,) = decisions.every(db, "general")
        assert kept.document["payer_answer"]["timely_filing_days"] == 200
        assert db.execute("select count(*) from decisions").fetchone() == (2,)
