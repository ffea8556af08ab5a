"""TA1, 999, 277CA and 835 as they are read."""

import io
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.record import Problem
from mappings.writing.answers.answer import BatchAnswer, ClaimAnswer, RemittedPayment
from mappings.writing.answers.codes import answer_codes
from mappings.writing.answers.file import answers
from mappings.writing.x12.reading import NotX12
from tests.answers import acknowledged, file, remittance, status
from tests.unit.test_many_doses import calls_of

DATA = Path(__file__).parents[1] / "data" / "answers"
FAULT = ("AK2*837*0007", "IK3*N4*12**8", "IK4*3*116*5*432")


def read(content: bytes) -> list[ClaimAnswer | BatchAnswer | Problem]:
    """What is said of claims."""
    found = answers(io.BytesIO(content))
    return [one for one in found if not isinstance(one, RemittedPayment)]


def payment(content: bytes) -> RemittedPayment:
    found = answers(io.BytesIO(content))
    return next(one for one in found if isinstance(one, RemittedPayment))


def claim(content: bytes) -> ClaimAnswer:
    (found,) = read(content)
    assert isinstance(found, ClaimAnswer)
    return found


def batch(content: bytes) -> BatchAnswer:
    (found,) = read(content)
    assert isinstance(found, BatchAnswer)
    return found


def test_a_999_says_what_is_wrong_and_where() -> None:
    found = batch((DATA / "999_rejected.x12").read_bytes())
    assert (found.kind, found.says, found.control, found.set) == ("999", "rejected", 1, "0001")
    assert [fault.sentence for fault in found.faults] == [
        "segment 12 N4, element 3 (116): is too long"
    ]


@pytest.mark.parametrize(
    ("code", "says"),
    [("A", "received"), ("E", "received"), ("R", "rejected"), ("M", "rejected"), ("X", "rejected")],
)
def test_a_set_is_taken_or_not(code: str, says: str) -> None:
    found = batch(acknowledged(7, [*FAULT, f"IK5*{code}*5"]))
    assert (found.says, found.control, found.set) == (says, 7, "0007")


def test_a_set_without_faults_has_the_reason_of_the_set() -> None:
    found = batch(acknowledged(7, ["AK2*837*0007", "IK5*R*3*I5"]))
    assert [fault.says for fault in found.faults] == [
        "the numbers in ST and SE differ",
        "it does not follow the implementation guide",
    ]


def test_faults_of_segments_and_several_of_one() -> None:
    rows = ["AK2*837*0007", "IK3*SBR*20*2000*3", "IK3*SV1*31**8", "IK4*1:2*234*7", "IK4*4**1"]
    found = batch(acknowledged(7, [*rows, "IK5*R*5"]))
    assert [fault.sentence for fault in found.faults] == [
        "segment 20 SBR: is missing",
        "segment 31 SV1, element 1-2 (234): is no valid code",
        "segment 31 SV1, element 4: is missing",
    ]


def test_a_code_that_nobody_knows_is_told_as_it_is() -> None:
    found = batch(acknowledged(7, ["AK2*837*0007", "IK3*SBR*20**Z9", "IK5*R*5"]))
    assert found.faults[0].says == "code Z9"


def test_a_997_is_read_the_same() -> None:
    rows = ["AK1*HC*7", "AK2*837*0007", "AK3*N4*12**8", "AK4*3*116*5", "AK5*R*5", "AK9*R*1*1*0"]
    found = batch(file("ST*997*0001", *rows, "SE*9*0001"))
    assert (found.says, found.control, found.faults[0].element) == ("rejected", 7, "3 (116)")


@pytest.mark.parametrize(("code", "says"), [("R", "rejected"), ("A", "received")])
def test_a_group_whose_sets_are_not_named(code: str, says: str) -> None:
    found = batch(acknowledged(7, code=f"{code}*1*1*0*4" if code == "R" else code))
    assert (found.says, found.control, found.set) == (says, 7, "")


@pytest.mark.parametrize(
    ("sets", "code", "count", "says"),
    [
        (["A"], "R*1*1*0*5", 1, ["received", "rejected"]),
        (["R", "A"], "R", 2, ["rejected", "received", "rejected"]),
        # It names one of two.
        (["R"], "R", 2, ["rejected", "rejected"]),
        (["R"], "R", 1, ["rejected"]),
        (["R", "A"], "P", 2, ["rejected", "received"]),
        (["R"], "P", 3, ["rejected"]),
    ],
)
def test_a_group_that_is_rejected_takes_its_sets_along(
    sets: list[str], code: str, count: int, says: list[str]
) -> None:
    told = [[f"AK2*837*{at:04}", f"IK5*{one}"] for at, one in enumerate(sets, 7)]
    found = read(acknowledged(7, *told, code=code, count=count))
    assert [one.says for one in found if isinstance(one, BatchAnswer)] == says


def test_a_fault_without_its_place_is_told_without() -> None:
    rows = ["AK2*837*0007", "IK3*SV1***8", "IK4**1331*7", "IK5*R*5"]
    assert batch(acknowledged(7, rows)).faults[0].sentence == (
        "segment SV1, element 1331: is no valid code"
    )


def test_sets_that_are_no_claims_are_not_ours() -> None:
    assert read(acknowledged(7, ["AK2*276*0007", "IK5*R*5"])) == []


@pytest.mark.parametrize(
    ("said", "says", "why"),
    [
        ("A*000", "received", []),
        ("E*024", "received", ["something stands in it that does not belong there"]),
        ("R*025", "rejected", ["it was sent before"]),
    ],
)
def test_a_ta1_answers_an_interchange(said: str, says: str, why: list[str]) -> None:
    content = file().replace(b"GS*", f"TA1*000000042*261205*0900*{said}~\nGS*".encode(), 1)
    found = batch(content)
    assert (found.kind, found.control, found.says) == ("TA1", 42, says)
    assert [fault.says for fault in found.faults] == why


def test_a_277ca_says_what_becomes_of_each_claim() -> None:
    found = read((DATA / "277CA_two_accepted_one_rejected.x12").read_bytes())
    assert [
        (one.number, one.says, one.payer_number, one.codes)
        for one in found
        if isinstance(one, ClaimAnswer)
    ] == [
        ("54311969DAE7D4C0C811", "accepted", "1926340000004", ("A2:20:PR",)),
        ("4E5BFE5C173A61FA3C84", "accepted", "1926340000005", ("A2:20:PR",)),
        ("0152FD8C6DAED8FD6EDF", "rejected", "", ("A7:164:IL",)),
    ]


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        (["STC*A0:16*20261205*WQ*1"], "received"),
        (["STC*A1:19*20261205*WQ*1"], "received"),
        (["STC*A5:20*20261205*WQ*1"], "received"),
        (["STC*A3:21*20261205*U*1"], "rejected"),
        (["STC*A4:35*20261205*U*1"], "rejected"),
        (["STC*A8:306*20261205*U*1"], "rejected"),
        (["STC*Z9:1*20261205*U*1"], "received"),
        # A second composite, a second segment, and one of a service.
        (["STC*A2:20*20261205*U*1******A6:21:82"], "rejected"),
        (["STC*A2:20*20261205*U*1", "STC*A7:562:85*20261205*U*1"], "rejected"),
        (["STC*A2:20*20261205*WQ*1", "SVC*HC:J1756*1", "STC*A7:218*20261205*U"], "rejected"),
    ],
)
def test_the_gravest_status_holds(statuses: list[str], says: str) -> None:
    assert claim(status(["TRN*2*C1", *statuses])).says == says


def test_two_claims_of_one_patient_may_share_their_level() -> None:
    both = ["TRN*2*C1", "STC*A2:20*20261205*WQ*1", "TRN*2*C2", "STC*A3:21*20261205*U*1"]
    found = [one for one in read(status(both)) if isinstance(one, ClaimAnswer)]
    assert [(one.number, one.says) for one in found] == [("C1", "accepted"), ("C2", "rejected")]


def test_what_a_front_end_writes_beside_its_status() -> None:
    rows = ["TRN*2*C1", "STC*A3:21:40*20261205*U*100********MEMBER NOT FOUND"]
    found = claim(status(rows))
    assert (found.notes, str(found.day)) == (("MEMBER NOT FOUND",), "2026-12-05")


RECEIVER = ["HL*2*1*21*1", "NM1*41*2*RIVER*****46*RIVER", "TRN*2*000000009"]
BILLER = ["HL*3*2*19*1", "NM1*85*2*RIVER*****XX*1234567893", "TRN*1*0"]


def test_a_277ca_says_of_each_claim_the_same_beside_any_others() -> None:
    """What stood above all others was kept, so that 10,000 claims took minutes."""

    def told(count: int) -> list[ClaimAnswer]:
        rows = [
            [
                f"HL*{at}*3*PT",
                "NM1*QC*1*DOE*JANE****MI*W1",
                f"TRN*2*C{at}",
                "STC*A2:20*20261205*WQ*1",
            ]
            for at in range(4, 4 + count)
        ]
        found = read(file("ST*277*0001*005010X214", *chain.from_iterable(rows), "SE*2*0001"))
        return [one for one in found if isinstance(one, ClaimAnswer)]

    first, second = told(2)
    assert [one.number for one in (first, second)] == ["C4", "C5"]
    assert calls_of(lambda: told(200)) < 2.5 * calls_of(lambda: told(100))


def test_a_277ca_may_reject_all_claims_at_once() -> None:
    found = batch(status(above=[*RECEIVER, "STC*A3:24:41*20261205*U*1"]))
    assert (found.says, found.set, found.biller) == ("rejected", "000000009", "")


def test_a_277ca_may_reject_those_of_a_biller() -> None:
    taken = "STC*A1:19:PR*20261205*WQ*1"
    found = batch(status(above=[*RECEIVER, taken, *BILLER, "STC*A7:562:85**U*1"]))
    assert (found.says, found.set, found.biller) == ("rejected", "000000009", "1234567893")


def test_an_835_says_what_was_paid_and_why_not() -> None:
    found = read((DATA / "835_ada_paid_252_50.x12").read_bytes())
    assert [
        (one.says, one.payer_number, str(one.paid), str(one.share), one.services[0].line)
        for one in found
        if isinstance(one, ClaimAnswer)
    ] == [
        ("paid", "1926340000001", "35.91", "9.16", "DB3D90911D124FEC8CFAA484"),
        ("denied", "1926340000002", "0", "0", "874508D4ECA45D787C415AF3"),
        ("denied", "1926340000003", "0", "0", "AE6DE0681842348A64D09FC9"),
    ]
    denied = found[1]
    assert isinstance(denied, ClaimAnswer)
    assert [one.code for one in denied.services[0].adjusted] == ["CO-252"]
    assert denied.services[0].remarks == ("N395",)


PAID = ("SVC*HC:J1756:JZ*45.8*35.91**200", "CAS*CO*253*.73", "CAS*PR*2*9.16")


@pytest.mark.parametrize(
    ("rows", "says", "share"),
    [
        (["CLP*C1*1*45.8*35.91*9.16*MB*ICN", *PAID], "paid", "9.16"),
        (["CLP*C1*22*-45.8*-35.91*-9.16*MB*ICN"], "reversed", "-9.16"),
        # What some payers do not say by its status.
        (["CLP*C1*1*-45.8*-35.91*-9.16*MB*ICN"], "reversed", "-9.16"),
        (["CLP*C1*1*45.* 36.*.8*MB*ICN"], "paid", "0.8"),
        (["CLP*C1*23*45.8*0**MB*ICN"], "received", "0"),
        (["CLP*C1*25*45.8*35.91**MB*ICN", *PAID], "received", "9.16"),
        # All of it is the deductible's.
        (["CLP*C1*1*45.8*0*45.8*MB*ICN", "SVC*HC:J1756*45.8*0", "CAS*PR*1*45.8"], "paid", "45.8"),
        # Not covered at the patient's cost is no payment.
        (["CLP*C1*4*45.8*0*45.8*MB*ICN", "SVC*HC:J1756*45.8*0", "CAS*PR*96*45.8"], "denied", "0"),
        # Nothing is left for the second payer; or it refuses.
        (["CLP*C1*2*45.8*0**MC*ICN", "SVC*HC:J1756*45.8*0", "CAS*OA*23*45.8"], "received", "0"),
        (["CLP*C1*2*45.8*0**MC*ICN", "SVC*HC:J1756*45.8*0", "CAS*OA*23*40*1", "CAS*CO*96*5.8"],
         "denied", "0"),
        (["CLP*C1*2*45.8*0**MC*ICN", "CAS*CO*96*5.8", "SVC*HC:J1756*40*0", "CAS*OA*23*40"],
         "denied", "0"),
        # Without services.
        (["CLP*C1*4*45.8*0**MB*ICN", "CAS*CO*29*45.8"], "denied", "0"),
        (["CLP*C1*1*300*250**MB*ICN"], "paid", "0"),
        (["CLP*C1*1*300*0*300*MB*ICN", "CAS*PR*1*300"], "paid", "300"),
    ],
)  # fmt: skip
def test_paid_denied_or_taken_back(rows: list[str], says: str, share: str) -> None:
    found = claim(remittance(rows))
    assert (found.says, found.share, found.payer) == (says, Decimal(share), "MEDICARE PART B")


@pytest.mark.parametrize(
    ("rows", "shares", "share"),
    [
        # The claim's, by what each service leaves open.
        (["CAS*PR*2*20", "SVC*HC:J1756*60*48", "SVC*HC:96365*40*32"], ["12", "8"], "20"),
        (["CAS*PR*1*100", "SVC*HC:J1756*60*0", "SVC*HC:96365*40*0"], ["60", "40"], "100"),
        (["CAS*CO*45*30", "CAS*PR*2*20", "SVC*HC:J1756*60*30", "SVC*HC:96365*40*20"],
         ["12", "8"], "20"),
        # What is one service's own is no other's.
        (["CAS*PR*1*80", "SVC*HC:J1756*100*0", "CAS*CO*45*20"], ["80"], "80"),
        (["CAS*PR*1*10", "SVC*HC:J1756*3*0", "SVC*HC:J1756*3*0", "SVC*HC:J1756*4*0"],
         ["3", "3", "4"], "10"),
        (["CAS*PR*1*1", "SVC*HC:A*1*0", "SVC*HC:B*1*0", "SVC*HC:C*1*0"],
         ["0.33", "0.34", "0.33"], "1"),
        # Told once more at each service.
        (["CAS*PR*2*10", "SVC*HC:J1756*50*40", "CAS*PR*2*10"], ["10"], "10"),
        # A service by its revenue code keeps what is its.
        (["SVC*NU:0250*50*20", "CAS*PR*2*20", "CAS*CO*45*10", "SVC*HC:J1756*50*50"],
         ["20", "0"], "20"),
        # So does one that can't be read.
        (["SVC*HC:96365*x*20", "CAS*PR*2*20", "SVC*HC:J1756*50*50"], ["0"], "0"),
    ],
)  # fmt: skip
def test_what_the_patient_owes_of_each_service(
    rows: list[str], shares: list[str], share: str
) -> None:
    found = read(remittance(["CLP*C1*1*100*0**MA*ICN", *rows]))[-1]
    assert isinstance(found, ClaimAnswer)
    assert [one.share for one in found.services] == [Decimal(one) for one in shares]
    assert found.share == Decimal(share)


def test_a_day_that_is_none_takes_nothing_else_along() -> None:
    rows = ["CLP*C1*1*50*40**MB*ICN", "SVC*HC:J1756*50*40", "DTM*472*00000000", "CAS*PR*2*10"]
    problem, found = read(remittance(rows))
    assert isinstance(problem, Problem)
    assert problem.problem == "DTM can't be read, so its day is not known"
    assert isinstance(found, ClaimAnswer)
    (service,) = found.services
    assert (service.code, service.day, service.share) == ("J1756", None, Decimal(10))


def test_a_claim_that_is_none_is_rejected() -> None:
    """MA130: nothing can be appealed, a new claim is asked for."""
    unpaid = ["CLP*C1*4*45.8*0**MB*ICN", "MOA***MA130", "SVC*HC:J1756*45.8*0", "CAS*CO*16*45.8"]
    assert claim(remittance(unpaid)).says == "rejected"
    assert claim(remittance([*unpaid, "LQ*HE*M76"])).says == "rejected"
    paid = ["CLP*C1*1*45.8*40**MB*ICN", "MOA***MA130", "SVC*HC:J1756*45.8*40"]
    assert claim(remittance(paid)).says == "paid"


def test_what_no_database_keeps_is_not_read() -> None:
    rows = ["CLP*C\x001*1*45.8*40**MB*ICN", "SVC*HC:J1756*45.8*40"]
    assert claim(remittance(rows)).number == "C1"
    found = read(remittance(["CLP*C1*1*9999999999*9999999999**MB*ICN"]))
    assert [type(one) for one in found] == [Problem, Problem]  # BPR, too


@pytest.mark.parametrize("rest", [b"", remittance(["CLP*C3*1*10*10**MB*ICN"])])
def test_the_last_claim_of_a_file_that_is_cut_off_is_not_taken(rest: bytes) -> None:
    """The whole file may come later."""
    rows = [[f"CLP*C{at}*1*45.8*40**MB*ICN", *PAID] for at in (1, 2)]
    whole = remittance(*rows)
    cut = read(whole[: whole.rindex(b"CAS*PR")] + rest)
    (problem,) = (one for one in cut if isinstance(one, Problem))
    assert "as if the file were cut off" in problem.problem
    assert [one.number for one in cut if isinstance(one, ClaimAnswer)] == (
        ["C1", "C3"] if rest else ["C1"]
    )
    no_end = whole.replace(b"SE*9*0001~\n", b"")
    assert [type(one) for one in read(no_end)] == [ClaimAnswer] * 2


def test_a_part_of_a_remittance_says_the_same() -> None:
    """A clearinghouse may hand it on by provider, with another sum."""
    rows = ["CLP*C1*1*45.8*35.91*9.16*MB*ICN", *PAID]
    whole = claim(remittance(rows))
    assert claim(remittance(rows).replace(b"BPR*I*35.91*C", b"BPR*I*1*C")).said == whole.said


def test_remarks_of_a_claim_stand_in_its_moa() -> None:
    found = claim(remittance(["CLP*C1*4*45.8*0**MB*ICN", "MOA***MA130*N115"]))
    assert found.remarks == ("MA130", "N115")


def test_the_same_answer_is_known_in_another_file() -> None:
    rows = ["CLP*C1*1*45.8*35.91*9.16*MB*ICN", *PAID]
    first = claim(remittance(rows))
    assert claim(remittance(rows, usage="P").replace(b"*000000101*", b"*000000102*")).said == (
        first.said
    )
    assert claim(remittance(rows, payment="CHK2")).said != first.said


def test_whether_it_is_a_test() -> None:
    rows = ["CLP*C1*1*45.8*35.91*9.16*MB*ICN", *PAID]
    assert claim(remittance(rows)).is_test
    assert not claim(remittance(rows, usage="P")).is_test


def test_other_delimiters_and_no_line_breaks() -> None:
    plain = (DATA / "277CA_two_accepted_one_rejected.x12").read_bytes()
    other = plain.replace(b"\n", b"").replace(b":", b">").replace(b"*", b"|").replace(b"~", b"\r")
    assert read(other) == read(plain)


def test_several_answers_in_one_file() -> None:
    taken = status(["TRN*2*C1", "STC*A2:20*20261205*WQ*1"])
    found = read(acknowledged(7, ["AK2*837*0007", "IK5*A"]) + taken + taken)
    assert [(one.kind, one.says) for one in found if not isinstance(one, Problem)] == [
        ("999", "received"),
        ("277CA", "accepted"),
        ("277CA", "accepted"),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (file("ST*837*0001*005010X222A1", "SE*2*0001"), "it is a claim file"),
        (file("ST*277*0001*005010X213", "SE*2*0001"), "its 277 is of another guide"),
        (file("ST*271*0001*005010X279A1", "SE*2*0001"), "none of its transactions is one"),
        (b"", "the file is empty"),
        (b"{}", "the file begins with JSON"),
    ],
)
def test_what_holds_no_answer_is_told(content: bytes, why: str) -> None:
    with pytest.raises(NotX12, match=why):
        read(content)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("CLP*C0*1*much*0", "CLP can't be read, so its claim was passed over"),
        ("CLP", "CLP can't be read, so its claim was passed over"),
    ],
)
def test_what_can_not_be_read_keeps_nothing_else(bad: str, why: str) -> None:
    good = ["CLP*C1*1*45.8*35.91*9.16*MB*ICN", *PAID]
    problem, found = read(remittance([bad, "SVC*HC:J1756*1*1"], good))
    assert isinstance(problem, Problem)
    assert problem.problem == why
    assert isinstance(found, ClaimAnswer)
    assert found.number == "C1"


@pytest.mark.parametrize("row", ["IK3", "IK3*N4*x**8", "IK4*1", "IK5", "AK1*HC*x"])
def test_a_broken_999_is_told(row: str) -> None:
    found = read(acknowledged(7, ["AK2*837*0007", row, "IK3*N4*12**8", "IK5*R*5"]))
    assert any(isinstance(one, Problem) for one in found)
    assert any(isinstance(one, BatchAnswer) for one in found)


def test_a_set_that_ends_twice_says_what_it_said_once() -> None:
    rows = ["AK2*837*0007", "IK3*N4*12**8", "IK5*R*5", "IK4*3*116*5", "IK5*R*5"]
    refusal, problem = read(acknowledged(7, rows))
    assert isinstance(refusal, BatchAnswer)
    assert isinstance(problem, Problem)


def test_each_category_has_words() -> None:
    table = answer_codes()
    assert table.words("A7:164:IL") == "something is invalid (A7:164:IL)"
    assert table.words("A2:20:PR") == "accepted for processing"
    assert table.words("Z9:1") == "Z9:1"


def test_all_that_a_service_says() -> None:
    rows = ["CLP*C1*1*45.8*35.91*9.16*MB*ICN", "NM1*QC*1*DOE*JANE****MI*w-12 3", "DTM*232*20261101"]
    rows += ["SVC*HC:j1756:jz:kx:long*45.8*35.91**200", "DTM*150*20261103", "CAS*CO*253*.73**45*1"]
    rows += [
        "REF*6R*LINE1",
        "LQ*HE*N395",
        "LQ*RX*75",
        "SVC*NU:0636*9*",
        "SVC*HC:J3490*9**HC:J1756*1*HC:J2916",
    ]
    found = claim(remittance(rows))
    assert (found.member_id, found.charge, found.segment) == ("W123", Decimal("45.8"), 7)
    first, *_, second = found.services
    assert (first.code, first.modifiers, first.segment) == ("J1756", ("JZ", "KX"), 10)
    assert (first.charge, first.paid, first.day) == (
        Decimal("45.8"),
        Decimal("35.91"),
        date(2026, 11, 3),
    )
    assert [(one.code, one.amount) for one in first.adjusted] == [
        ("CO-253", Decimal(".73")),
        ("CO-45", Decimal(1)),
    ]
    assert (first.line, first.remarks) == ("LINE1", ("N395",))
    # By the code that was billed, and the claim's day where it has none of its own.
    assert (second.code, second.paid, second.day) == ("J2916", Decimal(0), date(2026, 11, 1))


WHOLE = ["CLP*C1*1*45.8*35.91*9.16*MB*ICN", *PAID]
BACK = "PLB*1234567893*20261231*WO:ICN7*10*L6*-.5"


def test_what_is_paid_beside_the_claims() -> None:
    found = payment(remittance(WHOLE, adjusted=[BACK, "PLB*1234567893*20261231*fb*2.5"]))
    assert [(one.code, one.reference, str(one.amount)) for one in found.adjustments] == [
        ("WO", "ICN7", "10"),
        ("L6", "", "-0.5"),
        ("FB", "", "2.5"),
    ]
    assert (found.total, found.claims, found.adjusted) == (
        Decimal("23.91"),
        Decimal("35.91"),
        Decimal(12),
    )
    assert (found.trace, found.payer) == ("CHK1", "MEDICARE PART B")
    assert not found.missing
    assert not found.odd


@pytest.mark.parametrize(
    ("old", "new", "missing", "odd", "whole"),
    [
        ("", "", "0", (), True),
        ("BPR*I*26.41*C", "BPR*I*26.40*C", "-0.01", (), True),
        ("BPR*I*26.41*C", "BPR*I*30*C", "3.59", (), True),
        ("BPR*I*26.41*C", "BPR*I*26.41*D", "-52.82", (), True),
        ("CAS*CO*253*.73", "CAS*CO*253*.74", "0", (7,), True),
        # What can't be read is told by itself.
        ("CAS*CO*253*.73", "CAS*CO*253*x", "0", (), True),
        ("L6*-.5", "L6*x", "-9.5", (), False),
        ("CLP*C1", "CLP*C2*1*x~\nCLP*C1", "0", (), False),
        ("BPR*I*26.41*C", "BPR*I*x*C", "-26.41", (), False),
    ],
)
def test_whether_a_payment_balances(
    old: str, new: str, missing: str, odd: tuple[int, ...], whole: bool
) -> None:
    content = remittance(WHOLE, adjusted=[BACK]).replace(old.encode(), new.encode(), 1)
    found = payment(content)
    assert (found.missing, found.odd, found.is_whole) == (Decimal(missing), odd, whole)


def test_a_payment_that_does_not_say_how_much() -> None:
    assert payment(remittance(WHOLE).replace(b"BPR*I*35.91*C", b"BPR*I**C")).total is None


def test_a_file_that_is_cut_off_is_no_payment() -> None:
    whole = remittance(WHOLE)
    found = answers(io.BytesIO(whole[: whole.rindex(b"CAS*PR")]))
    assert not [one for one in found if isinstance(one, RemittedPayment)]


def test_each_answer_has_a_day() -> None:
    """Its own, else its file's."""
    assert payment(remittance(WHOLE, on="20261220")).day == date(2026, 12, 20)
    assert payment(remittance(WHOLE)).day == claim(remittance(WHOLE)).day == date(2026, 12, 5)
    assert batch(acknowledged(7, ["AK2*837*0007", "IK5*R*5"])).day == date(2026, 12, 5)


SAMPLES = [path.read_bytes().replace(b"\n", b"").split(b"~") for path in sorted(DATA.glob("*.x12"))]
JUNK = st.sampled_from([b"", b"*", b"**8*x", b"CLP", b"CLP*", b"SVC*HC", b"CAS*CO", b"STC", b"HL",
                        b"IK4*1", b"IK3", b"IK5", b"AK9", b"AK1*HC", b"TA1*1", b"ST*835", b"ST*277",
                        b"SE", b"TRN", b"MOA", b"LQ", b"\xff\xfe", b"DTM*472*2026"])  # fmt: skip


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from("dri"), JUNK), max_size=6),
)
def test_whatever_stands_in_a_file_it_is_read_or_told(
    sample: list[bytes], changes: list[tuple[int, str, bytes]]
) -> None:
    """Segments that go, come twice or are none."""
    rows = list(sample)
    for at, what, junk in changes:
        place = at % len(rows) or 1
        if what == "d" and place < len(rows):
            del rows[place]
        else:
            rows.insert(place, junk if what == "i" else rows[min(place, len(rows) - 1)])
    try:
        found = read(b"~".join(rows))
    except NotX12:
        return
    assert all(isinstance(one, ClaimAnswer | BatchAnswer | Problem) for one in found)
