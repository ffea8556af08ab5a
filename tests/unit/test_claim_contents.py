"""Who and what stands on a claim that leaves: other payers, places, billers, NDCs."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from mappings import decisions, standing_decisions
from mappings.assessment import NdcQuantity
from mappings.decisions import Decision
from mappings.record import Address
from mappings.site import Facility, Place, Site
from mappings.writing.fhir_claim import claims as fhir_claims
from mappings.writing.preparing.charges import price_list
from mappings.writing.preparing.drafts import again
from mappings.writing.preparing.prepare import Basis, LeftOut, prepare
from mappings.writing.x12.segments import parsed
from tests import builders, claims
from tests.builders import Resource

PAIR = builders.administration(dose="100 mg", ndc=builders.VENOFER_200, discarded="100 mg")


def accepted(resources: list[Resource], site: Site = claims.SITE) -> list[str]:
    """The segments of a file in which nobody finds a fault."""
    text, reasons = claims.leaving(resources, site)
    assert reasons == []
    assert (claims.faults(text), claims.validated(text)) == ([], "")
    return ["*".join(segment) for segment in parsed(text)]


def refused(resources: list[Resource], site: Site = claims.SITE) -> str:
    text, reasons = claims.leaving(resources, site)
    assert "CLM*" not in text
    return "; ".join(reasons)


def having(segments: list[str], *begins: str) -> list[str]:
    return [segment for segment in segments if segment.startswith(begins)]


# Medicare behind another plan.


def employer_first(**second: Any) -> tuple[list[Resource], Site]:
    """Medicare beside an employer's plan, of which a person decided that it pays first."""
    plan = builders.commercial(id="group", subscriberId="W123", relationship=_coded("self"))
    said = {"who": "Maria", "when": "2026-11-01"}
    order = {"patient": "p1", "coverage": "Coverage/group", "then": ["Coverage/coverage"]}
    made = [decisions.from_document({**said, "pays_first": order})]
    if second:
        about = {"patient": "Patient/p1", **second}
        made.append(decisions.from_document({**said, "medicare_secondary": about}))
    chart = claims.chart(plan, _authorized(), builders.note())
    return chart, claims.SITE.deciding(made, claims.NOW)


def _coded(code: str) -> Resource:
    return {"coding": [{"code": code}]}


def _authorized() -> Resource:
    return builders.authorization(insurance=[_insurance("Coverage/group")])


def _insurance(coverage: str) -> Resource:
    return {"sequence": 1, "focal": True, "coverage": {"reference": coverage}}


@pytest.mark.parametrize(
    ("name", "kind", "filing"),
    [
        ("Anthem Blue Cross Blue Shield", "commercial", "BL"),
        ("TRICARE East", "government", "CH"),
        ("Department of Veterans Affairs", "government", "VA"),
        ("Indian Health Service", "government", "OF"),
    ],
)
def test_a_claim_says_which_kind_of_payer_it_is_for(name: str, kind: str, filing: str) -> None:
    assert having(accepted(*_of_payer(name, kind)), "SBR") == [f"SBR*P*18*******{filing}"]


@pytest.mark.parametrize(
    ("written", "carried"),
    [("207rn0300x", ["PRV*PE*PXC*207RN0300X"]), ("Nephrology", [])],
)
def test_a_taxonomy_that_is_none_is_left_out(written: str, carried: list[str]) -> None:
    nucc = "http://nucc.org/provider-taxonomy"
    smith = claims.practitioner()
    smith["qualification"] = [{"code": {"coding": [builders.coding(nucc, written)]}}]
    segments = accepted(claims.chart(smith), claims.SITE)
    assert having(segments, "PRV*PE") == carried


def test_no_claim_to_workers_compensation_leaves_without_the_accident() -> None:
    chart, site = _of_payer("State Workers' Compensation Fund", "government")
    (said,) = claims.leaving(chart, site)[1]
    assert said.endswith("says EM (CLM11) and when the accident was (DTP*439)")


def _of_payer(name: str, kind: str) -> tuple[list[Resource], Site]:
    plan = builders.coverage(None, name, subscriberId="W1", relationship=_coded("self"))
    alias = replace(claims.PAYERS["Sunrise Health Plan"], kind=kind)
    answer = builders.authorization(insurance=[_insurance("Coverage/coverage")])
    site = replace(claims.SITE, payer_aliases={**claims.PAYERS, name: alias})
    return claims.chart(plan, answer, builders.note()), site


def test_each_payer_has_a_place_of_its_own_in_the_order() -> None:
    """Of four, the last two are not both the third."""
    plans = [
        builders.coverage("2", f"Medicaid of {place}", id=f"c{number}", order=number,
                          subscriberId=f"M{number}", relationship=_coded("self"))
        for number, place in enumerate(("Ohio", "Utah", "Iowa"), 2)
    ]  # fmt: skip
    alias = replace(claims.PAYERS["Sunrise Health Plan"], kind="medicaid")
    names = {f"Medicaid of {place}": alias for place in ("Ohio", "Utah", "Iowa")}
    site = replace(claims.SITE, payer_aliases={**claims.PAYERS, **names})
    first = builders.coverage(subscriberId="1EG4TE5MK73", order=1)
    segments = accepted(claims.chart(first, *plans), site)
    assert [row[:5] for row in having(segments, "SBR")] == ["SBR*P", "SBR*S", "SBR*T", "SBR*A"]


def test_why_medicare_pays_second_is_a_persons_decision() -> None:
    segments = accepted(*employer_first(type="12"))
    assert having(segments, "SBR") == ["SBR*P*18*******CI", "SBR*S*18***12****MB"]


def test_without_it_the_claim_waits_and_says_what_to_record() -> None:
    said = refused(*employer_first())
    assert "why Medicare (Coverage/coverage) is secondary: record a person's decision" in said
    assert "medicare_secondary (12, 13," in said


TWICE = builders.coverage(id="other", subscriberId="1EG4TE5MK73")
PART_B = builders.coverage(id="other", subscriberId="1EG4TE5MK72")
ADVANTAGE = builders.coverage(
    None, "Humana Medicare Advantage", id="other", subscriberId="H1", relationship=_coded("self")
)


@pytest.mark.parametrize(
    ("other", "then", "second"),
    [
        (TWICE, ["Coverage/coverage", "Coverage/other"], ["SBR*S*18***12****MB"]),
        (TWICE, ["Coverage/other"], ["SBR*S*18***12****MB"]),
        (PART_B, ["Coverage/coverage", "Coverage/other"], ["SBR*S*18***12****MB"]),
        (ADVANTAGE, ["Coverage/coverage", "Coverage/other"], ["SBR*S*18*******16"]),
    ],
)
def test_a_payer_that_a_person_named_twice_pays_once(
    other: Resource, then: list[str], second: list[str]
) -> None:
    """R10a: the same plan recorded twice is one, so are Medicare's parts, and Medicare Advantage
    stands in for it."""
    alias = replace(
        claims.PAYERS["Medicare"],
        kind="medicare-advantage",
        on_claims=replace(claims.PAYERS["Medicare"].on_claims, id="61101"),
    )
    said = {"who": "Maria", "when": "2026-11-01"}
    order = {"patient": "p1", "coverage": "Coverage/group", "then": then}
    why = {"patient": "p1", "type": "12"}
    made = [
        decisions.from_document({**said, "pays_first": order}),
        decisions.from_document({**said, "medicare_secondary": why}),
    ]
    named = {**claims.PAYERS, "Humana Medicare Advantage": alias}
    site = replace(claims.SITE, payer_aliases=named).deciding(made, claims.NOW)
    segments = accepted([*employer_first()[0], other], site)
    assert having(segments, "SBR") == ["SBR*P*18*******CI", *second]


@pytest.mark.parametrize("decided", [{"type": "12"}, {}])
def test_an_institutional_claim_has_no_place_for_the_reason(decided: dict[str, Any]) -> None:
    chart, site = employer_first(**decided)
    alone = replace(site, stand_alone=frozenset({"13X"}))
    elsewhere = [resource for resource in chart if resource["resourceType"] != "Location"]
    segments = accepted([*elsewhere, builders.location("22")], alone)
    assert having(segments, "SBR*S") == ["SBR*S*18*******MA"]


def test_an_unscheduled_visit_has_its_reason() -> None:
    alone = replace(claims.SITE, stand_alone=frozenset({"13X"}))
    segments = accepted(claims.chart(builders.location("23")), alone)
    assert having(segments, "HI") == ["HI*ABK:N184", "HI*APR:N184", "HI*ABF:D631*ABF:D509"]


def test_who_bills_alone_renders() -> None:
    smith = replace(claims.PROVIDER, name="Smith", given="Alan", npi="1598765430", tax_id_kind="SY")
    assert not having(
        accepted(claims.chart(), replace(claims.SITE, billing_provider=smith)), "NM1*82"
    )


def test_zeros_in_place_of_a_zip_4_are_left_out() -> None:
    home = claims.patient(address=[{**claims.HOME, "postalCode": "43215-0000"}])
    assert "N4*COLUMBUS*OH*43215" in accepted(claims.chart(home))


def test_what_more_than_two_lines_say_of_an_address_is_kept() -> None:
    lines = ["c/o Mary Doe", "12 Elm Street", "Apt 4B"]
    home = claims.patient(address=[{**claims.HOME, "line": lines}])
    assert "N3*C/O MARY DOE*12 ELM STREET APT 4B" in accepted(claims.chart(home))


def test_a_line_too_long_for_its_element_goes_on_in_the_next() -> None:
    street = "12345 North Saint Christopher Boulevard Northwest, Building Seven, Apartment 45B"
    home = claims.patient(address=[{**claims.HOME, "line": [street]}])
    n3 = "N3*12345 NORTH SAINT CHRISTOPHER BOULEVARD NORTHWEST,*BUILDING SEVEN, APARTMENT 45B"
    assert n3 in accepted(claims.chart(home))


def test_a_decision_that_ended_before_the_dose_says_nothing() -> None:
    ended = decisions.from_document(
        {
            "who": "Maria",
            "when": "2026-01-01",
            "until": "2026-10-31",
            "medicare_secondary": {"patient": "p1", "type": "43"},
        }
    )
    found = standing_decisions.Decisions([ended])
    assert found.why_second("Patient/p1", date(2026, 10, 31)) == "43"
    assert found.why_second("Patient/p1", date(2026, 11, 1)) is None
    assert found.why_second("Patient/p2", date(2026, 10, 31)) is None


def test_the_newer_reason_holds_and_is_said_in_words() -> None:
    made: list[Decision] = [
        decisions.from_document(
            {"who": "M", "when": day, "medicare_secondary": {"patient": "p1", "type": kind}}
        )
        for day, kind in (("2026-11-02", "13"), ("2026-11-01", "12"))
    ]
    assert standing_decisions.Decisions(made).why_second("Patient/p1", date(2026, 11, 5)) == "13"
    assert made[0].decided.says == (
        "M decided on Nov 2, 2026: Medicare is secondary, ESRD, 30 months (13)"
    )


def test_a_medigap_plan_has_its_crossover_id() -> None:
    medigap = builders.coverage(
        None,
        "Evergreen Medigap",
        id="medigap",
        subscriberId="EV1",
        relationship=_coded("self"),
        type={"text": "Medicare Supplement"},
    )
    alias = replace(
        claims.PAYERS["Sunrise Health Plan"],
        kind="supplement",
        on_claims=replace(claims.PAYERS["Medicare"].on_claims, id="EVG01", crossover_id="55001"),
    )
    site = replace(claims.SITE, payer_aliases={**claims.PAYERS, "Evergreen Medigap": alias})
    segments = accepted(claims.chart(medigap), site)
    assert having(segments, "SBR*S") == ["SBR*S*18*******CI"]
    assert having(segments, "NM1*PR") == [
        "NM1*PR*2*MEDICARE*****PI*15202",
        "NM1*PR*2*EVERGREEN MEDIGAP*****PI*55001",
    ]


# Group and plan.


def in_a_group(*classes: tuple[str, str, str | None]) -> list[Resource]:
    plan = builders.commercial(subscriberId="W123", relationship=_coded("self"))
    plan["class"] = [
        {"type": _coded(kind), "value": value} | ({"name": name} if name else {})
        for kind, value, name in classes
    ]
    return claims.chart(plan, builders.authorization(), builders.note())


def test_the_group_number_stands_in_sbr() -> None:
    segments = accepted(in_a_group(("group", "G-77", "Acme"), ("plan", "P1", "Gold")))
    assert having(segments, "SBR") == ["SBR*P*18*G-77******CI"]


def test_without_a_group_number_the_plan_has_its_name() -> None:
    segments = accepted(in_a_group(("plan", "P1", "Gold PPO")))
    assert having(segments, "SBR") == ["SBR*P*18**GOLD PPO*****CI"]


@pytest.mark.parametrize(
    "groups", [[("group", "G-77", None), ("group", "G-78", None)], [("group", "G*77", "Acme")]]
)
def test_two_groups_or_one_that_cannot_be_carried_are_not_chosen_from(
    groups: list[tuple[str, str, str | None]],
) -> None:
    said = refused(in_a_group(*groups, ("plan", "P1", "Gold")))
    assert "one group number that X12 can carry (Coverage/coverage class)" in said


def test_the_same_group_twice_is_one() -> None:
    segments = accepted(in_a_group(("group", "G-77", None), ("group", "G-77", "Acme")))
    assert having(segments, "SBR") == ["SBR*P*18*G-77******CI"]


def test_medicare_has_no_group() -> None:
    medicare = builders.coverage(subscriberId="1EG4TE5MK73")
    medicare["class"] = [{"type": _coded("group"), "value": "MEDICARE"}]
    assert having(accepted(claims.chart(medicare)), "SBR") == ["SBR*P*18*******MB"]


# Where it was given.


def department(off_campus: Any, facility: Facility | None) -> tuple[list[Resource], Site]:
    """An off-campus department of a hospital, whose claim we write."""
    place = Place(pos="19", off_campus=off_campus, facility=facility)
    site = replace(claims.SITE, places={"office": place}, stand_alone=frozenset({"13X"}))
    return claims.chart(builders.location("19")), site


EAST = Facility(
    name="Riverside Infusion East",
    npi="1245319599",
    address=Address(line=("900 East Road",), city="Dayton", state="OH", postal_code="454021234"),
)


@pytest.mark.parametrize("modifier", ["PO", "PN"])
def test_an_off_campus_departments_claim_names_its_address(modifier: str) -> None:
    segments = accepted(*department(modifier, EAST))
    assert having(segments, "SV2") == [f"SV2*0636*HC:J1756:{modifier}*100*UN*200"]
    start = segments.index("NM1*77*2*RIVERSIDE INFUSION EAST*****XX*1245319599")
    assert segments[start + 1 : start + 3] == ["N3*900 EAST ROAD", "N4*DAYTON*OH*454021234"]


def test_in_fhir_the_place_is_named_as_well() -> None:
    chart, site = department("PO", EAST)
    document, records = claims.assessed(chart, site)
    (entry,) = fhir_claims(document, records, site, claims.NOW)["entry"]
    assert entry["resource"]["facility"] == {
        "identifier": {"system": claims.NPI, "value": "1245319599"},
        "display": "Riverside Infusion East",
    }


def test_without_the_address_it_waits() -> None:
    assert "the name and address of the off-campus department" in refused(*department("PO", None))


def test_an_office_elsewhere_is_a_service_facility() -> None:
    site = replace(claims.SITE, places={"office": Place(pos="11", facility=EAST)})
    segments = accepted(claims.chart(), site)
    assert having(segments, "CLM")[0].endswith("*11:B:1*Y*A*Y*Y")
    assert having(segments, "NM1*77") == ["NM1*77*2*RIVERSIDE INFUSION EAST*****XX*1245319599"]


# Who bills.


def test_a_person_bills_under_name_and_social_security_number() -> None:
    nephrologist = replace(
        claims.PROVIDER, name="Moss", given="Ruth", tax_id="987654321", tax_id_kind="SY"
    )
    segments = accepted(claims.chart(), replace(claims.SITE, billing_provider=nephrologist))
    assert having(segments, "NM1*85", "REF*SY") == [
        "NM1*85*1*MOSS*RUTH****XX*1234567893",
        "REF*SY*987654321",
    ]


def test_checks_go_to_a_box_where_the_site_says_so() -> None:
    box = Address(line=("PO Box 100",), city="Columbus", state="OH", postal_code="432160100")
    site = replace(claims.SITE, billing_provider=replace(claims.PROVIDER, pay_to=box))
    segments = accepted(claims.chart(), site)
    start = segments.index("NM1*87*2")
    assert segments[start + 1 : start + 3] == ["N3*PO BOX 100", "N4*COLUMBUS*OH*432160100"]


# NDCs.


def test_a_dose_just_above_a_unit_and_its_discard_are_written() -> None:
    dose = builders.administration(
        dose="100.0001 mg", ndc=builders.VENOFER_200, discarded="99.9999 mg"
    )
    segments = accepted(claims.chart(dose))
    assert having(segments, "SV1", "CTP") == [
        "SV1*HC:J1756*50.5*UN*101***1:2:3",
        "CTP****5*ML",
        "SV1*HC:J1756:JW*49.5*UN*99***1:2:3",
        "CTP****5*ML",
    ]


TWO_VIALS = builders.administration(
    dose="125 mg",
    ndc=None,
    opened=[{"ndc": builders.VENOFER_100}, {"ndc": builders.VENOFER_50}],
    discarded="25 mg",
)


@pytest.mark.parametrize(
    ("rule", "services"),
    [
        ("apart", ["HC:J1756*12.5*UN*25", "HC:J1756*50*UN*100", "HC:J1756:JW*12.5*UN*25"]),
        (
            "modifiers",
            ["HC:J1756:KP*12.5*UN*25", "HC:J1756:KQ*50*UN*100", "HC:J1756:JW*12.5*UN*25"],
        ),
        ("one", ["HC:J1756*62.5*UN*125", "HC:J1756:JW*12.5*UN*25"]),
    ],
)
def test_two_ndcs_leave_as_the_payer_has_it(rule: Any, services: list[str]) -> None:
    medicare = claims.PAYERS["Medicare"]
    alias = replace(medicare, on_claims=replace(medicare.on_claims, several_ndcs=rule))
    site = replace(claims.SITE, payer_aliases={**claims.PAYERS, "Medicare": alias})
    text, reasons = claims.leaving(claims.chart(TWO_VIALS), site)
    assert reasons == []
    segments = ["*".join(segment) for segment in parsed(text)]
    assert [
        segment.removeprefix("SV1*").removesuffix("***1:2:3") for segment in having(segments, "SV1")
    ] == (services)
    assert (claims.faults(text), claims.validated(text)) == ([], "")


def test_an_ndc_that_was_not_on_the_market_that_day_keeps_the_claim() -> None:
    """As after a release, when a table was brought up to date."""
    document, records = claims.assessed(claims.chart())
    (patient,) = document.patients
    (line,) = patient.lines
    early = replace(line, service_date="2025-09-21", ndc=NdcQuantity("00781348714", "10", "ML"))
    basis = Basis(site=claims.SITE, charging=price_list("hcpcs,charge\nJ1756,0.5\n", "prices.csv"))
    (found,) = prepare(patient.patient, [early], records[patient.patient], basis)
    assert isinstance(found, LeftOut)
    assert "the NDC 00781348714 was not on the market on Sep 21, 2025" in found.reasons
    (found,) = prepare(
        patient.patient,
        [replace(early, service_date="2025-09-22")],
        records[patient.patient],
        basis,
    )
    assert isinstance(found, LeftOut)
    assert not any("on the market" in reason for reason in found.reasons)


def test_a_months_diagnoses_stand_in_the_sequence_of_every_line() -> None:
    """R9: what caused the kidney disease stands before it, also where the month's first dose was
    given before it was known."""
    first = builders.administration(on="2026-11-02T09:00:00-05:00", order=None, encounter="visit")
    later = {**first, "id": "ma2", "effectiveDateTime": "2026-11-09T09:00:00-05:00"}
    month = {"start": "2026-11-01T00:00:00-05:00", "end": "2026-11-30T23:00:00-05:00"}
    visit = builders.encounter(id="visit", period=month, participant=claims.ATTENDER)
    cause = builders.condition("I12.0", onsetDateTime="2026-11-05", recordedDate="2026-11-05")
    text, problems = claims.written(claims.dialysis(visit, cause, first, later))
    assert problems == []
    assert text.count("LX*") == 2
    assert "HI*ABK:I120~\nHI*ABF:N186*ABF:D631*ABF:D509*ABF:Z992~" in text


def test_a_draft_of_acute_kidney_injury_in_dialysis_has_no_condition_code_yet() -> None:
    acute = claims.chart(
        builders.location("65"), builders.condition("N17.9"), without=("ckd", "anemia-in-ckd")
    )
    text, problems = claims.written(acute)
    assert problems == []
    assert "ABK:N179" in text


def twice_a_day(first: str, second: str) -> list[Resource]:
    """A pair of dose and discard at each of two visits of November 1."""
    found: list[Resource] = []
    visits = (("ma1", first, ("08", "10"), "09"), ("ma2", second, ("14", "16"), "15"))
    for given, name, hours, at in visits:
        start, end = (f"2026-11-01T{hour}:00:00-05:00" for hour in hours)
        period = {"start": start, "end": end}
        visit = builders.encounter(id=name, participant=claims.ATTENDER, period=period)
        dose = PAIR | {
            "id": given,
            "context": {"reference": f"Encounter/{name}"},
            "effectiveDateTime": f"2026-11-01T{at}:00:00-05:00",
        }
        found += [visit, dose]
    return found


@pytest.mark.parametrize("make", [claims.chart, claims.commercial])
def test_a_second_visit_of_the_day_is_no_duplicate(make: Any) -> None:
    """R4 gives each visit its lines; on a claim that has both, the second one's say so."""
    found = accepted(make(*twice_a_day("encounter", "later")))
    services = [segment.split("*")[1] for segment in having(found, "SV1")]
    assert services == ["HC:J1756", "HC:J1756:JW", "HC:J1756:76", "HC:J1756:JW:76"]


def test_a_hospitals_and_a_fhir_claim_tell_visits_apart_as_well() -> None:
    chart = claims.hospital(*twice_a_day("encounter", "later"))
    text, problems = claims.written(chart)
    assert (problems, claims.faults(text)) == ([], [])
    assert [segment.split("*")[2] for segment in having(text.split("\n"), "SV2")] == [
        "HC:J1756",
        "HC:J1756:76",
    ]
    document, records = claims.assessed(chart)
    (entry,) = fhir_claims(document, records, claims.SITE, claims.NOW)["entry"]
    modifiers = [
        [concept["coding"][0]["code"] for concept in item.get("modifier", ())]
        for item in entry["resource"]["item"]
    ]
    assert modifiers == [[], ["76"]]


def test_lines_of_one_visit_or_of_another_kind_are_no_repeats() -> None:
    document, _ = claims.assessed(claims.chart(PAIR))
    dose, discard = document.patients[0].lines
    other = replace(dose, id="other", modifiers=("JZ",))
    service, later = (replace(dose, id=name, code="96365") for name in ("first", "later"))
    assert again([dose, discard, other, service, later]) == {"later": "59"}
    third = replace(discard, id="third-discard", discard_of="third")
    repeated = again([dose, discard, replace(dose, id="third"), third])
    assert repeated == {"third": "76", "third-discard": "76"}
    assert again([dose], sent=[replace(dose, id="third"), third]) == {dose.id: "76"}
    elsewhere = replace(dose, id="third", place_of_service="22")
    assert again([dose], sent=[dose, elsewhere]) == {}
