"""Segments stand where the guides have them, and elements hold what fits."""

from itertools import chain
from pathlib import Path

import pytest

from mappings.codes import claim_segments
from tests.claims import faults

FILES = Path(__file__).parents[1] / "data" / "claims"
OFFICE = (FILES / "837P_office.x12").read_text()
MUCH = (FILES / "v_much_professional.x12").read_text()
STAY = (FILES / "v_much_institutional.x12").read_text()
GONE = ""


def counted(text: str) -> str:
    """With SE01 as it must be."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("ST*"))
    end = next(at for at, line in enumerate(lines) if line.startswith("SE*"))
    lines[end] = f"SE*{end - start + 1}*{lines[end].split('*')[2]}"
    return "\n".join(lines) + "\n"


def changed(text: str, old: str, new: str) -> list[str]:
    assert old in text
    return faults(counted(text.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "BHT*0019*00*IRON0001*20261123*1505*CH~\n",
            GONE,
            "segment 3 ST: the loop that begins with ST has no BHT*0019",
        ),
        (
            "NM1*40*2*CLEARHOUSE*****46*CLEARHOUSE~\n",
            GONE,
            "segment 3 ST: the loop that begins with ST has no NM1*40",
        ),
        (
            "PER*IC*BILLING DESK*TE*5555551234~\n",
            GONE,
            "segment 5 NM1: the loop that begins with NM1*41 has no PER",
        ),
        ("*261123*1505*^", "*261323*1505*^", "segment 1 ISA: ISA09 is not a date"),
        ("*261123*1505*^", "*261123*2505*^", "segment 1 ISA: ISA10 is not a time"),
        ("ISA*00*", "ISA*99*", "segment 1 ISA: ISA01 is none of 00, 03"),
        ("*ZZ*CLEAR", "*XX*CLEAR", "segment 1 ISA: ISA07 is none of 01, 14, 20, 27, 28, 29, 30"),
        ("GS*HC*KIDNEYCARE", "GS*HC*", "segment 2 GS: GS02 is empty"),
        ("*1505*1*X*", "*1505*1*T*", "segment 2 GS: GS07 is not X"),
        ("*1505*1*X*", "*1575*1*X*", "segment 2 GS: GS05 is not a time"),
        ("ST*837*0001", "ST*837*1", "segment 3 ST: ST02 has 1 characters, 4 to 9 fit"),
        ("HL*1**20*1~\n", "~\nHL*1**20*1~\n", "segment 8: an empty segment has no place here"),
        ("*1505*CH~", "*1505*CC~", "segment 4 BHT: BHT06 is none of 31, CH, RP"),
        ("*20261123*1505*CH~", "*20261131*1505*CH~", "segment 4 BHT: BHT04 is not a date"),
        ("*20261123*1505*CH~", "*20261123*2505*CH~", "segment 4 BHT: BHT05 is not a time"),
        (
            "PRV*BI*PXC*207RN0300X~\n",
            "PRV*BI*PXC*207RN0300X~\nZZZ*1~\nZZZ*2~\n",
            "segment 10 ZZZ: ZZZ has no place here",
        ),
        (
            "N3*100 MAIN STREET~\nN4*COLUMBUS*OH*432151234~\n",
            "N4*COLUMBUS*OH*432151234~\nN3*100 MAIN STREET~\n",
            "segment 12 N3: N3 stands too late in its loop",
        ),
        (
            "N3*12 ELM STREET~\n",
            f"N3*{'1' * 56}~\n",
            "segment 17 N3: N301 has 56 characters, 1 to 55 fit",
        ),
        (
            "N3*12 ELM STREET~\n",
            "N3*12:ELM STREET~\n",
            "segment 17 N3: N301 has 2 parts (ISA16), of which 1 fit",
        ),
        (
            "DMG*D8*19550214*F~\n",
            "DMG*D8*19550214*F~\nDMG*D8*19550214*F~\n",
            "segment 20 DMG: DMG stands 2 times in its loop, at most once",
        ),
        (
            "*MI*1EG4TE5MK73~",
            "**1EG4TE5MK73~",
            "segment 16 NM1: NM108 and NM109 stand together or not at all",
        ),
        (
            "*MI*1EG4TE5MK73~",
            "*ZZ*1EG4TE5MK73~",
            "segment 16 NM1: NM108 is none of 46, II, MI, PI, XV, XX",
        ),
        (
            "CLM*ENC-1001*245***11",
            "CLM*ENC-1001*245*MC**11",
            "claim ENC-1001, segment 21 CLM: CLM03 is not used",
        ),
        (
            "HI*ABK:N1832*ABF:D631*",
            "HI*ABK:N1832*ABF:D631:D631*",
            "claim ENC-1001, segment 23 HI: HI02-3 is not used",
        ),
        (
            "SV1*HC:96374*80*UN*1***1:2:3~",
            "SV1*HC:96374*80*UN*1**X1*1:2:3~",
            "claim ENC-1001, line 2, segment 34 SV1: SV106 is not used",
        ),
        (
            "CTP****10*ML~",
            "CTP****1X*ML~",
            "claim ENC-1001, line 1, segment 32 CTP: an NDC quantity is more than nothing",
        ),
        (
            "LX*2~",
            "REF*ZZ*1~\nLX*2~",
            "claim ENC-1001, line 1, segment 33 REF: REF*ZZ has no place here",
        ),
        (
            "DTP*472*D8*20261120~\nREF*6R*ENC-1001-1~\n",
            "REF*6R*ENC-1001-1~\nDTP*472*D8*20261120~\n",
            "claim ENC-1001, line 1, segment 29 DTP: DTP*472 stands too late in its loop",
        ),
        (
            "REF*6R*ENC-1001-1~\n",
            "REF*6R*ENC-1001-1*MORE~\n",
            "claim ENC-1001, line 1, segment 29 REF: REF03 is not used",
        ),
        ("N3*12 ELM STREET~\n", "N3~\n", "segment 14 HL: the subscriber, who is the patient, has"),
    ],
)
def test_what_stands_wrong_is_told_once(old: str, new: str, says: str) -> None:
    """By its own check, where there is one."""
    found = changed(OFFICE, old, new)
    told = [sentence for sentence in found if says.partition(":")[0] in sentence]
    assert len(told) == 1, found
    assert told[0].startswith(says)


@pytest.mark.parametrize(
    ("text", "old", "new", "says"),
    [
        (MUCH, "N3*1 CLINIC WAY~\n", GONE, "the loop that begins with NM1*77 has no N3"),
        (MUCH, "DTP*573*D8*20261121~\nAMT", "AMT", "the loop that begins with SVD has no DTP*573"),
        (MUCH, "REF*X4*12D4567890~", "REF*F3*12D4567890~", "REF*F3 has no place here"),
        (MUCH, "AMT*F5*12.5~", "AMT*F5*12,5~", "AMT02 is not a number"),
        (STAY, "NTE*TPO*THIRD PARTY~", "NTE*ADD*THIRD PARTY~", "NTE stands too late in its loop"),
        (STAY, "NM1*DN*1*JONES", "NM1*DK*1*JONES", "NM1*DK has no place here"),
        (STAY, "CL1*1*1*01~\n", "", "the claim has no CL1"),
        (STAY, "SV2*0260*HC:96365", "SV2*0260*HC:", "the line has no HCPCS code"),
        (STAY, "HI*ABK:N1832:::::::Y", "HI*ABK:N1832:::::::X", "HI01-9 is none of N, U, W, Y"),
        (STAY, "HI*BG:A6~", "HI*BG:A6:D8~", "HI01-3 is not used"),
        (
            STAY,
            "BI:74:RD8:20261101-20261102",
            "BI:74:RD8:20261102-20261101",
            "occurrence span code 74 has no days",
        ),
        (STAY, "DTP*096*TM*1130~", "DTP*096*TX*1130~", "DTP02 is none of D8, DT, RD8, TM"),
    ],
)
def test_each_kind_of_claim_has_its_own_loops(text: str, old: str, new: str, says: str) -> None:
    assert faults(text) == []
    assert any(says in sentence for sentence in changed(text, old, new))


def test_no_patients_words_are_shown() -> None:
    """An element that slipped into another's place is not told by what it holds."""
    told = changed(OFFICE, "NM1*IL*1*DOE*JANE****MI*", "NM1*IL*1*DOE*JANE****SMITH*")
    assert told == ["segment 16 NM1: NM108 is none of 46, II, MI, PI, XV, XX"]


def test_the_table_is_of_segments_and_loops() -> None:
    """Each loop that is inside another stands in the table, and each segment has its elements."""
    for kind in ("professional", "institutional"):
        table = claim_segments.loops(kind)
        inner = [chain.from_iterable(loop.inside.values()) for loop in table.values()]
        loops = {one.loop for one in chain.from_iterable(inner)}
        assert loops == set(table) - {claim_segments.HEADER}
        names = set(chain.from_iterable((*loop.holds, *loop.inside) for loop in table.values()))
        assert names <= set(claim_segments.elements())
