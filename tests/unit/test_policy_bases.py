"""A policy that is as another one: what it takes over, with whose authority, on which days; what is
refused."""

import re
from datetime import date
from pathlib import Path

import pytest

from integration.wording.policies import policy_rows
from mappings.datafiles.error import DataFileError
from mappings.policy import choosing
from mappings.policy.choosing import Policy, PolicySet
from mappings.trials.cases import run_cases

BUILT_IN = Path(choosing.__file__).parent / "built_in"
OWN = """\
id: moon
version: "1"
title: Moon Health
for: {kinds: [commercial], payers: [moon]}
as: uhc-commercial
source: "Moon contract"
verified: true
requirements:
  treatment-plan: {}
"""
BASE = """\
id: sunrise
version: "7"
title: Sunrise Health Plan
for: {kinds: [commercial], payers: [sunrise]}
source: "Sunrise policy 12"
verified: true
consolidated_billing: true
modifiers: {discard: false, r340b: [{modifier: TB, source: "Sunrise policy 3"}]}
notes: [{says: "a hematologist orders it"}]
requirements:
  ndc: {}
  iron-deficiency-diagnosis:
    renal_anemia: {limit: tsat <= 15, units: {tsat: "%"}, source: "p. 4", verified: true}
  progress-note: {window_days: 30}
  timely-filing: {days: 90, confirmed: true, source: "Sunrise contract", verified: true}
"""


def loaded(folder: Path, *texts: str) -> PolicySet:
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    return choosing.load(folder)


def refused(folder: Path, *texts: str) -> list[str]:
    with pytest.raises(DataFileError) as found:
        loaded(folder, *texts)
    return [said.removeprefix(f"{folder}/") for said in found.value.every]


def moon(*changes: tuple[str, str]) -> str:
    text = OWN.replace("as: uhc-commercial", "as: sunrise")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def only(policies: PolicySet, identity: str = "moon") -> Policy:
    (found,) = [policy for policy in policies.policies if policy.id == identity]
    return found


def test_what_the_file_does_not_say_is_as_there(tmp_path: Path) -> None:
    found = only(loaded(tmp_path, moon(), BASE))
    rules = found.requirements
    assert rules.progress_note
    assert rules.progress_note.window_days == 30
    assert rules.treatment_plan == choosing.Rule()
    assert found.consolidated_billing
    assert not found.modifiers.discard
    assert (found.title, found.version, found.audience.payers) == ("Moon Health", "1", ("moon",))


def test_what_it_says_takes_the_place_of_the_whole_row(tmp_path: Path) -> None:
    own = moon(
        ("treatment-plan: {}", "progress-note: {window_days: 60, blocking: false}"),
        ("requirements:", "consolidated_billing: false\nmodifiers: {r340b: []}\nrequirements:"),
    )
    found = only(loaded(tmp_path, own, BASE))
    assert found.requirements.progress_note == choosing.NoteRule(window_days=60, blocking=False)
    assert not found.consolidated_billing
    assert (found.modifiers.r340b, found.modifiers.discard) == ((), False)


def test_of_another_payer_nothing_is_what_this_one_says(tmp_path: Path) -> None:
    found = only(loaded(tmp_path, moon(), BASE))
    rules, (discount,) = found.requirements, found.modifiers.r340b
    renal = rules.iron_deficiency_diagnosis and rules.iron_deficiency_diagnosis.renal_anemia
    taken = (rules.ndc, rules.progress_note, rules.timely_filing, discount, renal, *found.notes)
    assert [row and row.source for row in taken] == [
        "as Sunrise Health Plan: Sunrise policy 12",
        "as Sunrise Health Plan: Sunrise policy 12",
        "as Sunrise Health Plan: Sunrise contract",
        "as Sunrise Health Plan: Sunrise policy 3",
        "as Sunrise Health Plan: p. 4",
        "as Sunrise Health Plan: Sunrise policy 12",
    ]
    assert not any(row is None or row.verified for row in taken)
    assert rules.timely_filing
    assert not rules.timely_filing.confirmed
    own = [row for row in policy_rows(found) if row.verified]
    assert [row.requirement for row in own] == ["treatment-plan", "dosing"]


@pytest.mark.parametrize(
    ("audience", "same"),
    [
        ("{kinds: [commercial], payers: [sunrise], codes: [J1439]}", True),
        ("{kinds: [commercial], payers: [sunrise, moon], codes: [J1439]}", False),
        ("{kinds: [medicaid], payers: [sunrise]}", False),
        ("{kinds: [commercial], codes: [J1439]}", False),
    ],
)
def test_of_the_same_payer_it_is(tmp_path: Path, audience: str, same: bool) -> None:
    own = moon(("{kinds: [commercial], payers: [moon]}", audience))
    rules = only(loaded(tmp_path, own, BASE)).requirements
    assert rules.ndc
    assert rules.timely_filing
    assert (rules.ndc.source == "Sunrise policy 12") is same
    assert rules.ndc.verified is rules.timely_filing.verified is same
    assert rules.timely_filing.confirmed is same


def test_one_that_stands_in_lends_nothing_verified() -> None:
    aetna, default = (choosing.built_in().get(name) for name in ("aetna", "commercial-default"))
    assert aetna
    assert default
    for row in (*aetna.requirements.laboratory, aetna.requirements.treatment_plan):
        assert row
        assert row.verified is False
        assert (row.source or "").startswith(f"as {default.title}: ")


def test_a_site_s_policy_may_be_as_the_one_that_it_replaces(tmp_path: Path) -> None:
    text = (
        'id: uhc-commercial\nversion: "2027"\ntitle: UHC here\nfor: {kinds: [commercial], payers:'
        " [uhc]}\nas: uhc-commercial\nsource: contract\nverified: true\neffective: {from:"
        " 2027-01-01}\nrequirements:\n  progress-note: {window_days: 30}\n"
    )
    found = loaded(tmp_path, text)
    own, built = found.get("uhc-commercial"), choosing.built_in().get("uhc-commercial")
    assert own
    assert built
    assert own.requirements.preferred_product == built.requirements.preferred_product
    assert own.requirements.prior_authorization == built.requirements.prior_authorization
    assert own.requirements.progress_note
    older = found.get("uhc-commercial", date(2026, 12, 31))
    assert older
    assert older.requirements == built.requirements


def test_a_base_is_the_one_that_holds_on_the_day(tmp_path: Path) -> None:
    older = BASE.replace("verified: true\nc", "verified: true\neffective: {to: 2026-12-31}\nc")
    newer = BASE.replace("window_days: 30", "window_days: 10").replace('"7"', '"8"')
    newer = newer.replace("verified: true\nc", "verified: true\neffective: {from: 2027-01-01}\nc")
    cases = "".join(
        f"  - {{name: in {day}, given: {{day: {day}, note: false}}, expect: {{progress-note:"
        " missing}}\n"
        for day in ("2026-12-31", "2027-01-01")
    )
    found = loaded(tmp_path, f"{moon()}cases:\n{cases}", older, newer)
    days = {}
    for day in (date(2026, 12, 31), date(2027, 1, 1)):
        policy = found.choose(day, "11", "commercial", "moon")
        assert policy
        assert policy.requirements.progress_note
        days[policy.version] = policy.requirements.progress_note.window_days
        results = run_cases(policy)
        assert len(results) == 1
        assert all(result.passed for result in results)
    assert days == {"1 (sunrise 7)": 30, "1 (sunrise 8)": 10}


def test_a_base_that_a_site_replaces_is_the_site_s(tmp_path: Path) -> None:
    replaced = BASE.replace("id: sunrise", "id: uhc-commercial").replace("[sunrise]", "[uhc]")
    found = only(loaded(tmp_path, OWN, replaced))
    assert found.requirements.progress_note
    aetna = loaded(tmp_path, OWN, replaced).get("aetna")
    assert aetna == choosing.built_in().get("aetna")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("as: sunrise", "as: sunrice")],
            ("0.yaml:5: neither a built-in policy nor a file that is read with this one is"
            " sunrice (did you mean sunrise?)")),
        ([("as: sunrise", "as: xyz")],
            ("0.yaml:5: neither a built-in policy nor a file that is read with this one is xyz"
            " (`ferroclaim policy list` names the built-in)")),
        ([("as: sunrise", "as: moon")],
            "0.yaml:5: no built-in policy is moon, and a policy can't be as itself"),
        ([("as: sunrise\n", "without: [ndc]\n")],
            "0.yaml:5: without takes out of another policy: name that with `as`"),
        ([("source:", "without: [infusion-time]\nsource:")],
            "0.yaml:6: sunrise does not ask infusion-time: take it out"),
        ([("source:", "without: [treatment-plan]\nsource:")],
            "0.yaml:6: treatment-plan is asked under requirements: take it out of one of them"),
        ([("source:", "without: [progress_note]\nsource:")],
            ("0.yaml:6: nothing under requirements is 'progress_note'"
            " (did you mean progress-note?)")),
        ([("requirements:", ("without: [progress-note]\nmodifiers: {kx: [{modifier: KX, source: a,"
            " attests: [progress-note]}]}\nrequirements:"))],
            "0.yaml:9: KX attests progress-note, which the policy does not ask"),
    ],
)  # fmt: skip
def test_what_can_t_be_is_told(tmp_path: Path, changes: list[tuple[str, str]], said: str) -> None:
    (found,) = refused(tmp_path, moon(*changes), BASE)
    assert found.startswith(said)


def test_one_level_within_a_folder(tmp_path: Path) -> None:
    third = moon(("id: moon", "id: star"), ("[moon]", "[star]"), ("as: sunrise", "as: moon"))
    (found,) = refused(tmp_path, third, moon(), BASE)
    assert found == (
        "0.yaml:5: moon is itself as sunrise: be as that one, and say here what moon says beside"
    )


def test_two_that_are_as_each_other(tmp_path: Path) -> None:
    other = moon(("id: moon", "id: sunrise"), ("[moon]", "[sunrise]"), ("as: sunrise", "as: moon"))
    found = refused(tmp_path, moon(), other)
    assert [said.partition(":5: ")[0] for said in found] == ["0.yaml", "1.yaml"]
    assert all("is itself as" in said for said in found)


@pytest.mark.parametrize(
    ("own", "base", "said"),
    [
        ("{from: 2020-01-01}", "{from: 2024-01-01}", "on 2020-01-01"),
        ("{to: 2027-12-31}", "{from: 2024-01-01}", "from the first day on"),
        ("{from: 2024-01-01}", "{from: 2024-01-01, to: 2026-12-31}", "on 2027-01-01"),
    ],
)
def test_a_base_holds_on_each_day(tmp_path: Path, own: str, base: str, said: str) -> None:
    dated = BASE.replace("verified: true\nc", f"verified: true\neffective: {base}\nc")
    (found,) = refused(tmp_path, moon(("requirements:", f"effective: {own}\nrequirements:")), dated)
    assert found.startswith(f"0.yaml:8: there is no sunrise {said}, which it is as: give it")


def test_a_mistake_of_a_row_is_told_with_its_line(tmp_path: Path) -> None:
    own = moon(("treatment-plan: {}", "progress-note: {window_days: many}"))
    (found,) = refused(tmp_path, own, BASE)
    assert found.startswith("0.yaml:9: a number is wanted, without unit, not 'many'")


@pytest.mark.parametrize("path", sorted(BUILT_IN.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_built_in_policy_writes_what_it_takes_over(path: Path) -> None:
    said = path.read_text("utf-8")
    assert not re.search(r"as (commercial )?(payers|plans) without a policy", said)
