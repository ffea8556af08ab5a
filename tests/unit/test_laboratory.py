"""Laboratory results: units, codes, what lies too soon after a dose, and a TSAT derived from one
specimen."""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs
from ucumvert import PintUcumRegistry

from mappings import codes
from mappings.charge.iron_history import IronHistory
from mappings.circumstances import labs
from mappings.codes.clinical import Analyte
from mappings.dose.doses import Doses
from mappings.reading import Collection, Reader
from mappings.reading.labs import quantities
from mappings.record import (
    Administration,
    Amount,
    Drug,
    LabResult,
    PatientRecord,
    Source,
)
from mappings.site import Site
from mappings.values import moment
from tests import builders
from tests.builders import Resource

UCUM = [
    (analyte.analyte, analyte.unit, unit, factor)
    for analyte in codes.labs().analytes
    for unit, factor in analyte.units.items()
    if unit in ("ug/L", "ng/mL", "ug/dL", "g/dL", "g/L", "mg/L", "mg/dL", "%", "kg", "g", "[lb_av]")
]
# 1 umol of iron weighs 55.845 ug: umol/L × 5.5845 = ug/dL. The table has 5.587, from labunits'
# 0.179. Transferrin: 79,570 ug.
IRON = {"umol/L": 5.5845}
MOLAR = {
    "ferritin": {"pmol/L": 0.445}, "iron": IRON, "tibc": IRON, "uibc": IRON,
    "transferrin": {"umol/L": 7.957}, "hemoglobin": {"mmol/L": 1.611}
}  # fmt: skip


@cache
def ucum() -> Any:
    return PintUcumRegistry()


@pytest.mark.parametrize(("analyte", "canonical", "unit", "factor"), UCUM)
def test_factors_agree_with_ucum(analyte: str, canonical: str, unit: str, factor: Decimal) -> None:
    converted = (1 * ucum().from_ucum(unit)).to(ucum().from_ucum(canonical)).magnitude
    assert float(factor) == pytest.approx(converted, rel=1e-9)


@pytest.mark.parametrize("analyte", codes.labs().analytes, ids=lambda found: found.analyte)
def test_molar_factors_are_those_of_the_molar_mass(analyte: Analyte) -> None:
    molar = {
        unit: float(factor)
        for unit, factor in analyte.units.items()
        if unit.endswith("mol/L") and unit.isascii() and unit != "micromol/L"
    }
    assert molar == pytest.approx(MOLAR.get(analyte.analyte, {}), rel=1e-3)


@pytest.mark.parametrize("analyte", codes.labs().analytes, ids=lambda found: found.analyte)
def test_a_row_that_is_not_verified_says_what_of_it(analyte: Analyte) -> None:
    assert analyte.verified is not bool(analyte.unverified)
    assert set(analyte.unverified) <= {*analyte.loinc, *analyte.units}


@pytest.mark.parametrize("analyte", codes.labs().analytes, ids=lambda found: found.analyte)
def test_each_analyte_reads_its_own_unit(analyte: Analyte) -> None:
    assert analyte.units.get(analyte.unit, Decimal(1)) == 1


def record(*resources: Resource, **site: Any) -> PatientRecord:
    collection = Collection()
    for resource in (builders.administration(), *resources):
        collection.add(resource, "test")
    (found,), _ = Reader(Site(**site)).records(collection)
    return found


def value(*resources: Resource, **site: Any) -> list[tuple[str, str | None, str | None]]:
    return [
        (result.analyte, str(result.value) if result.value is not None else None, result.problem)
        for result in record(*resources, **site).labs
    ]


class TestUnits:
    @pytest.mark.parametrize(
        ("unit", "read"),
        [
            ("ng/mL", "42"), ("ng/ml", "42"), ("NG/ML", "42"), ("ug/L", "42"), ("µg/L", "42"),
            ("μg/L", "42"), ("mcg/L", "42"),
            ("pmol/L", "18.690"), (" ng/mL ", "42"),
            ("mg/dL", None), ("mg/L", None), ("ng/dL", None), ("IU/L", None), ("ng", None),
            ("%", None), ("", None), ("unit", None),
        ],
    )  # fmt: skip
    def test_of_ferritin(self, unit: str, read: str | None) -> None:
        ((_, found, problem),) = value(builders.ferritin(valueQuantity={"value": 42, "unit": unit}))
        assert found == read
        assert (problem is None) is (read is not None)

    @pytest.mark.parametrize(
        ("number", "unit", "read"),
        [
            ("0.9", "%", "0.9"), ("90", "%", "90"), ("14", "percent", "14"), ("14", "%SAT", "14"),
            ("14", "% sat", "14"), ("14", "pct", "14"),
            ("0.9", "1", "90.0"), ("1", "1", "100"), ("0.14", "{ratio}", "14.00"),
            ("0.14", "Fraction", "14.00"),
            ("0.14", "mol/mol", "14.00"),
            ("1.01", "1", None), ("14", "ratio", None), ("14", "", None), ("14", "ug/dL", None),
        ],
    )  # fmt: skip
    def test_of_saturation(self, number: str, unit: str, read: str | None) -> None:
        ((_, found, _),) = value(
            builders.tsat(valueQuantity={"value": Decimal(number), "unit": unit})
        )
        assert found == read

    @pytest.mark.parametrize(
        ("number", "unit", "read"),
        [
            ("10.5", "g/dL", "10.5"), ("105", "g/L", "10.5"), ("6.5", "mmol/L", "10.4715"),
            ("10.5", "g%", "10.5"), ("10.5", "gm%", "10.5"),
            ("10.5", "g/100 mL", "10.5"), ("10.5", "g/100mL", "10.5"),
        ],
    )  # fmt: skip
    def test_of_hemoglobin(self, number: str, unit: str, read: str) -> None:
        ((_, found, _),) = value(
            builders.lab("hemoglobin", valueQuantity={"value": Decimal(number), "unit": unit})
        )
        assert Decimal(found or 0) == Decimal(read)

    @pytest.mark.parametrize("analyte", ["iron", "tibc", "uibc"])
    @pytest.mark.parametrize(
        ("number", "unit"),
        [
            ("420", "ug/L"),
            ("420", "mcg/L"),
            ("420", "µg/L"),
            ("0.42", "mg/L"),
            ("42", "ug%"),
            ("42", "µg%"),
            ("42", "MCG%"),
            ("42", "ug/dL"),
        ],
    )
    def test_of_iron_and_its_binding_capacity(self, analyte: str, number: str, unit: str) -> None:
        ((_, found, _),) = value(
            builders.lab(analyte, valueQuantity={"value": Decimal(number), "unit": unit})
        )
        assert Decimal(found or 0) == 42

    @pytest.mark.parametrize(
        ("quantity", "says"),
        [
            ({"value": 20, "unit": "umol/L"}, "20 umol/L × 5.587 = 111.74 ug/dL"),
            (
                {"value": 20, "unit": "umol/L", "comparator": "<"},
                "<20 umol/L × 5.587 = <111.74 ug/dL",
            ),
            ({"value": 42, "unit": "MCG/DL"}, "42 MCG/DL"),
        ],
    )
    def test_a_converted_value_says_how(self, quantity: Resource, says: str) -> None:
        assert [
            result.says for result in record(builders.lab("iron", valueQuantity=quantity)).labs
        ] == [says]

    @pytest.mark.parametrize(
        ("analyte", "unit", "says"),
        [
            ("ferritin", "PMOL/L", "10 PMOL/L × 0.445 = 4.45 ng/mL (factor not verified)"),
            ("transferrin", "umol/L", "10 umol/L × 7.957 = 79.57 mg/dL (factor not verified)"),
            ("hemoglobin", "mmol/L", "10 mmol/L × 1.611 = 16.11 g/dL (factor not verified)"),
            ("hemoglobin", "g/L", "10 g/L × 0.1 = 1 g/dL"),
        ],
    )
    def test_and_whether_its_factor_is_verified(self, analyte: str, unit: str, says: str) -> None:
        found = record(builders.lab(analyte, valueQuantity={"value": 10, "unit": unit})).labs
        assert [result.says for result in found] == [says]


class TestText:
    @pytest.mark.parametrize(
        ("text", "low", "high"),
        [
            ("42 ng/mL", "42", "42"), ("42.5ng/mL", "42.5", "42.5"), (">45 ng/mL", "45", None),
            ("< 5 ng/mL", "0", "5"),
            (">= 1650 ug/L", "1650", None), ("≥1650 ng/mL", "1650", None), ("≤ 5 ng/mL", "0", "5"),
            ("01 ng/mL", "1", "1"),
            ("1,650 ng/mL", "1650", "1650"), ("1,650.5 ng/mL", "1650.5", "1650.5"),
            ("1,234,567 ng/mL", "1234567", "1234567"),
            ("30-50 ng/mL", "30", "50"), ("30 – 50 ng/mL", "30", "50"),
            ("30 to 50.5 ng/mL", "30", "50.5"),
            ("990-1,010 ng/mL", "990", "1010"),
            ("42 ng/mL (low)", "42", "42"), ("42 ng/mL LL", "42", "42"),
            ("42 ng/mL high", "42", "42"), ("42 ng/mL(HH)", "42", "42"),
            ("42\u00a0ng/mL H", "42", "42"), (">45 ng/mL L", "45", None),
            ("42 ng/mL (ref 10-200)", "42", "42"),
        ],
    )  # fmt: skip
    def test_a_number_with_its_unit_is_read(self, text: str, low: str, high: str | None) -> None:
        (found,) = record(builders.ferritin(valueQuantity=None, valueString=text)).labs
        assert (found.low, found.high) == (Decimal(low), Decimal(high) if high else None)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("42", "without a unit"), (">45", "without a unit"), ("42 L", "without a unit"),
            ("30-50", "without a unit"),
            ("1,650", "without a unit"),
            ("42 ng/mL 43 ng/mL", "in a unit that is not used for it"),
            ("4.2e1 ng/mL", "in a unit that is not used for it"),
            ("42 ng/mL (was 24)", "written as text that is not read"),
            ("42 ng/mLH", "in a unit that is not used for it"),
            ("see comment", "written as text that is not read"),
            ("", "written as text that is not read"),
            ("-3 ng/mL", "written as text that is not read"),
            ("1 650 ng/mL", "written as text that is not read"),
            ("1,65 ng/mL", "written as text that is not read"),
            ("1,6500 ng/mL", "written as text that is not read"),
            ("1.650,5 ng/mL", "written as text that is not read"),
            ("1.2.3 ng/mL", "written as text that is not read"),
            ("0,650 ng/mL", "written as text that is not read"),
            ("30-50-70 ng/mL", "written as text that is not read"),
            (">30-50 ng/mL", "written as text that is not read"),
            ("=42 ng/mL", "written as text that is not read"),
        ],
    )  # fmt: skip
    def test_anything_else_is_not(self, text: str, problem: str) -> None:
        (found,) = record(builders.ferritin(valueQuantity=None, valueString=text)).labs
        assert (found.low, found.high, found.problem) == (None, None, problem)

    @pytest.mark.parametrize("text", ["14,123 %", "1,234-1,300 %", "12-1,300 %"])
    def test_a_comma_where_no_thousands_are_is_not_read(self, text: str) -> None:
        (found,) = record(builders.tsat(valueQuantity=None, valueString=text)).labs
        assert found.problem == "with a comma that may be a decimal comma"


class TestValues:
    """Low and high end, whether each is open, the problem, the words."""

    @staticmethod
    def of(analyte: str, **part: Any) -> tuple[object, ...]:
        return quantities.value(codes.labs().by_name[analyte], part)

    @pytest.mark.parametrize(
        ("text", "ends"),
        [
            ("5 ng/mL", (5, 5, False, False)), ("<5 ng/mL", (0, 5, False, True)),
            ("<=5 ng/mL", (0, 5, False, False)),
            (">5 ng/mL", (5, None, True, False)), (">=5 ng/mL", (5, None, False, False)),
            ("5-6 ng/mL", (5, 6, False, False)),
            ("0.1 ng/mL", (Decimal("0.1"), Decimal("0.1"), False, False)),
        ],
    )  # fmt: skip
    def test_of_text(self, text: str, ends: tuple[int | None, ...]) -> None:
        assert self.of("ferritin", valueString=text)[:5] == (*ends, None)

    def test_zero_stands_for_none_but_of_a_saturation(self) -> None:
        why = "of zero, which stands for none"
        assert self.of("ferritin", valueString="0 ng/mL") == quantities.unusable(why, "0 ng/mL")
        assert self.of("tsat", valueString="0 %")[:5] == (0, 0, False, False, None)

    def test_of_ranges(self) -> None:
        end = {"value": 5, "unit": "ng/mL"}
        assert self.of("ferritin", valueRange={"low": end}) == (
            5,
            None,
            False,
            False,
            None,
            "from 5 ng/mL",
        )
        assert self.of("ferritin", valueRange={"high": end}) == (
            0,
            5,
            False,
            False,
            None,
            "up to 5 ng/mL",
        )
        assert self.of("ferritin", valueRange={"low": end, "high": end}) == (
            5,
            5,
            False,
            False,
            None,
            "5 ng/mL to 5 ng/mL",
        )

    def test_of_ratios(self) -> None:
        ratio = {"numerator": {"value": Decimal("0.14")}, "denominator": {"value": 1}}
        assert self.of("tsat", valueRatio=ratio) == (14, 14, False, False, None, "0.14 : 1 = 14 %")

    def test_of_what_is_not_used(self) -> None:
        assert self.of("ferritin", valueString="42") == (
            None,
            None,
            False,
            False,
            "without a unit",
            "42",
        )
        assert self.of("ferritin") == (None, None, False, False, "without a value that is read", "")

    def test_a_code_of_no_system_yields_to_the_unit(self) -> None:
        assert (
            self.of("ferritin", valueQuantity={"value": 42, "unit": "ng/mL", "code": "NGML"})[4]
            is None
        )
        assert self.of(
            "ferritin",
            valueQuantity={"value": 42, "unit": "ng/mL", "code": "NGML", "system": builders.UCUM},
        )[4]
        assert self.of("ferritin", valueQuantity={"value": 42, "code": "ng/mL"})[4] is None


class TestAliases:
    LOCAL = {  # noqa: RUF012
        "coding": [{"system": "urn:oid:1.2.3", "code": "F1"}],
        "text": "Ferritin (S)",
    }

    @pytest.mark.parametrize("alias", ["urn:oid:1.2.3|F1", "Ferritin (S)", "ferritin s"])
    def test_of_a_site(self, alias: str) -> None:
        assert value(builders.ferritin(code=self.LOCAL), lab_aliases={alias: "ferritin"}) == [
            ("ferritin", "42", None)
        ]

    @pytest.mark.parametrize("alias", ["urn:oid:9|F1", "urn:oid:1.2.3|F2", "Ferritin"])
    def test_of_another_code_or_text(self, alias: str) -> None:
        found = value(builders.ferritin(code=self.LOCAL), lab_aliases={alias: "ferritin"})
        says = 'under a code that is not known here ("Ferritin (S)")'
        assert found == [("ferritin", None, says)]

    def test_for_a_loinc_code_that_is_not_in_the_table(self) -> None:
        code = {"coding": [{"system": "http://loinc.org", "code": "99999-9"}]}
        assert value(
            builders.ferritin(code=code), lab_aliases={"http://loinc.org|99999-9": "ferritin"}
        ) == [("ferritin", "42", None)]

    def test_never_for_a_goal(self) -> None:
        code = {"coding": [{"system": "http://loinc.org", "code": "86913-1"}], "text": "sat"}
        assert value(builders.tsat(code=code), lab_aliases={"sat": "tsat"}) == []


def result(analyte: str, on: str, low: str = "10") -> LabResult:
    return LabResult(
        source=Source(f"Observation/{analyte}"),
        analyte=analyte,
        when=moment.parse(on),
        low=Decimal(low),
        high=Decimal(low),
    )


def given_iron(doses: dict[str, str | None]) -> PatientRecord:
    """Iron sucrose by day, in mg where that is known."""
    drug = Drug(family="iron-sucrose")
    return PatientRecord(
        patient="Patient/p1",
        administrations=tuple(
            Administration(
                source=Source(f"MedicationAdministration/{on}"),
                status="completed",
                drug=drug,
                start=moment.parse(on),
                dose=Amount(Decimal(mg), "mg", says=f"{mg} mg")
                if mg
                else Amount(problem="missing"),
            )
            for on, mg in doses.items()
        ),
    )


def disturbed(found: LabResult, doses: dict[str, str | None], zone: ZoneInfo | None = None) -> bool:
    record = given_iron(doses)
    (another,) = given_iron({"2026-12-01": "200"}).administrations
    return IronHistory(record, Doses(record, zone)).disturbs(found, another)


class TestTooSoon:
    """Iron and saturation within 48 hours of a dose, ferritin and saturation within a week (both
    from memory or a page: marked)."""

    @pytest.mark.parametrize(
        ("analyte", "on", "too_soon"),
        [
            ("ferritin", "2026-10-21", True), ("ferritin", "2026-10-27", True),
            ("ferritin", "2026-10-28", False),
            ("tsat", "2026-10-27", True), ("tsat", "2026-10-28", False),
            ("iron", "2026-10-22", True), ("iron", "2026-10-23", False),
            ("hemoglobin", "2026-10-21", False),
            ("ferritin", "2026-10-19", False),
            ("ferritin", "2026-10-20", False), ("ferritin", "2026-10-20T08:00:00-05:00", False),
            ("ferritin", "2026-10-20T10:00:00-05:00", True),
        ],
    )  # fmt: skip
    def test_after_a_dose_on_october_20_at_nine(
        self, analyte: str, on: str, too_soon: bool
    ) -> None:
        zone = ZoneInfo("America/Chicago")
        found = disturbed(result(analyte, on), {"2026-10-20T09:00:00-05:00": "200"}, zone)
        assert found is too_soon

    @pytest.mark.parametrize(
        ("analyte", "mg", "on", "too_soon"),
        [
            ("ferritin", "501", "2026-10-28", True), ("ferritin", "501", "2026-11-17", True),
            ("ferritin", "501", "2026-11-18", False),
            ("ferritin", "500", "2026-10-28", False), ("ferritin", "500", "2026-10-27", True),
            ("ferritin", None, "2026-10-28", False),
            ("ferritin", None, "2026-10-27", True), ("tsat", "750", "2026-11-17", True),
            ("iron", "750", "2026-10-23", False),
            ("hemoglobin", "750", "2026-10-21", False),
            ("hemoglobin", "750", "2026-10-20T10:00:00-05:00", False),
        ],
    )  # fmt: skip
    def test_after_a_dose_of_more_or_less(
        self, analyte: str, mg: str | None, on: str, too_soon: bool
    ) -> None:
        assert disturbed(result(analyte, on), {"2026-10-20T09:00:00-05:00": mg}) is too_soon

    def test_of_any_of_several_doses(self) -> None:
        doses: dict[str, str | None] = {"2026-09-01": "200", "2026-10-20": "200"}
        assert disturbed(result("ferritin", "2026-10-21"), doses)
        assert not disturbed(result("ferritin", "2026-10-10"), doses)
        undated = LabResult(source=Source("x"), analyte="ferritin", when=None, low=None, high=None)
        assert not disturbed(undated, doses)

    def test_the_dose_itself_does_not_count(self) -> None:
        record = given_iron({"2026-10-20": "200"})
        history = IronHistory(record, Doses(record, None))
        assert not history.disturbs(result("ferritin", "2026-10-21"), record.administrations[0])

    def test_is_said_of_a_result_that_is_met_as_well(self) -> None:
        earlier = builders.administration("ma0", on="2026-10-10T09:00:00-05:00")
        found = builders.assessed(earlier)
        said = {
            requirement.requirement: requirement.says
            for requirement in found.requirements
            if requirement.administrations == ("MedicationAdministration/ma1",)
        }
        assert (
            said["ferritin"]
            == "Ferritin 42 ng/mL on Oct 12, 2026 (drawn soon after an earlier iron dose)."
        )

    def test_a_dose_that_was_not_given_disturbs_nothing(self) -> None:
        refused = builders.administration("ma0", on="2026-10-10T09:00:00-05:00", status="not-done")
        said = {
            requirement.requirement: requirement.says
            for requirement in builders.assessed(refused).requirements
        }
        assert said["ferritin"] == "Ferritin 42 ng/mL on Oct 12, 2026."


class TestDerived:
    def test_it_is_marked_and_cites_both_parts(self) -> None:
        iron, tibc = builders.lab("iron", 30, specimen="s"), builders.lab("tibc", 210, specimen="s")
        found = builders.assessed(iron, tibc, without=["tsat"])
        (requirement,) = [
            requirement
            for requirement in found.requirements
            if requirement.requirement == "transferrin-saturation"
        ]
        assert (requirement.state, requirement.value, requirement.unit) == ("met", "14.3", "%")
        assert (
            requirement.says
            == "Transferrin saturation 14.3% derived from iron 30 mcg/dL and TIBC 210 mcg/dL on"
            " Oct 12, 2026."
        )
        assert {item.resource for item in requirement.evidence} == {
            "Observation/iron-2026-10-12",
            "Observation/tibc-2026-10-12",
        }

    def test_from_transferrin(self) -> None:
        (found,) = labs.usable(
            record(
                builders.lab("iron", 30, specimen="s"),
                builders.lab("transferrin", 240, specimen="s"),
            ).labs,
            "tsat",
        )
        assert found.value == 10
        assert found.parts

    def test_what_is_compared_is_not_rounded(self) -> None:
        (found,) = labs.usable(
            record(
                builders.lab("iron", "59.99", specimen="s"), builders.lab("tibc", 300, specimen="s")
            ).labs,
            "tsat",
        )
        assert found.value is not None
        assert Decimal("19.99") < found.value < 20

    def test_a_capacity_of_nothing_derives_nothing(self) -> None:
        results = record(
            builders.lab("iron", 30, specimen="s"), builders.lab("tibc", 0, specimen="s")
        ).labs
        assert labs.usable(results, "tsat") == []


class TestNewest:
    def test_by_time_then_measured_before_derived(self) -> None:
        old, new = (
            result("ferritin", "2026-10-12T08:00:00-05:00"),
            result("ferritin", "2026-10-12T09:00:00-05:00", "20"),
        )
        assert labs.newest([new, old]) is new
        assert labs.newest([]) is None

    def test_a_measured_one_before_a_derived_one_of_the_same_time(self) -> None:
        measured = result("tsat", "2026-10-12")
        parts = (Source("Observation/y"), Source("Observation/z"))
        derived = structs.replace(measured, source=parts[1], parts=parts)
        assert labs.newest([derived, measured]) is measured

    @pytest.mark.parametrize(
        ("unread", "found", "newer"),
        [
            ("2026-10-20", "2026-10-12", True),
            ("2026-10-10", "2026-10-12", False),
            ("2026-10-12T09:00:00-05:00", "2026-10-12T08:00:00-05:00", True),
            ("2026-10-12T08:00:00-05:00", "2026-10-12T08:00:00-05:00", False),
            # Of one day, where not both have a time of it, they may be of one collection.
            ("2026-10-12", "2026-10-12T04:00:00-05:00", False),
            ("2026-10-12T09:00:00-05:00", "2026-10-12", False),
        ],
    )
    def test_one_that_is_not_read_is_newer_by_its_time(
        self, unread: str, found: str, newer: bool
    ) -> None:
        later = result("ferritin", unread)
        expected = later if newer else None
        assert labs.unread_after(result("ferritin", found), [later]) is expected

    def test_what_is_not_read_of_the_specimen_of_a_derived_one_is_no_newer_one(self) -> None:
        parts = [builders.lab(analyte, 30, specimen="s") for analyte in ("iron", "tibc")]
        (derived,) = labs.usable(record(*parts).labs, "tsat")
        (other, same) = (
            structs.replace(result("tsat", "2026-10-14"), specimen=specimen)
            for specimen in ("Specimen/other", derived.specimen)
        )
        assert labs.unread_after(derived, [other]) is other
        assert labs.unread_after(derived, [same]) is None

    def test_within_a_window_day_n_counts(self) -> None:
        results = [result("ferritin", day) for day in ("2026-08-02", "2026-08-03", "2026-11-01")]
        kept = labs.within(results, date(2026, 11, 1), 90, None)
        assert kept == results[1:]
