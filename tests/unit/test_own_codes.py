"""A site's own rows of the code tables: beside and over the built-in ones, by date, and for that
site alone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from integration.codes.folder import limits_in_words, tables_of
from mappings import codes
from mappings.assessment import PatientAssessment
from mappings.codes import own
from mappings.datafiles.error import DataFileError
from mappings.policy import choosing
from mappings.policy.rules import UnitsRule
from mappings.site import PayerAlias, Site
from tests import builders

LIMITS = """
limits:
  - {quarter: 2026Q4, from: 2026-10-01, limit: {J1756: 0.500},
      source: "CMS ASP payment limits 2026Q4", verified: true}
"""


NOT_BILLED = codes.built_in().package_table.not_billable[0].product


def site(*texts: str) -> Site:
    tables = own.with_own({f"{number}.yaml": text for number, text in enumerate(texts)})
    return Site(time_zone="America/New_York", codes=tables)


def assessed(
    *changes: builders.Resource, site: Site, as_of: datetime = builders.AS_OF
) -> PatientAssessment:
    (found,) = builders.document_of(builders.chart(*changes), as_of, site).patients
    return found


class TestOver:
    def test_a_limit_prices_the_days_from_its_quarter_on(self) -> None:
        (line,) = assessed(site=site(LIMITS)).lines
        assert (line.value, line.value_quarter) == ("100.00", "2026Q4")
        assert [step.source for step in line.trace if "payment limit" in step.says] == [
            "CMS ASP payment limits 2026Q4"
        ]

    def test_and_the_days_before_keep_the_row_of_their_time(self) -> None:
        dose = builders.administration(on="2025-12-01T10:00:00-05:00")
        found = assessed(dose, site=site(LIMITS), as_of=datetime(2025, 12, 20, tzinfo=UTC))
        assert {line.value_quarter for line in found.lines} == {"2025Q4"}

    def test_of_one_quarter_the_own_row_counts(self) -> None:
        (line,) = assessed(
            site=site(LIMITS.replace("2026Q4, from: 2026-10-01", "2026Q2, from: 2026-04-01"))
        ).lines
        assert line.value == "100.00"

    @pytest.mark.parametrize(("status", "payment"), [("K", "separate"), ("N", "packaged")])
    def test_a_later_release_decides_in_the_hospital(self, status: str, payment: str) -> None:
        release = (
            f'opps: [{{from: 2026-10-01, status: {{J1756: "{status}"}}, source: "Addendum B'
            ' 2026Q4", verified: true}]'
        )
        (line,) = assessed(builders.location("22"), site=site(release)).lines
        assert line.payment == payment
        assert not [note for note in line.notes if "carried forward" in note]
        assert [step.source for step in line.trace if "OPPS status" in step.says] == [
            "Addendum B 2026Q4"
        ]

    def test_the_indicator_of_a_surgery_center_comes_before_the_hospital_status(self) -> None:
        release = (
            'asc: [{from: 2026-10-01, status: {J1756: K2}, source: "Addendum BB 2026Q4", verified:'
            " true}]"
        )
        found = [
            assessed(builders.location("24"), site=site(text)).lines[0].payment
            for text in (release, LIMITS)
        ]
        assert found == ["separate", "packaged"]

    @pytest.mark.parametrize(
        ("claim", "state"), [("professional", "not-covered"), ("institutional", "met")]
    )
    def test_units_of_a_day_by_kind_of_claim(self, claim: str, state: str) -> None:
        most = (
            f"units_per_day: [{{claim: {claim}, from: 2026-10-01, units: {{J1756: 100}}, source:"
            " NCCI MUE 2026Q4}]"
        )
        found = assessed(site=site(most))
        assert builders.state(found, "units-limit") == state
        if state == "not-covered":
            assert [gap.source for gap in found.gaps if gap.requirement == "units-limit"] == [
                "NCCI MUE 2026Q4"
            ]

    def test_a_package_that_the_product_does_not_know(self) -> None:
        package = (
            'packages: [{ndc: "99999123401", family: iron-sucrose, mg: 200, ml: 10, label: new,'
            " source: NDC directory}]"
        )
        dose = builders.administration(ndc="99999-1234-01")
        ndcs = [
            line.ndc and line.ndc.code
            for known in (site(package), site(LIMITS))
            for line in assessed(dose, site=known).lines
        ]
        assert ndcs == ["99999123401", None]

    def test_a_code_ends(self) -> None:
        ended = (
            "codes: [{family: iron-sucrose, code: J1756, mg_per_unit: 1, from: 2003-01-01, to:"
            " 2026-10-31, source: HCPCS}]"
        )
        later = (
            "codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 2, from: 2026-11-01, source:"
            " HCPCS}]"
        )
        (line,) = assessed(site=site(ended, later)).lines
        assert (line.code, line.units) == ("J1757", 100)

    def test_a_new_code_takes_the_place_of_the_older_one(self) -> None:
        row = "codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 2, from: 2026-11-01}]"
        assert [(line.code, line.units) for line in assessed(site=site(row)).lines] == [
            ("J1757", 100)
        ]
        day_before = builders.administration(on="2026-10-31T10:00:00-05:00")
        assert [line.code for line in assessed(day_before, site=site(row)).lines] == ["J1756"]

    def test_what_a_row_of_a_code_leaves_unsaid_stays_known(self) -> None:
        """The HCPCS file says no MUE; without one no dose would be too much."""
        row = "codes: [{family: iron-sucrose, code: J1756, mg_per_unit: 1, from: 2003-01-01}]"
        dose = builders.administration(dose="600 mg", ndc=builders.VENOFER_200)
        found = assessed(dose, builders.order(dose="600 mg"), site=site(row))
        assert builders.state(found, "units-limit") == "not-covered"
        assert builders.state(found, "dosing") == "contradicted"

    def test_a_payer_s_own_limit_comes_before_the_units_of_a_day(self) -> None:
        rows = "units_per_day: [{claim: professional, from: 2026-10-01, units: {J1756: 500}}]"
        (built,) = (one for one in choosing.built_in().policies if one.id == "medicare-part-b")
        asks = structs.replace(
            built.requirements, units_limit=UnitsRule(mue=True, limits={"J1756": 199})
        )
        policy = structs.replace(built, requirements=asks)
        document = builders.document_of(
            builders.chart(), site=site(rows), policies=choosing.PolicySet([policy])
        )
        assert builders.state(document.patients[0], "units-limit") == "not-covered"

    def test_a_dose_is_held_against_the_units_of_the_site(self) -> None:
        rows = "units_per_day: [{claim: professional, from: 2026-10-01, units: {J1756: 700}}]"
        dose = builders.administration(dose="600 mg", ndc=builders.VENOFER_200)
        found = assessed(dose, builders.order(dose="600 mg"), site=site(rows))
        assert builders.state(found, "dosing") == "not-covered"

    @pytest.mark.parametrize(("payer", "line"), [("aetna", "held"), ("medicare", "ready")])
    def test_policies_mean_the_code_that_took_the_place_of_theirs(
        self, payer: str, line: str
    ) -> None:
        row = "{{family: ferric-carboxymaltose, code: {}, mg_per_unit: 1, {}}}"
        rows = [row.format("J1439", "from: 2015-01-01, to: 2026-10-31")]
        rows.append(row.format("J1450", "from: 2026-11-01"))
        known = structs.replace(
            site(f"codes: [{', '.join(rows)}]"),
            payer_aliases={"aetna": PayerAlias(kind="commercial", payer="aetna")},
        )
        found = assessed(
            builders.administration("ma1", "750 mg", "Injectafer", builders.INJECTAFER_750),
            builders.order(text="Injectafer", dose="750 mg"),
            builders.note(),
            *([builders.commercial("Aetna")] if payer == "aetna" else []),
            site=known,
        )
        assert [(row.code, row.status) for row in found.lines] == [("J1450", line)]
        assert builders.gaps(found, blocking=True) == (
            ["prior-authorization missing"] if payer == "aetna" else []
        )

    def test_a_drug_that_is_paid_apart_from_dialysis(self) -> None:
        row = "esrd_exempt: [{codes: [J1756], from: 2026-11-01, to: 2028-12-31, source: TDAPA}]"
        kidneys = builders.condition("N18.6", id="condition-N18-4"), builders.dialysis()
        states = [
            builders.state(assessed(*kidneys, site=one), "esrd-consolidated-billing")
            for one in (site(row), site(LIMITS))
        ]
        assert states == ["not-applicable", "not-covered"]

    def test_of_two_policies_the_one_that_names_the_new_code_is_meant(self) -> None:
        row = "codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 1, from: 2026-11-01}]"
        (usual,) = (one for one in choosing.built_in().policies if one.id == "medicare-part-b")
        named = [
            structs.replace(
                usual, id=f"for-{code}", audience=structs.replace(usual.audience, codes=(code,))
            )
            for code in ("J1756", "J1757")
        ]
        known = site(row)
        with codes.using(known.codes):
            for policies in (named, named[::-1]):
                chosen = choosing.PolicySet(policies).choose(
                    date(2026, 11, 1), "11", "medicare", None, "J1757"
                )
                assert chosen
                assert chosen.id == "for-J1757"

    def test_a_diagnosis_ends(self) -> None:
        ended = "diagnoses: [{code: N18.4, to: 2026-10-31, source: ICD-10-CM}]"
        assert [
            "N18.4" in assessed(site=known).lines[0].diagnoses
            for known in (site(ended), site(LIMITS))
        ] == [False, True]

    def test_an_ended_diagnosis_shows_no_iron_deficiency(self) -> None:
        known = site("diagnoses: [{code: D50.9, to: 2026-10-31}]")
        alone = builders.chart(without=["anemia-in-ckd"])
        (found,) = builders.document_of(alone, site=known).patients
        assert builders.state(found, "iron-deficiency-diagnosis") == "incomplete"
        assert "D50.9 is recorded, which is no billable code on Nov 1, 2026." in [
            row.says for row in found.requirements
        ]
        # D63.1 with its laboratory values shows it as before.
        assert builders.shown(assessed(site=known)) == ["J1756 JZ × 200 ready"]

    def test_a_new_diagnosis_is_in_the_groups_that_the_site_says(self) -> None:
        new = "diagnoses: [{code: N18.33, from: 2026-10-01, groups: [ckd]}]"
        stage = builders.condition("N18.33", id="condition-N18-4")
        known, unknown = (assessed(stage, site=one) for one in (site(new), site(LIMITS)))
        assert known.lines[0].diagnoses == ("N18.33", "D63.1", "D50.9")
        assert builders.state(known, "ckd-diagnosis") == "met"
        assert builders.state(unknown, "ckd-diagnosis") != "met"

    def test_a_modifier_ends(self) -> None:
        ended = "modifiers: [{modifier: JZ, to: 2026-10-31, source: HCPCS}]"
        assert [
            assessed(site=known).lines[0].modifiers for known in (site(ended), site(LIMITS))
        ] == [(), ("JZ",)]

    @pytest.mark.parametrize(
        ("ended", "modifiers"),
        [
            ("TB, to: 2026-10-31", ("JZ",)),
            ("TB, to: 2026-11-01", ("JZ", "TB")),  # on its last day it is still asked
            ("KX, to: 2026-10-31", ("JZ", "TB")),  # another one
        ],
    )
    def test_a_modifier_of_a_policy_ends(self, ended: str, modifiers: tuple[str, ...]) -> None:
        known = site(f"modifiers: [{{modifier: {ended}, source: HCPCS}}]")
        (line,) = assessed(builders.administration(r340b=True), site=known).lines
        assert line.modifiers == modifiers


class TestAge:
    LIMITS = max(codes.payment().limits, key=lambda row: row.start)

    def test_of_the_payment_limits_within_their_quarter(self) -> None:
        day = self.LIMITS.start + timedelta(days=19)
        assert limits_in_words(None, day) == f"payment limits of {self.LIMITS.quarter}, 19 days old"

    def test_and_after_it(self) -> None:
        said = limits_in_words(None, self.LIMITS.start + timedelta(days=366))
        assert said.startswith(
            f"payment limits of {self.LIMITS.quarter}, 366 days old, normally current until "
        )

    def test_a_row_written_by_hand_makes_none_newer(self, tmp_path: Path) -> None:
        (tmp_path / "rows.yaml").write_text(LIMITS)
        day = self.LIMITS.start + timedelta(days=366)
        assert limits_in_words(tmp_path, day) == limits_in_words(None, day)

    def test_of_a_folder_that_can_not_be_used(self, tmp_path: Path) -> None:
        (tmp_path / "rows.yaml").write_text("limits: 1")
        assert limits_in_words(tmp_path, date(2026, 11, 1)) == "the code tables can't be used"


class TestForThatSiteAlone:
    def test_the_next_site_has_its_own(self) -> None:
        values = [
            assessed(site=known).lines[0].value
            for known in (site(LIMITS), Site(time_zone="America/New_York"), site(LIMITS))
        ]
        assert values[0] == values[2] == "100.00" != values[1]
        assert codes.in_force() is codes.built_in()

    def test_also_when_something_breaks(self) -> None:
        with pytest.raises(ZeroDivisionError), codes.using(site(LIMITS).codes):
            _ = 1 / 0
        assert codes.in_force() is codes.built_in()


class TestOldLimit:
    def test_is_said_on_the_line(self) -> None:
        (line,) = assessed(
            site=site(LIMITS.replace("2026Q4, from: 2026-10-01", "2026Q2, from: 2026-04-01"))
        ).lines
        assert (
            "priced with the payment limit of 2026Q2, 2 quarters before the date of service"
            in line.notes
        )

    def test_not_of_its_own_quarter(self) -> None:
        (line,) = assessed(site=site(LIMITS)).lines
        assert not [note for note in line.notes if "payment limit" in note]


def mistakes(*texts: str) -> list[str]:
    with pytest.raises(DataFileError) as told:
        site(*texts)
    return list(told.value.every)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            (
                "limits:\n- {quarter: 2026Q4, from: 2026-10-32, limit: {J1756: 1}, source: x,"
                " verified: true}"
            ),
            "0.yaml:2: there is no date",
        ),
        (LIMITS.replace("0.500", "-0.5"), "0.yaml:3: "),
        (
            LIMITS.replace("J1756", "Venofer"),
            "0.yaml:3: 'Venofer' can't stand here: a code of five characters such as J1756",
        ),
        (
            LIMITS.replace("limits", "limts"),
            "0.yaml:2: unknown field `limts` (did you mean `limits`?)",
        ),
        (
            'packages:\n- {ndc: "1", family: iron-sucrose, mg: 1, ml: 1, label: x}',
            "0.yaml:2: '1' can't stand here: an NDC is eleven",
        ),
        (
            'packages:\n- {ndc: "00517234010", family: iron, mg: 1, ml: 1, label: x}',
            "0.yaml:2: unknown family 'iron'",
        ),
        (
            "diagnoses:\n- {code: N18.4, from: 2026-10-01, to: 2026-01-01}",
            "it ends (2026-01-01) before it begins (2026-10-01)",
        ),
        (
            LIMITS.replace("from: 2026-10-01", "from: 2026-07-01"),
            "0.yaml:3: 2026Q4 begins on 2026-10-01, not on 2026-07-01",
        ),
        (
            LIMITS.replace("J1756", "J1765"),
            "0.yaml:3: J1765 is not a code of an IV iron (did you mean J1756?)",
        ),
        (
            'packages:\n- {ndc: "00781348594", family: iron-sucrose, mg: 500, ml: 2.5, label: x}',
            "0.yaml:2: 500 mg in 2.5 mL, and the label of iron-sucrose has 20 mg in 1 mL",
        ),
        (
            'packages:\n- {ndc: "00517234010", family: iron-dextran, mg: 500, ml: 10, label: x}',
            "0.yaml:2: 00517234010 is an NDC of iron-sucrose (",
        ),
        (
            'packages:\n- {ndc: "59338077501", family: iron-sucrose, mg: 200, ml: 10, label: x}',
            "0.yaml:2: 59338077501 is an NDC of ferumoxytol (",
        ),
        (
            f'packages:\n- {{ndc: "{NOT_BILLED}00", family: iron-sucrose, mg: 9, ml: 9, label: x}}',
            f"0.yaml:2: {NOT_BILLED}00 is the NDC of no drug that is billed",
        ),
        (
            "modifiers:\n- {modifier: JG, to: 1024-12-31}",
            "0.yaml:2: 1024-12-31 is before any dose on record: correct the year",
        ),
        (
            "codes:\n- {family: iron-sucrose, code: J1756, mg_per_unit: 10}",
            "0.yaml:2: the unit of J1756 is 1 mg: a new unit has a new code",
        ),
        (
            "codes:\n- {family: iron-dextran, code: J1756, mg_per_unit: 1}",
            "0.yaml:2: J1756 is a code of iron-sucrose",
        ),
        (
            "codes:\n- {family: ferumoxytol, code: Q0140, mg_per_unit: 1}",
            "0.yaml:2: say of which use it is: esrd-on-dialysis, other",
        ),
        (
            "opps:\n- {from: 2026-10-01, status: {J1756: n}, source: x, verified: true}",
            "0.yaml:2: 'n' can't stand here: a status is a letter such as N",
        ),
        (
            'asc:\n- {from: 2026-10-01, status: {J1756: "N"}, source: x, verified: true}',
            "0.yaml:2: 'N' can't stand here: an indicator is a letter and a digit",
        ),
        ("modifiers:\n- {modifier: JGG}", "0.yaml:2: 'JGG' can't stand here: a modifier has two"),
        ("diagnoses:\n- {code: N18.33, groups: [kidney]}", "0.yaml:2: unknown group 'kidney'"),
    ],
)
def test_a_mistake_names_file_and_line(text: str, said: str) -> None:
    assert said in mistakes(text)[0]


def test_the_rows_in_the_guide_can_be_used() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "codes.md").read_text("utf-8")
    rows = own.read(guide.rpartition("```yaml\n")[2].partition("```")[0], "codes.md")
    tables = ("limits", "packages", "codes", "opps", "units_per_day", "diagnoses", "modifiers")
    assert [name for name in tables if not getattr(rows, name)] == []
    own.merged([rows])


def test_two_files_that_disagree() -> None:
    assert mistakes(LIMITS, LIMITS.replace("0.500", "0.501")) == [
        (
            "1.yaml:3: payment limit J1756 2026Q4 is 0.501 here and 0.500 in 0.yaml: delete the row"
            " that is wrong"
        )
    ]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "limits.yaml").write_text(text)
        return tmp_path

    return write


def test_a_folder_is_read_again_when_it_changes(written: Callable[[str], Path]) -> None:
    first = tables_of(written(LIMITS))
    assert tables_of(written(LIMITS.replace("0.500", "0.6000"))) is not first


def test_and_only_then(written: Callable[[str], Path]) -> None:
    folder = written(LIMITS)
    assert tables_of(folder) is tables_of(folder)


def test_an_empty_folder_is_the_built_in_tables(tmp_path: Path) -> None:
    assert tables_of(tmp_path) is codes.built_in()
