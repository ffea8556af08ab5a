"""Answers to claims that left: found, kept, told, and what the worklist makes of them."""

import json
from itertools import permutations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration.claims.answering.files import named
from integration.claims.answering.reading import read_answers
from integration.claims.answering.sets import claims_of
from integration.claims.sent import corrections, line_key
from integration.cli import app
from integration.errors import ConfigurationError
from integration.store import answers, figures, worklist
from integration.store.figures import Scope
from integration.terminal.answers import answered
from mappings.writing.x12.segments import parsed
from tests.answers import acknowledged, file, remittance, status
from tests.office import PAIR, PLAN, Opened
from tests.sent import ACCEPTED, HOUSE, INVALID, Sent, denied, paid, said


@pytest.fixture
def sent(office: Opened) -> Sent:
    return Sent(office(PAIR))


def test_an_accepted_claim_is_the_payers(sent: Sent) -> None:
    report = sent.reads(status([f"TRN*2*{sent.number}", ACCEPTED, "REF*1K*ICN9"]))
    assert said(report) == [("accepted", "accepted for processing")]
    assert sent.states == ["accepted"]
    assert [row.state for row in sent.rows("sent")] == ["sent", "sent"]
    assert sent.office.service.rows("select payer_number from claims") == [("ICN9",)]


def test_a_rejected_claim_comes_back_and_leaves_anew(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    report = sent.reads(status([f"TRN*2*{sent.number}", INVALID], usage="P"))
    assert said(report) == [("rejected", "something is invalid (A7:164:IL)")]
    assert sent.states == ["rejected"]
    assert (sent.rows("sent"), len(sent.rows("denied"))) == ([], 2)
    assert {row.state for row in sent.rows("denied")} == {"rejected"}
    sent.office.withdraw()
    sent.office.release()
    again = sent.office.write()
    assert (again.complete, again.claims) == (True, 1)
    assert sent.states == ["rejected", "sent"]
    assert len(sent.rows("sent")) == 2


def test_what_was_read_before_is_not_of_what_left_since(office: Opened) -> None:
    """A claim leaves anew under its number; a folder may be read again, or late."""
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    number, own = sent.number, sent.segment("ST", 2)
    above = ["HL*2*1*21*1", "NM1*41*2*R*****46*R", f"TRN*2*{own}"]
    first = status([f"TRN*2*{number}", INVALID], usage="P")
    named = status([f"TRN*2*{number}", INVALID], above=above, usage="P")
    early = status([f"TRN*2*{number}", "STC*A7:33:QC*20260905*U*1"], usage="P")
    sent.reads(first)
    sent.office.service.rows("update claim_files set written_at = '2026-09-01' returning id")
    sent.office.withdraw()
    sent.office.release()
    sent.office.write()
    for content in (first, named, early):
        sent.reads(content)
        assert sent.states == ["rejected", "sent"]
    sent.reads(status([f"TRN*2*{number}", "STC*A7:33:QC*20261206*U*1"], usage="P"))
    assert sent.states == ["rejected", "rejected"]


def test_a_claim_that_its_payer_wants_anew_leaves_anew(office: Opened) -> None:
    """Part B takes no replacement: what it says is unprocessable, or a person says so of."""
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    sent.reads(remittance([*denied(sent, reason="CO*16"), "LQ*HE*MA130"], usage="P"))
    assert sent.states == ["rejected"]
    assert [row.denied_for for row in sent.rows("denied")] == [["CO-16"], ["CO-16", "MA130"]]
    sent.office.withdraw()
    sent.office.release()
    sent.office.write()
    sent.reads(remittance(denied(sent), usage="P", payment="CHK2"))
    assert sent.states == ["rejected", "denied"]
    with sent.office.service.store.transaction() as db:
        assert answers.reject(db, "general", sent.number, "ada") == "denied"
    sent.office.withdraw()
    sent.office.release()
    assert sent.office.write().claims == 1


def test_a_payment_of_one_line_and_a_denial_of_the_other(sent: Sent) -> None:
    """They are one decision, so they stand together."""
    rows = [
        *sent.service("J1756", "50", "40", "CAS*PR*2*10", line=sent.line()),
        *sent.service("J1756:JW", "50", "0", "CAS*CO*96*50", "LQ*HE*N180",
                      line=sent.line(discard=True)),
    ]  # fmt: skip
    report = sent.reads(remittance(sent.claim(*rows)))
    assert said(report) == [("paid", "J1756 JW: CO-96 N180")]
    assert sent.states == ["paid"]
    dose, discard = sent.rows("denied")
    assert (dose.state, str(dose.paid), dose.denied_for) == ("paid", "40.00", [])
    assert (discard.state, discard.denied_for) == ("denied", ["CO-96", "N180"])
    assert (sent.rows("paid"), sent.rows("sent")) == ([], [])


def test_a_payer_that_gives_no_line_number_back(sent: Sent) -> None:
    """By code, day and discard, where that means one line."""
    rows = [
        *sent.service("J1756", "50", "40", "CAS*PR*2*10"),
        *sent.service("J1756:JW", "50", "40", "CAS*PR*2*10"),
        *sent.service("99213", "80", "70"),
    ]
    sent.reads(remittance(sent.claim(*rows)))
    assert [str(row.paid) for row in sent.rows("paid")] == ["40.00", "40.00"]


def test_a_claim_denied_without_services(sent: Sent) -> None:
    sent.reads(remittance(sent.claim("CAS*CO*29*100", clp="4*100*0**MB*ICN1")))
    assert [(row.state, row.denied_for) for row in sent.rows("denied")] == [
        ("denied", ["CO-29"])
    ] * 2


@pytest.mark.parametrize(
    ("order", "state", "view"),
    [
        ("paid", "paid", "paid"),
        ("denied", "denied", "denied"),
        ("paid back", "accepted", "sent"),
        ("back paid", "accepted", "sent"),
        ("paid back denied", "denied", "denied"),
        ("denied paid", "paid", "paid"),
        ("paid second", "paid", "paid"),
        ("second paid", "paid", "paid"),
    ],
)
def test_answers_add_up_in_any_order(
    sent: Sent, order: str, state: str, view: worklist.View
) -> None:
    forms = {
        "paid": paid(sent),
        "back": paid(sent, "-", "22"),
        "denied": denied(sent),
        "second": denied(sent, "2", "OA*23"),
    }
    for number, name in enumerate(order.split()):
        sent.reads(remittance(forms[name], payment=f"CHK{number}"))
    assert sent.states == [state]
    assert len(sent.rows(view)) == 2


def test_the_same_answer_counts_once(sent: Sent) -> None:
    content = remittance(paid(sent))
    sent.reads(content)
    report = sent.reads(content.replace(b"*000000101*", b"*000000102*"), "copy")
    assert [one.kept.is_new for one in report.heard] == [False]
    assert [str(row.paid) for row in sent.rows("paid")] == ["40.00", "40.00"]


def test_a_correction_whose_first_payment_was_never_read(sent: Sent) -> None:
    """As after the upgrade: what it takes back is not known."""
    rows = [*sent.service("J1756", "50", "30"), *sent.service("J1756:JW", "50", "30")]
    corrected = sent.claim(*rows, clp="1*100*60**MB*ICN2")
    sent.reads(remittance(paid(sent, "-", "22"), corrected, payment="CHK2"))
    assert sent.states == ["paid"]
    assert [str(row.paid) for row in sent.rows("paid")] == ["30.00", "30.00"]
    sent.reads(remittance(paid(sent)), "the first")
    assert [str(row.paid) for row in sent.rows("paid")] == ["30.00", "30.00"]
    sent.reads(remittance(sent.claim(clp="22*-100*-60**MB*ICN2"), payment="CHK3"))
    assert sent.states == ["accepted"]


def test_a_claim_denied_and_paid_without_services(sent: Sent) -> None:
    sent.reads(remittance(sent.claim("CAS*CO*29*100", clp="4*100*0**MB*ICN1")))
    sent.reads(remittance(sent.claim(clp="1*100*80**MB*ICN1"), payment="CHK2"))
    assert ([row.state for row in sent.rows("paid")], sent.rows("denied")) == (["paid"] * 2, [])


def test_a_payment_by_line_taken_back_as_a_whole(sent: Sent) -> None:
    """What is left of a line is not known."""
    sent.reads(remittance(paid(sent)))
    sent.reads(remittance(sent.claim(clp="22*-100*-80*-20*MB*ICN1"), payment="CHK2"))
    assert [(row.state, row.paid) for row in sent.rows("sent")] == [("sent", None)] * 2


def test_lines_by_a_number_that_was_cut_off_or_without_a_day(sent: Sent) -> None:
    key = line_key(sent.line())[:12].lower()
    sent.reads(
        remittance(
            sent.claim(
                "DTM*232*20261030",
                *("SVC*HC:Q9999*50*40", "CAS*PR*2*10", f"REF*6R*{key}"),
                *("SVC*HC:J1756:JW*50*0", "CAS*CO*96*50"),
                clp="1*100*40*10*MA*ICN1",
            )
        )
    )
    dose, discard = sent.rows("denied")
    assert (str(dose.paid), discard.denied_for) == ("40.00", ["CO-96"])


@pytest.mark.parametrize("shown", [" {} ", "{}\x00", "lower"])
def test_a_number_that_came_back_in_another_form(sent: Sent, shown: str) -> None:
    number = sent.number.lower() if shown == "lower" else shown.format(sent.number)
    sent.reads(remittance([f"CLP*{number}*1*100*80**MB*ICN1"]))
    assert sent.states == ["paid"]


def test_a_rejected_group_whose_set_is_right(sent: Sent) -> None:
    control, own = int(sent.segment("GS", 6)), sent.segment("ST", 2)
    sent.reads(acknowledged(control, [f"AK2*837*{own}", "IK5*A"], code="R"))
    assert sent.states == ["rejected"]


def test_answers_to_other_software_with_our_numbers(office: Opened) -> None:
    """Their sets have other numbers, and their interchanges other days; a test is none of ours."""
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    control, own, day = int(sent.segment("GS", 6)), sent.segment("ST", 2), sent.segment("ISA", 9)
    theirs = acknowledged(control, [f"AK2*837*{int(own):04}", "IK5*R*5"], code="R")
    trial = acknowledged(control, [f"AK2*837*{own}", "IK5*R*5"], code="R")
    rejected = f"TA1*{control:09}*250101*0900*R*025~\nGS*".encode()
    refused = f"TA1*{control:09}*{day}*0900*R*025~\nGS*".encode()
    for content in (
        theirs.replace(b"*0*T*", b"*0*P*"),
        trial,
        file(usage="P").replace(b"GS*", rejected, 1),
        file(usage="T").replace(b"GS*", refused, 1),
    ):
        report = sent.reads(content)
        assert (report.heard, report.others["answer"]) == ([], 1)
    assert sent.states == ["sent"]
    sent.reads(file(usage="P").replace(b"GS*", refused, 1))
    assert sent.states == ["rejected"]


def test_a_rejected_file_rejects_each_of_its_claims(sent: Sent) -> None:
    """As the 999 numbers it; the fault is told at the claim that it is in."""
    control, own = int(sent.segment("GS", 6)), sent.segment("ST", 2)
    place = next(
        at
        for at, row in enumerate(parsed(sent.office.files[0].read_text())[2:], 1)
        if row[0] == "SV1"
    )
    fault = [f"IK3*SV1*{place}**8", "IK4*1:2*234*7"]
    report = sent.reads(acknowledged(control, [f"AK2*837*{own}", *fault, "IK5*R*5"], code="R"))
    assert said(report) == [
        ("rejected", f"segment {place} SV1, element 1-2 (234): is no valid code")
    ]
    assert sent.states == ["rejected"]


def test_a_fault_of_a_patient_is_their_claims() -> None:
    rows = ["ST*837*0001", "HL*1**20*1", "NM1*85*2*R*****XX*1234567893"]
    rows += [
        "HL*2*1*22*0",
        "SBR*P",
        "CLM*A",
        "HL*3*1*22*0",
        "SBR*P",
        "CLM*B",
        "CLM*C",
        "SE*11*0001",
    ]
    found = [(one.number, one.first, one.last) for one in claims_of(file(*rows))]
    assert found == [("A", 4, 6), ("B", 7, 9), ("C", 10, 10)]


def test_a_999_that_takes_the_file_changes_nothing(sent: Sent) -> None:
    control, own = int(sent.segment("GS", 6)), sent.segment("ST", 2)
    report = sent.reads(acknowledged(control, [f"AK2*837*{own}", "IK5*A"]))
    assert said(report) == [("received", "")]
    assert sent.states == ["sent"]


def test_an_interchange_that_was_not_taken(sent: Sent) -> None:
    control, day = sent.segment("ISA", 13), sent.segment("ISA", 9)
    content = file().replace(b"GS*", f"TA1*{control}*{day}*0900*R*025~\nGS*".encode(), 1)
    assert said(sent.reads(content)) == [("rejected", "segment 1 ISA: it was sent before")]
    assert sent.states == ["rejected"]


@pytest.mark.parametrize(("biller", "state"), [("1234567893", "rejected"), ("1999999984", "sent")])
def test_a_biller_that_nobody_knows_there(sent: Sent, biller: str, state: str) -> None:
    above = [
        *("HL*2*1*21*1", "NM1*41*2*R*****46*R", f"TRN*2*{sent.segment('ST', 2)}"),
        *("HL*3*2*19*1", f"NM1*85*2*R*****XX*{biller}", "TRN*1*0"),
        f"STC*A7:562:85**U*1{'*' * 8}NPI NOT ENROLLED",
    ]
    report = sent.reads(status(above=above))
    assert sent.states == [state]
    why = "something is invalid (A7:562:85); NPI NOT ENROLLED"
    assert said(report) == ([("rejected", why)] if state == "rejected" else [])


def test_claims_of_others_are_counted_and_nothing_else(sent: Sent) -> None:
    other = ["CLP*99999*1*10*10**MB*1"]
    report = sent.reads(remittance(other, paid(sent), ["CLP*99998*1*10*10**MB*1"]))
    assert (len(report.heard), report.others["answer"], report.problems) == (1, 2, [])
    for content in (
        acknowledged(999999, ["AK2*837*0007", "IK5*R*5"]),
        status(above=["HL*2*1*21*1", "TRN*2*000999999", "STC*A3:24:41**U*1"]),
        status(above=["HL*2*1*21*1", "TRN*2*BATCH-1", "STC*A3:24:41**U*1"]),
    ):
        report = sent.reads(content)
        assert (report.heard, report.others["answer"]) == ([], 1)
    assert sent.reads(remittance(paid(sent)), site="another").heard == []


def test_a_late_rejection_does_not_undo_a_payment(sent: Sent) -> None:
    sent.reads(remittance(paid(sent)))
    report = sent.reads(status([f"TRN*2*{sent.number}", INVALID]))
    assert [one.kept.fits for one in report.heard] == [False]
    assert sent.states == ["paid"]


def test_a_test_answers_no_claim_that_counts(office: Opened) -> None:
    sent = Sent(office(PAIR, receivers=[HOUSE]))
    assert sent.reads(remittance(paid(sent))).heard == []
    assert len(sent.reads(remittance(paid(sent), usage="P")).heard) == 1


def test_a_trial_is_answered_and_counts_for_nothing(office: Opened) -> None:
    here = office(PAIR)
    here.release()
    here.write(test=True)
    number = next(row[1] for row in parsed(here.files[0].read_text()) if row[0] == "CLM")
    path = here.folder / "answer"
    path.write_bytes(status([f"TRN*2*{number}", INVALID]))
    report = read_answers(here.service.store, ["general"], named([path]), "ada")
    assert said(report) == [("rejected", "something is invalid (A7:164:IL)")]
    assert [row.state for row in here.rows("released")] == ["released", "released"]


def test_a_claim_is_replaced_by_the_number_that_its_answer_had(office: Opened) -> None:
    sent = Sent(office(PAIR, *PLAN, receivers=[HOUSE]))
    first = sent.number
    answer = remittance(sent.claim("CAS*CO*16*100", clp="4*100*0**MB*ICN7"), usage="P")
    sent.office.correct()
    unknown = sent.office.write(corrections=corrections([first], []))
    assert [f"write {first}=ICN" in one.says for one in unknown.refused] == [True]
    sent.reads(answer)
    report = sent.office.write(corrections=corrections([first], []))
    assert (report.complete, report.claims) == (True, 1), report.problems
    assert ("REF", "F8", "ICN7") in parsed(sent.office.files[-1].read_text())


def test_a_second_word_on_a_rejected_replacement_changes_nothing(office: Opened) -> None:
    sent = Sent(office(PAIR, *PLAN, receivers=[HOUSE]))
    first = sent.number
    sent.reads(remittance(denied(sent), usage="P"))
    sent.office.correct()
    sent.office.write(corrections=corrections([first], []))
    number, own = sent.number, sent.segment("ST", 2)
    above = ["HL*2*1*21*1", "NM1*41*2*R*****46*R", f"TRN*2*{own}"]
    sent.reads(status([f"TRN*2*{number}", INVALID], above=above, usage="P"))
    assert sent.states == ["denied", "rejected"]
    sent.office.withdraw()
    sent.office.release()
    sent.office.write(corrections=corrections([first], []))
    assert sent.states == ["replaced", "rejected", "sent"]
    more = [f"TRN*2*{number}", INVALID, "STC*A3:21*20261206*U*1"]
    sent.reads(status(more, above=above, usage="P"))
    assert sent.states == ["replaced", "rejected", "sent"]


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        ("rejected", "accepted", False),
        ("accepted", "rejected", True),
        ("paid", "accepted", True),
        ("paid", "rejected", False),
        ("rejected", "paid", True),
    ],
)
def test_what_changes_nothing_is_told(sent: Sent, first: str, second: str, fits: bool) -> None:
    said = {
        "rejected": status([f"TRN*2*{sent.number}", INVALID]),
        "accepted": status([f"TRN*2*{sent.number}", ACCEPTED]),
        "paid": remittance(paid(sent)),
    }
    sent.reads(said[first])
    assert [one.kept.fits for one in sent.reads(said[second]).heard] == [fits]


def test_the_reason_is_the_payers_that_has_one(sent: Sent) -> None:
    jw = ["SVC*HC:J1756:JW*50*0", "DTM*472*20261101"]
    first = ["SVC*HC:J1756*50*40", "DTM*472*20261101", "CAS*PR*2*10", *jw, "CAS*CO*96*50"]
    second = ["SVC*HC:J1756*50*10", "DTM*472*20261101", "CAS*OA*23*40", *jw, "CAS*OA*23*50"]
    sent.reads(remittance(sent.claim(*first)))
    sent.reads(remittance(sent.claim(*second, clp="2*100*10**12*P1"), payment="CHK2"))
    dose, discard = sent.rows("denied")
    assert (str(dose.paid), discard.denied_for) == ("50.00", ["CO-96"])


@pytest.mark.parametrize("order", [*permutations(range(4))][::5])
def test_corrections_come_to_the_same_in_any_order(sent: Sent, order: tuple[int, ...]) -> None:
    rows = [*sent.service("J1756", "50", "30"), *sent.service("J1756:JW", "50", "30")]
    corrected = sent.claim(*rows, clp="1*100*60**MB*ICN2")
    said = [
        status([f"TRN*2*{sent.number}", ACCEPTED]),
        remittance(paid(sent)),
        remittance(paid(sent, "-", "22"), corrected, payment="CHK2"),
        remittance(denied(sent, "2", "OA*23"), payment="CHK3"),
    ]
    for at in order:
        sent.reads(said[at])
    assert sent.states == ["paid"]
    assert [str(row.paid) for row in sent.rows("paid")] == ["30.00", "30.00"]


def test_what_is_only_foretold_is_not_paid(sent: Sent) -> None:
    sent.reads(remittance(paid(sent, clp="25")))
    assert [(row.state, row.paid) for row in sent.rows("sent")] == [("sent", None)] * 2
    sent.reads(remittance(denied(sent), payment="CHK2"))
    assert sent.states == ["denied"]


def test_a_number_that_two_sites_have(sent: Sent) -> None:
    """As where their EHRs count their charts alike: by what was charged, and by the biller."""
    here = sent.office.service
    here.rows(
        "insert into claim_files (site, name, format, kind, control, production, trial, written_by,"
        " sha256, content) select 'other', name, format, kind, 99, production, trial, written_by,"
        " sha256, replace(encode(content, 'escape'), '1234567893', '1999999984')::bytea"
        " from claim_files returning id"
    )
    here.rows(
        "insert into claims (file_id, number, draft_id, patient_id, frequency, total, lines) select"
        " (select max(id) from claim_files), number, draft_id, patient_id, frequency, 70, lines"
        " from claims returning id"
    )

    def reads(content: bytes) -> list[str]:
        path = sent.office.folder / "both"
        path.write_bytes(content)
        report = read_answers(here.store, ["general", "other"], named([path]), "ada")
        return [one.claim.site for one in report.heard]

    both = [sent.claim(clp="1*100*80**MB*ICN1"), sent.claim(clp="4*70*0**MB*ICN2")]
    assert reads(remittance(*both)) == ["general", "other"]
    for npi, site in (("1234567893", "general"), ("1999999984", "other")):
        biller = ["HL*3*2*19*1", f"NM1*85*2*R*****XX*{npi}", "TRN*1*0"]
        assert reads(status([f"TRN*2*{sent.number}", ACCEPTED], above=biller)) == [site]
        payee = f"N1*PE*R*XX*{npi}~\nCLP".encode()
        split = remittance(sent.claim(clp="1*30*20**MB*I"), payment=npi)
        assert reads(split.replace(b"CLP", payee)) == [site]


def test_the_number_is_the_first_payers_and_the_newest(sent: Sent) -> None:
    def icns() -> list[tuple[str, ...]]:
        return sent.office.service.rows("select payer_number from claims")

    def on(day: str, *rows: list[str]) -> bytes:
        return remittance(*rows, payment=day, on=day)

    later = on("20261220", paid(sent, "-", "22"), sent.claim(clp="1*100*60**MB*ICN2"))
    second = on("20261222", sent.claim(clp="2*100*20**12*PLAN1"))
    refused = on("20261223", sent.claim(clp="4*100*0**12*PLAN2"))
    for content in (later, on("20261210", paid(sent))):
        sent.reads(content)
        assert icns() == [("ICN2",)]
    for content in (second, refused):
        sent.reads(content.replace(b"MEDICARE PART B", b"SUNRISE"))
        assert icns() == [("ICN2",)]


def test_what_does_not_stand_is_not_voided(office: Opened) -> None:
    sent = Sent(office(PAIR, *PLAN, receivers=[HOUSE]))
    number = sent.number
    sent.reads(status([f"TRN*2*{number}", INVALID, "REF*1K*ICN1"], usage="P"))
    report = sent.office.write(corrections=corrections([], [f"{number}=ICN1"]))
    assert (report.claims, sent.states) == (0, ["rejected"])
    assert "still stands" in report.problems[0]


def test_what_a_rejected_void_was_about_stands_again(office: Opened) -> None:
    sent = Sent(office(PAIR, *PLAN, receivers=[HOUSE]))
    sent.reads(remittance(paid(sent), usage="P"))
    report = sent.office.write(corrections=corrections([], [sent.number]))
    assert report.complete, report.problems
    assert sent.states == ["void", "sent"]
    own = next(row[1] for row in parsed(sent.office.files[-1].read_text()) if row[0] == "CLM")
    sent.reads(status([f"TRN*2*{own}", INVALID], usage="P"))
    assert sent.states == ["paid", "rejected"]


def test_the_figures_have_what_was_denied(sent: Sent) -> None:
    sent.reads(remittance(denied(sent)))
    with sent.office.service.store.transaction() as db:
        found = figures.denied(db, Scope(["general"]))
    assert found.answered == 2
    assert [(carc, lines) for carc, (lines, _) in found.by_carc.items()] == [("50", 2)]


def test_deleting_a_patient_deletes_their_answers(sent: Sent) -> None:
    sent.reads(remittance(denied(sent)))
    with sent.office.service.store.transaction() as db:
        db.execute("delete from patients")
    assert sent.office.service.rows("select 1 from answers, answered_lines") == []


UNKNOWN = (
    "Only claims that `ferroclaim claims write` wrote of the database's released lines are known"
    " here; those written from a SOURCE, and those of other software, are kept nowhere. `ferroclaim"
    " claims read --all` prints every answer of a file, whoever wrote the claim."
)
CHECK = "payment CHK1 of MEDICARE PART B, Dec 5, 2026: $10.00"
NO_X12 = "the file begins with other text, not with ISA: it is not an X12 file"


def run(folder: Path, *arguments: str) -> list[str]:
    config = folder / "ferroclaim.toml"
    return ["claims", "read", *arguments, "--config", str(config)]


def test_the_command_without_any_claim(tmp_path: Path, database: str) -> None:
    """What is none of ours is counted; what is no answer is named, and the rest is read."""
    (tmp_path / "ferroclaim.toml").write_text(
        f'database_url = "{database}"\ndata_dir = "{tmp_path}"\n'
        '[sites.general]\nbase_url = "http://127.0.0.1:1/fhir"\nauth.method = "none"\n'
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.835").write_bytes(remittance(["CLP*1*1*10*10**MB*1"]))
    (tmp_path / "in" / "b.txt").write_text("hello")
    found = CliRunner().invoke(app, run(tmp_path, str(tmp_path / "in")))
    assert (found.exit_code, found.stdout) == (1, f"a.835: {CHECK}\n")
    assert found.stderr.splitlines() == [
        "a.835: 1 answer to claims that did not leave from here",
        UNKNOWN,
        f"b.txt: holds no answer: {NO_X12}",
    ]
    found = CliRunner().invoke(app, run(tmp_path, str(tmp_path / "in" / "a.835")))
    assert found.exit_code == 0
    found = CliRunner().invoke(app, run(tmp_path, str(tmp_path / "missing")))
    assert isinstance(found.exception, ConfigurationError)
    assert "no such file or folder" in str(found.exception)
    found = CliRunner().invoke(app, run(tmp_path, "--format", "json", str(tmp_path / "in")))
    assert json.loads(found.stdout)["others"] == {"a.835": 1}


def test_a_bundled_line_is_paid_with_another(sent: Sent) -> None:
    """In a dialysis facility the drug is paid with the treatment: CO-97 is no denial of it."""
    with sent.office.service.store.transaction() as db:
        db.execute("update lines set payment = 'bundled'")
    rows = ["SVC*HC:90999*300*250", *sent.service("J1756", "100", "0", "CAS*CO*97*100")]
    sent.reads(remittance(sent.claim(*rows, clp="1*400*250**MB*ICN1")))
    assert (sent.rows("denied"), {row.state for row in sent.rows("paid")}) == ([], {"paid"})


def test_what_is_said_of_each_claim(sent: Sent) -> None:
    accepted = status([f"TRN*2*{sent.number}", ACCEPTED, "REF*1K*ICN9"])
    report = sent.reads(accepted + remittance(paid(sent)), "today.txt")
    number, icn = sent.number, "the payer's number"
    assert list(answered(report, "text")) == [
        f"today.txt: claim {number}: accepted for processing (277CA), {icn} ICN9",
        f"today.txt: claim {number}: paid $80.00, the patient owes $20.00, {icn} ICN1",
        "today.txt: payment CHK1 of MEDICARE PART B, Dec 5, 2026: $80.00",
    ]
    late = sent.reads(status([f"TRN*2*{number}", INVALID]))
    (row,) = answered(late, "text")
    assert row.endswith(
        "something is invalid (A7:164:IL) (277CA) (it stands as paid: nothing was changed)"
    )
    back = sent.reads(remittance(paid(sent, "-", "22"), payment="CHK2"))
    row, _ = answered(back, "text")
    assert row == f"answer: claim {number}: $80.00 taken back (835), {icn} ICN1"
    (text,) = answered(report, "json")
    first, second = json.loads(text)["answers"]
    assert (first["says"], first["codes"], first["payerNumber"]) == (
        "accepted",
        ["A2:20:PR"],
        "ICN9",
    )
    assert [(row["paid"], row["codes"]) for row in second["lines"]] == [("40", []), ("40", [])]
