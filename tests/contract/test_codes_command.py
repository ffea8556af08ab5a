"""`ferroclaim codes`: published files in, what is in force, what is wrong in it, and what it
changes; never a traceback."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tests import builders, published
from tests.plugins.command import Run

FILES = Path(__file__).parents[1] / "data" / "published"
PRICING, CROSSWALK = FILES / "2025-10_asp_pricing.csv", FILES / "2025-10_asp_crosswalk.csv.gz"
OPTIONS = ("--as-of", "2026-11-23", "--time-zone", "America/New_York")
EVERY_TABLE = {
    *("payment-limits", "opps-status", "asc-indicators", "units-per-day"),
    *("hcpcs", "packages", "diagnoses", "denial-codes"),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return builders.chart_file(tmp_path / "chart.json", builders.chart())


def anew(folder: Path, *changes: tuple[str, str]) -> Path:
    """The pricing file with changes."""
    text = PRICING.read_bytes().decode("cp1252")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "pricing.csv"
    path.write_bytes(text.encode("cp1252"))
    return path


NEXT_QUARTER = (
    "October 1, 2025 through December 31, 2025",
    "October 1, 2026 through December 31, 2026",
)
DEARER = ("0.229,20.000", "0.500,20.000")


class TestImport:
    def test_says_what_it_read_and_writes_the_rows(self, ferroclaim: Any, own: Path) -> None:
        run = ferroclaim("codes", "import", PRICING, "--code-dir", own)
        path = own / "asp-pricing-2025Q4.yaml"
        assert (run.status, run.err) == (0, "")
        assert (
            run.out
            == "2025-10_asp_pricing.csv: CMS ASP payment limits, 2025Q4: 1012 rows read, 7 kept;"
            f" {path} written\n"
        )
        assert [file.name for file in own.iterdir()] == [path.name]

    def test_the_same_file_again(self, ferroclaim: Any, own: Path, tmp_path: Path) -> None:
        ferroclaim("codes", "import", PRICING, "--code-dir", own)
        before = (own / "asp-pricing-2025Q4.yaml").read_bytes()
        run = ferroclaim("codes", "import", anew(tmp_path), "--code-dir", own)
        assert (run.status, run.out.endswith("is there already\n")) == (0, True)
        assert (own / "asp-pricing-2025Q4.yaml").read_bytes() == before

    def test_twice_in_one_go(self, ferroclaim: Any, own: Path) -> None:
        run = ferroclaim("codes", "import", PRICING, PRICING, "--code-dir", own)
        assert [line.rpartition(" ")[2] for line in run.out.splitlines()] == ["written", "already"]

    def test_another_file_of_the_same_quarter_needs_a_word(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        ferroclaim("codes", "import", PRICING, "--code-dir", own)
        path = anew(tmp_path, DEARER)
        run = ferroclaim("codes", "import", path, "--code-dir", own)
        assert (run.status, run.out) == (1, "")
        assert (
            "holds other rows of this quarter: add --replace if they were published again"
            in run.err
        )
        assert "payment limit J1756 2025Q4 is 0.500 here and 0.229 in" in run.err
        assert ferroclaim("codes", "import", path, "--code-dir", own, "--replace").status == 0
        assert "J1756: 0.500" in (own / "asp-pricing-2025Q4.yaml").read_text()

    def test_two_that_disagree_in_one_go(self, ferroclaim: Any, own: Path, tmp_path: Path) -> None:
        run = ferroclaim("codes", "import", PRICING, anew(tmp_path, DEARER), "--code-dir", own)
        assert run.status == 1
        assert "0.229" in (own / "asp-pricing-2025Q4.yaml").read_text()

    def test_two_kinds_of_file_that_disagree(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        ferroclaim("codes", "import", anew(tmp_path, NEXT_QUARTER), "--code-dir", own)
        run = ferroclaim(
            "codes", "import", published.addendum_b(tmp_path, rate="$1.203"), "--code-dir", own
        )
        assert run.status == 1
        assert "payment limit J1439 2026Q4 is 1.203 here and 1.107 in" in run.err

    def test_a_limit_rounded_to_cents_is_no_disagreement(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        ferroclaim("codes", "import", anew(tmp_path, NEXT_QUARTER), "--code-dir", own)
        assert (
            ferroclaim(
                "codes", "import", published.addendum_b(tmp_path, rate="$1.11"), "--code-dir", own
            ).status
            == 0
        )

    def test_a_bad_file_keeps_no_good_one_back(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        run = ferroclaim(
            "codes",
            "import",
            anew(tmp_path, ("0.229,20.000", "free,20.000")),
            CROSSWALK,
            "--code-dir",
            own,
        )
        assert run.status == 1
        assert (
            run.err
            == "pricing.csv, row 326: the payment limit of J1756 is 'free': a price above 0 is"
            " wanted\npricing.csv: nothing was taken from it.\n"
        )
        assert [file.name for file in own.iterdir()] == ["asp-crosswalk-2025Q4.yaml"]

    def test_a_quarter_that_only_the_name_says(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        path = published.mue(tmp_path, "Practitioner")
        run = ferroclaim("codes", "import", path, "--code-dir", own)
        assert (run.status, "add --quarter, such as 2026Q3" in run.err) == (1, True)
        assert (
            ferroclaim("codes", "import", path, "--code-dir", own, "--quarter", "2026Q3").status
            == 0
        )

    def test_a_quarter_that_nobody_publishes_yet(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        later = ("October 1, 2025 through December 31, 2025", "July 1, 2062 through Sept 30, 2062")
        run = ferroclaim("codes", "import", anew(tmp_path, later), "--code-dir", own)
        assert (run.status, run.err.splitlines()[0]) == (
            1,
            (
                "pricing.csv: it is of 2062Q3, more than a year from now: correct --quarter, or"
                " look into the file"
            ),
        )
        assert not own.exists()

    def test_nothing_is_written_on_trial(self, ferroclaim: Any, own: Path) -> None:
        run = ferroclaim("codes", "import", PRICING, "--code-dir", own, "--dry-run")
        assert (run.status, "would be written" in run.out, own.exists()) == (0, True, False)

    def test_what_the_site_calls_an_iron_is_known_by_it(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        config = tmp_path / "ferroclaim.toml"
        aliases = '"http://hl7.org/fhir/sid/ndc|55555-0001-01" = "iron-sucrose"'
        config.write_text(
            '[sites.main]\nbase_url = "http://127.0.0.1:1/fhir"\ncode_dir = "own"\ndrug_aliases ='
            f" {{{aliases}}}\n"
        )
        row = (
            "J3490,Drugs unclassified,A Labeler,55555-0001-01,Iron S,1 MG,5,10,100,1000" + "," * 240
        )
        text = gzip.decompress(CROSSWALK.read_bytes()).decode("cp1252")
        path = tmp_path / "crosswalk.csv"
        path.write_bytes(text.replace("\nQ0138", f"\n{row}\nQ0138", 1).encode("cp1252"))
        run = ferroclaim("codes", "import", path, "--site", "main", "--config", config)
        assert (run.status, run.err) == (0, "")
        assert "55555000101" in (own / "asp-crosswalk-2025Q4.yaml").read_text()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (
                (PRICING,),
                (
                    "Say where the rows go: --code-dir DIR, or --site NAME with a code_dir in the"
                    " configuration."
                ),
            ),
            (
                (PRICING, "--code-dir", "x", "--quarter", "fall"),
                "--quarter 'fall' is not a quarter such as 2026Q4.",
            ),
            (
                ("/no/such/file.csv", "--code-dir", "x"),
                "Cannot read /no/such/file.csv: No such file or directory.",
            ),
        ],
    )
    def test_wrong_usage(self, ferroclaim: Any, arguments: tuple[object, ...], said: str) -> None:
        run = ferroclaim("codes", "import", *arguments)
        assert (run.status, run.err) == (2, f"ferroclaim: {said}\n")


def tables(run: Run) -> dict[str, Any]:
    return {table["table"]: table for table in json.loads(run.out)["tables"]}


class TestList:
    def test_says_what_is_in_force_and_how_old(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        ferroclaim("codes", "import", anew(tmp_path, NEXT_QUARTER), "--code-dir", own)
        run = ferroclaim("codes", "list", "--code-dir", own, "--on", "2026-11-29")
        assert (
            "  Payment limits (ASP): of Oct 1, 2026, 59 days old; current until Jan 1, 2027"
            " (imported)" in run.out.splitlines()
        )
        assert (
            "    asp-pricing from Oct 1, 2026: 7 of 1012 rows, pricing.csv" in run.out.splitlines()
        )

    def test_a_row_of_ones_own_makes_no_table_newer(self, ferroclaim: Any, own: Path) -> None:
        own.mkdir(exist_ok=True)
        row = "quarter: 2026Q4, from: 2026-10-01, limit: {J1756: 1}, source: CMS, verified: true"
        (own / "mine.yaml").write_text(f"limits:\n  - {{{row}}}\n")
        listed = [
            ferroclaim("codes", "list", *where, "--on", "2026-11-29").out.splitlines()[0]
            for where in ((), ("--code-dir", own))
        ]
        assert listed[0] == listed[1]
        assert listed[0].startswith("! Payment limits (ASP)")

    def test_what_does_not_hold_yet_is_not_in_force(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        ferroclaim("codes", "import", anew(tmp_path, NEXT_QUARTER), "--code-dir", own)
        found = tables(
            ferroclaim("codes", "list", "--code-dir", own, "--on", "2026-09-30", "--json")
        )
        assert found["payment-limits"]["of"] < "2026-10-01"

    def test_a_year_later_every_table_is_named(self, ferroclaim: Any) -> None:
        with time_machine.travel(datetime.now(UTC) + timedelta(days=366)):
            found = tables(ferroclaim("codes", "list", "--json"))
            lines = ferroclaim("codes", "list").out.splitlines()
        assert {name for name, row in found.items() if row["stale"]} == EVERY_TABLE
        assert [line[:2] for line in lines] == ["! "] * len(EVERY_TABLE)

    def test_the_units_of_a_day_are_new_when_both_files_are(
        self, ferroclaim: Any, own: Path, tmp_path: Path
    ) -> None:
        days = []
        for who in ("Practitioner", "Outpatient Hospital"):
            ferroclaim(
                "codes",
                "import",
                published.mue(tmp_path, who),
                "--code-dir",
                own,
                "--quarter",
                "2026Q3",
            )
            found = tables(
                ferroclaim("codes", "list", "--code-dir", own, "--on", "2026-11-29", "--json")
            )
            days.append(found["units-per-day"]["of"])
        assert days == ["2024-07-01", "2026-07-01"]


class TestCheck:
    def test_good_files(self, ferroclaim: Any, own: Path) -> None:
        ferroclaim("codes", "import", PRICING, "--code-dir", own)
        run = ferroclaim("codes", "check", own)
        assert (run.status, run.out, run.err) == (
            0,
            f"{own / 'asp-pricing-2025Q4.yaml'}: no mistakes\n",
            "",
        )

    def test_every_mistake_with_file_and_line(self, ferroclaim: Any, own: Path) -> None:
        own.mkdir()
        (own / "a.yaml").write_text(
            "limits:\n  - {quarter: 2026Q4, from: 2026-13-01, limit: {J1756: -1}, source: x,"
            " verfied: true}\n"
        )
        run = ferroclaim("codes", "check", "--code-dir", own)
        assert run.status == 2
        assert [line.partition(": ")[0] for line in run.err.splitlines()] == [
            f"{own / 'a.yaml'}:2"
        ] * 4

    def test_a_price_that_is_far_from_what_was_published(self, ferroclaim: Any, own: Path) -> None:
        own.mkdir()
        row = "quarter: 2026Q4, from: 2026-10-01, limit: {J1756: 22.3}, source: CMS, verified: true"
        (own / "mine.yaml").write_text(f"limits:\n  - {{{row}}}\n")
        run = ferroclaim("codes", "check", own)
        assert (run.status, run.out.splitlines()[1:]) == (
            0,
            [
                (
                    f"{own / 'mine.yaml'}: J1756 is 22.3 in 2026Q4, and 0.223 in 2026Q2: look"
                    " whether that is right"
                )
            ],
        )

    def test_a_file_of_another_name_is_named(self, ferroclaim: Any, own: Path) -> None:
        own.mkdir()
        (own / "mine.yaml.txt").write_text("limits: []\n")
        for run in (
            ferroclaim("codes", "check", own),
            ferroclaim("codes", "list", "--code-dir", own),
        ):
            said = "not read; only .yaml and .yml files of the folder itself are"
            assert (run.status, run.err) == (0, f"{own / 'mine.yaml.txt'}: {said}\n")

    def test_files_that_disagree(self, ferroclaim: Any, own: Path, tmp_path: Path) -> None:
        ferroclaim("codes", "import", PRICING, "--code-dir", own)
        row = (
            "limits:\n  - {quarter: 2025Q4, from: 2025-10-01, limit: {J1756: 9}, source: us,"
            " verified: true}\n"
        )
        (own / "z.yaml").write_text(row)
        run = ferroclaim("codes", "check", own)
        assert run.status == 2
        assert f"{own / 'z.yaml'}:2: payment limit J1756 2025Q4 is 9 here and 0.229 in" in run.err
        assert ferroclaim("assess", FILES, "--code-dir", own).status == 2

    def test_a_denial_code_that_ends(self, ferroclaim: Any, own: Path, tmp_path: Path) -> None:
        ferroclaim(
            "codes",
            "import",
            published.x12_list(tmp_path, "carc"),
            "--code-dir",
            own,
            "--quarter",
            "2026Q4",
        )
        assert "CARC 252 ends on 2026-11-01; " in ferroclaim("codes", "check", own).out

    def test_a_folder_that_is_not_there(self, ferroclaim: Any) -> None:
        run = ferroclaim("codes", "check", "/no/such")
        assert (run.status, run.err) == (
            2,
            "ferroclaim: There is no folder or file of code tables '/no/such'.\n",
        )


class TestDiff:
    def test_says_which_lines_and_how_much_money(
        self, ferroclaim: Any, own: Path, tmp_path: Path, records: Path
    ) -> None:
        ferroclaim("codes", "import", anew(tmp_path, NEXT_QUARTER, DEARER), "--code-dir", own)
        run = ferroclaim("codes", "diff", "built-in", own, "--on", records, *OPTIONS)
        assert run.status == 0
        assert run.out.splitlines()[0] == "1 of 1 line would change."
        assert "100.00 instead of " in run.out

    def test_units_that_are_too_many(
        self, ferroclaim: Any, own: Path, tmp_path: Path, records: Path
    ) -> None:
        ferroclaim(
            "codes",
            "import",
            published.mue(tmp_path, "Practitioner", "100"),
            "--code-dir",
            own,
            "--quarter",
            "2026Q3",
        )
        run = ferroclaim("codes", "diff", "built-in", own, "--on", records, *OPTIONS)
        assert "units-limit: not-covered, before: no gap" in run.out

    def test_nothing(self, ferroclaim: Any, own: Path, records: Path) -> None:
        ferroclaim("codes", "import", PRICING, "--code-dir", own)
        assert ferroclaim(
            "codes", "diff", "built-in", own, "--on", records, *OPTIONS
        ).out.startswith("Nothing changes")

    def test_built_in_twice(self, ferroclaim: Any, records: Path) -> None:
        run = ferroclaim("codes", "diff", "built-in", "built-in", "--on", records)
        assert (run.status, "name a folder or file of your own" in run.err) == (2, True)


def test_a_policy_may_be_about_a_code_of_the_site(
    ferroclaim: Any, own: Path, tmp_path: Path, records: Path
) -> None:
    own.mkdir()
    (own / "new.yaml").write_text(
        "codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 1, from: 2027-01-01, source:"
        " CMS}]"
    )
    policies = tmp_path / "policies"
    policies.mkdir()
    text = (
        Path(__file__).parents[2] / "mappings" / "policy" / "built_in" / "medicare-part-b.yaml"
    ).read_text("utf-8")
    (policies / "b.yaml").write_text(
        text.replace("    mue: true\n", "    mue: true\n    limits: {J1757: 500}\n")
    )
    statuses = [
        ferroclaim("assess", records, "--policy-dir", policies, *options, *OPTIONS).status
        for options in ((), ("--code-dir", own))
    ]
    assert statuses == [2, 0]


NEW_CODE = """id: sunrise
version: "1"
title: Sunrise
for: {kinds: [commercial], payers: [sunrise]}
source: Sunrise, 2026
verified: true
requirements:
  prior-authorization: {asked: "yes", codes: [J1757]}
cases:
  - {name: of the new code, given: {code: J1757}, expect: {prior-authorization: missing}}
"""


def test_a_policy_about_a_code_of_the_site_is_checked_tested_and_shown(
    ferroclaim: Any, own: Path, tmp_path: Path, records: Path
) -> None:
    own.mkdir()
    (own / "new.yaml").write_text(
        "codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 1, from: 2027-01-01}]"
    )
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "sunrise.yaml").write_text(NEW_CODE)
    config = tmp_path / "ferroclaim.toml"
    config.write_text(
        '[sites.main]\nbase_url = "http://localhost:1/r4"\nvendor = "hapi"\n'
        'code_dir = "own"\npolicy_dir = "policies"\n[sites.main.auth]\nmethod = "none"\n'
    )
    site = ("--site", "main", "--config", config)
    commands: list[tuple[object, ...]] = [
        ("check", policies), ("test", policies), ("list", "--policy-dir", policies),
        ("show", "sunrise", "--policy-dir", policies),
        ("diff", "built-in", policies, "--on", records, *OPTIONS),
    ]  # fmt: skip
    assert [ferroclaim("policy", *one).status for one in commands] == [2] * 5
    known = [ferroclaim("policy", *one, "--code-dir", own).status for one in commands]
    assert known == [0] * 5
    assert "sunrise.yaml: no mistakes" in ferroclaim("policy", "check", *site).out
    assert "Sunrise (sunrise 1)" in ferroclaim("policy", "show", "sunrise", *site).out


def test_assess_and_explain_take_the_folder(
    ferroclaim: Any, own: Path, tmp_path: Path, records: Path
) -> None:
    ferroclaim("codes", "import", anew(tmp_path, NEXT_QUARTER, DEARER), "--code-dir", own)
    document = json.loads(
        ferroclaim("assess", records, "--format", "json", "--code-dir", own, *OPTIONS).out
    )
    (line,) = document["patients"][0]["lines"]
    assert (line["value"], line["valueQuarter"]) == ("100.00", "2026Q4")
    told = ferroclaim(
        "explain", records, "--administration", "ma1", "--code-dir", own, *OPTIONS
    ).out
    assert "CMS ASP payment limits 2026Q4 (pricing.csv)" in " ".join(told.split())
