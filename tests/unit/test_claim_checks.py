"""Our own checks see each fault that no validator sees."""

import io
import re
from pathlib import Path

import pytest

from mappings.writing.checks.fault import Fault
from mappings.writing.checks.file import check
from mappings.writing.preparing.identifiers import (
    is_post_box,
    medicare_number,
    medicare_number_fault,
    tax_number_fault,
    valid_npi,
    valid_taxonomy,
)
from tests import builders, claims
from tests.claims import faults

PAIR = builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")


@pytest.fixture(scope="module")
def professional() -> str:
    return claims.written(claims.chart(PAIR))[0]


@pytest.fixture(scope="module")
def institutional() -> str:
    return claims.written(claims.hospital())[0]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "IEA*1*795446300",
            "IEA*1*795446301",
            "IEA02 795446301 is not the control number 795446300",
        ),
        ("IEA*1*", "IEA*2*", "IEA01 says 2, there are 1"),
        ("GE*1*7", "GE*2*7", "GE01 says 2, there are 1"),
        ("GE*1*795446300", "GE*1*7", "GE02 7 is not the control number 795446300"),
        ("SE*35*795446301", "SE*34*795446301", "SE01 says 34, there are 35"),
        ("SE*35*795446301", "SE*35*2", "SE02 2 is not the control number 795446301"),
        ("GE*1*795446300~\n", "", "IEA closes no ISA"),
        (
            "ST*837*795446301*005010X222A1",
            "ST*837*795446301*005010X223A2",
            "ST03 005010X223A2 is not GS08 005010X222A1",
        ),
        (
            "ST*837*795446301*005010X222A1",
            "ST*837*795446301*005010X999",
            "ST03 005010X999 is not GS08 005010X222A1",
        ),
        ("*1*T*:~", "*1*X*:~", "ISA15 is neither T nor P"),
        ("HL*2*1*22*0", "HL*3*1*22*0", "HL 3 is the 2. of its transaction"),
        ("HL*2*1*22*0", "HL*2*9*22*0", "HL 2 has no parent 9"),
        ("HL*2*1*22*0", "HL*2*1*22*1", "HL 2 is wrong about its children"),
        ("XX*1234567893", "XX*1234567890", "the NPI of NM1*85 fails its check digit"),
        ("XX*1598765430", "XX*159876543", "the NPI of NM1*82 fails its check digit"),
        (
            "N4*COLUMBUS*OH*432151234",
            "N4*COLUMBUS*OH*43215",
            "the billing provider's ZIP code has not nine digits",
        ),
        ("PRV*BI*PXC*207RN0300X", "PRV*BI*PXC*207RN03", "PRV*BI holds no taxonomy code"),
        (
            "SBR*P*18*",
            "SBR*P**",
            "SBR02 and the patient's own loop do not agree on who the subscriber is",
        ),
        ("NM1*IL*1*DOE*JANE****MI*1EG4TE5MK73", "NM1*IL*1*DOE*JANE", "NM1*IL has no number"),
        ("NM1*IL*1*DOE*JANE", "NM1*IL*1**JANE", "NM1*IL has no name"),
        ("8*44.6***11", "8*44.61***11", "CLM02 44.61 is not the sum 44.6 of its lines"),
        ("HI*ABK:N184", "HI*BK:N184", "the first diagnosis is ABK and the others ABF"),
        ("ABF:D631", "ABF:D63.1", "D63.1 is not an ICD-10-CM code without its dot"),
        (
            "*100***1:2:3",
            "*100***1:2:4",
            "the pointers 1:2:4 do not lead to one to four of the 3 diagnoses",
        ),
        ("*100***1:2:3", "*100***1:1", "the pointers 1:1 do not lead"),
        ("*100***1:2:3", "*100", "the pointers (none) do not lead"),
        ("HC:J1756*22.3", "HC:j1756*22.3", "j1756 is not a HCPCS code"),
        ("HC:J1756:JW", "HC:J1756:JW:AA:BB:CC:DD", "at most four modifiers"),
        ("HC:J1756:JW", "HC:J1756:jw", "at most four modifiers of two capitals or digits"),
        ("HC:J1756:JW", "HC:J1756:JW:JZ", "JW and JZ contradict each other"),
        ("*22.3*UN*100***", "*22.3*UN*100.5***", "100.5 units: they are whole and at least one"),
        ("*22.3*UN*100***", "*22.3*UN*-100***", "-100 units"),
        ("*22.3*UN*100***", "*22.3*ML*100***", "ML unit: units are counted"),
        ("J1756*22.3*", "J1756*-22.3*", "-22.3 charge: no amount"),
        (
            "REF*6R*34B1902FAD9949D9F8FC0FCA",
            "REF*6R*F8667208C3B4C98DED078F4F",
            "REF*6R is on another line as well",
        ),
        (
            "LIN**N4*00517231005",
            "LIN**N4*00517-2310-05",
            "00517-2310-05 is not an NDC of eleven digits",
        ),
        ("LIN**N4*00517231005~\n", "", "an NDC and its quantity go together"),
        ("CTP****5*ML", "CTP****5*MG", "an NDC quantity is more than nothing"),
        ("CTP****5*ML", "CTP****0*ML", "an NDC quantity is more than nothing"),
        ("CTP****5*ML", "CTP****10*ML", "10 mL of NDC 00517231005 are not 100 units of J1756"),
        ("HC:J1756*22.3", "HC:J1756:JZ*22.3", "the JW line of J1756 has no line of what was given"),
        (
            "DTP*472*D8*20261101",
            "DTP*472*D8*20261102",
            "the JW line of J1756 has no line of what was given",
        ),
    ],
)
def test_a_fault_of_a_professional_draft_is_seen(
    professional: str, old: str, new: str, fault: str
) -> None:
    assert faults(professional) == []
    assert old in professional
    assert any(fault in said for said in faults(professional.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("SV2*0636*", "SV2*636*", "a revenue code has four digits"),
        (
            "NM1*71*1*SMITH*ALAN****XX*1598765430~\n",
            "",
            "an institutional claim names its attending practitioner",
        ),
        (
            "CL1*9*9*01~\n",
            "CL1*9*9*01~\nREF*G1*A~\nREF*G1*B~\n",
            "a claim holds one prior authorization, not several",
        ),
        (
            "CL1*9*9*01~\n",
            "CL1*9*9*01~\nREF*G1~\n",
            "REF*G1 holds no number",
        ),
        (
            "PACKAGED OR NOT KNOWN",
            "PACKAGED OR NOT KNOWN OR LOST",
            "a note has at most 80 characters",
        ),
        ("ABF:D509", "ABF:D509" + "*ABF:D509" * 24, "27 diagnoses, of which 25 fit"),
    ],
)
def test_a_fault_of_an_institutional_draft_is_seen(
    institutional: str, old: str, new: str, fault: str
) -> None:
    assert faults(institutional) == []
    assert old in institutional
    assert any(fault in said for said in faults(institutional.replace(old, new, 1)))


def test_a_claim_number_stands_once(professional: str) -> None:
    start, end = professional.index("CLM*"), professional.index("SE*")
    twice = professional[:end] + professional[start:end] + professional[end:]
    assert any("is on another claim as well" in fault for fault in faults(twice))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "ISA",
        "CLM~LX~SV1~",
        "HELLO~SE~",
        "LX*1~SV1*HC~",
        "CLM*1*x~HI*ABK~LX*1~SV1*HC:J1756*x*UN*y~",
    ],
)
def test_nonsense_breaks_nothing(text: str) -> None:
    assert faults(text)


@pytest.mark.parametrize(
    ("npi", "valid"),
    [
        ("1234567893", True),
        ("1245319599", True),
        ("1234567890", False),
        ("123456789", False),
        ("", False),
    ],
)
def test_the_check_digit_of_an_npi(npi: str, valid: bool) -> None:
    assert valid_npi(npi) is valid


@pytest.mark.parametrize(
    ("number", "kind", "fault"),
    [
        ("123456789", "EI", None),
        ("12345678", "EI", "has not nine digits"),
        ("001234567", "EI", "begins with 00"),
        ("001234567", "SY", None),
        ("999999999", "EI", "one digit nine times"),
        ("666123456", "SY", "no social security number"),
        ("123006789", "SY", "no social security number"),
        ("123450000", "SY", "no social security number"),
        ("987654321", "SY", None),
    ],
)
def test_the_form_of_a_tax_number(number: str, kind: str, fault: str | None) -> None:
    found = tax_number_fault(number, kind)
    assert found is None if fault is None else fault in (found or "")


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        ("282N00000X", True),
        ("207RN0300X", True),
        ("390200000X", True),
        ("1223G0001X", True),
        ("282NOOOOOX", False),
        ("282N00000", False),
        ("282n00000x", False),
    ],
)
def test_the_form_of_a_taxonomy_code(code: str, valid: bool) -> None:
    assert valid_taxonomy(code) is valid


DATA = Path(__file__).parents[1] / "data" / "claims"
VALID = ("v_", "m57", "m59", "837")


def checked(data: bytes) -> list[Fault]:
    return list(check(io.BytesIO(data)))


@pytest.mark.parametrize("path", sorted(DATA.glob("*.x12")), ids=lambda path: path.stem)
def test_valid_files_are_not_refused_and_broken_ones_are(path: Path) -> None:
    assert (checked(path.read_bytes()) == []) == path.name.startswith(VALID)


@pytest.mark.parametrize(
    ("name", "claim", "line", "segment", "says"),
    [
        ("m02_dos_after_bht", "ENC-1001", "1", "SV1", "lies after the file's date Nov 23, 2026"),
        ("m05_dup_lines", "ENC-1001", "2", "SV1", "the line repeats line 1"),
        ("m08_F8_freq1", "ENC-1001", None, "REF", "frequency 1 replaces none"),
        ("m09_pobox", None, None, "N3", "is a post box (2010AA)"),
        ("m12_dob_future", None, None, "DMG", "lies after the file's date"),
        ("m14_72x_nocond", "ENC-3001", None, "CLM", "has a condition code"),
        ("m16_dup_value", "ENC-3001", None, "HI", "value code A8 appears twice"),
        ("m18_freq1_30", "ENC-3001", None, "CL1", "says that treatment ended, patient status 30"),
        ("m22_51lines", "ENC-1001", None, "CLM", "52 lines, of which 50 fit"),
        ("m25_sbrS_no2320", "ENC-1001", None, "CLM", "no loop 2320 says what the first one paid"),
        ("m28_ndc_other_family", "ENC-1001", "1", "LIN", "is Injectafer, not the drug of J1756"),
        ("m34_utf8", None, None, "NM1", "a character that X12 can't carry"),
        ("m36_big", "ENC-1001", None, "CLM", "is more than 99999.99"),
        ("m40_isa06_14", None, None, "ISA", "ISA06 has 14 characters, 15 stand there"),
        ("m43_empty", None, None, None, "the file is empty"),
        ("m45_cut", None, None, "ST", "is not closed: the file is cut"),
        ("m47_jw_only_kx_differs", "ENC-1001", "4", "SV1", "has other modifiers (JW) than line 3"),
        ("m49_no_rendering", "ENC-1001", None, "CLM", "nobody is named as having rendered it"),
        ("m51_D631_first", "ENC-1001", None, "HI", "D63.1 comes before its kidney disease"),
        ("m53_two_isa_same13", None, None, "ISA", "stood on another ISA before"),
        ("m55_zip_all0", None, None, "N4", "four zeros stand for no ZIP+4"),
    ],
)
def test_a_fault_is_told_with_claim_line_and_segment(
    name: str, claim: str | None, line: str | None, segment: str | None, says: str
) -> None:
    found = checked((DATA / f"{name}.x12").read_bytes())
    assert any(
        (fault.claim, fault.line, fault.segment) == (claim, line, segment) and says in fault.says
        for fault in found
    ), [fault.sentence for fault in found]


OFFICE = (DATA / "837P_office.x12").read_text()
OUTPATIENT = (DATA / "837I_outpatient_131.x12").read_text()
DIALYSIS = (DATA / "837I_esrd_722.x12").read_text()
SECOND = (
    "CLM*ENC-1001*245***11:B:1*Y*A*Y*Y~",
    "SBR*P*18***12****CI~OI***Y***Y~NM1*IL*1*DOE*JANE****MI*W1~NM1*PR*2*PLAN*****PI*P1~LX*1~",
)


def edited(text: str, *changes: tuple[str, str]) -> str:
    """The file with something said otherwise; counts of segments stay right."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    segments = text[text.index("\nST*") : text.index("\nSE*")].count("~") + 1
    return re.sub(r"\nSE\*\d+\*", f"\nSE*{segments}*", text)


@pytest.mark.parametrize(
    ("text", "changes", "place", "says"),
    [
        (OFFICE, [("*MB~", "*MA~")], ("ENC-1001", None, "CLM"), "Medicare's 837P are MB"),
        (OUTPATIENT, [("*MA~", "*MB~")], ("ENC-2001", None, "CLM"), "Medicare's 837I are MA"),
        (
            OFFICE,
            [("SBR*P*18*******MB~", "SBR*S*18*******MB~")],
            (None, None, "SBR"),
            "SBR05 does not say why Medicare pays after another",
        ),
        (
            OFFICE,
            [
                ("SBR*P*18*******MB~", "SBR*S*18***12****MB~"),
                ("LX*1~", SECOND[1]),
            ],
            ("ENC-1001", None, "SBR"),
            "payer P pays before, and AMT*D does not say how much",
        ),
        (OFFICE, [("*20261120~", "*20251122~")], ("ENC-1001", "1", "SV1"), "more than a year"),
        (
            OFFICE,
            [("HC:J1756:JZ:KX", "HC:J1756:KX"), ("HC:J1756:JW:KX*20*UN*65", "HC:96375*20*UN*65")],
            ("ENC-1001", "1", "SV1"),
            "J1756 has neither JZ (nothing discarded) nor a JW line beside it",
        ),
        (
            OFFICE,
            [("XX*1598765430", "XX*1234567893")],
            ("ENC-1001", None, "NM1"),
            "NM1*82 has the NPI of the organization that bills",
        ),
        (
            OFFICE,
            [("SMITH*ALAN****XX*1598765430", "SMITH*ALAN")],
            ("ENC-1001", None, "NM1"),
            "NM1*82 has no NPI",
        ),
        (OFFICE, [("***11:B:1", "***00:B:1")], ("ENC-1001", None, "CLM"), "00 is not a place of"),
        (
            OFFICE,
            [("11:B:1*", "11:B:7*"), ("REF*G1*PA20261101~", "REF*F8*ENC-1001~")],
            ("ENC-1001", None, "REF"),
            "REF*F8 holds our own number (CLM01)",
        ),
        (OFFICE, [("REF*G1*PA20261101", "REF*G1*PENDING")], ("ENC-1001", None, "REF"), "no number"),
        (OFFICE, [("ABF:D631", "ABF:D63")], ("ENC-1001", None, "HI"), "D63 is a heading"),
        (OFFICE, [("COLUMBUS*OH*43215~", "COLUMBUS*XX*43215~")], (None, None, "N4"), "XX is not"),
        (OFFICE, [("*TE*5555551234", "*TE*555123")], (None, None, "PER"), "not ten digits"),
        (OFFICE, [("REF*EI*123456789", "REF*EI*000000000")], (None, None, "REF"), "tax number"),
        (OFFICE, [("*15202~", "*UNKNOWN~")], (None, None, "NM1"), "NM1*PR has no number"),
        (OFFICE, [("IL*1*DOE", "IL*1*UNKNOWN")], (None, None, "NM1"), "NM1*IL has no name"),
        (OFFICE, [("D8*19550214", "D8*17550214")], (None, None, "DMG"), "nobody's who lives"),
        (OUTPATIENT, [("HC:J1756*", "HC:J1756:PO:PN*")], ("ENC-2001", "1", "SV2"), "PO and PN"),
        (OUTPATIENT, [("HC:J1756*", "HC:J1756:PO*")], ("ENC-2001", None, "CLM"), "NM1*77, 2310E"),
        (OUTPATIENT, [("SV2*0260*HC:96365", "SV2*0001*")], ("ENC-2001", "2", "SV2"), "totals"),
        (
            OUTPATIENT,
            [("20261120-20261120", "20261120-20261124")],
            ("ENC-2001", None, "CLM"),
            "the statement's period ends after the file's date Nov 23, 2026",
        ),
        (DIALYSIS, [("ABK:N186", "ABK:N184")], ("ENC-3001", None, "CLM"), "the diagnosis N18.6"),
        (DIALYSIS, [("HI*BG:71", "HI*BG:84")], ("ENC-3001", None, "CLM"), "kidney injury"),
        (OFFICE, [("\nSE*", "\nHL*3*1*22*0~\nSE*")], (None, None, "HL"), "HL 3 has no claim"),
        (OUTPATIENT, [("CL1*3*1", "CL1*1*1")], ("ENC-2001", None, "CL1"), "its reason (HI*APR)"),
        (OUTPATIENT, [("CL1*3*1", "CL1*3*")], ("ENC-2001", None, "CL1"), "no point of origin"),
        (
            DIALYSIS,
            [("HI*BH:51:D8:20261109", "HI*BH:51:D8:20261109*BH:51:D8:20261109")],
            ("ENC-3001", None, "HI"),
            "occurrence code 51 appears twice",
        ),
        (
            OFFICE,
            [("LX*1~", "NM1*77*2*EAST CLINIC~N3*9 EAST ROAD~N4*DAYTON*OH*45402~LX*1~")],
            ("ENC-1001", None, "N4"),
            "the service facility's ZIP code has not nine digits",
        ),
        (
            OUTPATIENT,
            [("CL1*3*1", "CL1*1*1"), ("HI*ABK:N1832~", "HI*ABK:N1832~\nHI*PR:N1832~")],
            ("ENC-2001", None, "HI"),
            "by ICD-10-CM it is APR",
        ),
    ],
)  # fmt: skip
def test_more_of_what_payers_refuse_is_told(
    text: str,
    changes: list[tuple[str, str]],
    place: tuple[str | None, str | None, str | None],
    says: str,
) -> None:
    assert faults(text) == []
    found = checked(edited(text, *changes).encode())
    assert any(
        (fault.claim, fault.line, fault.segment) == place and says in fault.says for fault in found
    ), [fault.sentence for fault in found]


def test_a_late_claim_with_its_reason_is_not_refused() -> None:
    late = edited(OFFICE, ("BHT*0019*00*IRON0001*20261123", "BHT*0019*00*IRON0001*20271123"))
    assert any("more than a year before" in said for said in faults(late))
    reason = ("11:B:1*Y*A*Y*Y~", "11:B:1*Y*A*Y*Y***********7~")
    assert faults(edited(late, reason)) == []


def test_a_claim_that_says_what_another_says_is_a_duplicate() -> None:
    start, end = OFFICE.index("CLM*"), OFFICE.index("\nSE*") + 1
    again = OFFICE[start:end].replace("ENC-", "ENK-")
    found = checked(edited(OFFICE[:end] + again + OFFICE[end:]).encode())
    assert [(fault.claim, fault.segment, fault.says) for fault in found] == [
        ("ENK-1001", "CLM", "the claim says of the patient what claim ENC-1001 says")
    ]


def test_a_patient_of_medicare_has_no_loop_of_their_own() -> None:
    commercial = claims.written(claims.commercial())[0]
    assert faults(commercial) == []
    medicare = commercial.replace("*CI~", "*MB~").replace("MI*W123", "MI*1EG4TE5MK73")
    assert any("Medicare's patient is the subscriber" in said for said in faults(medicare))


def test_a_group_that_begins_in_a_set_leaves_it() -> None:
    """Open sets were kept, and the time to check grew with the square of their number."""
    begin, end = OFFICE.index("GS*"), OFFICE.index("BHT*")
    found = checked((OFFICE[:begin] + OFFICE[begin:end] * 2 + OFFICE[end:]).encode())
    assert "GS stands within ST" in [fault.says for fault in found]
    assert not any("not closed" in fault.says or "closes no" in fault.says for fault in found)


def test_of_a_cut_file_one_fault_is_told() -> None:
    """What the last claim lacks is not its fault."""
    cut = OFFICE[: OFFICE.index("LX*3")]
    assert [fault.says for fault in checked(cut.encode())] == ["ST is not closed: the file is cut"]


@pytest.mark.parametrize(
    "text",
    [
        OFFICE.replace("\n", "\r\n"),
        OFFICE.replace("\n", ""),
        OFFICE.replace("*", "|").replace(":", ">"),
        OFFICE.replace("~\n", "\n"),
        OFFICE.replace("~\n", "\x1d"),
        "\ufeff" + OFFICE,
        OFFICE + "\n\n",
        OFFICE + OFFICE.replace("000000001", "000000002").replace("ENC-1001*", "ENC-9*")
        .replace("X*005010X222A1~", "X*005010X222A1~").replace("*1*X*", "*2*X*")
        .replace("GE*1*1", "GE*1*2").replace("MK73", "MK72"),
    ],
)  # fmt: skip
def test_any_delimiters_and_line_breaks_are_read(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"{}", "begins with JSON, not with ISA"),
        (b"<html>", "begins with markup, not with ISA"),
        (b"%PDF-1.7", "begins with PDF, not with ISA"),
        (b"hello", "begins with other text, not with ISA"),
        (b"ISA*00*", "ends within its first segment"),
        (OFFICE[:80].encode(), "ends within its first segment"),
        (b"\xff\xfe\x00", "not with ISA"),
    ],
)
def test_what_is_no_claim_file_is_one_sentence(data: bytes, says: str) -> None:
    (fault,) = checked(data)
    assert says in fault.says


def test_an_answer_is_told_from_a_claim_file() -> None:
    answer = OFFICE.replace("GS*HC", "GS*FA").replace("005010X222A1", "005010X231A1")
    assert any("GS01 is FA: the group holds no claims" in said for said in faults(answer))


def test_an_acknowledgment_of_an_interchange_holds_no_claim() -> None:
    answer = OFFICE[: OFFICE.index("GS*")] + "TA1*000000001*261123*1505*R*006~IEA*0*000000001~"
    assert faults(answer) == ["the file has no claim"]


def test_every_cut_is_seen() -> None:
    rows = OFFICE.splitlines(keepends=True)
    for end in range(1, len(rows)):
        assert any("is cut" in said or "no claim" in said for said in faults("".join(rows[:end])))


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("1EG4TE5MK73", None),
        ("1eg4-te5-mk73", None),
        ("123456789A", "is an old health insurance claim number"),
        ("WA123456789", "is an old health insurance claim number"),
        ("1EG4TE5MK7", "has 10 characters"),
        ("0EG4TE5MK73", "has 0 as character 1"),
        ("1SG4TE5MK73", "has S as character 2"),
        ("1EG4TE5MKA3", "has A as character 10"),
    ],
)
def test_a_medicare_number_is_looked_at_place_by_place(number: str, fault: str | None) -> None:
    said = medicare_number_fault(medicare_number(number))
    assert (said is None) == (fault is None)
    assert (fault or "") in (said or "")


@pytest.mark.parametrize(
    "line", ["PO Box 12", "P.O. BOX 12", "P O BOX12", "POB 7", "Post Office Box 3", "Lockbox 9"]
)
def test_a_post_box_is_one(line: str) -> None:
    assert is_post_box(line)


@pytest.mark.parametrize(
    "line", ["100 Main Street", "5 Boxwood Road", "1 Pobst Lane", "RR 2 Box 8"]
)
def test_a_street_is_none(line: str) -> None:
    assert not is_post_box(line)
