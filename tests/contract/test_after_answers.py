"""What becomes of claims, releases and lines by all that is answered of them, in whatever order it
is read."""

import json
import random
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration.claims.sent import corrections
from integration.cli import app
from integration.store import answers
from tests import builders
from tests.answers import acknowledged, file, remittance, status
from tests.office import PAIR, PLAN, Opened
from tests.sent import ACCEPTED, HOUSE, INVALID, Sent, denied, paid, said


@pytest.fixture
def sent(office: Opened) -> Sent:
    return Sent(office(PAIR))


def on(day: int, row: str) -> str:
    return row.replace("20261205", f"202612{day:02}")


def forget(sent: Sent) -> None:
    """As before anything was read."""
    with sent.office.service.store.transaction() as db:
        db.execute("delete from answers")
        db.execute("update claims set state = 'sent', payer_number = null")


def seen(sent: Sent) -> object:
    lines = [
        (row.state, row.answered, row.paid, row.denied_for, row.refused) for row in sent.rows()
    ]
    return sent.states, sent.office.service.rows("select payer_number from claims"), lines


def pool(sent: Sent) -> list[bytes]:
    """A claim's whole life, and more: each answer on a day of its own, or several on one."""
    trace = f"TRN*2*{sent.number}"
    jw = sent.service("J1756:JW", "50", "0", "CAS*CO*96*50", "LQ*HE*N180")
    part = sent.claim(
        *sent.service("J1756", "50", "40", "CAS*PR*2*10"), *jw, clp="1*100*40*10*MB*ICN3"
    )
    second = sent.claim(*jw, clp="2*50*0**12*PLAN1")
    rest = sent.claim(*sent.service("J1756:JW", "50", "30"), clp="2*50*30**12*PLAN2")
    group, own = int(sent.segment("GS", 6)), sent.segment("ST", 2)
    return [
        acknowledged(group, [f"AK2*837*{own}", "IK5*R*5"], code="R"),
        status([trace, on(6, ACCEPTED), "REF*1K*ICN9"]),
        status([trace, on(7, INVALID)]),
        status([trace, on(9, ACCEPTED)]),
        remittance(paid(sent), payment="A", on="20261210"),
        remittance(paid(sent, "-", "22"), part, payment="B", on="20261214"),
        remittance(denied(sent), payment="C", on="20261212"),
        remittance(denied(sent, "4", "CO*29"), payment="D", on="20261212"),
        remittance(second, payment="E", on="20261216", payer="SUNRISE"),
        remittance(rest, payment="F", on="20261218", payer="SUNRISE"),
        remittance(paid(sent, "-", "22"), payment="G", on="20261220"),
        remittance(denied(sent, "2", "OA*23"), payment="H", on="20261211", payer="SUNRISE"),
        remittance([*denied(sent, reason="CO*16"), "LQ*HE*MA130"], payment="I", on="20261209"),
    ]


def test_no_order_of_reading_changes_anything(sent: Sent) -> None:
    every, chance = pool(sent), random.Random(7)
    for _ in range(24):
        some = chance.sample(every, chance.randint(2, 5))
        found = []
        for _ in range(3):
            forget(sent)
            for content in some:
                sent.reads(content)
            found.append(seen(sent))
            chance.shuffle(some)
        assert found[0] == found[1] == found[2], [every.index(one) for one in some]


def test_the_newest_of_a_front_end_holds(sent: Sent) -> None:
    trace = f"TRN*2*{sent.number}"
    early, late = status([trace, on(6, INVALID)]), status([trace, on(8, ACCEPTED)])
    for order in permutations([early, late]):
        forget(sent)
        for content in order:
            sent.reads(content)
        assert sent.states == ["accepted"]


def test_a_copy_in_a_later_file_is_no_newer(sent: Sent) -> None:
    """A 999 is dated by its file alone."""
    own = [f"AK2*837*{sent.segment('ST', 2)}", "IK5*R*5"]
    first = acknowledged(int(sent.segment("GS", 6)), own, code="R")
    copy = first.replace(b"*261205*", b"*261220*").replace(b"*000000101*", b"*000000102*")
    taken = status([f"TRN*2*{sent.number}", on(10, ACCEPTED)])
    for order in permutations([first, copy, taken]):
        forget(sent)
        for content in order:
            sent.reads(content)
        assert sent.states == ["accepted"]


def test_a_rejected_claim_that_is_paid_after_all(office: Opened) -> None:
    """Its releases were taken back meanwhile: they come back with it."""
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    number = sent.number
    sent.reads(status([f"TRN*2*{number}", INVALID], usage="P"))
    before = [row.release for row in sent.rows()]
    sent.office.withdraw()
    assert {row.state for row in sent.rows()} == {"ready"}
    content = remittance([f"CLP*{number}*1*100*80*20*MB*ICN1"], usage="P", on="20261210")
    sent.reads(content)
    assert {row.state for row in sent.rows("paid")} == {"paid"}
    assert [row.release for row in sent.rows()] == before
    assert sent.office.write().claims == 0


def test_one_that_was_released_anew_gives_way(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    number = sent.number
    sent.reads(status([f"TRN*2*{number}", INVALID], usage="P"))
    sent.office.withdraw()
    sent.office.release()
    assert len(sent.rows("released")) == 2
    sent.reads(remittance([f"CLP*{number}*1*100*80*20*MB*ICN1"], usage="P", on="20261210"))
    assert {row.state for row in sent.rows("paid")} == {"paid"}
    said_of = sent.office.service.rows("select detail ->> 'reason' from audit where action ="
                                       " 'reinstated'")  # fmt: skip
    assert said_of == [(f"claim {number} stands after all",)] * 2


def test_what_left_anew_stays_as_it_left(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    trace = f"TRN*2*{sent.number}"
    above = ["HL*2*1*21*1", "NM1*41*2*R*****46*R", f"TRN*2*{sent.segment('ST', 2)}"]
    sent.reads(status([trace, INVALID], above=above, usage="P"))
    sent.office.withdraw()
    sent.office.release()
    sent.office.write()
    sent.reads(status([trace, on(9, ACCEPTED)], above=above, usage="P"))
    assert sent.states == ["accepted", "sent"]
    assert {row.state for row in sent.rows("sent")} == {"sent"}


def test_a_line_that_went_meanwhile_is_shown_again(office: Opened) -> None:
    """Money came for what the chart no longer has: somebody must look at that."""
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    number = sent.number
    sent.reads(status([f"TRN*2*{number}", INVALID], usage="P"))
    sent.office.change(builders.administration(status="entered-in-error", version="2"))
    sent.office.service.assess()
    sent.office.service.work()
    sent.office.withdraw()
    assert sent.rows() == []
    sent.reads(remittance([f"CLP*{number}*1*100*80*20*MB*ICN1"], usage="P", on="20261210"))
    rows = sent.rows("changed")
    assert [(row.state, row.gone_at is not None) for row in rows] == [("paid", True)] * 2


def test_what_a_void_was_about_has_its_lines_again(office: Opened) -> None:
    sent = Sent(office(PAIR, *PLAN, receivers=[HOUSE]))
    sent.reads(remittance(paid(sent), usage="P"))
    sent.office.write(corrections=corrections([], [sent.number]))
    own = sent.office.service.rows("select number from claims order by id desc limit 1")[0][0]
    sent.office.withdraw()
    assert {row.state for row in sent.rows()} == {"ready"}
    sent.reads(status([f"TRN*2*{own}", INVALID], usage="P"))
    assert sent.states == ["paid", "rejected"]
    assert {row.state for row in sent.rows("paid")} == {"paid"}
    # And the void was taken after all.
    sent.reads(status([f"TRN*2*{own}", on(9, ACCEPTED)], usage="P"))
    assert sent.states == ["void", "accepted"]


def test_one_decision_of_a_line(sent: Sent) -> None:
    """A payer that allows nothing and gives no reason: the line is as its view says."""
    rows = [*sent.service("J1756", "50", "40", "CAS*PR*2*10"), *sent.service("J1756:JW", "50", "0")]
    sent.reads(remittance(sent.claim(*rows, clp="1*100*40*10*MB*ICN1")))
    dose, discard = sent.rows("denied")
    assert (dose.state, discard.state, discard.denied_for) == ("paid", "denied", [])


def test_a_chain_of_corrections_whose_first_was_never_read(sent: Sent) -> None:
    rows = [*sent.service("J1756", "50", "30"), *sent.service("J1756:JW", "50", "30")]
    less = sent.claim(*rows, clp="1*100*60**MB*ICN2")
    back = sent.claim(
        *sent.service("J1756", "-50", "-30"),
        *sent.service("J1756:JW", "-50", "-30"),
        clp="22*-100*-60**MB*ICN2",
    )
    last = [*sent.service("J1756", "50", "10"), *sent.service("J1756:JW", "50", "10")]
    sent.reads(remittance(paid(sent, "-", "22"), less, payment="B", on="20261210"))
    sent.reads(
        remittance(
            back, sent.claim(*last, clp="1*100*20**MB*ICN3"), payment="C", on="20261215"
        )
    )  # fmt: skip
    assert [str(row.paid) for row in sent.rows("paid")] == ["10.00", "10.00"]


def test_a_person_who_says_rejected_knows_what_was_read(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    sent.reads(remittance(denied(sent), usage="P", on="20281231"))
    with sent.office.service.store.transaction() as db:
        answers.reject(db, "general", sent.number, "ada")
    assert sent.states == ["rejected"]
    sent.reads(status([f"TRN*2*{sent.number}", on(6, ACCEPTED)], usage="P"))
    assert sent.states == ["rejected"]
    sent.reads(remittance(paid(sent), usage="P", payment="CHK2", on="20281230"))
    assert sent.states == ["paid"]


BACK = "PLB*1234567893*20261231*WO:ICN7*10"


def test_a_payment_is_told_with_what_was_taken_off(sent: Sent) -> None:
    report = sent.reads(remittance(paid(sent), adjusted=[BACK]))
    assert report.problems == []
    assert report.payments[0].payment.total == Decimal(70)
    wrong = remittance(paid(sent), payment="CHK2", adjusted=[BACK])
    report = sent.reads(wrong.replace(b"BPR*I*70*C", b"BPR*I*80*C"))
    (problem,) = report.problems
    assert problem.resource == "segment 4 of answer"
    assert problem.problem == (
        "it does not balance: $80.00 was paid (BPR02), its claims come to $80.00, and $10.00 was"
        " taken off otherwise (PLB): $10.00 too much"
    )
    assert said(report)[0][0] == "paid"


LESS = (
    "payment CHK1 of MEDICARE PART B, Dec 5, 2026: -$4.00; $5.00 taken off: overpayment recovered"
    " (WO, X); $1.00 added: another adjustment (ZZ)"
)


def test_every_answer_of_a_file_without_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    claim = ["CLP*77*1*45.8*0**MB*ICN1", "SVC*HC:J1756:JZ*45.8*0", "CAS*CO*252*45.8"]
    (tmp_path / "a.835").write_bytes(remittance(claim, adjusted=["PLB*1*20261231*WO:X*5*ZZ*-1"]))
    bad = remittance(["CLP*78*1*9*5**MB*ICN2"]).replace(b"BPR*I*5*C", b"BPR*I**C")
    (tmp_path / "b.835").write_bytes(bad)
    fault = ["AK2*837*0007", "IK3*N4*12**8", "IK5*R*5"]
    taken = file().replace(b"GS*", b"TA1*000000042*261205*0900*A*000~\nGS*", 1)
    above = ["HL*2*1*21*1", "NM1*41*2*R*****46*R", "TRN*2*0009", "STC*A3:24:41*20261205*U*1"]
    (tmp_path / "c.999").write_bytes(acknowledged(7, fault) + taken + status(above=above))
    (tmp_path / "d.txt").write_text("hello")
    found = CliRunner().invoke(app, ["claims", "read", "--all", str(tmp_path)])
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "a.835: claim 77: denied: J1756 JZ: CO-252 (835), the payer's number ICN1",
        f"a.835: {LESS}",
        "b.835: claim 78: paid $5.00, the payer's number ICN2",
        "b.835: payment CHK1 of MEDICARE PART B, Dec 5, 2026: no sum",
        "c.999: set 0007 of group 7: rejected: segment 12 N4: has an element that is wrong (999)",
        "c.999: interchange 42: received (TA1)",
        "c.999: all claims in set 0009: rejected: returned as unprocessable (A3:24:41) (277CA)",
    ]
    assert [row.partition(": ")[2][:30] for row in found.stderr.splitlines()] == [
        "it does not say what was paid ",
        "1 claim in it does not balance",
        "holds no answer: the file begi",
    ]
    found = CliRunner().invoke(app, ["claims", "read", "--all", "--format", "json", str(tmp_path)])
    document = json.loads(found.stdout)
    assert [row.get("claim") or row["to"] for row in document["answers"]][:3] == [
        "77",
        "78",
        "set 0007 of group 7",
    ]
    assert document["payments"][0]["adjustments"][0] == {
        "code": "WO",
        "reference": "X",
        "amount": "5",
    }
    assert [row["balances"] for row in document["payments"]] == [True, False]
    assert not list(tmp_path.glob(".ferroclaim*"))
