"""Policy files: what is wrong with one is said on load, with file and line; a site's folder beside the built-in ones; the choice."""

from datetime import date
from pathlib import Path

import pytest

from mappings import codes, policy
from mappings.documents import DataFileError

POLICY = """\
id: sunrise
version: "1"
title: Sunrise Health Plan
for: {kinds: [commercial], payers: [sunrise]}
source: "Sunrise medical policy 12"
verified: true
requirements:
  ndc: {}
  laboratory:
    - {limit: ferritin <= 500, units: {ferritin: ng/mL}, window_days: 60}
"""


def written(folder: Path, text: str = POLICY, name: str = "sunrise.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder


def changed(*changes: tuple[str, str]) -> str:
    text = POLICY
    for old, new in changes:
        assert old in text, f"{old!r} is not in the policy"
        text = text.replace(old, new, 1)
    return text


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(DataFileError) as refused:
        policy.load(written(folder, text))
    message = str(refused.value)
    assert message.startswith(f"{folder}/sunrise.yaml:")
    assert "\n" not in message
    return message.removeprefix(f"{folder}/sunrise.yaml:")


def test_a_good_one_is_taken(tmp_path: Path) -> None:
    found = policy.load(written(tmp_path)).get("sunrise")
    assert found
    assert found.requirements.laboratory[0].window_days == 60


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("ferritin <= 500,", "ferritine <= 500,")], "10: unknown name 'ferritine' (known: ferritin, hb, tsat)"),
        ([("{limit:", "{when: anaemic, limit:")], "10: unknown name 'anaemic'"),
        ([("ferritin <= 500,", "ckd,")], "10: a limit compares a laboratory value (ferritin, hb, tsat): 'ckd'"),
        ([("units: {ferritin: ng/mL}, ", "")], "10: the limit of ferritin has no unit: add it to units"),
        ([("ferritin <= 500,", "ferritin <= 500 or tsat <= 30,")], "10: the limit of tsat has no unit: add it to units"),
        ([("ng/mL", "ug/dL")], "10: ferritin is compared in ng/mL, not in ug/dL"),
        ([("{ferritin: ng/mL}", "{iron: ug/dL}")], "10: Invalid enum value 'iron'"),
        ([("{limit:", "{on_record: [ferritin], limit:")], "10: a laboratory rule has either on_record or limit"),
        ([("{limit: ferritin <= 500, units", "{units")], "10: a laboratory rule has either on_record or limit"),
        ([("window_days: 60", "window_days: -1")], "10: Expected `int` >= 0"),
        ([("window_days: 60", "window: 60")], "10: Object contains unknown field `window`"),
        ([("  ndc: {}", "  ndcs: {}")], "8: Object contains unknown field `ndcs`"),
        ([("  ndc: {}", "  ndc: {wen: ckd}")], "8: Object contains unknown field `wen`"),
        ([("  ndc: {}", "  oral-iron-history: {unless: tsat < 12}")], "8: the limit of tsat has no unit: add it to units"),
        ([("  ndc: {}", "  oral-iron-history: {unless: tsat lower 12}")], "8: can't read the condition 'tsat lower 12'"),
        ([("  ndc: {}", "  iron-deficiency-diagnosis: {renal_anemia: {limit: tsat <= 20, units: {}, source: ours, verified: false}}")],
         "8: the limit of tsat has no unit"),
        ([("  ndc: {}", "  prior-authorization: {asked: perhaps}")], "8: Invalid enum value 'perhaps'"),
        ([("  ndc: {}", "  prior-authorization: {asked: 'yes', codes: [J1765]}")], "8: J1765 is not a code of an IV iron"),
        ([("  ndc: {}", "  preferred-product: {codes: [J1756], not_covered: [J0885]}")], "8: J0885 is not a code of an IV iron"),
        ([("  ndc: {}", "  units-limit: {limits: {J1756: 500, J9999: 1}}")], "8: J9999 is not a code of an IV iron"),
        ([("  ndc: {}", "  drug-source: {allowed: [post]}")], "8: Invalid enum value 'post'"),
        ([("kinds: [commercial]", "kinds: [comercial]")], "4: Invalid enum value 'comercial'"),
        ([("kinds: [commercial]", "kinds: []")], "4: Expected `array` of length >= 1"),
        ([("payers: [sunrise]", "settings: ['10']")], "4: unknown place of service '10'"),
        ([("payers: [sunrise]", "settings_only: true")], "4: settings_only needs settings"),
        ([("verified: true", "verified: true\neffective: {from: 2027-01-01, to: 2026-01-01}")], "7: from is after to"),
        ([('version: "1"', "version: 2026-01-01")], "2: Expected `str`, got `date`"),
        ([('source: "Sunrise medical policy 12"\n', "")], "1: Object missing required field `source`"),
        ([("title:", "id: twice\ntitle:")], "3: the key 'id' stands twice"),
        ([("title: Sunrise", "title: [Sunrise")], "4: "),
        ([("title: Sunrise", "title: *none")], "3: "),
        ([("  ndc: {}", "  dosing: {single_mg: .nan}")], "1: not YAML that can be read here"),
        ([("title:", "effective: {from: 2026-02-30}\ntitle:")], "1: not YAML that can be read here: day is out of range for month"),
        ([("  ndc: {}", "  ndc: {}\n  ? [a, b]\n  : 1")], "1: not YAML that can be read here"),
        ([(POLICY, "")], "1: Expected `object`, got `null`"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, changes: list[tuple[str, str]], said: str) -> None:
    assert refusal(tmp_path, changed(*changes)).startswith(said)


MODIFIERS = POLICY + "modifiers:\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("  kx: [{modifier: KX}, {modifier: GA}]\n  r340b: [{modifier: TB}]\n", "11: a line could get 5 modifiers; a claim line takes 4"),
        ("  kx: [{modifier: KX}, {modifier: GA, codes: [J1756]}]\n  r340b: [{modifier: TB}]\n", "11: a line could get 5 modifiers"),
        ("  kx: [{modifier: KX}, {modifier: GA, from: 2027-01-01}]\n  r340b: [{modifier: TB}]\n", "11: a line could get 5 modifiers"),
        ("  kx: [{modifier: KX, attests: [ferritine]}]\n", "12: attests the unknown requirement 'ferritine'"),
        ("  kx: [{modifier: KX}, {modifier: KX, from: 2026-01-01}]\n", "12: its dates overlap those of another KX row"),
        (
            "  r340b:\n    - {modifier: JG, to: 2025-01-01}\n    - {modifier: TB, from: 2025-01-01}\n",
            "14: its dates overlap those of another r340b row",
        ),
        ("  r340b: [{modifier: JG, from: 2025-01-02, to: 2025-01-01}]\n", "12: from is after to"),
        ("  kx: [{modifier: KX1}]\n", "12: Expected `str` matching regex"),
    ],
)
def test_modifiers_that_no_line_can_carry(tmp_path: Path, rows: str, said: str) -> None:
    assert refusal(tmp_path, MODIFIERS + rows).startswith(said)


@pytest.mark.parametrize(
    "rows",
    [
        "  kx: [{modifier: KX}]\n  r340b: [{modifier: TB}]\n  ambulatory_surgery: [{modifier: SG}]\n",
        "  kx: [{modifier: KX, codes: [J1756]}, {modifier: KX, codes: [J1439]}]\n  r340b: [{modifier: TB}]\n",
        "  kx: [{modifier: KX}, {modifier: GA}]\n  r340b: [{modifier: TB}]\n  discard: false\n",
        "  kx: [{modifier: KX, to: 2026-12-31}, {modifier: GA, from: 2027-01-01}]\n  r340b: [{modifier: TB}]\n",
        "  r340b: [{modifier: JG, to: 2024-12-31}, {modifier: TB, from: 2025-01-01}]\n",
    ],
)
def test_four_modifiers_are_not_too_many(tmp_path: Path, rows: str) -> None:
    assert policy.load(written(tmp_path, MODIFIERS + rows)).get("sunrise")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("{name: one, given: {ferritn: 42}, expect: {ferritin: met}}", "12: Object contains unknown field `ferritn`"),
        ("{name: one, given: {ferritin: 42}, expect: {feritin: met}}", "12: unknown requirement 'feritin'"),
        ("{name: one, given: {ferritin: 42}, expect: {ferritin: fine}}", "12: Invalid enum value 'fine'"),
        ("{name: one, given: {code: J1765}, expect: {ferritin: met}}", "12: J1765 is not a code of an IV iron"),
    ],
)
def test_cases_name_facts_and_requirements_that_there_are(tmp_path: Path, case: str, said: str) -> None:
    assert refusal(tmp_path, f"{POLICY}cases:\n  - {case}\n").startswith(said)


class TestFolder:
    def test_none_is_the_built_in(self) -> None:
        assert policy.load(None) is policy.built_in()

    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="not a folder of policies"):
            policy.load(tmp_path / "nowhere")

    def test_a_site_adds_a_policy(self, tmp_path: Path) -> None:
        found = policy.load(written(tmp_path))
        assert len(found.policies) == len(policy.built_in().policies) + 1

    def test_other_files_are_left_alone(self, tmp_path: Path) -> None:
        written(tmp_path, "not: a policy", "notes.txt")
        assert policy.load(tmp_path).policies == policy.built_in().policies

    def test_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(DataFileError, match="can't be read"):
            policy.load(tmp_path)

    def test_the_id_of_a_built_in_replaces_it(self, tmp_path: Path) -> None:
        text = changed(("id: sunrise", "id: uhc-commercial"), ("payers: [sunrise]", "payers: [uhc]"))
        found = policy.load(written(tmp_path, text))
        assert [row.title for row in found.policies if row.id == "uhc-commercial"] == ["Sunrise Health Plan"]

    def test_from_the_first_day_that_it_is_for(self, tmp_path: Path) -> None:
        text = changed(
            ("id: sunrise", "id: uhc-commercial"),
            ("payers: [sunrise]", "payers: [uhc]"),
            ("title:", "effective: {from: 2027-01-01}\ntitle:"),
        )
        found = policy.load(written(tmp_path, text))
        before, after = found.get("uhc-commercial", date(2026, 12, 31)), found.get("uhc-commercial", date(2027, 1, 1))
        assert before
        assert after
        assert (before.title, after.title) == ("UnitedHealthcare commercial", "Sunrise Health Plan")

    def test_another_id_for_the_same_payer_is_refused(self, tmp_path: Path) -> None:
        said = refusal(tmp_path, changed(("payers: [sunrise]", "payers: [uhc]")))
        assert said == "4: the built-in policy uhc-commercial is for the same payer, settings and dates: take its id to replace it"

    def test_two_of_a_site_for_the_same_payer(self, tmp_path: Path) -> None:
        written(tmp_path, changed(("id: sunrise", "id: other")), "a.yaml")
        with pytest.raises(DataFileError, match=rf"{tmp_path}/sunrise.yaml:1: its dates overlap those of {tmp_path}/a.yaml"):
            policy.load(written(tmp_path))

    def test_two_versions_whose_dates_overlap(self, tmp_path: Path) -> None:
        written(tmp_path, changed(("title:", "effective: {to: 2026-12-31}\ntitle:")), "a.yaml")
        with pytest.raises(DataFileError, match=r"sunrise.yaml:3: its dates overlap"):
            policy.load(written(tmp_path, changed(("title:", "effective: {from: 2026-12-31}\ntitle:"))))

    def test_two_versions_that_follow_each_other(self, tmp_path: Path) -> None:
        written(tmp_path, changed(("title:", "effective: {to: 2026-12-31}\ntitle:")), "a.yaml")
        found = policy.load(
            written(tmp_path, changed(('version: "1"', 'version: "2"'), ("title:", "effective: {from: 2027-01-01}\ntitle:")))
        )
        versions = [
            row.version
            for day in (date(2026, 12, 31), date(2027, 1, 1))
            for row in [found.choose(day, "11", "commercial", "sunrise")]
            if row
        ]
        assert versions == ["1", "2"]

    def test_two_settings_of_one_payer_are_two_policies(self, tmp_path: Path) -> None:
        written(
            tmp_path, changed(("payers: [sunrise]", "payers: [sunrise], settings: ['11', '12']"), ("id: sunrise", "id: office")), "a.yaml"
        )
        found = policy.load(written(tmp_path, changed(("payers: [sunrise]", "payers: [sunrise], settings: ['22']"))))
        chosen = [row.id for pos in ("11", "12", "22") for row in [found.choose(date(2026, 1, 1), pos, "commercial", "sunrise")] if row]
        assert chosen == ["office", "office", "sunrise"]


class TestChoice:
    DAY = date(2026, 11, 1)

    @pytest.mark.parametrize(
        ("setting", "kind", "payer", "chosen"),
        [
            ("11", "medicare", None, "medicare-part-b"),
            ("12", "medicare", None, "medicare-part-b"),
            (None, "medicare", None, "medicare-part-b"),
            ("65", "medicare", None, "medicare-esrd-pps"),
            ("65", "medicare-advantage", "uhc", "medicare-esrd-pps"),
            ("11", "medicare-advantage", "uhc", "medicare-advantage-default"),
            ("11", "commercial", None, "commercial-default"),
            ("65", "commercial", None, "commercial-default"),
            ("11", "commercial", "uhc", "uhc-commercial"),
            ("65", "commercial", "uhc", "uhc-commercial"),
            ("11", "commercial", "nobody", "commercial-default"),
            ("11", "commercial", "centene", "centene"),
            ("11", "medicaid", "centene", "centene"),
            ("11", "medicaid", "uhc", "medicaid-default"),
            ("11", "medicaid", None, "medicaid-default"),
            ("11", "government", None, None),
        ],
    )
    def test_of_the_built_in(self, setting: str | None, kind: str, payer: str | None, chosen: str | None) -> None:
        found = policy.built_in().choose(self.DAY, setting, kind, payer)
        assert (found.id if found else None) == chosen

    def test_a_plans_own_policy_without_the_dialysis_facility_leaves_that_to_medicare(self, tmp_path: Path) -> None:
        text = changed(("kinds: [commercial], payers: [sunrise]", "kinds: [medicare-advantage], payers: [sunrise], settings: ['11']"))
        found = policy.load(written(tmp_path, text))
        chosen = [row.id for pos in ("11", "22", "65") for row in [found.choose(self.DAY, pos, "medicare-advantage", "sunrise")] if row]
        assert chosen == ["sunrise", "sunrise", "medicare-esrd-pps"]


class TestBuiltIn:
    def test_the_table_of_the_rules(self) -> None:
        found = {row.id: list(row.audience.settings) for row in policy.built_in().policies if row.id != "no-coverage"}
        assert found == {
            "medicare-part-b": ["11", "19", "22", "23", "24", "49"],
            "medicare-esrd-pps": ["65"],
            "medicare-advantage-default": ["11", "19", "22", "23", "24", "49"],
            "commercial-default": ["11", "12", "19", "22", "24", "49", "65"],
            "centene": [],
            "bcbs-south-carolina": [],
            "uhc-commercial": [],
            "medicaid-default": [],
        }

    @pytest.mark.parametrize("row", policy.built_in().policies, ids=lambda row: row.id)
    def test_each_asks_for_an_ndc_and_keeps_the_ceilings_unverified(self, row: policy.Policy) -> None:
        ceiling = row.requirements.iron_overload
        assert row.requirements.ndc is not None
        assert (int(ceiling.ferritin_above_ng_ml), int(ceiling.tsat_from_percent), ceiling.verified) == (800, 50, False)

    @pytest.mark.parametrize("row", policy.built_in().policies, ids=lambda row: row.id)
    def test_each_window_says_whether_it_is_verified(self, row: policy.Policy) -> None:
        for rule in row.requirements.laboratory:
            assert rule.source
            assert rule.verified is (rule.window_days == 60 or row.id == "no-coverage")

    def test_each_limit_is_the_one_cms_published(self) -> None:
        limits = policy.built_in().get("medicare-part-b")
        assert limits
        assert limits.requirements.units_limit
        published = {"J1756": 500, "J2916": 20, "Q0138": 510, "Q0139": 510, "J1750": 45, "J1439": 1000, "J1437": 100}
        assert limits.requirements.units_limit.limits == published

    def test_every_requirement_of_the_table_can_be_asked_or_is_always(self) -> None:
        asked = set(policy.Requirements.__struct_encode_fields__) - {"laboratory"} | {"ferritin", "transferrin-saturation", "hemoglobin"}
        always = {"service-date", "product", "dose", "discarded-amount", "coverage", "place-of-service", "esrd-consolidated-billing"}
        assert asked | always == set(codes.requirements())
