"""Our own checks see each fault that no validator sees."""

import pytest

from mappings.writing import faults
from mappings.writing.x12_checks import valid_npi
from tests import builders, claims

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
        ("GE*1*1", "GE*2*1", "GE01 says 2, there are 1"),
        ("GE*1*1", "GE*1*7", "GE02 7 is not the control number 1"),
        ("SE*35*0001", "SE*34*0001", "SE01 says 34, there are 35"),
        ("SE*35*0001", "SE*35*0002", "SE02 0002 is not the control number 0001"),
        ("GE*1*1~\n", "", "IEA closes no ISA"),
        (
            "ST*837*0001*005010X222A1",
            "ST*837*0001*005010X223A2",
            "ST03 005010X223A2 is not GS08 005010X222A1",
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
        ("F*44.6***11", "F*44.61***11", "CLM02 44.61 is not the sum 44.6 of its lines"),
        ("HI*ABK:N184", "HI*BK:N184", "the first diagnosis is ABK and the others ABF"),
        ("ABF:D631", "ABF:D63.1", "D63.1 is no ICD-10-CM code without its dot"),
        (
            "*100***1:2:3",
            "*100***1:2:4",
            "the pointers 1:2:4 do not lead to one to four of the 3 diagnoses",
        ),
        ("*100***1:2:3", "*100***1:1", "the pointers 1:1 do not lead"),
        ("*100***1:2:3", "*100", "the pointers (none) do not lead"),
        ("HC:J1756*22.3", "HC:j1756*22.3", "j1756 is no HCPCS code"),
        ("HC:J1756:JW", "HC:J1756:JW:AA:BB:CC:DD", "at most four modifiers"),
        ("HC:J1756:JW", "HC:J1756:jw", "at most four modifiers of two capitals or digits"),
        ("HC:J1756:JW", "HC:J1756:JW:JZ", "JW and JZ contradict each other"),
        ("*22.3*UN*100***", "*22.3*UN*100.5***", "100.5 units: they are whole and at least one"),
        ("*22.3*UN*100***", "*22.3*UN*-100***", "-100 units"),
        ("*22.3*UN*100***", "*22.3*MJ*100***", "100 units"),
        ("J1756*22.3*", "J1756*-22.3*", "no charge"),
        (
            "REF*6R*34B1902FAD9949D9F8FC0FCA",
            "REF*6R*F8667208C3B4C98DED078F4F",
            "not every line has a REF*6R of its own",
        ),
        (
            "LIN**N4*00517231005",
            "LIN**N4*00517-2310-05",
            "00517-2310-05 is no NDC of eleven digits",
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
            "the prior authorization's number can't be written in X12",
        ),
        (
            "PACKAGED OR NOT KNOWN",
            "PACKAGED OR NOT KNOWN OR LOST",
            "a note has at most 80 characters",
        ),
        ("ABF:D509", "ABF:D509" + "*ABF:D509" * 10, "13 diagnoses, of which twelve can stand"),
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
    assert any("stands on 2 claims" in fault for fault in faults(twice))


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
    assert isinstance(faults(text), list)


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
