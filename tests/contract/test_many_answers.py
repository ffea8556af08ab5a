"""Many answered lines, and several who read at once: counts of statements, which do not flicker as
times do."""

import io
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from integration.claims.answering.files import AnswerFile
from integration.claims.answering.reading import AnswersReport, read_answers
from integration.store import Store, claims, releases, worklist, write_offs
from integration.store.database import migrating
from integration.store.worklist import Filters
from integration.store.write_offs import WriteOff
from tests.answers import remittance
from tests.contract.test_counts import Counted
from tests.fakes.stage import refused, seed_sent, seed_worklist

# Each line of one patient again, of others: with its release, in claims of their own.
_MORE = """
    with seed as (select l.*, r.document as released, c.number, c.file_id from lines l
            join claim_lines k on k.line_id = l.id and k.patient_id = l.patient_id
            join claims c on c.id = k.claim_id join releases r on r.id = k.release_id
            order by c.id limit 1),
        people as (insert into patients (site, fhir_id, name)
            select 'general', 'x' || n, 'Doe, ' || n from generate_series(1, %(count)s) n
            returning id),
        numbered as (select id, row_number() over (order by id) as n from people),
        drugs as (insert into lines (patient_id, id, service_date, code, modifiers, units, status,
                payment, reasons, policy, coverage, value, document, first_seen_at, changed_at,
                status_since)
            select p.id, s.id, service_date, code, modifiers, units, status, payment, reasons,
                policy, coverage, value, document, first_seen_at, changed_at, status_since
            from numbered p, seed s returning patient_id),
        gone as (insert into releases (patient_id, line_id, document, released_by)
            select p.id, s.id, s.released, 'ada' from numbered p, seed s returning id, patient_id),
        made as (insert into claims (file_id, number, draft_id, patient_id, frequency, total, lines)
            select s.file_id, 'D' || lpad(n::text, 6, '0') || repeat('0', 13), 'x' || n, p.id, '1',
                45.8, array[s.id] from numbered p, seed s returning id, patient_id)
    insert into claim_lines (claim_id, patient_id, line_id, release_id, production)
        select m.id, m.patient_id, s.id, g.id, true
        from made m join gone g using (patient_id), seed s
"""


@pytest.fixture
def seeded(store: Store) -> Store:
    seed_worklist(store)
    seed_sent(store)
    return store


def more(store: Store, count: int) -> None:
    with store.transaction() as db:
        db.execute(_MORE, {"count": count})


def reads(store: Store, content: bytes, by: str = "ada") -> AnswersReport:
    file = AnswerFile("a.835", lambda: io.BytesIO(content))
    return read_answers(store, ["general"], [file], by)


def rows(store: Store, view: worklist.View, page_rows: int = 20_000) -> list[worklist.Row]:
    with store.transaction() as db:
        return worklist.rows(db, Filters(view=view), ["general"], [], page_rows)


def test_what_many_answers_cost(seeded: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    more(seeded, 200)
    sent = rows(seeded, "sent")
    counted = Counted(monkeypatch)
    costs = []
    for some in (sent[:1], sent[1:101]):
        counted.begin()
        report = reads(seeded, refused(some, "252"))
        assert len(report.heard) == len(some)
        costs.append(counted.statements)
    each = (costs[1] - costs[0]) / 99
    assert each == 10, "fewer is better: write it here"


def test_a_list_costs_the_same_however_long(seeded: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    costs = []
    for number in (0, 300):
        more(seeded, number)
        reads(seeded, refused(rows(seeded, "sent"), "252", "50"))
        counted.begin()
        with seeded.transaction() as db:
            filters = Filters(view="denied")
            worklist.rows(db, filters, ["general"], [])
            worklist.sums(db, filters, ["general"], [])
            worklist.counts(db, ["general"], [])
        costs.append(counted.statements)
    assert costs[0] == costs[1]
    assert len(rows(seeded, "denied")) == 307


def together(*what: Callable[[], Any]) -> list[BaseException]:
    """At once; what failed."""
    failed: list[BaseException] = []
    ready = threading.Barrier(len(what))

    def run(one: Callable[[], Any]) -> None:
        ready.wait()
        try:
            one()
        except BaseException as error:  # noqa: BLE001 (told by the test)
            failed.append(error)

    threads = [threading.Thread(target=run, args=[one]) for one in what]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failed


def test_two_who_read_one_file_at_once(seeded: Store) -> None:
    content = refused(rows(seeded, "sent"), "252", "50")
    found: list[AnswersReport] = []
    assert together(*[lambda: found.append(reads(seeded, content))] * 3) == []
    assert sorted(sum(one.kept.is_new for one in report.heard) for report in found) == [0, 0, 7]
    with seeded.transaction() as db:
        assert db.execute("select count(*) from answers").fetchone() == (7,)
    assert len(rows(seeded, "denied")) == 7


def test_a_payment_is_read_while_lines_are_written_off(seeded: Store) -> None:
    """Whoever comes first: nothing that is paid stays written off."""
    sent = rows(seeded, "sent")
    reads(seeded, refused(sent, "252"))

    def write_off() -> None:
        for row in reversed(sent):
            with seeded.transaction() as db:
                pair = releases.to_decide(db, row.key, ["general"])
                if pair[0].refused and not pair[0].closed:
                    write_offs.write_off(db, pair, WriteOff("too-late"), "ada", "biller")

    paid = remittance(
        *([f"CLP*{row.sent_number}*1*45.8*45.8**MB*I"] for row in sent),
        payment="CHK2", usage="P", on="20270110",
    )  # fmt: skip
    assert together(write_off, lambda: reads(seeded, paid)) == []
    assert {row.state for row in rows(seeded, "all") if row.sent_number} == {"paid"}
    with seeded.transaction() as db:
        left = "select count(*) from write_offs where undone_at is null"
        assert db.execute(left).fetchone() == (0,)


_BEFORE_115 = """
    insert into patients (site, fhir_id) values ('general', 'p1');
    insert into claim_files (site, name, format, kind, control, production, trial, written_by,
        sha256, content) values ('general', 'f', 'x12', '837P', 1, true, false, 'ada', '', '');
    insert into claims (file_id, number, draft_id, patient_id, frequency, total, lines, state)
        select f.id, n, n, p.id, '1', 1, '{}', state from claim_files f, patients p,
        (values ('A', 'rejected'), ('B', 'rejected'), ('C', 'rejected'), ('D', 'denied'))
            x (n, state);
    insert into answers (claim_id, patient_id, kind, says, said, file, payer, payer_number, day,
        payment, codes, why, charge, paid, share, read_by)
        select c.id, c.patient_id, kind, says, 's', '', '', '', '2028-12-31', '', '{}', '',
            0, 0, 0, ''
        from claims c join (values ('B', '277CA', 'rejected'), ('C', '835', 'denied'),
            ('D', '835', 'denied')) x (n, kind, says) on c.number = x.n
"""


def test_what_people_rejected_before_the_upgrade(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Denied or not: it stays rejected, whatever is read of it that is not newer."""
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("create database before_115 template template0")
    every = list(migrating._wanted(queue_is_there=False))
    earlier = every[: next(at for at, one in enumerate(every) if one[0].startswith("115"))]
    with psycopg.connect(postgres.replace("/postgres?", "/before_115?")) as db:
        monkeypatch.setattr(migrating, "_wanted", lambda **_: iter(earlier))
        migrating.migrate(db)
        db.execute(_BEFORE_115)
        monkeypatch.setattr(migrating, "_wanted", lambda **_: iter(every))
        assert migrating.migrate(db)[0].startswith("115")
        for number, state in db.execute("select id, state from claims").fetchall():
            assert claims.settle(db, number)[0].now == state
        told = "select number from answers a join claims c on c.id = claim_id where kind = 'told'"
        assert sorted(db.execute(told)) == [("A",), ("C",)]
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("drop database before_115")
