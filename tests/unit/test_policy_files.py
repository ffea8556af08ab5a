"""Policy files: what is wrong with one is said on load, with file and line; a site's folder beside
the built-in ones; the choice."""

from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from mappings.datafiles import loading
from mappings.datafiles.error import DataFileError
from mappings.policy import choosing
from mappings.policy.rules import USUAL_RENAL_ANEMIA
from mappings.policy.unasked import unasked

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
        choosing.load(written(folder, text))
    message = str(refused.value)
    assert message.startswith(f"{folder}/sunrise.yaml:")
    assert "\n" not in message
    return message.removeprefix(f"{folder}/sunrise.yaml:")


def test_a_good_one_is_taken(tmp_path: Path) -> None:
    found = choosing.load(written(tmp_path)).get("sunrise")
    assert found
    assert found.requirements.laboratory[0].window_days == 60


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("ferritin <= 500,", "ferritine <= 500,")],
            ("10: unknown name 'ferritine'"
            " (known: age, ferritin, hb, lvef, nyha, tsat, weeks_pregnant)")),
        ([("{limit:", "{when: anemic, limit:")], "10: unknown name 'anemic'"),
        ([("ferritin <= 500,", "ckd,")],
            "10: a limit compares a laboratory value (ferritin, hb, tsat): 'ckd'"),
        ([("units: {ferritin: ng/mL}, ", "")],
            "10: the limit of ferritin has no unit: add it to units"),
        ([("ferritin <= 500,", "ferritin <= 500 or tsat <= 30,")],
            "10: the limit of tsat has no unit: add it to units"),
        ([("ng/mL", "ug/dL")], "10: ferritin is compared in ng/mL, not in ug/dL"),
        ([("{ferritin: ng/mL}", "{iron: ug/dL}")], "10: 'iron' is not known"),
        ([("{limit:", "{on_record: [ferritin], limit:")],
            "10: a laboratory rule has either on_record or limit"),
        ([("{limit: ferritin <= 500, units", "{units")],
            "10: a laboratory rule has either on_record or limit"),
        ([("window_days: 60", "window_days: -1")], "10: write at least 0"),
        ([("window_days: 60", "window_days: 08")], "10: write 8 instead of 08"),
        ([("window_days: 60", "window_days: 1e2")], "10: write 100 instead of 1e2"),
        ([("ferritin <= 500,", "ferritin <= 1,000,")],
            "10: the comma before 000 ends what stands before it: write no commas in numbers"),
        ([("  ndc: {}", "\tndc: {}")], "8: a tab, or %, @ or ` at the beginning of a text"),
        ([("title: Sunrise", "title: a: Sunrise")], "3: a colon within a text, or a line of"),
        ([("  ndc: {}", "  ndc: {}\n---\n")], "9: a second document begins here (---)"),
        ([("window_days: 60", "window: 60")], ("10: unknown field `window` at"
            " $.requirements.laboratory[0] (did you mean `window_days`?)")),
        ([("  ndc: {}", "  ndc:")], ("8: nothing follows `ndc` at"
            " $.requirements: write {} if that is all, or leave the name out")),
        ([("  ndc: {}", "  ndcs: {}")],
            "8: unknown field `ndcs` at $.requirements (did you mean `ndc`?)"),
        ([("  ndc: {}", "  ndc: {wen: ckd}")],
            "8: unknown field `wen` at $.requirements.ndc (did you mean `when`?)"),
        ([("  ndc: {}", "  oral-iron-history: {unless: tsat < 12}")],
            "8: the limit of tsat has no unit: add it to units"),
        ([("  ndc: {}", "  oral-iron-history: {unless: tsat lower 12}")],
            "8: can't read the condition 'tsat lower 12'"),
        ([("  ndc: {}", ("  iron-deficiency-diagnosis: {renal_anemia:"
            " {limit: tsat <= 20, units: {}, source: ours, verified: false}}"))],
         "8: the limit of tsat has no unit"),
        ([("  ndc: {}", "  prior-authorization: {asked: perhaps}")], "8: 'perhaps' is not known"),
        ([("  ndc: {}", "  prior-authorization: {asked: 'yes', codes: [J1765]}")],
            "8: J1765 is not a code of an IV iron"),
        ([("  ndc: {}", "  preferred-product: {preferred: [J1756], not_covered: [J0885]}")],
            "8: J0885 is not a code of an IV iron"),
        ([("  ndc: {}", "  units-limit: {limits: {J1756: 500, J9999: 1}}")],
            "8: J9999 is not a code of an IV iron"),
        ([("  ndc: {}", "  drug-source: {allowed: [post]}")],
            "8: 'post' is not known (known: buy-and-bill, white-bag"),
        ([("kinds: [commercial]", "kinds: [comercial]")], "4: 'comercial' is not known"),
        ([("kinds: [commercial]", "kinds: []")], "4: write at least one; none is here"),
        ([("payers: [sunrise]", "settings: ['10']")], "4: unknown place of service '10'"),
        ([("payers: [sunrise]", "settings_only: true")], "4: settings_only needs settings"),
        ([("verified: true", "verified: true\neffective: {from: 2027-01-01, to: 2026-01-01}")],
            "7: it ends (2026-01-01) before it begins (2027-01-01)"),
        ([('version: "1"', "version: 2026-01-01")], '2: write "2026-01-01" in quotes at $.version'),
        ([('source: "Sunrise medical policy 12"\n', "")], "1: the field `source` is missing"),
        ([("title:", "id: twice\ntitle:")], "3: the key 'id' appears twice"),
        ([("title: Sunrise", "title: [Sunrise")], "4: "),
        ([("title: Sunrise", "title: *none")],
            "3: write quotes around the text that begins here with *"),
        ([("  ndc: {}", "  dosing: {single_mg: .nan}")],
            "8: .nan is not a number: write one such as 500"),
        ([("  ndc: {}", "  dosing: {single_mg: -.inf}")], "8: -.inf is not a number"),
        ([("  ndc: {}", "  dosing: {single_mg: 1.0e+99}")],
            "8: a number of more than 15 digits: write a shorter one"),
        ([("60}", "9" * 5000 + "}")], "10: a number of more than 15 digits: write a shorter one"),
        ([("60}", "060}")], "10: 060 is not a plain whole number"),
        ([("60}", "1:30}")], "10: 1:30 is not a plain whole number"),
        ([("60}", "30.5}")],
            "10: a whole number is wanted, not 30.5 at $.requirements.laboratory[0].window_days"),
        ([("60}", "true}")], "10: a number is wanted at $.requirements.laboratory[0].window_days"),
        ([("verified: true", "verified: perhaps")], "6: write true or false at $.verified"),
        ([("kinds: [commercial]", "kinds: commercial")],
            "4: a list is wanted, such as [one, two] at $.for.kinds"),
        ([("title: Sunrise Health Plan", "title: [Sunrise]")], "3: a text is wanted at $.title"),
        ([("  ndc: {}", "  ndc: yes")],
            "8: names with values are wanted, such as `name: value` at $.requirements.ndc"),
        ([("60}", "'60'}")],
            "10: write 60 without quotes at $.requirements.laboratory[0].window_days"),
        ([("60}", "60 days}")], "10: a number is wanted, without unit, not '60 days'"),
        ([("60}", "36501}")], "10: write at most 36500"),
        ([("title:", "effective: {from: 2027-02-30}\ntitle:")],
            "3: there is no date 2027-02-30: correct the date"),
        ([("title:", "effective: {from: '2027-02-30'}\ntitle:")],
            "3: there is no date 2027-02-30: correct the date"),
        ([("title:", "effective: {from: 01/31/2027}\ntitle:")],
            "3: write the date as 2027-01-31 at $.effective.from"),
        ([("title:", "effective: {from: January}\ntitle:")],
            "3: write the date as year-month-day, such as 2027-01-31"),
        ([("title:", "effective: {from: 2027-01-31T00:00:00Z}\ntitle:")],
            "3: write the date without a time: 2027-01-31"),
        ([("title:", "effective: {to: 0001-01-01}\ntitle:")],
            "3: 0001-01-01 is before any dose on record: correct the year"),
        ([("title:", "effective: {from: 1027-01-01}\ntitle:")],
            "3: 1027-01-01 is before any dose on record: correct the year"),
        ([("title:", "effective: {from: 2207-01-01}\ntitle:")],
            "3: 2207-01-01 is after any dose on record: correct the year"),
        ([("title:", "effective: {from: 1/1/27}\ntitle:")], "3: write the date as 2027-01-01"),
        ([("title:", "effective: {from: 20270101}\ntitle:")], "3: write the date as 2027-01-01"),
        ([("title:", "effective: {from: 2027.5}\ntitle:")], "3: write the date as year-month-day"),
        ([("  ndc: {}", "  iron-deficiency-diagnosis: {renal_anemia: {limit: tsat <= 15}}")],
            "8: a limit of your own needs its source: add source and verified"),
        ([("ferritin <= 500,", "tsat < 0.3,")],
            "10: tsat is compared in %, and 0.3 is not between 1 and 100: 'tsat < 0.3'"),
        ([("ferritin <= 500,", "hb < 120,")], "10: hb is compared in g/dL, and 120 is not between"),
        ([("ferritin <= 500,", "ferritin <= 5\N{NO-BREAK SPACE}and ckd,")],
            "10: write plain spaces, no non-breaking ones"),
        ([("  ndc: {}", "  iron-overload: {tsat_from_percent: 0.5}")],
            "8: tsat is compared in %, and 0.5 is not between 1 and 100"),
        ([("  ndc: {}", "  oral-iron-history: {unless: hb < 80, units: {hb: g/dL}}")],
            "8: hb is compared in g/dL, and 80 is not between 3 and 25"),
        ([("  ndc: {}", "\N{NO-BREAK SPACE} ndc: {}")], "8: a non-breaking space"),
        ([("[sunrise]", "[sunrise\N{ZERO WIDTH SPACE}]")],
            "4: an invisible character (U+200B): delete it"),
        ([("title: Sunrise", "title: '")], "3: a quote that begins here is not closed"),
        ([("title: Sunrise", "title: !Sunrise")],
            "3: write quotes around the text that begins here with !"),
        ([("[sunrise]", "[sunrise")], "4: a bracket before this is not closed"),
        ([("  ndc: {}", "  ndc: &a {when: *a}")], "8: a text is wanted at $.requirements.ndc.when"),
        ([("  ndc: {}", "  prior-authorization: {asked: yes}")],
            '8: write "yes" in quotes at $.requirements.prior-authorization.asked'),
        ([('version: "1"', "version: 2027")], '2: write "2027" in quotes at $.version'),
        ([("payers: [sunrise]", "settings: [11]")], '4: write "11" in quotes at $.for.settings[0]'),
        ([("payers: [sunrise]", "payers: ['']")],
            "4: a text is wanted here, and it is empty at $.for.payers[0]"),
        ([('source: "Sunrise medical policy 12"', "source: ' '")],
            "5: a text is wanted here, and it is empty at $.source"),
        ([('version: "1"', "version: ''")],
            "2: a text is wanted here, and it is empty at $.version"),
        ([("id: sunrise", 'id: "sunrise\\n"')],
            "1: 'sunrise\\n' can't stand here: small letters, digits and hyphens at $.id"),
        ([("ferritin <= 500,", "ferritin <= 500 AND tsat < 20,")], "10: write and instead of AND"),
        ([("ferritin <= 500,", "tsat < 20%,")], "10: write 20 without %; units says the unit"),
        ([("ferritin <= 500,", "ferritin < 30 and ferritin > 40,")],
            "10: no ferritin fits, so this never holds"),
        ([("  ndc: {}", "  ndc: {}\n  ? [a, b]\n  : 1")],
            "9: a key must be a name, not a list or a map"),
        ([("  ndc: {}", "  ndc: {}\n  ? {a: b}\n  : 1")],
            "9: a key must be a name, not a list or a map"),
        ([("  ndc: {}", "  ndc: {}\n  ? \n  : 1")],
            "9: a key is empty: write a name before the colon"),
        ([("  ndc: {}", "  ndc: {}\n  5: 1")], '9: write the key "5" in quotes'),
        ([("  ndc: {}", "  ndc: {}\x07")], "8: a control character (U+0007): delete it"),
        ([("  ndc: {}", "  dosing: {single_mg: -5}")], "8: a number above 0 is wanted, not -5"),
        ([("  ndc: {}", "  dosing: {single_mg: 0}")], "8: a number above 0 is wanted, not 0"),
        ([("  ndc: {}", "  dosing: {single_mg: '500'}")], "8: write 500 without quotes"),
        ([("  ndc: {}", "  iron-overload: {ferritin_above_ng_ml: -1}")],
            "8: a number of at least 0 is wanted, not -1"),
        ([("  ndc: {}", "  drug-source: {allowed: []}")], "8: write at least one; none is here"),
        ([("  ndc: {}", "  preferred-product: {preferred: []}")],
            "8: write at least one; none is here"),
        ([("  ndc: {}", "  units-limit: {limits: {}}")], "8: give the limits of the payer by code"),
        ([("  ndc: {}", "  units-limit: {}")], "8: give the limits of the payer by code"),
        ([("  ndc: {}", "  preferred-product: {preferred: [J1756], not_covered: [J1756]}")],
            "8: J1756 is both preferred and not covered"),
        ([("  ndc: {}", "  preferred-product: {preferred: [J1756], tried: 3}")],
            "8: 3 of 1 preferred codes can't be tried: write at most 1"),
        ([(POLICY, "")], "1: the file is empty"),
        ([(POLICY, "# nothing\n")], "1: the file is empty"),
        ([(POLICY, "- a\n")], "1: names with values are wanted, such as `name: value`"),
        ([(POLICY, "{a: " * 5000 + "}" * 5000)], "1: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_line(
    tmp_path: Path, changes: list[tuple[str, str]], said: str
) -> None:
    assert refusal(tmp_path, changed(*changes)).startswith(said)


def test_every_mistake_is_told_from_the_first_line_to_the_last(tmp_path: Path) -> None:
    text = changed(
        ('version: "1"', "version: 2027"),
        ("kinds: [commercial]", "kinds: [comercial]"),
        ("  ndc: {}", "  ndcc: {}\n  treatment-plan: {when: diabetic}"),
        (", units: {ferritin: ng/mL}", ""),
    )
    cases = "cases:\n  - {name: one, given: {ferritn: 42}, expect: {ferritin: fine}}\n"
    with pytest.raises(DataFileError) as refused:
        choosing.load(written(tmp_path, text + cases))
    lines = [
        said.removeprefix(f"{tmp_path}/sunrise.yaml:").partition(":")[0]
        for said in refused.value.every
    ]
    assert lines == ["2", "4", "8", "9", "11", "13", "13"]


def test_a_whole_number_may_be_written_as_a_decimal(tmp_path: Path) -> None:
    found = choosing.load(written(tmp_path, changed(("60}", "30.0}")))).get("sunrise")
    assert found
    assert found.requirements.laboratory[0].window_days == 30


def test_a_part_may_be_said_once_for_several(tmp_path: Path) -> None:
    text = changed(
        (
            "  ndc: {}",
            (
                "  ndc: &ours {verified: false, source: ours}\n  treatment-plan: {<<: *ours,"
                " source: theirs}"
            ),
        )
    )
    found = choosing.load(written(tmp_path, text)).get("sunrise")
    assert found
    assert found.requirements.treatment_plan == choosing.Rule(verified=False, source="theirs")


def test_a_mistake_in_such_a_part_has_its_own_line(tmp_path: Path) -> None:
    text = changed(
        (
            "  ndc: {}",
            "  ndc: &ours {verified: false}\n  treatment-plan: {<<: *ours, when: diabetic}",
        )
    )
    assert refusal(tmp_path, text).startswith("9: unknown name 'diabetic'")


MODIFIERS = POLICY + "modifiers:\n"
KX = 'kx: [{modifier: KX, source: "MP-12", attests: '


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (f"{KX}[ferritine]}}]", "12: unknown requirement 'ferritine' (did you mean ferritin?)"),
        (f"{KX}[]}}]", "12: write at least one; none is here"),
        (
            "kx: [{modifier: KX, source: ours}]",
            "12: the field `attests` is missing at $.modifiers.kx[0]",
        ),
        (
            "kx: [{modifier: KX, attests: [ferritin]}]",
            "12: the field `source` is missing at $.modifiers.kx[0]",
        ),
        (
            f"{KX}[ferritin, transferrin-saturation]}}]",
            "12: KX attests transferrin-saturation, which the policy does not ask",
        ),
        (
            f"{KX}[oral-iron-history]}}]",
            (
                "12: KX attests oral-iron-history, which the policy does not ask: ask it under"
                " requirements"
            ),
        ),
        (
            f"discard: false\n  {KX}[discarded-amount]}}]",
            "13: KX attests discarded-amount, which the policy does not ask",
        ),
        (
            f"{KX}[esrd-consolidated-billing]}}]",
            "12: KX attests esrd-consolidated-billing, which the policy does not ask",
        ),
        (f"{KX}[ndc], codes: [J9999]}}]", "12: J9999 is not a code of an IV iron"),
        (
            f"{KX}[ndc]}}, {{modifier: KX, source: ours, attests: [ndc], from: 2026-01-01}}]",
            "12: its dates overlap those of another kx row",
        ),
        (
            f"{KX}[ndc]}}, {{modifier: KX, source: ours, attests: [ndc], codes: [J1756]}}]",
            "12: its dates overlap those of another kx row",
        ),
        (
            "kx: [{modifier: JZ, source: ours, attests: [ndc]}]",
            "12: 'JZ' is not known (known: KX) at $.modifiers.kx[0].modifier",
        ),
        ("r340b: [{modifier: KX, source: ours}]", "12: 'KX' is not known (known: JG, TB, UD, SE)"),
        (
            "r340b: [{modifier: TB, source: ours, attests: [ndc]}]",
            "12: unknown field `attests` at $.modifiers.r340b[0]",
        ),
        ("ambulatory_surgery: [{modifier: JW, source: ours}]", "12: 'JW' is not known (known: SG)"),
        ("r340b: [{modifier: TB}]", "12: the field `source` is missing at $.modifiers.r340b[0]"),
        ("r340b: [{modifier: TB, source: ''}]", "12: a text is wanted here, and it is empty"),
        (
            (
                "r340b:\n    - {modifier: JG, source: ours, to: 2025-01-01}\n    - {modifier: TB,"
                " source: ours, from: 2025-01-01}"
            ),
            "14: its dates overlap those of another r340b row",
        ),
        (
            "r340b: [{modifier: JG, source: ours, from: 2025-01-02, to: 2025-01-01}]",
            "12: it ends (2025-01-01) before it begins (2025-01-02)",
        ),
    ],
)
def test_modifiers_that_no_line_can_carry(tmp_path: Path, rows: str, said: str) -> None:
    assert refusal(tmp_path, f"{MODIFIERS}  {rows}\n").startswith(said)


def test_an_authorization_that_is_not_asked_is_not_attested(tmp_path: Path) -> None:
    text = changed(("  ndc: {}", "  prior-authorization: {asked: 'no'}"))
    rows = f"modifiers:\n  {KX}[prior-authorization]}}]\n"
    assert refusal(tmp_path, text + rows).startswith(
        "12: KX attests prior-authorization, which the policy does not ask"
    )


@pytest.mark.parametrize(
    "rows",
    [
        f"{KX}[ferritin, ndc, dose, iron-overload, discarded-amount]}}]",
        (
            f"{KX}[ndc], codes: [J1756]}}, {{modifier: KX, source: ours, attests: [ndc], codes:"
            " [J1439]}]"
        ),
        (
            f"{KX}[ndc], to: 2026-12-31}}, {{modifier: KX, source: ours, attests: [ferritin], from:"
            " 2027-01-01}]"
        ),
        (
            "r340b: [{modifier: JG, source: a, to: 2024-12-31}, {modifier: TB, source: a, from:"
            " 2025-01-01}]"
        ),
        "ambulatory_surgery: [{modifier: SG, source: ours}]",
    ],
)
def test_modifiers_that_a_line_can_carry(tmp_path: Path, rows: str) -> None:
    assert choosing.load(written(tmp_path, f"{MODIFIERS}  {rows}\n")).get("sunrise")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            "given: {ferritn: 42}, expect: {ferritin: met}",
            "12: unknown field `ferritn` at $.cases[0].given (did you mean `ferritin`?)",
        ),
        (
            "given: {ferritin: 42}, expect: {feritin: met}",
            "12: unknown requirement 'feritin' (did you mean ferritin?)",
        ),
        ("given: {ferritin: 42}, expect: {ferritin: fine}", "12: 'fine' is not known"),
        ("given: {code: J1765}, expect: {ferritin: met}", "12: J1765 is not a code of an IV iron"),
        (
            "given: {}, expect: {line: met}",
            (
                "12: line is never met: a line is ready, held, not-billable, a requirement met,"
                " missing and so on"
            ),
        ),
        ("given: {}, expect: {ferritin: ready}", "12: ferritin is never ready"),
        ("given: {}, expect: {}", "12: write at least one; none is here"),
        ("given: {setting: '99'}, expect: {line: held}", "12: unknown place of service '99'"),
        ("given: {dose_mg: -50}, expect: {line: held}", "12: a number above 0 is wanted, not -50"),
        (
            "given: {ferritin: -1}, expect: {line: held}",
            "12: a number of at least 0 is wanted, not -1",
        ),
        ("given: {oral_iron_days: 99999999}, expect: {line: held}", "12: write at most 36500"),
        ("given: {lab_days_before: 99999999}, expect: {line: held}", "12: write at most 36500"),
        (
            "given: {day: 0001-01-01}, expect: {line: held}",
            "12: 0001-01-01 is before any dose on record: correct the year",
        ),
        (
            "given: {}, expect: {line: held}}\n  - {name: one, given: {}, expect: {line: held}",
            "12: 2 cases are called 'one'",
        ),
    ],
)
def test_cases_name_facts_and_requirements_that_there_are(
    tmp_path: Path, case: str, said: str
) -> None:
    assert refusal(tmp_path, f"{POLICY}cases:\n  - {{name: one, {case}}}\n").startswith(said)


def test_a_case_of_a_day_that_the_policy_is_not_for(tmp_path: Path) -> None:
    text = changed(("title:", "effective: {from: 2027-01-01}\ntitle:"))
    case = "cases:\n  - {name: one, given: {day: 2026-12-31}, expect: {line: held}}\n"
    assert (
        refusal(tmp_path, text + case)
        == "13: 2026-12-31 is outside the policy's effective dates: nothing judges that day"
    )


class TestFolder:
    def test_none_is_the_built_in(self) -> None:
        assert choosing.load(None) is choosing.built_in()

    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(DataFileError, match="no such folder of policies"):
            choosing.load(tmp_path / "nowhere")

    def test_a_site_adds_a_policy(self, tmp_path: Path) -> None:
        found = choosing.load(written(tmp_path))
        assert len(found.policies) == len(choosing.built_in().policies) + 1

    @pytest.mark.parametrize("name", ["sunrise.YAML", "sunrise.yml", ".sunrise.yaml"])
    def test_each_policy_file_is_read(self, tmp_path: Path, name: str) -> None:
        assert choosing.load(written(tmp_path, name=name)).get("sunrise")

    def test_other_files_are_left_alone(self, tmp_path: Path) -> None:
        written(tmp_path, "not: a policy", "notes.txt")
        written(tmp_path / "old.yaml", "not: a policy")
        assert choosing.load(written(tmp_path)).get("sunrise")

    def test_a_folder_without_a_policy(self, tmp_path: Path) -> None:
        written(tmp_path, "not: a policy", "notes.txt")
        with pytest.raises(DataFileError) as refused:
            choosing.load(tmp_path)
        assert (
            str(refused.value) == f"{tmp_path}: no policy file (*.yaml or *.yml) is in this folder"
        )

    def test_a_folder_whose_policies_stand_deeper(self, tmp_path: Path) -> None:
        path = written(tmp_path / "payers") / "sunrise.yaml"
        with pytest.raises(DataFileError, match=f"is in this folder; not read: {path}$"):
            choosing.load(tmp_path)

    @pytest.mark.parametrize(("encoding", "line"), [("latin-1", 2), ("utf-16", 1)])
    def test_a_file_in_another_encoding(self, tmp_path: Path, encoding: str, line: int) -> None:
        (tmp_path / "a.yaml").write_text("id: a\ntitle: Santé", encoding)
        with pytest.raises(DataFileError) as refused:
            choosing.load(tmp_path)
        assert (
            str(refused.value)
            == f"{tmp_path}/a.yaml:{line}: not text in UTF-8: save the file as UTF-8"
        )

    def test_a_file_in_utf_16_without_its_mark(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("id: a", "utf-16-le")
        with pytest.raises(
            DataFileError,
            match=(
                r"a.yaml:1: a control character \(U\+0000\): delete it, or save the file as UTF-8"
            ),
        ):
            choosing.load(tmp_path)

    def test_a_file_with_the_mark_of_utf_8(self, tmp_path: Path) -> None:
        assert choosing.load(written(tmp_path, f"\ufeff{POLICY}")).get("sunrise")

    def test_the_id_of_a_built_in_replaces_it(self, tmp_path: Path) -> None:
        text = changed(
            ("id: sunrise", "id: uhc-commercial"), ("payers: [sunrise]", "payers: [uhc]")
        )
        found = choosing.load(written(tmp_path, text))
        assert [policy.title for policy in found.policies if policy.id == "uhc-commercial"] == [
            "Sunrise Health Plan"
        ]

    def test_from_the_first_day_that_it_is_for(self, tmp_path: Path) -> None:
        text = changed(
            ("id: sunrise", "id: uhc-commercial"),
            ("payers: [sunrise]", "payers: [uhc]"),
            ("title:", "effective: {from: 2027-01-01}\ntitle:"),
        )
        found = choosing.load(written(tmp_path, text))
        before, after = (
            found.get("uhc-commercial", date(2026, 12, 31)),
            found.get("uhc-commercial", date(2027, 1, 1)),
        )
        assert before
        assert after
        assert (before.title, after.title) == ("UnitedHealthcare commercial", "Sunrise Health Plan")

    @pytest.mark.parametrize(
        ("audience", "lost"),
        [
            ("kinds: [commercial], payers: [sunrise]", "uhc"),
            ("kinds: [medicaid], payers: [uhc]", "commercial"),
            ("kinds: [medicaid], payers: [sunrise]", "commercial, uhc"),
            (
                "kinds: [commercial], payers: [uhc], settings: ['11'], settings_only: true",
                "places that it is not for",
            ),
        ],
    )
    def test_the_id_of_a_built_in_for_somebody_else_is_refused(
        self, tmp_path: Path, audience: str, lost: str
    ) -> None:
        text = changed(
            ("id: sunrise", "id: uhc-commercial"),
            ("kinds: [commercial], payers: [sunrise]", audience),
        )
        assert (
            refusal(tmp_path, text)
            == f"4: it would replace the built-in policy uhc-commercial and leave out {lost}: take"
            " another id, or the same `for`"
        )

    def test_the_id_of_a_default_for_one_payer_is_refused(self, tmp_path: Path) -> None:
        said = refusal(tmp_path, changed(("id: sunrise", "id: commercial-default")))
        assert said.startswith(
            "4: it would replace the built-in policy commercial-default and leave out every other"
            " payer"
        )

    def test_the_id_of_a_built_in_for_more_payers_or_in_fewer_places(self, tmp_path: Path) -> None:
        text = changed(
            ("id: sunrise", "id: uhc-commercial"),
            ("payers: [sunrise]", "payers: [uhc, sunrise], settings: ['11']"),
        )
        assert choosing.load(written(tmp_path, text)).choose(
            date(2026, 1, 1), "22", "commercial", "uhc"
        )

    def test_another_id_for_the_same_payer_is_refused(self, tmp_path: Path) -> None:
        said = refusal(tmp_path, changed(("payers: [sunrise]", "payers: [uhc]")))
        assert (
            said
            == "4: the built-in policy uhc-commercial is for the same payer, settings and dates:"
            " take its id to replace it"
        )

    def test_two_of_a_site_for_the_same_payer(self, tmp_path: Path) -> None:
        written(tmp_path, changed(("id: sunrise", "id: other")), "a.yaml")
        with pytest.raises(
            DataFileError,
            match=(
                rf"sunrise.yaml:1: its dates overlap those of {tmp_path}/a.yaml, which is for the"
                " same payer and settings: take one of them out, or give each its own dates"
            ),
        ):
            choosing.load(written(tmp_path))

    def test_two_versions_whose_dates_overlap(self, tmp_path: Path) -> None:
        written(tmp_path, changed(("title:", "effective: {to: 2026-12-31}\ntitle:")), "a.yaml")
        with pytest.raises(
            DataFileError, match=r"a.yaml:3: its dates overlap .* with `to: 2026-12-30`"
        ):
            choosing.load(
                written(tmp_path, changed(("title:", "effective: {from: 2026-12-31}\ntitle:")))
            )

    def test_the_older_version_is_told_when_to_end(self, tmp_path: Path) -> None:
        newer = changed(("title:", "effective: {from: 2027-01-01}\ntitle:"))
        written(tmp_path, newer, "a-newer.yaml")
        said = refusal(tmp_path, POLICY)
        assert said == (
            f"1: its dates overlap those of {tmp_path}/a-newer.yaml, which is for the same payer"
            " and settings: end it the day before that begins, with `to: 2026-12-31` under"
            " `effective`"
        )

    def test_two_versions_that_follow_each_other(self, tmp_path: Path) -> None:
        written(tmp_path, changed(("title:", "effective: {to: 2026-12-31}\ntitle:")), "a.yaml")
        found = choosing.load(
            written(
                tmp_path,
                changed(
                    ('version: "1"', 'version: "2"'),
                    ("title:", "effective: {from: 2027-01-01}\ntitle:"),
                ),
            )
        )
        versions = [
            policy.version
            for day in (date(2026, 12, 31), date(2027, 1, 1))
            if (policy := found.choose(day, "11", "commercial", "sunrise"))
        ]
        assert versions == ["1", "2"]

    def test_two_settings_of_one_payer_are_two_policies(self, tmp_path: Path) -> None:
        written(
            tmp_path,
            changed(
                ("payers: [sunrise]", "payers: [sunrise], settings: ['11', '12']"),
                ("id: sunrise", "id: office"),
            ),
            "a.yaml",
        )
        found = choosing.load(
            written(tmp_path, changed(("payers: [sunrise]", "payers: [sunrise], settings: ['22']")))
        )
        chosen = [
            policy.id
            for pos in ("11", "12", "22")
            if (policy := found.choose(date(2026, 1, 1), pos, "commercial", "sunrise"))
        ]
        assert chosen == ["office", "office", "sunrise"]

    def test_a_link_that_leads_nowhere_is_not_passed_over(self, tmp_path: Path) -> None:
        (written(tmp_path) / "b.yaml").symlink_to(tmp_path / "gone.yaml")
        with pytest.raises(DataFileError, match=r"b.yaml: can't be read: No such file"):
            choosing.load(tmp_path)

    def test_what_systems_put_beside_a_file_is_not_read(self, tmp_path: Path) -> None:
        (written(tmp_path) / "._sunrise.yaml").write_bytes(b"\0\5\26\7")
        (tmp_path / ".#sunrise.yaml").symlink_to("me@host.1")
        assert choosing.load(tmp_path).get("sunrise")
        assert loading.not_read_in(tmp_path) == []

    def test_one_that_is_mounted_holds_links(self, tmp_path: Path) -> None:
        written(tmp_path / "..2026", name="a.yaml")
        (tmp_path / "..data").symlink_to("..2026")
        (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
        assert choosing.load(tmp_path).get("sunrise")
        assert loading.not_read_in(tmp_path) == []

    def test_its_own_name_may_begin_with_a_dot(self, tmp_path: Path) -> None:
        assert choosing.load(written(tmp_path / ".policies")).get("sunrise")

    @pytest.mark.parametrize("name", ["a.yaml.txt", "a.json", "a.yml~"])
    def test_a_file_of_another_name_is_named(self, tmp_path: Path, name: str) -> None:
        written(tmp_path, name=name)
        (tmp_path / "policy.pdf").touch()
        assert loading.not_read_in(tmp_path) == [tmp_path / name]
        with pytest.raises(DataFileError, match=f"no policy file .* not read: {tmp_path}/{name}"):
            choosing.load(tmp_path)

    def test_one_that_may_not_be_listed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(_: Path) -> NoReturn:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", denied)
        with pytest.raises(DataFileError, match=f"{tmp_path}: can't be read: Permission denied"):
            choosing.load(tmp_path)


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
            ("11", "medicare-advantage", "uhc", "uhc-medicare-advantage"),
            ("11", "medicare-advantage", None, "medicare-advantage-default"),
            ("11", "commercial", None, "commercial-default"),
            ("65", "commercial", None, "commercial-default"),
            ("11", "commercial", "uhc", "uhc-commercial"),
            ("65", "commercial", "uhc", "uhc-commercial"),
            ("11", "commercial", "nobody", "commercial-default"),
            ("11", "commercial", "centene", "centene"),
            ("11", "medicaid", "centene", "centene"),
            ("11", "medicaid", "uhc", "medicaid-default"),
            ("11", "medicaid", None, "medicaid-default"),
            ("11", "government", None, "government-default"),
            ("11", "supplement", None, None),
        ],
    )
    def test_of_the_built_in(
        self, setting: str | None, kind: str, payer: str | None, chosen: str | None
    ) -> None:
        found = choosing.built_in().choose(self.DAY, setting, kind, payer, "J1756")
        assert (found.id if found else None) == chosen

    @pytest.mark.parametrize(
        ("kind", "chosen"), [("commercial", "commercial-default"), ("medicaid", "medicaid-default")]
    )
    def test_a_policy_of_one_drug_leaves_the_others_to_the_kind(
        self, kind: str, chosen: str
    ) -> None:
        found = choosing.built_in().choose(self.DAY, "11", kind, "centene", "J1439")
        assert found
        assert found.id == chosen

    def test_a_plans_own_policy_without_the_dialysis_facility_leaves_that_to_medicare(
        self, tmp_path: Path
    ) -> None:
        text = changed(
            (
                "kinds: [commercial], payers: [sunrise]",
                "kinds: [medicare-advantage], payers: [sunrise], settings: ['11']",
            )
        )
        found = choosing.load(written(tmp_path, text))
        chosen = [
            policy.id
            for pos in ("11", "22", "65")
            if (policy := found.choose(self.DAY, pos, "medicare-advantage", "sunrise"))
        ]
        assert chosen == ["sunrise", "sunrise", "medicare-esrd-pps"]


@pytest.mark.parametrize(
    ("whens", "who"),
    [
        ([None], None),
        (["ckd", None], None),
        (["ckd"], "not ckd"),
        (["ckd", "not ckd"], None),
        (["ckd", "heart_failure and not ckd"], "not ckd and not heart_failure"),
        (["ckd and dialysis", "not ckd"], "ckd and not dialysis"),
        (["not (ckd or dialysis)", "ckd", "dialysis and not ckd"], None),
        (["ckd", "hb < 10 and not ckd"], "not ckd"),
    ],
)
def test_whom_no_laboratory_row_is_about(
    tmp_path: Path, whens: list[str | None], who: str | None
) -> None:
    rows = "".join(
        f"    - {{{f'when: {when}, ' if when else ''}on_record: [tsat], units: {{hb: g/dL}},"
        " window_days: 60}\n"
        for when in whens
    )
    head = POLICY.partition("    - {limit")[0]
    found = choosing.load(written(tmp_path, head + rows)).get("sunrise")
    assert found
    assert unasked(found) == who


class TestBuiltIn:
    def test_each_asks_every_patient(self) -> None:
        assert not list(filter(None, map(unasked, choosing.built_in().policies)))

    def test_which_results_show_iron_deficiency_beside_d63_1_is_said_once(self) -> None:
        rules = [policy.requirements for policy in choosing.built_in().policies]
        shown_by = [row.iron_deficiency_diagnosis for row in rules if row.iron_deficiency_diagnosis]
        assert all(row.renal_anemia == USUAL_RENAL_ANEMIA for row in shown_by)

    def test_the_table_of_the_rules(self) -> None:
        found = {
            policy.id: list(policy.audience.settings)
            for policy in choosing.built_in().policies
            if policy.id != "no-coverage" and not policy.audience.payers
        }
        assert found == {
            "medicare-part-b": ["11", "19", "22", "23", "24", "49"],
            "medicare-esrd-pps": ["65"],
            "medicare-advantage-default": ["11", "19", "22", "23", "24", "49"],
            "commercial-default": ["11", "12", "19", "22", "24", "49", "65"],
            "government-default": [],
            "medicaid-default": [],
        }

    @pytest.mark.parametrize("policy", choosing.built_in().policies, ids=lambda policy: policy.id)
    def test_each_asks_for_an_ndc_and_keeps_the_ceilings_unverified(
        self, policy: choosing.Policy
    ) -> None:
        ceiling = policy.requirements.iron_overload
        assert policy.requirements.ndc is not None
        assert (int(ceiling.ferritin_above_ng_ml), int(ceiling.tsat_from_percent)) == (800, 50)
        assert ceiling.verified is (policy.id == "health-plan-of-san-joaquin")

    @pytest.mark.parametrize("policy", choosing.built_in().policies, ids=lambda policy: policy.id)
    def test_each_window_says_whether_it_is_verified(self, policy: choosing.Policy) -> None:
        for rule in policy.requirements.laboratory:
            assert rule.source
            taken_over = rule.source.startswith("as ")
            ours = "ours" in rule.source or "our own" in rule.source
            assert rule.verified is not (ours or taken_over or "from memory" in rule.source)
            assert (
                taken_over
                or ours is (rule.window_days != 60)
                or rule.source.startswith("KDIGO 2012; ")
            )

    @pytest.mark.parametrize("policy", choosing.built_in().policies, ids=lambda policy: policy.id)
    def test_each_has_cases_one_of_them_a_complete_chart(self, policy: choosing.Policy) -> None:
        ready = [case.name for case in policy.cases if case.expect.get("line") == "ready"]
        assert ready or policy.id in ("no-coverage", "bcbs-south-carolina")
