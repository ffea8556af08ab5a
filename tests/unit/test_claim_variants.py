"""What the implementation guides allow is not refused, and what payers reject in such forms is."""

from datetime import date

import pytest

from mappings import codes
from tests.claims import faults, validated
from tests.unit.test_claim_checks import DIALYSIS, OFFICE, OUTPATIENT, edited

Changes = list[tuple[str, str]]

ACME = (
    "SBR*P*18*G1******CI~CAS*CO*45*45~AMT*D*200~OI***Y***Y~NM1*IL*1*DOE*JANE****MI*W99~"
    "NM1*PR*2*ACME HEALTH*****PI*ACM01~"
)
SECOND = ("SBR*P*18*******MB~", "SBR*S*18***12****MB~")
COMMERCIAL: Changes = [
    ("SBR*P*18*******MB~", "SBR*P*18*******CI~"),
    ("MI*1EG4TE5MK73~", "MI*W12345~"),
    ("MEDICARE PART B*****PI*15202", "SUNRISE*****PI*SHP01"),
]
RENDERING = "NM1*82*1*SMITH*ALAN****XX*1598765430~\nPRV*PE*PXC*207RN0300X~\n"
GREEN = "NM1*82*1*GREEN*AMY****XX*1003000126~\n"
PAIR = (
    "SV1*HC:J1756:KX*45*UN*35***1:2:3~\nDTP*472*D8*20261122~\n",
    "SV1*HC:J1756:JW:KX*20*UN*65***1:2:3~\nDTP*472*D8*20261122~\n",
)
# A second visit of the day with the same dose and discard.
VISIT = "".join(
    f"LX*{5 + place}~\n{line.replace(':KX', ':KX:76')}REF*6R*VISIT-{place}~\n"
    f"LIN**N4*00517234010~\nCTP****{ml}*ML~\n"
    for place, (line, ml) in enumerate(zip(PAIR, ("1.75", "3.25"), strict=True))
)
TWO_VISITS: Changes = [("\nSE*", f"\n{VISIT}SE*"), ("*245***", "*310***")]
FIRST_LINE = ("LIN**N4*00517234010~\nCTP****10*ML~", "LIN**N4*00517234010~\nCTP****{}~")
PAID_LINE = "SVD*ACM01*85*HC:J1756:JZ:KX**200~CAS*CO*45*15~DTP*573*D8*20261121~"
AGAIN = "LX*5~\nSV1*HC:96374*80*UN*1***1:2:3~\nDTP*472*D8*20261120~\nREF*6R*Z~\n"
OF_KT_V = "HI*BH:51:D8:20261109~\n"
CORRECTED = ("REF*G1*PA20261101~", "REF*G1*PA20261101~REF*F8*2261234567OHA~")
LONG_AGO = [("20261101-20261130", "20251101-20251130")]
MONTH: Changes = [(f"D8*202611{day}", f"D8*202511{day}") for day in ("04", "06", "09", "04", "09")]


def behind_acme(*segments: str) -> Changes:
    return [SECOND, ("LX*1~", ACME + "".join(segments) + "LX*1~")]


def quantity(said: str) -> Changes:
    return [(FIRST_LINE[0], FIRST_LINE[1].format(said))]


ALLOWED: dict[str, tuple[str, Changes]] = {
    # 2320 to 2330: what another payer calls claims, authorizations and providers
    "the other payer's claim number": (OFFICE, behind_acme("REF*F8*ICN123~")),
    "the other payer's authorization": (OFFICE, behind_acme("REF*G1*PA9~")),
    "the other payer's rendering provider": (OFFICE, behind_acme("NM1*82*1~REF*G2*A1~")),
    "the other payer's service facility": (OFFICE, behind_acme("NM1*77*2~REF*G2*A1~")),
    "the other payer's billing provider": (OFFICE, behind_acme("NM1*85*2~REF*G2*A1~")),
    "the other payer was passed over": (
        OFFICE,
        [*behind_acme(), ("CAS*CO*45*45~AMT*D*200", "AMT*A8*245")],
    ),
    "adjustments on the claim and a line": (
        OFFICE,
        [
            *behind_acme(),
            ("CAS*CO*45*45", "CAS*CO*45*20**45*10"),
            ("CTP****10*ML~", f"CTP****10*ML~{PAID_LINE}"),
        ],
    ),
    # names
    "a family called Na": (OFFICE, [("DOE*JANE", "NA*JANE")]),
    "rendered by the line": (
        OFFICE,
        [
            (RENDERING, ""),
            ("NTE*ADD*IRON SUCROSE 200MG IV ADMINISTERED 0MG DISCARDED FERRITIN 42 TSAT 14~\n", ""),
            ("CTP****10*ML~\n", f"CTP****10*ML~\n{GREEN}"),
            ("REF*6R*ENC-1001-2~\n", f"REF*6R*ENC-1001-2~\n{GREEN}"),
            ("CTP****1.75*ML~\n", f"CTP****1.75*ML~\n{GREEN}"),
            ("CTP****3.25*ML~\n", f"CTP****3.25*ML~\n{GREEN}"),
        ],
    ),
    "a surgical center": (OFFICE, [("***11:B", "***24:B"), (RENDERING, "")]),
    # numbers
    "amounts and volumes without a leading zero": (
        OFFICE,
        [
            ("*80*UN*1***", "*.8*UN*1***"), ("*245***", "*165.8***"),
            ("*UN*35***", "*UN*10***"), ("*UN*65***", "*UN*90***"),
            ("CTP****1.75", "CTP****.5"), ("CTP****3.25", "CTP****4.5"),
        ],
    ),
    "a Kt/V below one": (DIALYSIS, [("D5:::1.52", "D5:::.98")]),
    "a diagnosis of three characters": (OFFICE, [("ABF:D509", "ABF:D62")]),
    # drugs
    "an NDC in vials": (OFFICE, quantity("2*UN")),
    "an NDC in milligrams": (OFFICE, quantity("200*ME")),
    "an NDC in grams": (OFFICE, quantity(".2*GR")),
    "a supply by its product code": (
        OFFICE,
        [*COMMERCIAL, ("HC:96374", "HC:A4216"),
         ("REF*6R*ENC-1001-2~", "REF*6R*ENC-1001-2~LIN**UP*012345678905~CTP****1*UN~")],
    ),
    "a discard without its NDC": (OFFICE, [("LIN**N4*00517234010~\nCTP****3.25*ML~\n", "")]),
    "two visits of a day": (OFFICE, TWO_VISITS),
    "mileage in tenths": (OFFICE, [("HC:96374*80*UN*1", "HC:A0425*80*UN*10.5")]),
    "one service by two practitioners": (
        OFFICE,
        [
            *COMMERCIAL,
            ("\nSE*", f"\n{AGAIN}{GREEN}SE*"),
            ("*245***", "*325***"),
        ],
    ),
    # Medicare
    "a void after more than a year": (
        OUTPATIENT,
        [
            ("20261120-20261120", "20250220-20250220"), ("13:A:1", "13:A:8"),
            CORRECTED,
            ("ABF:D509~", "ABF:D509~HI*BG:D6~"),
            ("D8*20261120", "D8*20250220"), ("D8*20261120", "D8*20250220"),
        ],
    ),
    "a hospital's replacement": (
        OUTPATIENT,
        [("13:A:1", "13:A:7"), CORRECTED, ("ABF:D509~", "ABF:D509~HI*BG:09*BG:D9~")],
    ),
    "a drug's day left to the statement": (
        OUTPATIENT,
        [
            ("*MA~", "*CI~"), ("20261120-20261120", "20261101-20261122"),
            ("DTP*472*D8*20261120~\n", ""),
        ],
    ),
    "a year from the month's last day": (
        DIALYSIS,
        [("IRON0003*20261123", "IRON0003*20261120"), *LONG_AGO, *MONTH],
    ),
    "no Kt/V was measured": (DIALYSIS, [("D5:::1.52", "D5:::9.99"), (OF_KT_V, "")]),
    "an occurrence on two days": (
        DIALYSIS,
        [(OF_KT_V, "HI*BH:51:D8:20261109*BH:24:D8:20261020*BH:24:D8:20261021~\n")],
    ),
    "a commercial payer's dialysis": (
        DIALYSIS,
        [("*MA~", "*CI~"), (OF_KT_V, ""), ("*BE:D5:::1.52", "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "changes"), ALLOWED.values(), ids=ALLOWED)
def test_what_the_guides_allow_is_not_refused(text: str, changes: Changes) -> None:
    found = edited(text, *changes)
    assert (faults(found), validated(found)) == ([], "")


REJECTED: dict[str, tuple[str, Changes, str]] = {
    # frequencies
    "Part B replaces": (
        OFFICE,
        [("11:B:1*", "11:B:7*"), ("REF*G1*PA20261101~", "REF*F8*ICN1~")],
        "Medicare's Part B contractors take no replacement",
    ),
    "a type of bill's frequency": (
        OFFICE,
        [("11:B:1*", "11:B:2*")],
        "CLM05-3 2 is not a frequency of this kind of claim",
    ),
    "a replacement to Part A without its reason": (
        OUTPATIENT,
        [("13:A:1", "13:A:7"), CORRECTED],
        "frequency 7 to Medicare's Part A says why, by one condition code (HI*BG) of D0, D1",
    ),
    "a void with the reason of a replacement": (
        OUTPATIENT,
        [("13:A:1", "13:A:8"), CORRECTED, ("ABF:D509~", "ABF:D509~HI*BG:D9~")],
        "frequency 8 to Medicare's Part A says why, by one condition code (HI*BG) of D5, D6",
    ),
    "it goes on, and the patient left": (
        OUTPATIENT,
        [("13:A:1*", "13:A:2*")],
        "frequency 2 says that treatment goes on, patient status 01",
    ),
    # lines
    "a number of blanks": (OFFICE, [("CLM*ENC-1001", "CLM*  ")], "CLM01 has not 1 to 20"),
    "modifiers in another order": (
        OFFICE,
        [
            ("HC:96374*", "HC:J1756:KX:JZ*"), ("*80*UN*1***", "*80*UN*200***"),
        ],
        "the line repeats line 1",
    ),
    "a second visit's discard without its dose's modifier": (
        OFFICE,
        [*TWO_VISITS, ("JW:KX:76", "JW:KX:77")],
        "has other modifiers (JW, KX, 77) than line",
    ),
    "a second visit that names no discard": (
        OFFICE,
        [*TWO_VISITS, ("HC:J1756:JW:KX:76*20*UN*65", "HC:96375*20*UN*65"),
         ("VISIT-1~\nLIN**N4*00517234010~\nCTP****3.25*ML~", "VISIT-1~")],
        "J1756 has neither JZ (nothing discarded) nor a JW line beside it",
    ),
    "JG and TB": (OFFICE, [("J1756:JZ:KX", "J1756:JZ:JG:TB")], "JG and TB contradict"),
    "a drug in minutes": (OFFICE, [("*100*UN*200", "*100*MJ*200")], "MJ counts minutes"),
    "a code that had ended": (OFFICE, [("HC:96374*", "HC:Q9970:JZ*")], "Q9970 was no code on"),
    "a line's place": (OFFICE, [("*UN*200***1", "*UN*200*98**1")], "SV105 98 is not a place"),
    "a line's note": (OFFICE, [("TSAT 14~", f"TSAT 14{'.' * 20}~")], "at most 80 characters"),
    "a line's practitioner without a number": (
        OFFICE,
        [("REF*6R*ENC-1001-2~", "REF*6R*ENC-1001-2~NM1*82*1*GREEN*AMY~")],
        "NM1*82 has no NPI",
    ),
    "an NDC of zeros": (
        OFFICE,
        [("N4*00517234010", "N4*00000000000")],
        "00000000000 is not an NDC",
    ),
    "units as vials": (OFFICE, quantity("200*UN"), "200 UN of NDC 00517234010 are not 200 units"),
    "too few vials": (OFFICE, quantity("1*UN"), "1 UN of NDC 00517234010 are not 200 units"),
    "mL as milligrams": (OFFICE, quantity("10*ME"), "10 ME of NDC 00517234010 are not 200 units"),
    "a drug in international units": (OFFICE, quantity("200*F2"), "200 F2 of NDC"),
    # days
    "after the death": (
        OFFICE,
        [("NM1*IL*1", "PAT*****D8*20261101~NM1*IL*1")],
        "the service of Nov 20, 2026 lies after the patient's death",
    ),
    "a day of no month": (
        OUTPATIENT,
        [("472*D8*20261120", "472*D8*20261320")],
        "the line has no date of service that is a day",
    ),
    "several days, and a line of none": (
        OUTPATIENT,
        [("20261120-20261120", "20261101-20261122"), ("DTP*472*D8*20261120~\n", "")],
        "the line has no date of service that is a day",
    ),
    "more than a year after the month": (
        DIALYSIS,
        [("IRON0003*20261123", "IRON0003*20261201"), *LONG_AGO, *MONTH],
        "is more than a year before the file's date",
    ),
    "neither JZ nor JW in dialysis": (
        DIALYSIS,
        [("J1756:JZ", "J1756")],
        "J1756 has neither JZ (nothing discarded) nor a JW line beside it",
    ),
    "nor in a clinic": (
        OFFICE,
        [("***11:B", "***49:B"), ("J1756:JZ:KX", "J1756:KX")],
        "J1756 has neither JZ (nothing discarded) nor a JW line beside it",
    ),
    # parties
    "an organization's given name": (
        OFFICE,
        [("NM1*85*2*RIVERSIDE NEPHROLOGY PC*", "NM1*85*2*RIVERSIDE*ALAN")],
        "NM1*85 is an organization, and has a given name",
    ),
    "no tax number": (OFFICE, [("REF*EI*123456789", "REF*0B*OH1")], "has no tax number (REF*EI"),
    "a reason in no table": (
        OFFICE,
        [*behind_acme(), ("SBR*S*18***12", "SBR*S*18***99")],
        "SBR05 99 is no reason",
    ),
    "paid and adjusted": (
        OFFICE,
        [*behind_acme(), ("CAS*CO*45*45", "CAS*CO*45*44")],
        "payer P paid 200 and adjusted 44, which is not the charge 245",
    ),
    "behind the last envelope": (
        OFFICE,
        [("IEA*1*000000001~", "IEA*1*000000001~HELLO~")],
        "HELLO stands in no transaction set",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "changes", "says"), REJECTED.values(), ids=REJECTED)
def test_what_payers_reject_is_told(text: str, changes: Changes, says: str) -> None:
    assert any(says in said for said in faults(edited(text, *changes)))


@pytest.mark.parametrize("code", ["N18", "N183", "E112", "I131", "I502", "O990", "D648", "T454X5"])
def test_a_diagnosis_that_is_divided_further_stands_on_no_claim(code: str) -> None:
    found = faults(edited(OFFICE, ("ABF:D509", f"ABF:{code}")))
    assert any(f"the diagnosis {code} is a heading" in said for said in found)


def test_stage_3_was_a_code_until_it_was_divided() -> None:
    """The day of the service decides, however late the claim."""
    known = codes.diagnoses()
    assert not known.is_heading("N183", date(2020, 9, 30))
    assert known.is_heading("N183", date(2020, 10, 1))
    assert not codes.claim_forms().lists.headings & {
        code.replace(".", "") for code in known.every_billable
    }
    old = [("20261120-20261120", "20200930-20200930"), ("ABK:N1832", "ABK:N183")]
    found = faults(edited(OUTPATIENT, *old, *[("472*D8*20261120", "472*D8*20200930")] * 2))
    assert not any("heading" in said for said in found)


def test_numbers_of_groups_and_sets_begin_anew_in_each_interchange() -> None:
    other = OFFICE.replace("000000001", "000000002").replace("ENC-1001*", "ENC-9*")
    assert faults(OFFICE + other.replace("MK73", "MK72")) == []


def test_a_void_and_a_new_claim_may_have_one_number() -> None:
    office = edited(OFFICE, *COMMERCIAL)
    start, end = office.index("CLM*"), office.index("\nSE*") + 1
    void = office[start:end].replace(":B:1*", ":B:8*").replace("G1*PA20261101", "F8*ICN1")
    assert faults(edited(office[:start] + void + office[start:])) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("NM1*PR*2*SUNRISE*****PI*SHP01", "NM1*PR*2*ACME*****PI*ACM01"),
        ("NM1*IL*1*DOE*JANE****MI*W12345", "NM1*IL*1*DOE*JANE****MI*W777"),
    ],
)
def test_what_is_said_to_another_payer_or_of_another_policy_is_no_duplicate(
    old: str, new: str
) -> None:
    office = edited(OFFICE, *COMMERCIAL)
    start, end = office.index("HL*2*1*22"), office.index("\nSE*") + 1
    again = office[start:end].replace("HL*2*1", "HL*3*1").replace("ENC-1001*", "ENK-1*")
    assert old in again
    assert faults(edited(office[:end] + again.replace(old, new) + office[end:])) == []
    assert faults(edited(office[:end] + again + office[end:])) != []
