"""Which kind of payer a Coverage tells of: by source-of-payment code, HL7 coverage type, name, or
the site's alias."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mappings.reading import Collection
from mappings.reading.authorizations import from_coverage
from mappings.reading.coverages import CoverageReader
from mappings.record import Coverage
from mappings.site import PayerAlias
from mappings.values.words import within
from tests import builders

NEW_YORK = ZoneInfo("America/New_York")
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


# A code with the words of its own table.
SOPT_WITH_WORDS = {"coding": [builders.coding(builders.SOPT, "1", "MEDICARE")]}


def read(
    resource: builders.Resource, *others: builders.Resource, **aliases: PayerAlias
) -> Coverage:
    collection = Collection()
    for other in others:
        collection.add(other, "test")
    found = CoverageReader(aliases).coverage(resource, collection)
    assert found
    return found


def kind(
    sopt: str | None = None, act: str | None = None, payor: str | None = "Sunrise", **extra: Any
) -> str | None:
    if act:
        extra["type"] = {"coding": [builders.coding(ACT_CODE, act)]}
    return read(builders.coverage(sopt, payor, **extra)).kind


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("12", "medicare"), ("121", "medicare"), ("129", "medicare"), ("1", None), ("19", None),
        ("11", "medicare-advantage"), ("111", "medicare-advantage"), ("119", "medicare-advantage"),
        ("14", "medicare-advantage"),
        ("122", "drug-only"), ("191", "drug-only"), ("291", "drug-only"), ("516", "drug-only"),
        ("2", "medicaid"), ("21", "medicaid"), ("211", "medicaid"), ("23", "medicaid"),
        ("29", "medicaid"),
        ("3", "government"), ("311", "government"), ("32", "government"), ("3123", "government"),
        ("5", "commercial"), ("511", "commercial"), ("512", "commercial"), ("521", "commercial"),
        ("59", "commercial"),
        ("6", "commercial"), ("61", "commercial"), ("622", "commercial"),
        ("515", "commercial"), ("391", "commercial"), ("523", "supplement"), ("623", "supplement"),
        ("299", "dental"), ("313", "dental"), ("517", "dental"), ("524", "dental"),
        ("561", "dental"), ("614", "dental"), ("629", "dental"),
        ("562", "vision"), ("32128", "vision"), ("56", "not-medical"),
        ("8", "self-pay"), ("81", "self-pay"), ("82", "self-pay"),
        ("7", None), ("71", None), ("9", None), ("99", None), ("9999", None), ("4", None),
    ],
)  # fmt: skip
def test_source_of_payment_codes(code: str, expected: str | None) -> None:
    assert kind(code) == expected


@pytest.mark.parametrize(
    "system",
    [
        "https://nahdo.org/sopt",
        "http://nahdo.org/sopt",
        "urn:oid:2.16.840.1.113883.3.221.5",
        "https://NAHDO.org/sopt",
    ],
)
def test_each_address_of_the_code_system(system: str) -> None:
    assert kind(type={"coding": [builders.coding(system, "21")]}) == "medicaid"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("EHCPOL", "commercial"), ("HIP", "commercial"), ("HMO", "commercial"),
        ("PPO", "commercial"), ("POS", "commercial"),
        ("MCPOL", "commercial"), ("RETIRE", "commercial"), ("GOVEMP", "commercial"),
        ("DRUGPOL", "drug-only"), ("DENTAL", "dental"), ("VISPOL", "vision"),
        ("SUBSUPP", "supplement"),
        ("WCBPOL", "government"), ("MILITARY", "government"), ("VET", "government"),
        ("LIFE", "not-medical"), ("AUTOPOL", "not-medical"), ("LTC", "not-medical"),
        ("FLEXP", "not-medical"),
        ("PUBLICPOL", None), ("SAFNET", None),
    ],
)  # fmt: skip
def test_coverage_types(code: str, expected: str | None) -> None:
    assert kind(act=code) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Medicare", "medicare"), ("MEDICARE PART B", "medicare"),
        ("Noridian Healthcare Solutions", "medicare"),
        ("Medicare Part A & B", "medicare"),
        ("Medicare Part A", "hospital-only"),
        ("Sunrise Medicare Advantage HMO", "medicare-advantage"),
        ("Medicare Supplement Plan G", "supplement"), ("Medigap", "supplement"),
        ("Medicare Part D", "drug-only"),
        ("Ohio Medicaid", "medicaid"), ("Medi-Cal", "medicaid"),
        ("Aetna", "commercial"), ("Blue Cross of Idaho", "commercial"),
        ("UnitedHealthcare", "commercial"),
        ("Aetna Medicare", None), ("WellCare", None), ("Sunrise", None),
        ("Medicareful Living", None), ("", None),
        ("Centers for Medicare & Medicaid Services", "medicare"),
        ("Centers for Medicare and Medicaid Services", "medicare"),
        ("Medicare and Medicaid", None),
        ("UnitedHealthcare Connected (Medicare-Medicaid Plan)", None),
        ("Medicare Prescription Drug Plan", "drug-only"), ("Medicare PDP", "drug-only"),
        ("Medicare Rx", "drug-only"),
        ("AARP MedicareRx Preferred", "drug-only"), ("Part D", "drug-only"),
        ("SilverScript Choice", "drug-only"),
        ("Aetna Medicare PDP", "drug-only"), ("Prescription Drug", "drug-only"),
        ("Medicare Part C", "medicare-advantage"), ("Medicare HMO", "medicare-advantage"),
        ("Medicare PPO", "medicare-advantage"),
        ("Medicare Replacement Plan", "medicare-advantage"),
        ("UHC Dual Complete", "medicare-advantage"),
        ("AARP Medicare Complete", "medicare-advantage"),
        ("UHC MedicareComplete", "medicare-advantage"),
        ("Humana Gold Plus", "medicare-advantage"),
        ("Medicare Advantage Prescription Drug Plan", "medicare-advantage"),
        ("Medicare Advantage with Prescription Drug", "medicare-advantage"),
        ("Medicare Advantage Dental", None),
        ("UHC Community Plan", "medicaid"), ("Aetna Better Health of Ohio", "medicaid"),
        ("Medicaid Dental", None),
        ("Dental", "dental"), ("Guardian Dental", "dental"), ("Cigna Dental PPO", "dental"),
        ("Vision", "vision"),
        ("Aetna Vision", "vision"),
        ("Medical and Dental", None), ("Medical, Dental & Vision", None),
        ("Medical, Dental and Vision", None), ("Medical/Dental", None),
        ("Medical and Prescription Drug", None), ("Medical and Dental - Aetna", "commercial"),
        ("Commercial", "commercial"), ("Commercial PPO", "commercial"),
        ("TRICARE", "government"), ("Delta Dental of Ohio", "dental"), ("VSP", "vision"),
        ("Self-Pay", "self-pay"),
    ],
)  # fmt: skip
def test_names(name: str, expected: str | None) -> None:
    assert kind(payor=name) == expected


@pytest.mark.parametrize(
    ("sopt", "act", "name", "expected"),
    [
        ("2", None, "Aetna Better Health", "medicaid"),
        ("21", None, "UnitedHealthcare Community Plan", "medicaid"),
        ("11", None, "Humana", "medicare-advantage"),
        ("11", None, "Medicare", "medicare-advantage"),
        ("12", None, "Humana", None),
        ("2", None, "Medicare", None),
        ("5", None, "Ohio Medicaid", None),
        (None, "HMO", "Medicare", "medicare-advantage"),
        (None, "HMO", "Ohio Medicaid", "medicaid"),
        (None, "PUBLICPOL", "Medicare", "medicare"),
        (None, "EHCPOL", "Medicare", "medicare"),
        (None, "DENTAL", "Medicare", None),
        ("81", None, "Medicare", None),
        ("1", None, "Centers for Medicare & Medicaid Services", "medicare"),
        ("121", None, "Centers for Medicare & Medicaid Services", "medicare"),
        ("121", None, "Medicare Part D", "drug-only"),
        ("5", None, "Cigna Dental", None),
        ("2", None, "Commercial", "medicaid"),
        ("1", None, "Commercial", None),
    ],
)
def test_code_and_name_together(
    sopt: str | None, act: str | None, name: str, expected: str | None
) -> None:
    assert kind(sopt, act, name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "MEDICARE WASHINGTON", "Medicare Part B - Northern California (Noridian JE)",
        "WPS GHA Medicare J5 Part B", "Medicare 00882", "Railroad Medicare (Palmetto GBA)",
        "Traditional Medicare", "MEDICARE FFS", "Medicare Part A/B", "Medicare B only",
        "Medicare Health Insurance", "NGS Medicare of New York", "MCR PART B",
    ],
)  # fmt: skip
def test_original_medicare_by_its_names(name: str) -> None:
    assert kind(payor=name) == "medicare"


@pytest.mark.parametrize("sopt", [None, "1"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Clover Health Medicare", None), ("Molina Medicare", None), ("Simply Medicare", None),
        ("Tufts Medicare Preferred", None), ("Medicare Blue Choice", None),
        ("Sunrise Medicare PPO", "medicare-advantage"),
        ("Sunrise Medicare Replacement", "medicare-advantage"),
    ],
)  # fmt: skip
def test_medicare_in_an_insurers_name(sopt: str | None, name: str, expected: str | None) -> None:
    found = read(builders.coverage(sopt, name))
    assert found.kind == expected
    assert expected or [one.says for one in found.unread] == [name]


@pytest.mark.parametrize("sopt", ["1", "19"])
@pytest.mark.parametrize(
    ("payor", "expected"),
    [
        (None, "medicare"),
        ("National Government Services", "medicare"),
        ("Noridian Healthcare Solutions", "medicare"),
        ("Palmetto GBA RRB", "medicare"),
        ("Devoted Health", None),
    ],
)
def test_a_code_of_all_of_medicare_leaves_a_strange_payer_open(
    sopt: str, payor: str | None, expected: str | None
) -> None:
    found = read(builders.coverage(sopt, payor))
    assert found.kind == expected
    assert any(one.is_of("Coverage.payor") for one in found.unread) == (expected is None)


@pytest.mark.parametrize("sopt", ["12", "121"])
def test_a_code_of_medicare_for_service_goes_before_words(sopt: str) -> None:
    assert kind(sopt, payor="Sunrise Medicare") == "medicare"


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("HMO", "medicare-advantage"), ("Gold PPO", "medicare-advantage"),
        ("Part B", "medicare"), ("MEDICARE", "medicare"),
    ],
)  # fmt: skip
def test_the_plan_of_a_payer_called_medicare(plan: str, expected: str) -> None:
    of_plan = {"type": {"coding": [{"code": "plan"}]}, "value": plan}
    assert read(builders.coverage("1", "Medicare") | {"class": [of_plan]}).kind == expected


@pytest.mark.parametrize(
    ("sopt", "display", "payor", "expected"),
    [
        ("2", "MEDICAID", "Medicare", None),
        ("1", "Medicare HMO", "Sunrise", "medicare-advantage"),
        ("11", "Medicare (Managed Care)", "Medicare", "medicare-advantage"),
        ("5", "PRIVATE HEALTH INSURANCE", "Ohio Medicaid", None),
        ("6", "BLUE CROSS/BLUE SHIELD", "Anthem", "commercial"),
        ("523", "Medicare supplemental policy (as second payer)", "Aetna", "supplement"),
    ],
)
def test_the_words_of_a_certain_code_decide_no_more_than_the_payers_name(
    sopt: str, display: str, payor: str, expected: str | None
) -> None:
    said = {"coding": [builders.coding(builders.SOPT, sopt, display)]}
    assert read(builders.coverage(None, payor) | {"type": said}).kind == expected


@pytest.mark.parametrize("medicare", [{"text": "Medicare"}, {"text": "MCR"}, SOPT_WITH_WORDS])
@pytest.mark.parametrize(
    ("payor", "expected"),
    [
        ("Humana Gold Plus HMO", "medicare-advantage"),
        ("UHC Medicare Advantage", "medicare-advantage"),
        ("Medicare Part A", "hospital-only"),
        ("AARP Medicare Supplement", "supplement"),
        ("Vitas Hospice", "hospice"),
        ("Illinois Medicaid", None),
        ("Railroad Medicare", "medicare"),
    ],
)
def test_medicare_as_the_type_is_all_of_medicares_plans(
    medicare: builders.Resource, payor: str, expected: str | None
) -> None:
    assert read(builders.coverage(None, payor) | {"type": medicare}).kind == expected


@pytest.mark.parametrize(
    ("name", "payer"),
    [
        ("Ambetter from Sunshine Health", "centene"), ("Centene", "centene"),
        ("WellCare Medicaid", "centene"),
        ("BlueCross BlueShield of South Carolina", "bcbs-south-carolina"),
        ("BCBS SC", "bcbs-south-carolina"),
        ("Blue Cross and Blue Shield of South Carolina", "bcbs-south-carolina"),
        ("Blue Cross Blue Shield of South Carolina", "bcbs-south-carolina"),
        ("Blue Cross Blue Shield SC", "bcbs-south-carolina"), ("BCBSSC", "bcbs-south-carolina"),
        ("BCBS of South Carolina", "bcbs-south-carolina"),
        ("BCBS South Carolina", "bcbs-south-carolina"),
        ("United Health Care", "uhc"), ("UnitedHealth Group", "uhc"), ("UHC Dual Complete", "uhc"),
        ("WellCare Medicare", "centene"),
        ("United Healthcare", "uhc"), ("UHC Choice Plus", "uhc"), ("Blue Cross of Idaho", None),
        ("Medicare", None),
    ],
)  # fmt: skip
def test_payers_with_a_policy_of_their_own(name: str, payer: str | None) -> None:
    assert read(builders.coverage("5", name)).payer == payer


class TestAlias:
    SUNRISE = PayerAlias(kind="commercial", payer="uhc")

    @pytest.mark.parametrize(
        "key",
        ["Organization/77", "77", "urn:naic|60054", "60054", "Sunrise Health", "sunrise HEALTH"],
    )
    def test_by_id_identifier_or_name(self, key: str) -> None:
        organization = builders.resource(
            resourceType="Organization",
            id="77",
            name="Sunrise Health",
            identifier=[{"system": "urn:naic", "value": "60054"}],
        )
        resource = builders.coverage(None, None) | {"payor": [{"reference": "Organization/77"}]}
        found = read(resource, organization, **{key: self.SUNRISE})
        assert (found.kind, found.payer) == ("commercial", "uhc")

    def test_counts_before_code_and_name(self) -> None:
        assert read(builders.coverage("121", "Sunrise"), Sunrise=self.SUNRISE).kind == "commercial"


@pytest.mark.parametrize(("status", "active"), [("active", True), ("cancelled", False)])
def test_status(status: str, active: bool) -> None:
    assert read(builders.coverage(status=status)).active is active


@pytest.mark.parametrize("status", ["entered-in-error", "draft"])
def test_one_that_never_was(status: str) -> None:
    assert CoverageReader({}).coverage(builders.coverage(status=status), Collection()) is None


def test_a_patient_who_pays() -> None:
    resource = builders.coverage(None, None) | {"payor": [{"reference": "Patient/p1"}]}
    assert read(resource).kind == "self-pay"


def test_a_patient_who_pays_beside_a_payer_nobody_knows() -> None:
    resource = builders.coverage(None, None) | {
        "payor": [{"reference": "Patient/p1"}, {"display": "Sunrise"}]
    }
    assert read(resource).kind is None


@pytest.mark.parametrize(
    ("name", "act", "conflict"),
    [
        ("Aetna Medicare", None, True),
        ("Sunrise", None, False),
        ("Medicare", "HMO", False),
        ("Aetna", None, False),
    ],
)
def test_a_contradiction_is_told_from_silence(name: str, act: str | None, conflict: bool) -> None:
    extra: dict[str, Any] = {"type": {"coding": [builders.coding(ACT_CODE, act)]}} if act else {}
    assert read(builders.coverage(None, name, **extra)).conflict is conflict


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Dental", "MetLife", "dental"), ("Vision", "EyeMed", "vision"),
        ("Prescription Drug", "Express Scripts", "drug-only"),
        ("Commercial", "Sunrise", "commercial"), ("Commercial PPO", "Sunrise", "commercial"),
        ("Commercial", "Medicare", None),
        ("Medicare Advantage", "Medicare", "medicare-advantage"), ("HMO", "Sunrise", None),
    ],
)  # fmt: skip
def test_the_type_as_text(text: str, name: str, expected: str | None) -> None:
    assert kind(payor=name, type={"text": text}) == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (
            {"type": {"coding": [{"code": "plan"}]}, "value": "Medicare Advantage Gold"},
            "medicare-advantage",
        ),
        (
            {
                "type": {"coding": [{"code": "plan"}]},
                "value": "1",
                "name": "Medicare Advantage Gold",
            },
            "medicare-advantage",
        ),
        (
            {"type": {"coding": [{"code": "group"}]}, "name": "Medicare Advantage Gold"},
            "medicare-advantage",
        ),
        ({"type": {"coding": [{"code": "rxid"}]}, "value": "Part D"}, "medicare"),
        ({"type": {"coding": [{"code": "plan"}]}}, "medicare"),
    ],
)
def test_the_plan_of_a_coverage(plan: builders.Resource, expected: str) -> None:
    assert read(builders.coverage(None) | {"class": [plan]}).kind == expected


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2026-11-01T00:00:00Z", date(2026, 11, 1), date(2026, 11, 1)),
        ("2026-11-01T00:00:00.000+00:00", date(2026, 11, 1), date(2026, 11, 1)),
        ("2026-11-01T00:00:01Z", date(2026, 10, 31), date(2026, 10, 31)),
        ("2026-11-01T00:00:00-05:00", date(2026, 11, 1), date(2026, 11, 1)),
        ("2026-11-01", date(2026, 11, 1), date(2026, 11, 1)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
    ],
)
def test_midnight_utc_means_the_date(written: str, first: date, last: date) -> None:
    found = read(builders.coverage(period={"start": written, "end": written}))
    assert found.start
    assert found.end
    assert found.start.days(NEW_YORK) == found.end.days(NEW_YORK) == (first, last)


NUMBER = {"url": "https://example.org/fhir/preAuthRef", "valueString": "PA5"}


@pytest.mark.parametrize(
    ("imported", "numbers"),
    [
        ({"preAuthRef": "PA5"}, ["PA5"]),
        ({"preAuthRef": ["PA5", "PA6"]}, ["PA5", "PA6"]),
        ({"extension": [NUMBER]}, ["PA5"]),
        (
            {
                "extension": [
                    {"url": "urn:example:preAuthRef", "valueIdentifier": {"value": " PA5 "}}
                ]
            },
            ["PA5"],
        ),
        (
            {"extension": [{"url": "https://example.org/fhir/noPreAuthRef", "valueString": "PA5"}]},
            [],
        ),
        ({"extension": [{"url": "https://example.org/fhir/preAuthRef", "valueBoolean": True}]}, []),
        ({"preAuthRef": [7, " "], "extension": "PA5"}, []),
        ({"preAuthRef": "PA5", "status": "cancelled"}, []),
        ({}, []),
    ],
)
def test_an_authorization_that_was_imported_with_a_coverage(
    imported: dict[str, Any], numbers: list[str]
) -> None:
    assert [found.reference for found in from_coverage(builders.coverage() | imported)] == numbers


def test_such_an_authorization_is_for_any_iron_as_long_as_the_coverage_runs() -> None:
    (found,) = from_coverage(
        builders.coverage(preAuthRef="PA5", period={"start": "2026-01-01", "end": "2026-12-31"})
    )
    assert (found.decision, found.units, found.source.resource) == (
        "approved",
        None,
        "Coverage/coverage",
    )
    assert {"J1756", "J2916", "Q0138", "Q0139", "J1439", "J1437", "J1750"} <= set(found.codes)
    assert found.start
    assert found.end
    assert (found.start.first, found.end.last) == (date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kaiser Senior Advantage", "medicare-advantage"),
        ("Humana Choice PPO", "medicare-advantage"),
        ("Humana Dual Integrated", "medicare-advantage"),
        ("Cigna HealthSpring", "medicare-advantage"),
        ("Anthem MediBlue Access PPO", "medicare-advantage"),
        ("Blue Medicare HMO", "medicare-advantage"),
        ("Keystone 65 HMO", "medicare-advantage"),
        ("Aetna Duals", "medicare-advantage"), ("UHC Evercare", "medicare-advantage"),
        ("Anthem HealthKeepers Plus", "medicaid"), ("Blue Cross Complete of Michigan", "medicaid"),
        ("Humana Healthy Horizons", "medicaid"), ("Blue Shield Promise", "medicaid"),
        ("Healthy Blue", "medicaid"), ("Amerigroup", "medicaid"), ("UHCCP", "medicaid"),
        ("Humana Military", "government"), ("VACCN Optum", "government"),
        ("Medicare Select", "supplement"), ("Aetna Senior Supplemental", "supplement"),
        ("Express Scripts", "drug-only"),
        ("Humana", "commercial"), ("Anthem", "commercial"), ("Kaiser Permanente", "commercial"),
    ],
)  # fmt: skip
def test_an_insurers_public_plan_by_its_brand(name: str, expected: str) -> None:
    assert kind(payor=name) == expected


@pytest.mark.parametrize(
    ("begins", "within_one"),
    [
        ("Transferrin saturation", "transferrin saturation"), ("A ferritin", "a ferritin"),
        ("NDC of the product", "NDC of the product"), ("J1756 is", "J1756 is"), ("", ""),
    ],
)  # fmt: skip
def test_what_begins_a_sentence_stands_within_one(begins: str, within_one: str) -> None:
    assert within(begins) == within_one
