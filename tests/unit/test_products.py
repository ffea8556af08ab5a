"""R2: NDCs brought to eleven digits, names in texts, and evidence that agrees or does not."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mappings import codes
from mappings.codes.freshness import lacking
from mappings.codes.tables import NotBillable, Package
from mappings.dose.product import billing_code
from mappings.policy import choosing
from mappings.reading.drugs.mixtures import is_mixture
from mappings.reading.drugs.products import ProductFinder, agreed, normal_ndc
from mappings.record import Coding, Concept
from tests import builders

FINDER = ProductFinder()


def family(text: str = "", *codings: Coding) -> str | None:
    return agreed(FINDER.find(Concept(codings, text)).evidence)[0]


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("00517-2340-10", "00517234010"),
        ("00517234010", "00517234010"),
        (" 00517234010 ", "00517234010"),
        ("0517-2340-10", "00517234010"),
        ("49230-534-10", "49230053410"),
        ("76329-9200-1", "76329920001"),
    ],
)
def test_an_ndc_in_eleven_digits(written: str, normal: str) -> None:
    assert normal_ndc(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        "", "0517234010", "051723401", "005172340100", "0517-2340", "517-2340-10", "0517-234-10",
        "0517-2340-1", "49230-534-1",
        "00517-02340-10", "00517-2340-010", "00517 2340 10", "0051723401X", "٠٠٥١٧٢٣٤٠١٠",
        "-0517-2340-10",
    ],
)  # fmt: skip
def test_what_is_no_ndc_or_more_than_one(written: str) -> None:
    assert normal_ndc(written) is None


@given(st.text(alphabet="0123456789-", max_size=15))
def test_a_normal_ndc_is_eleven_digits_and_stays(written: str) -> None:
    found = normal_ndc(written)
    if found is not None:
        assert len(found) == 11
        assert normal_ndc(found) == found
        assert normal_ndc(f"{found[:5]}-{found[5:9]}-{found[9:]}") == found


@pytest.mark.parametrize("package", codes.package_table().packages, ids=lambda package: package.ndc)
def test_every_package_is_its_product_and_a_whole_vial_is_billed_without_waste(
    package: Package,
) -> None:
    ndc = package.ndc
    given = builders.administration(
        dose=f"{package.mg} mg", text=None, ndc=f"{ndc[:5]}-{ndc[5:9]}-{ndc[9:]}"
    )
    (line,) = builders.assessed(given).lines
    code = billing_code(codes.families()[package.family], "other", None)
    assert code is not None
    assert (line.code, line.modifiers) == (code.code, ("JZ",))
    assert line.units == -(-package.mg // code.mg_per_unit)
    assert line.ndc is not None
    assert (line.ndc.code, Decimal(line.ndc.quantity)) == (ndc, package.ml)


@pytest.mark.parametrize(
    "packaged", codes.package_table().not_billable, ids=lambda packaged: packaged.product
)
def test_a_bulk_or_imaging_ndc_never_bills(packaged: NotBillable) -> None:
    ndc = f"{packaged.product[:5]}-{packaged.product[5:]}-01"
    named = builders.assessed(builders.administration(text="iron sucrose", ndc=ndc))
    assert (named.lines, builders.gaps(named)) == ((), ["product contradicted"])
    alone = builders.chart(builders.administration(text=None, ndc=ndc, order=None))
    assert builders.document_of(alone).patients == ()


NAMES = [(name, family.family) for family in codes.products().families for name in family.names]


@pytest.mark.parametrize(("name", "expected"), NAMES, ids=[name for name, _ in NAMES])
def test_every_name_in_every_dress(name: str, expected: str) -> None:
    for text in (
        name,
        name.upper(),
        f"({name})",
        f"{name}, 5 mL",
        name.replace(" ", "-"),
        f"inj. {name}®",
        f"  {name.title()}  ",
    ):
        assert family(text) == expected
    for text in (f"x{name}", f"{name}x"):
        assert family(text) in (None, expected)


@pytest.mark.parametrize(
    "text",
    [
        "iron", "Iron 200 mg", "ferric citrate", "Auryxia", "iron polysaccharide", "Elmiron",
        "busPIRone", "Axiron", "ferrous sulfate",
        "ferrous gluconate", "environment", "sucrose", "dextran 40", "Venoferox", "infedx",
        "ferric", "IRON PO", "carboxymaltose",
    ],
)  # fmt: skip
def test_names_that_only_look_alike(text: str) -> None:
    assert family(text) is None


@pytest.mark.parametrize("before", ["saline ", "saline " * 200])
def test_what_is_given_around_an_iron_names_none(before: str) -> None:
    assert family(f"{before}before iron sucrose") is None
    assert family(f"{before}and iron sucrose") == "iron-sucrose"


def test_a_name_that_is_repeated_is_found_in_no_time() -> None:
    begun = time.process_time()
    assert family("iron sucrose " * 20_000) == "iron-sucrose"
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Veno\u00adfer", "iron-sucrose"),
        ("Ven\u200bofer 100 mg", "iron-sucrose"),
        ("V\u00e9nofer", "iron-sucrose"),
        ("\uff36\uff45\uff4e\uff4f\uff46\uff45\uff52", "iron-sucrose"),
        ("Venofer\u2122", "iron-sucrose"),
        ("VENOFER20MG/ML", "iron-sucrose"),
        ("INJECTAFER750MG/15ML VIAL", "ferric-carboxymaltose"),
        ("J1756", "iron-sucrose"),
        ("j2916", "ferric-gluconate"),
        ("premedication for J1756", None),
        ("1J1756X", None),
        ("B12VENO FER", None),
    ],
)
def test_a_name_is_read_through_what_nobody_sees(text: str, expected: str | None) -> None:
    assert family(text) == expected


@pytest.mark.parametrize("code", codes.products().not_iv_iron.rxnorm)
def test_iron_by_mouth_is_no_evidence_and_contradicts(code: str) -> None:
    oral = Coding("rxnorm", code)
    assert family("", oral) is None
    assert agreed(FINDER.find(Concept((oral,), "Venofer")).evidence)[2] is not None


CODINGS = [
    *(
        (Coding("rxnorm", code), family.family)
        for family in codes.products().families
        for code in family.rxnorm
    ),
    *(
        (Coding("hcpcs", code.code), family.family)
        for family in codes.products().families
        for code in family.codes
    ),
    *(
        (Coding("hcpcs", code), family.family)
        for family in codes.products().families
        for code in family.retired
    ),
    *(
        (Coding("http://www.whocc.no/atc", code), family.family)
        for family in codes.products().families
        for code in family.atc
    ),
]


@pytest.mark.parametrize(
    ("coding", "expected"), CODINGS, ids=[coding.code for coding, _ in CODINGS]
)
def test_every_code_is_its_product_and_contradicts_every_other(
    coding: Coding, expected: str
) -> None:
    assert family("", coding) == expected
    for other in codes.products().families:
        found, _, clash = agreed(FINDER.find(Concept((coding,), other.names[0])).evidence)
        agrees = other.family == expected or other.vague
        assert (found, clash is None) == ((expected, True) if agrees else (None, False))


def test_a_code_of_an_unknown_system_is_no_evidence() -> None:
    assert (
        family(
            "", Coding("urn:other", "J1756"), Coding("", "24909"), Coding("urn:other", "B03AC02")
        )
        is None
    )
    assert (
        family(
            "",
            Coding("http://www.whocc.no/atc", "B03AC"),
            Coding("hcpcs", "J0885"),
            Coding("rxnorm", "1"),
        )
        is None
    )


@pytest.mark.parametrize(
    "text",
    [
        "Venofer Injectafer",
        "venofer/injectafer",
        "Injectafer, Venofer",
        "iron sucrose ferric carboxymaltose",
    ],
)
def test_two_names_side_by_side_are_both_seen(text: str) -> None:
    found, _, clash = agreed(FINDER.find(Concept((), text)).evidence)
    assert (found, clash) == (None, "name says ferric carboxymaltose but name says iron sucrose")


@pytest.mark.parametrize(
    ("text", "display", "diluted"),
    [
        ("Venofer", "Venofer", False),
        ("Venofer", "iron sucrose in sodium chloride 0.9 %", True),
        ("Venofer IVPB", "", True),
        ("Venofer 100 mg/5 mL", "iron sucrose 20 mg/mL", False),
        ("Venofer 100 mg/5 mL", "iron sucrose 2 mg/mL", True),
        ("Venofer 1,000 mg per 50 mL", "", False),
        ("Venofer 200 mg in 100 mL", "", True),
        ("Venofer 0 mg/0 mL", "", False),
        ("Ondansetron 4 mg/2 mL in NS", "", True),
        # Beside a product that another text names, any product's strength and vial will do.
        ("100 mg/5 mL, vial of 17 mL", "", False),
        ("200 mg in 100 mL", "", True),
        ("of 100 mL", "", True),
    ],
)
def test_a_mixture_is_told_by_any_of_its_texts(text: str, display: str, diluted: bool) -> None:
    assert FINDER.find(Concept((Coding("urn:x", "1", display),), text)).diluted is diluted


@pytest.mark.parametrize(
    "text",
    [
        "VENOFER 200 MG-NS 100 ML", "VENOFER 200 MG-NS 20 ML", "iron sucrose/0.9% NaCl",
        "iron sucrose 0.2 g/100 mL",
        "iron sucrose 200 mg, NS 100 mL", "iron sucrose 200 mg in LR 100 mL",
        "Venofer 200 mg/NS 100 mL", "iron sucrose 300 mg + NS 250 mL",
        "iron sucrose 200 mg w/ NS 100 mL", "iron sucrose 200 mg added to NS 100 mL",
        "iron sucrose 200 mg / saline 100mL",
        "iron sucrose 200 mg in a total volume of 100 mL", "iron sucrose premix bag",
        "iron sucrose infusion 100 mL bag",
        "iron sucrose infusion",
        "iron sucrose 200 mg 100 mL", "iron sucrose 200 mg (100 cc)", "100 ML iron sucrose 2 MG/ML",
        "Venofer 20 mg/mL 100 mL",
        "Venofer 0.1 L",
        "Venofer 100-mL", "Venofer 1 liter", "Venofer 1 litre", "Venofer 100 milliliters",
        "iron sucrose 100 mg IV 10 mL",
        "Venofer 2000 mcg/mL",
        "Venofer 2 mg iron/mL", "Venofer 2 mg elemental iron per mL", "Venofer 2 mg Fe/mL",
        "Venofer 1 gm/mL", "Venofer 1 gram/mL",
        "Venofer 20 mg/L", "Venofer 200 mg/15.5 mL", "Venofer 15 mL", "Venofer 17 mL",
    ],
)  # fmt: skip
def test_what_names_a_mixture(text: str) -> None:
    assert is_mixture(text, {"iron-sucrose"})


@pytest.mark.parametrize(
    "text",
    [
        "Venofer", "Venofer 20 mg/mL", "iron sucrose 100 mg/5 mL injection",
        "VENOFER 100 MG/5 ML VIAL",
        "Iron sucrose 200 mg/10 mL IV solution",
        "5 ML iron sucrose 20 MG/ML Injection [Venofer]", "Venofer 10 mL vial", "Venofer 5-mL vial",
        "iron sucrose 100 mg iron/5 mL",
        "Venofer 20 mg elemental iron/mL", "iron sucrose 200 mg (20 mg/mL) 10 mL",
        "two vials of 100 mg, 200 mg, 10 mL",
        "Venofer 0.1 g/5 mL",
        "Venofer 1,000 mg per 50 mL", "Venofer 20000 mcg/mL", "Venofer 300 mg 15 mL",
        "Venofer 0.005 L", "Venofer 1 g in 50 mL",
        "Venofer 20 mg/mL solution for injection/infusion",
        "Venofer 20 mg/mL concentrate for solution for infusion",
    ],
)  # fmt: skip
def test_what_names_a_vial(text: str) -> None:
    assert not is_mixture(text, {"iron-sucrose"})


@pytest.mark.parametrize("package", codes.package_table().packages, ids=lambda package: package.ndc)
def test_every_package_by_its_own_strength_and_volume_is_a_vial(package: Package) -> None:
    assert not is_mixture(f"{package.mg} mg/{package.ml} mL", {package.family})
    assert not is_mixture(f"{package.ml} mL vial", {package.family})


@pytest.mark.parametrize("name", codes.products().diluents.names)
def test_every_fluid_and_bag_names_a_mixture(name: str) -> None:
    assert is_mixture(f"Venofer ({name.upper()})", {"iron-sucrose"})


def test_the_limits_of_a_day_are_those_that_cms_published() -> None:
    known = {row.code: row.mue for family in codes.families().values() for row in family.codes}
    assert {code: most for code, most in known.items() if most} == {
        "J1756": 500,
        "J2916": 20,
        "Q0138": 510,
        "Q0139": 510,
        "J1750": 45,
        "J1439": 1000,
        "J1437": 100,
        "J1443": 272,
        "J1444": 272,
        "J1445": 68,
    }


@pytest.mark.parametrize(("claim", "most"), [("professional", 272), ("institutional", 0)])
def test_a_hospital_may_have_another_limit_of_a_day(claim: str, most: int) -> None:
    rows = [row for family in codes.families().values() for row in family.codes]
    assert [row.most_units(claim) for row in rows if row.code == "J1443"] == [most]
    assert {row.most_units(claim) for row in rows if row.code == "J1756"} == {500}


def test_no_policy_repeats_the_limits_of_the_codes() -> None:
    """NCCI's stand in the code table alone."""
    rules = [policy.requirements.units_limit for policy in choosing.built_in().policies]
    assert [rule.limits for rule in rules if rule and rule.mue] == [{}] * 7


def test_a_drug_that_lacks_a_row_is_named() -> None:
    assert not list(lacking(codes.built_in()))
    tables = codes.built_in()
    opps = structs.replace(tables.payment.opps, status={})
    payment = structs.replace(tables.payment, limits=(), opps=opps)
    without = structs.replace(tables, dosing=(), payment=payment)
    assert "J1756 (iron sucrose) has no label dose, no price, no OPPS status" in lacking(without)


@pytest.mark.parametrize(
    "text",
    ["N400517234010", "n4 00517-2340-10", "NDC 0517-2340-10", "NDC: 00517234010", "NDC00517234010"],
)
def test_an_ndc_with_what_claims_and_labels_write_before_it(text: str) -> None:
    assert normal_ndc(text) == "00517234010"
