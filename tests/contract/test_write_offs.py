"""Denied lines that nobody pursues, and what opens them again."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration.cli import app
from integration.store import answers, figures, releases, write_offs
from integration.store.figures import Scope
from integration.store.releases import NotReleasable
from integration.store.write_offs import WriteOff
from mappings.writing.answers.write_offs import write_off_reasons
from tests.answers import remittance, status
from tests.office import PAIR, Opened
from tests.sent import HOUSE, INVALID, Sent, denied, paid

SMALL = WriteOff("small-balance", "eight dollars")


@pytest.fixture
def sent(office: Opened) -> Sent:
    return Sent(office(PAIR))


def write_off(sent: Sent, said: WriteOff = SMALL) -> None:
    with sent.office.service.store.transaction() as db:
        pair = releases.to_decide(db, sent.rows()[0].key, ["general"])
        write_offs.write_off(db, pair, said, "ada", "biller")


def reopen(sent: Sent) -> None:
    with sent.office.service.store.transaction() as db:
        pair = releases.to_decide(db, sent.rows()[0].key, ["general"])
        write_offs.reopen(db, pair, "ada", "biller")


def history(sent: Sent) -> list[tuple[str, str, str | None]]:
    found = sent.office.service.rows(
        "select distinct actor, action, detail ->> 'reason', min(id) from audit"
        " where action in ('wrote off', 'reopened', 'reinstated') group by 1, 2, 3 order by 4"
    )
    return [row[:3] for row in found]


def test_a_denied_pair_is_written_off_and_reopened(sent: Sent) -> None:
    sent.reads(remittance(denied(sent)))
    write_off(sent)
    rows = sent.rows("written-off")
    assert [(row.state, row.written_off) for row in rows] == [("written-off", "small-balance")] * 2
    assert (sent.rows("denied"), sent.rows("snoozed"), sent.states) == ([], [], ["denied"])
    with pytest.raises(NotReleasable, match="written off before"):
        write_off(sent)
    reopen(sent)
    assert ([row.state for row in sent.rows("denied")], sent.rows("written-off")) == (
        ["denied"] * 2,
        [],
    )
    with pytest.raises(NotReleasable, match="was not written off"):
        reopen(sent)
    says = f"{write_off_reasons()['small-balance']} (eight dollars)"
    assert history(sent) == [("ada", "wrote off", says), ("ada", "reopened", None)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (WriteOff(""), "choose a reason"),
        (WriteOff("because"), "choose a reason"),
        (WriteOff("other"), "in the note"),
    ],
)
def test_why_is_asked(sent: Sent, said: WriteOff, why: str) -> None:
    sent.reads(remittance(denied(sent)))
    with pytest.raises(NotReleasable, match=why):
        write_off(sent, said)


def test_only_what_was_refused_is_written_off(sent: Sent) -> None:
    with pytest.raises(NotReleasable, match="was not denied or rejected"):
        write_off(sent)
    sent.reads(remittance(paid(sent)))
    with pytest.raises(NotReleasable, match="was not denied or rejected"):
        write_off(sent)


def test_a_payment_opens_it_again_and_another_denial_does_not(sent: Sent) -> None:
    sent.reads(remittance(denied(sent), on="20261205"))
    write_off(sent)
    sent.reads(remittance(denied(sent, reason="CO*29"), payment="CHK2", on="20261210"))
    assert [row.state for row in sent.rows("written-off")] == ["written-off"] * 2
    sent.reads(remittance(paid(sent), payment="CHK3", on="20261215"))
    assert (sent.rows("written-off"), {row.state for row in sent.rows("paid")}) == ([], {"paid"})
    # What is denied anew waits for a person.
    back = [paid(sent, "-", "22"), denied(sent)]
    sent.reads(remittance(*back, payment="CHK4", on="20261220"))
    assert {row.state for row in sent.rows("denied")} == {"denied"}
    assert [row[:2] for row in history(sent)] == [("ada", "wrote off"), ("ada", "reopened")]


def test_what_stays_denied_beside_a_payment_stays_written_off(sent: Sent) -> None:
    part = [
        *sent.service("J1756", "50", "40", "CAS*PR*2*10"),
        *sent.service("J1756:JW", "50", "0", "CAS*CO*96*50"),
    ]
    sent.reads(remittance(sent.claim(*part, clp="1*100*40*10*MB*ICN1")))
    write_off(sent)
    assert [row.state for row in sent.rows("written-off")] == ["paid", "written-off"]
    more = sent.claim(*sent.service("J1756", "50", "5", "CAS*OA*23*45"), clp="2*50*5**12*P2")
    sent.reads(remittance(more, payment="CHK2", payer="SUNRISE"))
    assert [row.state for row in sent.rows("written-off")] == ["paid", "written-off"]
    rest = sent.claim(*sent.service("J1756:JW", "50", "50"), clp="3*50*50**12*P3")
    sent.reads(remittance(rest, payment="CHK3", payer="EVERGREEN"))
    assert {row.state for row in sent.rows("paid")} == {"paid"}


def test_taking_the_release_back_ends_it(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    sent.reads(status([f"TRN*2*{sent.number}", INVALID], usage="P"))
    write_off(sent, WriteOff("too-late"))
    assert {row.state for row in sent.rows("written-off")} == {"written-off"}
    sent.office.withdraw()
    assert {row.state for row in sent.rows("ready")} == {"ready"}
    sent.office.release()
    sent.office.write()
    sent.reads(remittance(denied(sent), usage="P"))
    assert {row.state for row in sent.rows("denied")} == {"denied"}


def test_the_figures_have_what_was_written_off(sent: Sent) -> None:
    sent.reads(remittance([*denied(sent), "LQ*HE*N180"]))
    write_off(sent)
    with sent.office.service.store.transaction() as db:
        found = figures.written_off(db, Scope(["general"]))
    worth = sum(row.value or 0 for row in sent.rows())
    assert (found.by_carc, found.by_reason) == (
        {"50": (2, worth)},
        {"small-balance": (2, worth)},
    )
    assert (found.lines, found.money) == (2, worth)


def test_what_a_front_end_rejected_has_no_carc(sent: Sent) -> None:
    sent.reads(status([f"TRN*2*{sent.number}", INVALID]))
    write_off(sent)
    with sent.office.service.store.transaction() as db:
        found = figures.written_off(db, Scope(["general"]))
    assert {carc: lines for carc, (lines, _) in found.by_carc.items()} == {"": 2}


def test_the_lines_of_a_claim_by_its_number(sent: Sent) -> None:
    sent.reads(remittance(denied(sent)))
    with sent.office.service.store.transaction() as db:
        assert write_offs.of_claim(db, "general", sent.number, SMALL, "ada") == (2, [])
        assert write_offs.of_claim(db, "general", "X", SMALL, "ada")[0] == 0
        done, why = write_offs.of_claim(db, "general", sent.number, SMALL, "ada")
        assert (done, why) == (0, ["was written off before."])
        assert write_offs.of_claim(db, "general", sent.number, WriteOff(""), "ada") == (2, [])


def test_the_command(tmp_path: Path, database: str) -> None:
    (tmp_path / "ferroclaim.toml").write_text(
        f'database_url = "{database}"\ndata_dir = "{tmp_path}"\n'
        '[sites.general]\nbase_url = "http://127.0.0.1:1/fhir"\nauth.method = "none"\n'
    )
    config = ["--site", "general", "--config", str(tmp_path / "ferroclaim.toml")]
    found = CliRunner().invoke(app, ["claims", "write-off", "C1", *config])
    assert "small-balance: small balance" in str(found.exception)
    arguments = ["claims", "write-off", "C1", "--reason", "too-late", *config]
    found = CliRunner().invoke(app, arguments)
    assert (found.exit_code, found.stdout) == (
        1,
        "C1\tno line of that number waits in the worklist\n",
    )


def test_deleting_a_patient_deletes_what_was_written_off(sent: Sent) -> None:
    sent.reads(remittance(denied(sent)))
    write_off(sent)
    with sent.office.service.store.transaction() as db:
        db.execute("delete from patients")
    assert sent.office.service.rows("select 1 from write_offs") == []


def test_a_person_may_still_want_it_anew(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    sent.reads(remittance(denied(sent), usage="P"))
    write_off(sent)
    with sent.office.service.store.transaction() as db:
        assert answers.reject(db, "general", sent.number, "ada") == "denied"
    assert {row.state for row in sent.rows("written-off")} == {"written-off"}
    sent.office.withdraw()
    assert {row.state for row in sent.rows("ready")} == {"ready"}
