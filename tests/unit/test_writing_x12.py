"""837 drafts, each looked at by pyx12 and by our own checks."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mappings.record import Address, Problem
from mappings.site import Facility, Place, Receiver, Site
from mappings.writing.drafting import x12
from mappings.writing.form837.claim_loops import preview
from mappings.writing.preparing.drafts import draft_of
from mappings.writing.x12.segments import parsed
from mappings.writing.x12.segments import written as as_text
from tests import builders, claims
from tests.builders import Resource

ISA = (
    "ISA*00*          *00*          *ZZ*1234567893     *ZZ*15202          *261123*1005*^*00501"
    "*795446300*1*T*:~\n"
)
PROFESSIONAL = f"""\
{ISA}\
GS*HC*1234567893*15202*20261123*1005*795446300*X*005010X222A1~
ST*837*795446301*005010X222A1~
BHT*0019*00*795446301*20261123*1005*CH~
NM1*41*2*RIVERSIDE NEPHROLOGY PC*****46*1234567893~
PER*IC*RIVERSIDE NEPHROLOGY PC*TE*5555551234~
NM1*40*2*MEDICARE*****46*15202~
HL*1**20*1~
PRV*BI*PXC*207RN0300X~
NM1*85*2*RIVERSIDE NEPHROLOGY PC*****XX*1234567893~
N3*100 MAIN STREET~
N4*COLUMBUS*OH*432151234~
REF*EI*123456789~
HL*2*1*22*0~
SBR*P*18*******MB~
NM1*IL*1*DOE*JANE****MI*1EG4TE5MK73~
N3*12 ELM STREET~
N4*COLUMBUS*OH*43215~
DMG*D8*19550214*F~
NM1*PR*2*MEDICARE*****PI*15202~
CLM*B0441E867A947790E4B8*44.6***11:B:1*Y*A*Y*Y~
NTE*ADD*DRAFT, NOT A CLAIM. CHARGES ARE PAYMENT LIMITS, 0 WHERE PACKAGED OR NOT KNOWN~
HI*ABK:N184*ABF:D631*ABF:D509~
NM1*82*1*SMITH*ALAN****XX*1598765430~
LX*1~
SV1*HC:J1756*22.3*UN*100***1:2:3~
DTP*472*D8*20261101~
REF*6R*F8667208C3B4C98DED078F4F~
LIN**N4*00517231005~
CTP****5*ML~
LX*2~
SV1*HC:J1756:JW*22.3*UN*100***1:2:3~
DTP*472*D8*20261101~
REF*6R*34B1902FAD9949D9F8FC0FCA~
LIN**N4*00517231005~
CTP****5*ML~
SE*35*795446301~
GE*1*795446300~
IEA*1*795446300~
"""
PAIR = builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")
TWO_VIALS = builders.administration(
    dose="125 mg",
    ndc=None,
    opened=[{"ndc": builders.VENOFER_100}, {"ndc": builders.VENOFER_50}],
    discarded="25 mg",
)


def payer_of(claim_id: str) -> Resource:
    """A coverage whose payer says itself how claim files address it."""
    identifier = {"type": {"coding": [{"code": "NIIP"}]}, "value": claim_id}
    return builders.coverage(payor=None, subscriberId="1EG4TE5MK73") | {
        "payor": [{"display": "Part B", "identifier": identifier}]
    }


def accepted(resources: list[Resource], site: Site = claims.SITE) -> list[tuple[str, ...]]:
    """The segments of a file in which nobody finds a fault."""
    text, problems = claims.written(resources, site)
    assert problems == []
    assert text
    assert claims.faults(text) == []
    assert claims.validated(text) == ""
    return parsed(text)


def refused(resources: list[Resource], site: Site = claims.SITE) -> str:
    """The one sentence on why nothing was written."""
    text, problems = claims.written(resources, site)
    assert text == ""
    (problem,) = problems
    return problem.problem


def body(segments: list[tuple[str, ...]], *identities: str) -> list[str]:
    return ["*".join(segment) for segment in segments if segment[0] in identities]


def test_a_professional_draft_with_discarded_drug() -> None:
    text, problems = claims.written(claims.chart(PAIR))
    assert (text, problems) == (PROFESSIONAL, [])
    assert claims.faults(text) == []
    assert claims.validated(text) == ""


def test_an_outpatient_hospital() -> None:
    segments = accepted(claims.hospital())
    start = next(place for place, segment in enumerate(segments) if segment[0] == "CLM")
    assert ["*".join(segment) for segment in segments[start:-3]] == [
        "CLM*DA628E0F28FA6307DD1B*0***13:A:1**A*Y*Y",
        "DTP*434*RD8*20261101-20261101",
        "CL1*9*9*01",
        "NTE*ADD*DRAFT, NOT A CLAIM. CHARGES ARE PAYMENT LIMITS, 0 WHERE PACKAGED OR NOT KNOWN",
        "HI*ABK:N184",
        "HI*ABF:D631*ABF:D509",
        "NM1*71*1*SMITH*ALAN****XX*1598765430",
        "LX*1",
        "SV2*0636*HC:J1756*0*UN*200",
        "DTP*472*D8*20261101",
        "REF*6R*F8667208C3B4C98DED078F4F",
        "LIN**N4*00517234010",
        "CTP****10*ML",
    ]
    assert body(segments, "GS", "ST", "SBR") == [
        "GS*HC*1234567893*15202*20261123*1005*795446300*X*005010X223A2",
        "ST*837*795446301*005010X223A2", "SBR*P*18*******MA",
    ]  # fmt: skip


def test_an_emergency_department_says_so() -> None:
    assert body(accepted(claims.chart(builders.location("23"))), "CL1") == ["CL1*1*9*01"]


def test_a_dialysis_facilitys_month() -> None:
    second = builders.administration(id="ma2", on="2026-11-03T09:00:00-05:00")
    visit = builders.encounter(participant=claims.ATTENDER, **claims.VISIT)
    text, problems = claims.written(claims.dialysis(visit, second))
    assert (problems, claims.validated(text)) == ([], "")
    segments = parsed(text)
    assert body(segments, "CLM", "DTP", "CL1", "NTE", "HI", "SV2") == [
        next(iter(body(segments, "CLM"))),
        "DTP*434*RD8*20261101-20261130",
        "CL1*9*9*30",
        "NTE*ADD*DRAFT OF THE DRUG LINES ONLY. ADD DIALYSIS LINES, VALUE AND CONDITION CODES",
        "HI*ABK:N186",
        "HI*ABF:D631*ABF:D509*ABF:Z992",
        "SV2*0636*HC:J1756:JZ*0*UN*200",
        "DTP*472*D8*20261101",
        "SV2*0636*HC:J1756:JZ*0*UN*200",
        "DTP*472*D8*20261103",
    ]
    assert body(segments, "CLM")[0].endswith("*0***72:A:2**A*Y*Y")


def test_a_child_on_a_parents_plan() -> None:
    segments = accepted(claims.commercial())
    assert body(segments, "HL", "SBR", "PAT", "REF") == [
        "HL*1**20*1", "REF*EI*123456789", "HL*2*1*22*1", "SBR*P********CI", "HL*3*2*23*0", "PAT*19",
        "REF*G1*PA123", "REF*6R*F8667208C3B4C98DED078F4F",
    ]  # fmt: skip
    assert [
        segment for segment in body(segments, "NM1") if segment.startswith(("NM1*IL", "NM1*QC"))
    ] == [
        "NM1*IL*1*DOE*JOHN****MI*W123",
        "NM1*QC*1*DOE*JANE",
    ]


def test_a_line_of_two_ndcs_is_two_service_lines() -> None:
    segments = accepted(claims.chart(TWO_VIALS))
    assert body(segments, "SV1", "LIN", "CTP") == [
        "SV1*HC:J1756*5.58*UN*25***1:2:3", "LIN**N4*00517232510", "CTP****1.25*ML",
        "SV1*HC:J1756*22.3*UN*100***1:2:3", "LIN**N4*00517234010", "CTP****5*ML",
        "SV1*HC:J1756:JW*5.58*UN*25***1:2:3", "LIN**N4*00517232510", "CTP****1.25*ML",
    ]  # fmt: skip
    assert [segment for segment in body(segments, "REF") if "6R" in segment] == [
        "REF*6R*F8667208C3B4C98DED078F4F-1", "REF*6R*F8667208C3B4C98DED078F4F-2",
        "REF*6R*34B1902FAD9949D9F8FC0FCA",
    ]  # fmt: skip


def test_a_charge_that_is_not_known_is_zero() -> None:
    site = replace(claims.SITE, bill_services=True)
    half_an_hour = builders.administration(until="2026-11-01T09:30:00-05:00")
    segments = accepted(claims.chart(half_an_hour), site)
    assert body(segments, "CLM", "SV1") == [
        body(segments, "CLM")[0],
        "SV1*HC:96365*0*UN*1***1:2:3",
        "SV1*HC:J1756:JZ*44.6*UN*200***1:2:3",
    ]


def test_claims_of_one_policy_stand_under_one_subscriber() -> None:
    visit = builders.encounter(participant=claims.ATTENDER, **claims.VISIT)
    segments = accepted(
        claims.chart(visit, builders.administration(id="ma2", on="2026-11-08T09:00:00-05:00"))
    )
    assert body(segments, "HL") == ["HL*1**20*1", "HL*2*1*22*0"]
    assert len(body(segments, "CLM")) == 2


def test_professional_and_institutional_claims_are_files_of_their_own() -> None:
    ward = builders.encounter(id="ward", location="ward", participant=claims.ATTENDER)
    there = builders.administration(id="ma2", on="2026-11-08T09:00:00-05:00", encounter="ward")
    segments = accepted(claims.chart(ward, builders.location("22", id="ward"), there))
    assert [segment.split("*")[15] for segment in body(segments, "ISA")] == ["T", "T"]
    assert [segment.split("*")[8] for segment in body(segments, "GS")] == [
        "005010X223A2",
        "005010X222A1",
    ]
    assert [segment[13] for segment in segments if segment[0] == "ISA"] == [
        "795446300",
        "795446302",
    ]


def two_payers() -> list[Resource]:
    ended = builders.coverage(
        subscriberId="1EG4TE5MK73", period={"start": "2020-01-01", "end": "2026-11-05"}
    )
    later = builders.commercial(
        id="sunrise", subscriberId="W9", relationship={"coding": [{"code": "self"}]}
    )
    visit = builders.encounter(participant=claims.ATTENDER, **claims.VISIT)
    second = builders.administration(id="ma2", on="2026-11-08T09:00:00-05:00")
    later["period"] = {"start": "2026-11-06"}
    return claims.chart(ended, later, visit, second, builders.authorization(), builders.note())


def test_without_a_clearinghouse_each_payer_gets_its_interchange() -> None:
    segments = accepted(two_payers())
    assert [(segment[8].strip(), segment[13]) for segment in segments if segment[0] == "ISA"] == [
        ("15202", "795446300"),
        ("SHP01", "795446302"),
    ]


def test_a_clearinghouse_gets_them_all() -> None:
    clearinghouse = Receiver(name="Clearing House", id="CLEAR", sender_id="RIVER")
    segments = accepted(two_payers(), replace(claims.SITE, receivers=(clearinghouse,)))
    assert [
        (segment[6].strip(), segment[8].strip()) for segment in segments if segment[0] == "ISA"
    ] == [("RIVER", "CLEAR")]
    assert [
        segment
        for segment in body(segments, "NM1")
        if segment.startswith(("NM1*41", "NM1*40", "NM1*PR"))
    ] == [
        "NM1*41*2*RIVERSIDE NEPHROLOGY PC*****46*RIVER",
        "NM1*40*2*CLEARING HOUSE*****46*CLEAR",
        "NM1*PR*2*MEDICARE*****PI*15202",
        "NM1*PR*2*SUNRISE HEALTH PLAN*****PI*SHP01",
    ]


@pytest.mark.parametrize(
    "broken", ["DMG*D8*19550214*F~\n", "HI*ABK:N184*ABF:D631*ABF:D509~\n", "LIN**N4*00517231005~\n"]
)
def test_the_validator_sees_what_is_missing(broken: str) -> None:
    assert claims.validated(PROFESSIONAL.replace(broken, "", 1)) != ""


def test_nothing_ready_is_nothing_written() -> None:
    assert claims.written(claims.chart(without=("ferritin",))) == ("", [])


def test_the_order_of_the_chart_does_not_matter() -> None:
    chart = two_payers()
    assert claims.written(chart) == claims.written(chart[::-1])


def test_what_a_chart_lacks_is_one_sentence() -> None:
    bare = builders.chart(builders.patient(born="1955-02", sex="x"), builders.coverage(payor="CMS"))
    assert (
        refused(bare)
        == "The 837 draft of Nov 1, 2026 is not written: it lacks the patient's family and given"
        " name in Latin letters (Patient.name), the patient's address with street, city, state"
        " as two letters and ZIP code (Patient.address), the patient's birth date"
        " (Patient.birthDate), the patient's sex (Patient.gender), the member number"
        " (Coverage/coverage subscriberId), the payer's id for claims (claim_id in the site's"
        " payer_aliases, or a typed identifier of the Organization) and one rendering"
        " practitioner with name and NPI (Encounter.participant or"
        " MedicationAdministration.performer)."
    )


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (claims.patient(family="李", given="娜"), "family and given name in Latin letters"),
        (
            builders.patient(name=[{"family": "Doe"}], address=[claims.HOME]),
            "family and given name",
        ),
        (claims.patient(address=[{**claims.HOME, "state": "Ohio"}]), "state as two letters"),
        (claims.patient(address=[{**claims.HOME, "line": ["~"]}]), "address with street"),
        (claims.patient(address=[{**claims.HOME, "city": "C"}]), "address with street, city"),
        (
            claims.patient(address=[{**claims.HOME, "line": ["12 Elm Street", "五号"]}]),
            "address with street",
        ),
        (builders.coverage(), "the member number (Coverage/coverage subscriberId)"),
        (
            builders.coverage(subscriberId="1EG4*TE5"),
            "the member number in a form that X12 can carry",
        ),
        (builders.coverage(subscriberId="1"), "the member number"),
        (payer_of("1234567890123456"), "the payer's id for claims"),
        (
            builders.coverage(subscriberId="W1", relationship={"coding": [{"code": "spouse"}]}),
            "relationship to the subscriber",
        ),
        (builders.encounter(), "one rendering practitioner"),
        (claims.practitioner(npi="1598765431"), "the NPI of NM1*82 fails its check digit"),
    ],
)
def test_a_draft_that_lacks_something_is_not_written(change: Resource, lacks: str) -> None:
    assert lacks in refused(claims.chart(change))


def test_the_others_are_written() -> None:
    nameless = builders.encounter(id="visit-2", participant=[])
    second = builders.administration(id="ma2", on="2026-11-08T09:00:00-05:00", encounter="visit-2")
    text, problems = claims.written(claims.chart(nameless, builders.location(), second))
    assert claims.faults(text) == []
    assert text.count("CLM*") == 1
    assert [problem.problem.partition(":")[0] for problem in problems] == [
        "The 837 draft of Nov 8, 2026 is not written"
    ]


def test_two_attending_practitioners_are_none() -> None:
    two = [
        *claims.ATTENDER,
        {**claims.ATTENDER[0], "individual": {"reference": "Practitioner/jones"}},
    ]
    jones = claims.practitioner(npi="1679576722", name="jones", family="Jones")
    assert "where 2 are named" in refused(
        claims.hospital(jones, builders.encounter(participant=two))
    )


DOSE = builders.administration(performer=[{"actor": {"reference": "Practitioner/smith"}}])


def qualified(**said: Any) -> Resource:
    """Smith, by a taxonomy or by words."""
    taxonomy = said.get("taxonomy")
    system = "http://nucc.org/provider-taxonomy"
    code = {"coding": [{"system": system, "code": taxonomy}]} if taxonomy else {}
    concept = code | ({"text": said["text"]} if "text" in said else {})
    return claims.practitioner() | {"qualification": [{"code": concept}]}


@pytest.mark.parametrize(
    "said",
    [{"taxonomy": "207RN0300X"}, {"taxonomy": "363LF0000X"}, {"text": "M.D."}, {"text": "NP"}],
)
def test_who_may_render_and_gave_the_drug_rendered_it(said: Any) -> None:
    chart = claims.chart(builders.encounter(), qualified(**said), DOSE)
    assert "NM1*82*1*SMITH*ALAN****XX*1598765430" in body(accepted(chart), "NM1")
    attends = refused(claims.hospital(builders.encounter(), qualified(**said), DOSE))
    assert "one attending practitioner" in attends


@pytest.mark.parametrize(
    "said", [{"taxonomy": "163WN0300X"}, {"taxonomy": "164W00000X"}, {"text": "RN"}, {}]
)
@pytest.mark.parametrize("role", [None, "PPRF"])
def test_a_nurse_who_gave_the_drug_never_rendered_it(said: Any, role: str | None) -> None:
    who = [{"type": [{"coding": [{"code": role}]}], **claims.SMITH}] if role else []
    visit = builders.encounter(participant=who)
    problem = refused(claims.chart(visit, qualified(**said), DOSE))
    assert "one rendering practitioner" in problem
    assert "record the ordering practitioner as the encounter's attender" in problem


def test_an_authorization_that_x12_cannot_carry_is_not_rewritten() -> None:
    answer = builders.authorization(preAuthRef="PA:1*2")
    assert "a prior authorization that X12 can't carry" in refused(claims.commercial(answer))


def test_a_sender_whose_name_x12_cannot_carry_is_told() -> None:
    receiver = Receiver(name="Clearing House", id="CLEAR", sender_id="RIVER", sender_name="Ωmega Ж")
    text, (problem,) = claims.written(claims.chart(), replace(claims.SITE, receivers=(receiver,)))
    assert text == ""
    assert "the receiver's sender_name can't be written in X12" in problem.problem


def test_a_place_whose_street_x12_cannot_carry_is_told() -> None:
    where = Address(line=("Улица 5",), city="Columbus", state="OH", postal_code="43215")
    place = Place(pos="11", facility=Facility(name="Clinic", address=where))
    site = replace(claims.SITE, places={"office": place})
    text, (problem,) = claims.written(claims.chart(), site)
    assert text == ""
    assert "a name and address in Latin letters of where it was given" in problem.problem


@pytest.mark.parametrize(
    ("provider", "lacks"),
    [
        (None, "lacks name, npi, tax_id, address and phone."),
        (replace(claims.PROVIDER, phone=None, address=None), "lacks an address and a phone."),
        (replace(claims.PROVIDER, npi="1234567890"), "lacks an npi with a right check digit."),
        (
            replace(
                claims.PROVIDER,
                address=replace(claims.PROVIDER.address, postal_code="43215"),  # type: ignore[type-var]
            ),
            "lacks a nine-digit postal_code.",
        ),
        (
            replace(
                claims.PROVIDER,
                address=replace(claims.PROVIDER.address, line=("Улица 5",)),  # type: ignore[type-var]
            ),
            "lacks a street, city and state in Latin letters.",
        ),
        (
            replace(
                claims.PROVIDER,
                pay_to=replace(claims.PROVIDER.address, city="Ω"),  # type: ignore[type-var]
            ),
            "lacks a pay_to with street, city, state and postal_code in Latin letters.",
        ),
    ],
)
def test_without_a_billing_provider_nothing_is_written(provider: Any, lacks: str) -> None:
    text, problems = claims.written(claims.chart(), replace(claims.SITE, billing_provider=provider))
    assert text == ""
    assert problems == [
        Problem(
            "billing_provider", f"No 837 draft can be written: the site's billing_provider {lacks}"
        )
    ]


def test_a_patient_without_a_record_is_named() -> None:
    document, _ = claims.assessed(claims.chart())
    assert x12(document, {}, claims.SITE, claims.NOW)[1][0].problem.endswith(
        "it lacks the patient's record."
    )


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("O'Brien-Łoś", "O'BRIEN-LOS"),
        ("O`Brien", "O'BRIEN"),
        ("Müller*NM1", "MULLER NM1"),
        ("Doe~\nCLM*9*9", "DOE CLM 9 9"),
        ("Doe:^", "DOE"),
        ("Straße", "STRASSE"),
    ],
)
def test_a_name_stays_in_its_place(family: str, expected: str) -> None:
    segments = accepted(claims.chart(claims.patient(family=family)))
    assert f"NM1*IL*1*{expected}*JANE****MI*1EG4TE5MK73" in body(segments, "NM1")
    assert len(body(segments, "CLM")) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=20))
def test_no_text_breaks_out(name: str, street: str, member: str) -> None:
    changes = [
        claims.patient(family=name, given=name, address=[{**claims.HOME, "line": [street]}]),
        builders.coverage(subscriberId=member),
        builders.administration(note=f"{name} {street}"),
    ]
    text, problems = claims.written(claims.chart(*changes))
    assert bool(text) != bool(problems)
    if text:
        assert claims.faults(text) == []
        assert [segment[0] for segment in parsed(text)] == [
            segment[0] for segment in parsed(claims.written(claims.chart())[0])
        ]


def test_segments_of_a_transaction_are_counted() -> None:
    segments = accepted(two_payers())
    starts = [place for place, segment in enumerate(segments) if segment[0] == "ST"]
    ends = [place for place, segment in enumerate(segments) if segment[0] == "SE"]
    assert [int(segments[end][1]) for end in ends] == [
        end - start + 1 for start, end in zip(starts, ends, strict=True)
    ]
    assert all(start < end for start, end in pairwise(sorted(starts + ends)))


@pytest.mark.parametrize("chart", [claims.chart, claims.hospital, claims.commercial])
def test_a_preview_of_lines_is_what_the_file_says_of_them(chart: Any) -> None:
    """Numbers, charges, pointers, dates, authorizations, REF*6R and NDCs: the file's own
    segments."""
    resources = chart(PAIR)
    document, _ = claims.assessed(resources)
    (patient,) = document.patients
    said = as_text(preview(draft_of(patient.patient, patient.lines)))
    assert said.count("REF*6R*") == len(patient.lines)
    assert said in claims.written(resources)[0]
