"""`ferroclaim policy`: what a policy's author gets for good and for bad files; never a
traceback."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mappings.codes import settings
from tests import builders
from tests.fakes.chart import transaction
from tests.plugins.command import Call

ROOT = Path(__file__).parents[2]
BUILT_IN = ROOT / "mappings" / "policy" / "built_in"
PART_B = (BUILT_IN / "medicare-part-b.yaml").read_text("utf-8")
_encoder = msgspec.json.Encoder(decimal_format="number")
OPTIONS = ("--as-of", "2026-11-23", "--time-zone", "America/New_York")


@pytest.fixture
def policy(ferroclaim: Call) -> Call:
    return partial(ferroclaim, "policy")


def written(path: Path, *changes: tuple[str, str]) -> Path:
    """Part B as a site might have changed it."""
    text = PART_B
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def shorter(tmp_path: Path) -> Path:
    """Two weeks for labs instead of 90 days."""
    return written(
        tmp_path / "own" / "part-b.yaml",
        ("window_days: 90", "window_days: 14"),
        ('version: "2026-01-01"', 'version: "2027"'),
    )


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return chart(tmp_path)


def chart(tmp_path: Path, *changes: builders.Resource) -> Path:
    return builders.chart_file(tmp_path / "chart.json", builders.chart(*changes))


class TestList:
    def test_names_each_policy_and_whom_it_is_for(self, policy: Any) -> None:
        run = policy("list")
        assert run.status == 0
        assert (
            "medicare-part-b 2026-01-01  Medicare Part B\n    for medicare; places of service: 11,"
            " 19, 22, 23, 24, 49; any date" in run.out
        )
        assert (
            "commercial-default 2026-01-01  Commercial payer without a policy here (not"
            " verified)" in run.out
        )

    def test_with_those_of_a_site(self, policy: Any, shorter: Path) -> None:
        found = json.loads(policy("list", "--policy-dir", shorter.parent, "--json").out)
        assert [row["version"] for row in found if row["id"] == "medicare-part-b"] == ["2027"]


class TestShow:
    def test_says_what_is_asked_with_its_source(self, policy: Any) -> None:
        run = policy("show", "medicare-part-b")
        assert run.status == 0
        assert "Ferritin, Transferrin saturation" in run.out
        assert (
            "source: reasonable and necessary; the 90-day window is ours (not verified)"
            in " ".join(run.out.split())
        )

    def test_one_that_is_as_another(self, policy: Any) -> None:
        run = policy("show", "uhc-commercial")
        said = " ".join(run.out.split())
        assert "as commercial-default, without oral-iron-history, progress-note, but for" in said
        assert "source: as Commercial payer without a policy here: X12 RFI 2151" in said

    def test_on_a_date(self, policy: Any, tmp_path: Path) -> None:
        written(
            tmp_path / "own" / "b.yaml",
            ('version: "2026-01-01"', 'version: "2027"\neffective: {from: 2027-01-01}'),
        )
        versions = [
            json.loads(
                policy(
                    "show",
                    "medicare-part-b",
                    "--policy-dir",
                    tmp_path / "own",
                    "--on",
                    day,
                    "--json",
                ).out
            )["version"]
            for day in ("2026-12-31", "2027-01-01")
        ]
        assert versions == ["2026-01-01", "2027"]

    def test_an_unknown_one(self, policy: Any) -> None:
        run = policy("show", "part-c")
        assert (run.status, run.out) == (2, "")
        assert (
            run.err
            == "ferroclaim: There is no policy 'part-c': `ferroclaim policy list` names those there"
            " are.\n"
        )

    def test_what_is_no_date(self, policy: Any) -> None:
        run = policy("show", "medicare-part-b", "--on", "yesterday")
        assert (run.status, run.err) == (
            2,
            "ferroclaim: --on 'yesterday' is not a date such as 2026-11-01.\n",
        )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("  prescriber: hematologist\n", True),
        ("  ndcs: {}\n", False),
        ("  ndc: {when: hematologist}\n", True),
        ("  ndc: {}\n", False),
    ],
)
def test_how_to_keep_what_can_t_be_said(policy: Any, tmp_path: Path, row: str, told: bool) -> None:
    path = tmp_path / "uhc.yaml"
    path.write_text(AS_UHC.replace(" {progress-note: {window_days: 30}}\n", f"\n{row}"), "utf-8")
    assert ("a note to a person" in policy("check", path).err) is told


def test_what_a_person_looks_at_is_shown(policy: Any) -> None:
    run = policy("show", "soonercare")
    assert "For a person to look at" in run.out
    assert "in heart failure an ejection fraction below 45%" in " ".join(run.out.split())


AS_UHC = """\
id: uhc-commercial
version: "2027"
title: UHC here
for: {kinds: [commercial], payers: [uhc]}
as: uhc-commercial
source: contract
verified: true
requirements: {progress-note: {window_days: 30}}
"""


def test_one_that_is_as_the_one_that_it_replaces(
    policy: Any, tmp_path: Path, records: Path
) -> None:
    path = tmp_path / "uhc.yaml"
    path.write_text(AS_UHC, "utf-8")
    assert policy("check", path).out == f"{path}: no mistakes\n"
    assert policy("test", path).out == "uhc-commercial 2027: 0 cases, nothing tested\n"
    run = policy("diff", "built-in", path, "--on", records, *OPTIONS)
    assert run.status == 0
    assert "Nothing changes" in run.out
    path.write_text(AS_UHC.replace("as: uhc-", "as: uhx-"), "utf-8")
    run = policy("check", path)
    assert run.status == 2
    assert run.err.startswith(f"{path}:5: neither a built-in policy nor")


class TestCheck:
    def test_a_good_file(self, policy: Any, shorter: Path) -> None:
        run = policy("check", shorter)
        assert (run.status, run.out, run.err) == (0, f"{shorter}: no mistakes\n", "")

    def test_every_mistake_with_its_line(self, policy: Any, tmp_path: Path) -> None:
        path = written(tmp_path / "b.yaml", ("window_days: 90, source", "window: 90, source"))
        other = written(
            tmp_path / "c.yaml",
            ("ferritin, tsat]", "ferritin, tsat], limit: ferritine < 3"),
            ('settings: ["11",', 'settings: ["10",'),
        )
        run = policy("check", path, other)
        assert (run.status, run.out) == (2, "")
        assert run.err.splitlines() == [
            (
                f"{path}:23: unknown field `window` at $.requirements.laboratory[0] (did you mean"
                " `window_days`?)"
            ),
            f"{path}:23: the field `window_days` is missing at $.requirements.laboratory[0]",
            f"{other}:6: unknown place of service '10' (known: {', '.join(settings().by_code)})",
            (
                f"{other}:23: unknown name 'ferritine' (known: age, ferritin, hb, lvef, nyha, tsat,"
                " weeks_pregnant)"
            ),
            f"{other}:23: a laboratory rule has either on_record or limit",
            (
                "What a payer's text asks and no name here says is kept as a note to a person:"
                " write it under `notes` (docs/policies.md, section 8)."
            ),
        ]

    def test_a_folder_against_the_built_in_ones(self, policy: Any, tmp_path: Path) -> None:
        path = written(tmp_path / "own" / "b.yaml", ("id: medicare-part-b", "id: my-part-b"))
        run = policy("check", path.parent)
        assert run.status == 2
        assert run.err.startswith(
            f"{path}:6: the built-in policy medicare-part-b is for the same payer, settings and"
            " dates"
        )

    def test_an_unreadable_file_hides_no_other(self, policy: Any, tmp_path: Path) -> None:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "a.yaml").write_text("title: Santé", "latin-1")
        path = written(tmp_path / "own" / "b.yaml", ("id: medicare-part-b", "id: my-part-b"))
        other = written(
            tmp_path / "own" / "c.yaml", ("verified: true\nopps", "verified: perhaps\nopps")
        )
        run = policy("check", tmp_path / "own")
        assert run.status == 2
        assert run.err.splitlines() == [
            f"{tmp_path}/own/a.yaml:1: not text in UTF-8: save the file as UTF-8",
            (
                f"{path}:6: the built-in policy medicare-part-b is for the same payer, settings and"
                " dates: take its id to replace it"
            ),
            f"{other}:8: write true or false at $.verified",
        ]

    def test_whom_no_laboratory_row_is_about(self, policy: Any, shorter: Path) -> None:
        text = shorter.read_text()
        row = "    - {when: ckd, on_record: [tsat], window_days: 60}\n"
        head, _, tail = text.partition("  laboratory:\n")
        rest = "".join(line for line in tail.splitlines(True) if not line.startswith("    - "))
        shorter.write_text(f"{head}  laboratory:\n{row}{rest}")
        run = policy("check", shorter)
        said = "no result is asked of a patient with not ckd: add a row of laboratory for them"
        assert (run.status, run.err) == (0, f"{shorter}: {said}, if the payer asks it\n")

    def test_policy_files_in_deeper_folders_are_named(self, policy: Any, shorter: Path) -> None:
        deeper = written(shorter.parent / "old" / "b.YML")
        for run in (
            policy("check", shorter.parent),
            policy("list", "--policy-dir", shorter.parent),
        ):
            assert (run.status, run.err) == (
                0,
                f"{deeper}: not read; only .yaml and .yml files of the folder itself are\n",
            )

    @pytest.mark.parametrize("name", ["nowhere", "medicare-part-b"])
    def test_what_is_no_file(self, policy: Any, name: str) -> None:
        run = policy("check", name)
        assert (run.status, run.err) == (
            2,
            f"ferroclaim: There is no policy file or folder {name!r}.\n",
        )

    def test_an_empty_folder(self, policy: Any, tmp_path: Path) -> None:
        run = policy("check", tmp_path)
        assert (run.status, run.err) == (
            2,
            f"ferroclaim: {tmp_path}: no policy file (*.yaml or *.yml) is in this folder\n",
        )


class TestTest:
    def test_the_built_in_ones(self, policy: Any) -> None:
        run = policy("test")
        assert run.status == 0
        assert "wrong" not in run.out
        assert "no-coverage 2026-01-01: 0 cases, nothing tested" in run.out

    def test_one_by_its_id(self, policy: Any) -> None:
        assert policy("test", "centene").out == "centene 2026-01-01: 9 cases, all as expected\n"

    def test_a_case_that_fails(self, policy: Any, shorter: Path) -> None:
        run = policy("test", shorter)
        assert run.status == 1
        assert run.out.splitlines()[:2] == [
            "medicare-part-b 2027: 12 cases, 2 wrong",
            (
                "  labs of 90 days before: ferritin is expired, expected met: No ferritin result"
                " within 14 days before Jan 15, 2026; the last one is from Oct 17, 2025."
            ),
        ]

    def test_as_json(self, policy: Any, shorter: Path) -> None:
        run = policy("test", shorter, "--json")
        failed = [row["requirement"] for row in json.loads(run.out) if not row["passed"]]
        assert (run.status, failed) == (1, ["ferritin", "transferrin-saturation"])

    def test_a_broken_file(self, policy: Any, tmp_path: Path) -> None:
        path = written(tmp_path / "b.yaml", ("verified: true\nopps", "verified: perhaps\nopps"))
        run = policy("test", path)
        assert (run.status, run.out) == (2, "")
        assert run.err.startswith(f"ferroclaim: {path}:8: write true or false")

    def test_what_is_no_policy(self, policy: Any) -> None:
        assert policy("test", "part-c").status == 2


class TestDiff:
    def test_lines_gaps_and_money_that_change(
        self, policy: Any, shorter: Path, records: Path
    ) -> None:
        run = policy("diff", "medicare-part-b", shorter, "--on", records, *OPTIONS)
        assert (run.status, run.err) == (0, "")
        assert run.out.splitlines() == [
            "1 of 1 line would change.",
            "  Nov 1, 2026  MedicationAdministration/ma1",
            "    - J1756 JZ × 200 ready by medicare-part-b",
            "    + J1756 JZ × 200 held (ferritin, transferrin-saturation) by medicare-part-b",
            "",
            "2 gaps would change.",
            "  ferritin: expired, before: no gap  MedicationAdministration/ma1",
            (
                "    No ferritin result within 14 days before Nov 1, 2026; the last one is from"
                " Oct 12, 2026. (This rule is not verified against the payer's published policy.)"
            ),
            "  transferrin-saturation: expired, before: no gap  MedicationAdministration/ma1",
            (
                "    No transferrin saturation result within 14 days before Nov 1, 2026; the"
                " last one is from Oct 12, 2026. (This rule is not verified against the payer's"
                " published policy.)"
            ),
            "",
            "Held: $0.00 before, $44.60 after (+44.60). Ready: $44.60 before, $0.00 after.",
        ]

    def test_the_other_way_round_frees_it(self, policy: Any, shorter: Path, records: Path) -> None:
        found = json.loads(
            policy("diff", shorter.parent, "built-in", "--on", records, "--json", *OPTIONS).out
        )
        assert (found["moneyBefore"]["held"], found["moneyAfter"]["held"]) == ("44.60", "0.00")
        assert [(gap["requirement"], gap["before"], gap["after"]) for gap in found["gaps"]] == [
            ("ferritin", "expired", None),
            ("transferrin-saturation", "expired", None),
        ]
        assert found["unchangedLines"] == 0

    def test_a_change_that_moves_nothing(self, policy: Any, tmp_path: Path, records: Path) -> None:
        same = written(tmp_path / "own" / "b.yaml", ('version: "2026-01-01"', 'version: "2027"'))
        run = policy("diff", "built-in", same, "--on", records, *OPTIONS)
        assert (run.status, run.out) == (
            0,
            "Nothing changes: 1 line and every gap stay as they are.\n",
        )

    def test_a_policy_of_no_payer_here_says_so(
        self, policy: Any, tmp_path: Path, records: Path
    ) -> None:
        own = written(
            tmp_path / "own" / "b.yaml",
            ("id: medicare-part-b", "id: sunrise"),
            ("kinds: [medicare]", "kinds: [medicare], payers: [sunrise]"),
        )
        run = policy("diff", "built-in", own, "--on", records, *OPTIONS)
        assert run.status == 0
        said = " ".join(run.out.split())
        assert "No chart here has a payer of the policy sunrise." in said
        assert "`payer_aliases`" in said
        assert json.loads(policy("diff", "built-in", own, "--on", records, "--json", *OPTIONS).out)[
            "unused"
        ] == ["sunrise"]

    def test_another_order_of_the_diagnoses(
        self, policy: Any, tmp_path: Path, records: Path
    ) -> None:
        own = written(
            tmp_path / "own" / "b.yaml",
            ("requirements:\n", "diagnosis_order: anemia-first\nrequirements:\n"),
        )
        run = policy("diff", "built-in", own, "--on", records, *OPTIONS)
        assert run.status == 0
        assert run.out.splitlines()[:4] == [
            "1 of 1 line would change.",
            "  Nov 1, 2026  MedicationAdministration/ma1",
            "    = J1756 JZ × 200 ready by medicare-part-b",
            "      diagnoses: D63.1, N18.4, D50.9, before: N18.4, D63.1, D50.9",
        ]

    def test_notes_on_a_line(self, policy: Any, tmp_path: Path, records: Path) -> None:
        own = written(
            tmp_path / "own" / "b.yaml", ("requirements:\n", "esa_noted: true\nrequirements:\n")
        )
        found = json.loads(policy("diff", "built-in", own, "--on", records, "--json", *OPTIONS).out)
        ((detail,),) = [line["details"] for line in found["lines"]]
        note = "NCD 110.10: no erythropoiesis-stimulating agent on record within 90 days"
        assert (detail["what"], note in detail["before"], note in detail["after"]) == (
            "notes",
            False,
            True,
        )

    def test_by_payer(self, policy: Any, shorter: Path, tmp_path: Path) -> None:
        """Both ask for newer results."""
        text = (BUILT_IN / "commercial-default.yaml").read_text("utf-8")
        newer = text.replace('"2026-01-01"', '"2027"').replace("window_days: 60", "window_days: 14")
        (shorter.parent / "commercial.yaml").write_text(newer, "utf-8")
        folder = tmp_path / "population"
        folder.mkdir()
        for coverage in (builders.coverage(), builders.commercial()):
            patient = f"{len(list(folder.iterdir()))}"
            bundle = transaction(builders.chart(coverage), f"{patient}-{{}}".format)
            (folder / f"{patient}.json").write_bytes(_encoder.encode(bundle))
        asked = ("diff", "built-in", shorter.parent, "--on", folder, *OPTIONS)
        found = json.loads(policy(*asked, "--json").out)
        plans, part_b = found["byPolicy"]
        assert (part_b["policy"], part_b["lines"], part_b["gaps"]) == ("medicare-part-b", 1, 2)
        assert (part_b["moneyBefore"]["ready"], part_b["moneyAfter"]["held"]) == ("44.60", "44.60")
        assert (plans["policy"], plans["lines"]) == ("commercial-default", 1)
        said = policy(*asked).out
        assert "  medicare-part-b: 1 line, 2 gaps. Held: $0.00 before, $44.60 after." in said
        assert "  commercial-default: 1 line, " in said

    def test_payment(self, policy: Any, tmp_path: Path) -> None:
        records = chart(tmp_path, builders.location("22"))
        own = written(
            tmp_path / "own" / "b.yaml", ("opps_packaging: true", "opps_packaging: false")
        )
        found = json.loads(policy("diff", "built-in", own, "--on", records, "--json", *OPTIONS).out)
        assert {"what": "payment", "before": "packaged", "after": "separate"} in found["lines"][0][
            "details"
        ]

    def test_records_that_can_not_all_be_read(
        self, policy: Any, shorter: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "rows.ndjson"
        path.write_text('{"resourceType": "Observation"}\nnot json\n', "utf-8")
        run = policy("diff", "built-in", shorter, "--on", path, *OPTIONS)
        assert run.status == 1
        assert [line.partition(".ndjson: ")[0] for line in run.err.splitlines()] == [
            "unreadable: line 1 of rows",
            "unreadable: line 2 of rows",
        ]

    @pytest.mark.parametrize(
        ("old", "new", "on", "said"),
        [
            ("built-in", "centene", "records", "Both are the built-in policies"),
            (
                "built-in",
                "nowhere",
                "records",
                "There is no policy file, folder or built-in policy 'nowhere'",
            ),
            (
                "built-in",
                "own",
                "nowhere.json",
                "Cannot read nowhere.json: No such file or directory",
            ),
            ("built-in", "own", "http://127.0.0.1:1/fhir", "--on reads files"),
        ],
    )
    def test_wrong_usage(
        self, policy: Any, shorter: Path, records: Path, old: str, new: str, on: str, said: str
    ) -> None:
        names = {"records": str(records), "own": str(shorter)}
        run = policy(
            "diff", names.get(old, old), names.get(new, new), "--on", names.get(on, on), *OPTIONS
        )
        assert (run.status, run.out) == (2, "")
        assert run.err.startswith(f"ferroclaim: {said}")
        assert len(run.err.splitlines()) == 1

    def test_records_must_be_named(self, policy: Any, shorter: Path) -> None:
        run = policy("diff", "built-in", shorter)
        assert run.status == 2
        assert "--on" in run.err
