"""`ferroclaim claims write` on charts: the shipped samples, and what keeps a line from leaving."""

import csv
import io
import json
import os
import re
import signal
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from integration import samples
from integration.claims import numbers
from integration.claims.forms import FORMS, Writing
from integration.cli import app
from integration.errors import ConfigurationError, FerroclaimError
from mappings.datafiles.error import DataFileError
from mappings.site import Site
from mappings.writing import keying
from mappings.writing.x12.segments import parsed
from tests import builders, claims

SAMPLES = Path(samples.__file__).parent
NOW = "2026-11-23T18:00:00-05:00"
LINES = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example configuration, to be changed."""
    for file in (SAMPLES / "claims").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")


def run(folder: Path, *arguments: str, released: str = "released.csv") -> Result:
    asked = ["claims", "write", "samples", "--site", "example", "--now", NOW]
    files = ["--config", str(folder / "ferroclaim.toml"), "--out", str(folder / "out")]
    named = ["--released", str(folder / released)] if released else []
    return CliRunner().invoke(app, [*asked, *files, *named, *arguments])


def written(folder: Path, pattern: str) -> list[str]:
    return [path.read_text("utf-8") for path in sorted((folder / "out").glob(pattern))]


def rows(folder: Path, pattern: str = "*.x12") -> list[tuple[str, ...]]:
    return [segment for text in written(folder, pattern) for segment in parsed(text)]


def at(found: list[tuple[str, ...]], *begins: str) -> list[str]:
    return ["*".join(row) for row in found if row[: len(begins)] == begins]


def test_the_samples_give_files_that_every_check_takes(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0, result.stderr
    names = sorted(path.name for path in (folder / "out").iterdir() if path.suffix == ".x12")
    assert all(re.fullmatch(r"example_\d{9}_837[PI]\.x12", name) for name in names)
    assert len(names) == 3
    for text in written(folder, "*.x12"):
        assert claims.faults(text) == []
        assert claims.validated(text) == ""
    assert "5 claims, $750.00 to Medicare NY (test)" in result.stderr


def test_medicares_claims_go_to_part_a_and_part_b(folder: Path) -> None:
    run(folder)
    found = rows(folder)
    assert [row[8].strip() for row in found if row[0] == "ISA"] == [
        "13202",
        "13201",
        "SAMPLECLEART",
    ]
    assert set(at(found, "NM1", "PR")) >= {
        "NM1*PR*2*MEDICARE PART B NY*****PI*13202",
        "NM1*PR*2*MEDICARE PART A NY*****PI*13201",
    }
    assert at(found, "NM1", "85") == [
        "NM1*85*2*SAMPLETOWN NEPHROLOGY PC*****XX*1234567893",
        "NM1*85*2*SAMPLETOWN DIALYSIS CENTER*****XX*1245319599",
        "NM1*85*2*SAMPLETOWN NEPHROLOGY PC*****XX*1234567893",
    ]


def test_numbers_and_times_stand_once_and_in_the_sites_zone(folder: Path) -> None:
    run(folder)
    run(folder)
    found = rows(folder)
    for name, place in (("ISA", 13), ("GS", 6), ("ST", 2), ("BHT", 3)):
        given = [row[place] for row in found if row[0] == name]
        assert len(given) == len(set(given)) == 6
    assert {(row[9], row[10]) for row in found if row[0] == "ISA"} == {("261123", "1800")}


def test_the_medigap_plan_stands_behind_medicare(folder: Path) -> None:
    run(folder)
    found = rows(folder)
    assert "NM1*PR*2*EVERGREEN MEDICARE SUPPLEMENT PLAN G*****PI*55001" in at(found, "NM1", "PR")
    assert at(found, "SBR", "S") == ["SBR*S*18*******CI"] * 2


def test_the_dialysis_month_is_whole(folder: Path) -> None:
    run(folder)
    found = rows(folder, "*_837I.x12")
    assert at(found, "CLM")[0].endswith("*975***72:A:2**A*Y*Y")
    assert at(found, "HI") == [
        "HI*ABK:N186",
        "HI*ABF:D631*ABF:Z992",
        "HI*BH:51:D8:20261106",
        "HI*BE:A8:::72.5*BE:A9:::168*BE:D5:::1.52*BE:48:::10.4",
        "HI*BG:71",
    ]


def test_a_month_whose_kt_v_was_not_measured_has_no_day_of_it(folder: Path) -> None:
    change(folder, "facility.csv", "value,D5,1.52", "value,D5,9.99")
    change(folder, "facility.csv", "esther,2026-11,occurrence,51,,2026-11-06,,,\n", "")
    assert run(folder).exit_code == 0
    found = rows(folder, "*_837I.x12")
    assert "HI*BE:A8:::72.5*BE:A9:::168*BE:D5:::9.99*BE:48:::10.4" in at(found, "HI")
    assert not any("BH:51" in segment for segment in at(found, "HI"))


def test_a_packaged_line_leaves_as_a_charge(folder: Path) -> None:
    run(folder)
    (text,) = written(folder, "*_charges.csv")
    (row,) = csv.DictReader(io.StringIO(text))
    said = {row["form"], row["hcpcs"], row["units"], row["charge"], row["revenue_code"]}
    assert said == {keying.CHARGE_LINE, "J1756", "300", "225.00", "0636"}


def test_an_837i_stands_alone_where_the_site_says_so(folder: Path) -> None:
    change(
        folder,
        "ferroclaim.toml",
        'facility = "facility.csv"',
        'facility = "facility.csv"\nstand_alone = ["13X"]',
    )
    with (folder / "facility.csv").open("a") as file:
        file.write("farid,2026-10-28,priority,2,,,,,\n")
    assert run(folder).exit_code == 0
    found = rows(folder, "*_837I.x12")
    assert any(segment.endswith("*225***13:A:1**A*Y*Y") for segment in at(found, "CLM"))
    assert "HI*APR:I129" in at(found, "HI")
    assert not written(folder, "*_charges.csv")
    for text in written(folder, "*_837I.x12"):
        assert (claims.faults(text), claims.validated(text)) == ([], "")


def test_the_facilitys_own_lines_make_a_claim_of_it(folder: Path) -> None:
    with (folder / "facility.csv").open("a") as file:
        file.write("farid,2026-10-28,line,96365,355.00,2026-10-28,1,,0260\n")
    assert run(folder).exit_code == 0
    found = rows(folder, "*_837I.x12")
    assert "SV2*0260*HC:96365*355*UN*1" in at(found, "SV2")
    assert any(segment.split("*")[2] == "580" for segment in at(found, "CLM"))


@pytest.mark.parametrize(
    ("drop", "says"),
    [
        ("esther,2026-11,condition", "a condition code (70, 71,"),
        ("esther,2026-11,value,A8", "value code A8"),
        ("esther,2026-11,value,48", "value code 48 or 49"),
        ("esther,2026-11,occurrence", "occurrence code 51 with its date"),
        ("esther,2026-11,status", "the patient status (FL 17)"),
        ("esther,2026-11,frequency", "the frequency (third digit"),
        ("esther,2026-11,line", "the lines of the month's treatments"),
    ],
)
def test_what_a_dialysis_claim_lacks_is_named(folder: Path, drop: str, says: str) -> None:
    file = folder / "facility.csv"
    kept = [line for line in file.read_text().splitlines() if not line.startswith(drop)]
    file.write_text("\n".join(kept) + "\n")
    result = run(folder)
    assert result.exit_code == 1
    assert "Patient/esther: The claim of Nov 2, 2026, Nov 4, 2026 and Nov 6, 2026" in result.stderr
    assert says in result.stderr
    assert len(written(folder, "*_837P.x12")) == 2


@pytest.mark.parametrize(
    ("frequency", "status", "says"),
    [
        ("1", "30", "another patient status than 30 with frequency 1"),
        ("3", "01", "patient status 30 with frequency 3"),
        ("1", "01", "the day (through) on which treatment ended"),
        ("4", "01", "the day (through) on which treatment ended"),
        ("2", "01", "patient status 30 with frequency 2"),
    ],
)
def test_frequency_status_and_end_agree(
    folder: Path, frequency: str, status: str, says: str
) -> None:
    change(folder, "facility.csv", "frequency,2", f"frequency,{frequency}")
    change(folder, "facility.csv", "status,30", f"status,{status}")
    assert says in run(folder).stderr


def test_a_month_in_the_middle_goes_on(folder: Path) -> None:
    change(folder, "facility.csv", "frequency,2", "frequency,3")
    assert run(folder).exit_code == 0
    found = rows(folder, "*_837I.x12")
    assert at(found, "CLM")[0].endswith("*975***72:A:3**A*Y*Y")
    assert at(found, "CL1") == ["CL1*3*1*30"]


@pytest.mark.parametrize("frequency", ["1", "4"])
def test_a_month_that_ended_says_when(folder: Path, frequency: str) -> None:
    change(folder, "facility.csv", "frequency,2", f"frequency,{frequency}")
    change(folder, "facility.csv", "status,30", "status,20")
    with (folder / "facility.csv").open("a") as file:
        file.write("esther,2026-11,through,,,2026-11-10,,,\n")
    assert run(folder).exit_code == 0
    found = rows(folder, "*_837I.x12")
    assert f"72:A:{frequency}" in at(found, "CLM")[0]
    assert at(found, "DTP", "434") == ["DTP*434*RD8*20261101-20261110"]
    assert at(found, "CL1") == ["CL1*3*1*20"]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("prices.csv", "J1439,*,3.25,2026-01-01,\n", "", "the price file has no price of J1439"),
        ("prices.csv", "J1439,*", "J1439,medicare", "the price file has no price of J1439"),
        ("ferroclaim.toml", "87726", "8", "claim_id"),
        ("ferroclaim.toml", "1234567893", "1234567890", "not the check digit of an NPI"),
        ("ferroclaim.toml", "100 Main Street", "PO Box 100", "write it under pay_to"),
        ("ferroclaim.toml", '"SAMPLENEPH"', '"*"', "sender_id"),
        ("ferroclaim.toml", "122070100", "12207", "lacks a nine-digit postal_code"),
        ("ferroclaim.toml", "122070100", "122070000", "lacks a nine-digit postal_code"),
        ("ferroclaim.toml", 'claim_id = "SHP01"\n', "", "the payer's id for claims"),
        ("ferroclaim.toml", 'prices = "prices.csv"\n', "", "has no price file"),
        ("ferroclaim.toml", '"prices.csv"', '"nowhere.csv"', "Cannot read"),
        (
            "ferroclaim.toml",
            'test_id = "SAMPLECLEART"',
            'payers = ["87726"]',
            "no receiver of the site accepts professional claims for SHP01",
        ),
    ],
)
def test_what_keeps_claims_from_leaving_is_said_with_its_fix(
    folder: Path, file: str, old: str, new: str, says: str
) -> None:
    change(folder, file, old, new)
    result = run(folder)
    assert result.exit_code != 0
    assert says in f"{result.stderr} {result.exception}"
    assert "Traceback" not in result.stderr


def test_what_people_decided_counts(folder: Path) -> None:
    """Who pays first, and why Medicare pays second, from a file."""
    myself = {"coding": [{"code": "self"}]}
    plan = builders.commercial("Sunrise Health Plan", id="group", subscriberId="W1")
    medicare = builders.coverage(payor="Medicare Part B", subscriberId="1EG4TE5MK73")
    by_plan = {"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/group"}}
    chart = claims.chart(
        plan | {"relationship": myself},
        medicare,
        builders.authorization(insurance=[by_plan]),
        builders.note(),
    )
    builders.chart_file(folder / "chart.json", chart)
    decided = (
        "decisions:\n- {who: M, when: 2026-11-01, pays_first: {patient: p1, coverage:"
        " Coverage/group, then: [Coverage/coverage]}}\n"
        "- {who: M, when: 2026-11-01, medicare_secondary: {patient: p1, type: '12'}}\n"
    )
    (folder / "decided.yaml").write_text(decided)
    (line,) = claims.assessed(chart)[0].patients[0].lines
    (folder / "one.csv").write_text(line.id + "\n")
    asked = ["claims", "write", str(folder / "chart.json"), "--site", "example", "--now", NOW]
    asked += ["--config", str(folder / "ferroclaim.toml"), "--out", str(folder / "out")]
    asked += ["--released", str(folder / "one.csv")]
    assert "is held by coverage" in CliRunner().invoke(app, asked).stderr
    result = CliRunner().invoke(app, [*asked, "--decisions", str(folder / "decided.yaml")])
    assert result.exit_code == 0, result.stderr
    payers = ["SBR*P*18*******CI", "SBR*S*18***12****MB"]
    assert at(rows(folder), "SBR") == payers
    draft = ["assess", str(folder / "chart.json"), "--site", "example", "--format", "x12"]
    draft += ["--config", str(folder / "ferroclaim.toml"), "--as-of", NOW]
    shown = CliRunner().invoke(app, [*draft, "--decisions", str(folder / "decided.yaml")])
    assert at(parsed(shown.stdout), "SBR") == payers, shown.stderr


def test_only_released_lines_leave(folder: Path) -> None:
    kept = (folder / "released.csv").read_text().splitlines()
    (folder / "two.csv").write_text("\n".join(kept[:2]))
    assert run(folder, released="two.csv").exit_code == 0
    assert [row[2] for row in rows(folder) if row[0] == "CLM"] == ["150"]


def test_without_a_word_on_releases_nothing_leaves(folder: Path) -> None:
    result = run(folder, released="")
    assert isinstance(result.exception, ConfigurationError)
    assert "name them with --released FILE" in str(result.exception)


def test_a_site_that_releases_by_itself_needs_no_file(folder: Path) -> None:
    change(folder, "ferroclaim.toml", "time_zone =", "auto_release = true\ntime_zone =")
    assert run(folder, released="").exit_code == 0
    assert len([row for row in rows(folder) if row[0] == "CLM"]) < 9


def test_naming_a_discard_names_its_dose(folder: Path) -> None:
    """JW never stands apart from its pair."""
    discard = "8a06fb5fd8c6079c4d8cae8bed22d6b7"
    (folder / "one.csv").write_text(discard + "\n")
    assert run(folder, released="one.csv").exit_code == 0
    assert [row[1] for row in rows(folder) if row[0] == "SV1"] == ["HC:J1756", "HC:J1756:JW"]


def test_a_held_line_leaves_with_a_reason_only(folder: Path) -> None:
    held = "4693ae95d3fb85bf31efaed97c89c112", "c0e89c359f0431ac83ceee11b9b1f825"
    (folder / "held.csv").write_text(f"{held[1]}\n")
    result = run(folder, released="held.csv")
    assert result.exit_code == 1
    assert "is held by oral-iron-history, transferrin-saturation" in result.stderr
    (folder / "held.csv").write_text(f"{held[1]},seen on paper\n")
    assert run(folder, released="held.csv").exit_code == 0


def worklist_csv(**cells: str) -> str:
    row = {
        "service date": "2026-10-15",
        "line": "J1756 JZ",
        "units": "200",
        "status": "released",
        "line id": "db3d90911d124fec8cfaa4841fc7ec5a",
        "release reason": "",
    } | cells
    return f"{','.join(row)}\n{','.join(row.values())}\n"


def test_the_worklists_csv_tells_what_was_released(folder: Path) -> None:
    (folder / "list.csv").write_text(worklist_csv())
    assert run(folder, released="list.csv").exit_code == 0


@pytest.mark.parametrize(
    "cells", [{"units": "100"}, {"line": "J1756"}, {"service date": "2026-10-14"}]
)
def test_what_changed_after_its_release_stays(folder: Path, cells: dict[str, str]) -> None:
    (folder / "list.csv").write_text(worklist_csv(**cells))
    result = run(folder, released="list.csv")
    assert result.exit_code == 1
    assert "it changed after it was released" in result.stderr
    assert not written(folder, "*.x12")


@pytest.mark.parametrize("text", ["", "line id\n", worklist_csv(status="held")])
def test_a_file_that_releases_nothing_is_said(folder: Path, text: str) -> None:
    (folder / "list.csv").write_text(text)
    assert "names no released line" in str(run(folder, released="list.csv").exception)


def test_a_line_of_no_chart_is_said(folder: Path) -> None:
    (folder / "list.csv").write_text("0" * 32 + "\n")
    result = run(folder, released="list.csv")
    assert result.exit_code == 1
    assert f"Line {'0' * 32} is in none of the charts." in result.stderr


def test_a_test_goes_to_the_test_id_and_says_so(folder: Path) -> None:
    change(folder, "ferroclaim.toml", 'sender_id = "SAMPLENEPH"', 'sender_id = "SAMPLENEPH"')
    run(folder, "--test")
    assert {row[15] for row in rows(folder) if row[0] == "ISA"} == {"T"}


def first_claim(folder: Path, filing: str) -> tuple[str, str]:
    """The number of the first claim that goes to such a payer (SBR09), and its first line's id as
    it was released."""
    found = rows(folder)
    payer = next(
        place
        for place, (above, row) in enumerate(pairwise(found))
        if (above[0], row[0], row[-1]) == ("HL", "SBR", filing)
    )
    number = next(row[1] for row in found[payer:] if row[0] == "CLM")
    line = next(row[2].lower() for row in found[payer:] if row[:2] == ("REF", "6R"))
    kept = (folder / "released.csv").read_text().splitlines()
    return number, next(row for row in kept if row.startswith(line.partition("-")[0]))


def corrected(
    folder: Path, option: str, filing: str, why: str = ""
) -> tuple[Result, str, set[Path]]:
    """A second run that replaces or voids a claim; its number, and the files that came."""
    run(folder)
    before = set((folder / "out").iterdir())
    number, line = first_claim(folder, filing)
    (folder / "one.csv").write_text(f"line id\n{line if option == '--replace' else 'none'}\n")
    result = run(folder, option, f"{number}=ICN123{why}", released="one.csv")
    came = set((folder / "out").iterdir()) - before
    return result, number, {path for path in came if path.suffix == ".x12"}


def replaced(folder: Path, option: str) -> list[tuple[str, ...]]:
    """What a second run gives for the first claim to a commercial payer."""
    result, number, came = corrected(folder, option, "CI")
    assert result.exit_code == (0 if option == "--replace" else 1), result.stderr
    (file,) = came
    text = file.read_text()
    assert (claims.faults(text), claims.validated(text)) == ([], "")
    found = parsed(text)
    assert at(found, "REF", "F8") == ["REF*F8*ICN123"]
    assert number not in text
    return found


@pytest.mark.parametrize("option", ["--replace", "--void"])
def test_medicares_part_b_takes_no_correction(folder: Path, option: str) -> None:
    """Neither in X12 nor in FHIR."""
    result, _, came = corrected(folder, option, "MB")
    assert (result.exit_code, came) == (1, set())
    fix = "CLM05-3 is 1): have what they processed reopened"
    assert fix in result.stderr
    number = bundle(folder)["entry"][0]["resource"]["identifier"][1]["value"]
    result = run(folder, "--format", "fhir", option, f"{number}=ICN9")
    assert result.exit_code == 1
    assert fix in result.stderr
    assert "ICN9" not in written(folder, "*_claims.json")[-1]


@pytest.mark.parametrize(
    ("option", "why", "frequency"), [("--replace", "D9", "7"), ("--void", "d6", "8")]
)
def test_medicares_part_a_asks_why_a_claim_is_corrected(
    folder: Path, option: str, why: str, frequency: str
) -> None:
    result, _, came = corrected(folder, option, "MA")
    assert (result.exit_code, came) == (1, set())
    assert f"frequency {frequency} to Medicare's Part A says why" in result.stderr
    result, _, came = corrected(folder, option, "MA", f",{why}")
    (file,) = came
    text = file.read_text()
    assert (claims.faults(text), claims.validated(text)) == ([], "")
    found = parsed(text)
    assert f"72:A:{frequency}" in at(found, "CLM")[0]
    assert any(row.endswith(f"BG:{why.upper()}") for row in at(found, "HI"))


def test_a_replacement_names_the_payers_claim(folder: Path) -> None:
    found = replaced(folder, "--replace")
    assert at(found, "CLM")[0].endswith("*170***11:B:7*Y*A*Y*Y")


def test_a_void_carries_the_sent_lines(folder: Path) -> None:
    found = replaced(folder, "--void")
    assert at(found, "CLM")[0].endswith("*170***11:B:8*Y*A*Y*Y")
    assert at(found, "SV1") == ["SV1*HC:J1756:JZ*170*UN*200***1"]
    assert at(found, "NM1", "87") == ["NM1*87*2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--replace", "=X"), "write our claim number (CLM01), =, and"),
        (("--void", "X="), "write our claim number"),
        (("--void", "X=1*2"), "write our claim number"),
        (("--void", "X=12,why"), "a comma and the claim change reason, such as D9"),
        (("--replace", "X=10", "--replace", "X=11"), "names claim X twice"),
        (("--replace", "X=10", "--void", "X=10"), "replace a claim or void it, not both"),
        (("--void", "X=10", "--format", "csv"), "--void goes with --format x12 or fhir"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = run(folder, *arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert says in str(result.exception)


def test_a_void_in_fhir_is_the_claim_canceled(folder: Path) -> None:
    """With everything that it was sent with; and its lines may leave anew."""
    sent = {entry["resource"]["id"]: entry["resource"] for entry in bundle(folder)["entry"]}
    claim = next(row for row in sent.values() if row["insurer"]["display"] == "UnitedHealthcare")
    number = claim["identifier"][1]["value"]
    (folder / "none.csv").write_text("line id\nnone\n")
    run(folder, "--format", "fhir", "--void", f"{number}=ICN9", released="none.csv")
    text = written(folder, "*_claims.json")[-1]
    Bundle.model_validate_json(text)
    (entry,) = json.loads(text)["entry"]
    assert entry["request"]["url"] == f"Claim/{claim['id']}"
    assert entry["resource"] == claim | {
        "status": "cancelled",
        "related": entry["resource"]["related"],
    }
    assert entry["resource"]["related"][0]["reference"] == {"value": "ICN9"}


def test_a_replacement_in_fhir_names_the_payers_claim(folder: Path) -> None:
    found = [row["resource"] for row in bundle(folder)["entry"]]
    first = next(row for row in found if row["insurer"]["display"] == "UnitedHealthcare")
    number = first["identifier"][1]["value"]
    result = run(folder, "--format", "fhir", "--replace", f"{number}=ICN9")
    assert result.exit_code == 0, result.stderr
    again = json.loads(written(folder, "*_claims.json")[-1])["entry"]
    (one,) = [row["resource"] for row in again if "related" in row["resource"]]
    assert one["id"] == first["id"]
    assert one["related"][0]["reference"] == {"value": "ICN9"}


@pytest.mark.parametrize(
    ("option", "why", "bill"), [("--replace", "D9", "727"), ("--void", "D6", "722")]
)
def test_a_corrected_month_in_fhir_says_why(folder: Path, option: str, why: str, bill: str) -> None:
    """A replacement says so in its type of bill as well."""
    found = [row["resource"] for row in bundle(folder)["entry"]]
    month = next(row for row in found if row["patient"]["reference"] == "Patient/esther")
    number = month["identifier"][1]["value"]
    run(folder, "--format", "fhir", option, f"{number}=ICN9,{why}")
    again = json.loads(written(folder, "*_claims.json")[-1])["entry"]
    (one,) = [row["resource"] for row in again if "related" in row["resource"]]
    said = [info["code"]["coding"][0]["code"] for info in one["supportingInfo"] if "code" in info]
    assert bill in said
    assert said.count(why) == 1


def test_what_the_checks_refuse_leaves_in_no_form(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration.claims.output.checked", lambda *_: ([], ["CLM: a fault"]))
    for form in ("fhir", "csv", "xlsx"):
        result = run(folder, "--format", form)
        assert result.exit_code == 1
        assert "is not written: CLM: a fault." in result.stderr
    assert not written(folder, "*_claims.json")


def test_a_correction_of_what_never_left_is_said(folder: Path) -> None:
    result = run(folder, "--void", "X=10", "--replace", "Y=11")
    assert result.exit_code == 1
    assert (
        "Claim X is not voided: none of that number left from here and still stands."
        in result.stderr
    )
    assert "Claim Y is not replaced: no released line belongs to it." in result.stderr


def test_a_table_holds_what_a_person_keys_a_claim_from(folder: Path) -> None:
    assert run(folder, "--format", "csv").exit_code == 0
    found = list(csv.DictReader(io.StringIO(written(folder, "*_claims.csv")[0])))
    pair = [row for row in found if row["patient"] == "Patient/bruno"][:2]
    dose, discard = pair
    wanted = {
        "patient_family": "FIXTURE", "birth_date": "1948-07-02", "member_number": "1TE0TE0TE02",
        "payer_id": "13202", "billing_npi": "1234567893", "practitioner_npi": "1679576722",
        "encounter": "Encounter/bruno-visit-1", "charge": "75.00", "units_discarded": "100",
        "ndc": "00517231005", "ndc_quantity": "5", "diagnosis_1": "N18.32", "total": "150.00",
        "next_payer_id": "55001",
    }  # fmt: skip
    assert {name: dose[name] for name in wanted} == wanted
    assert (discard["modifier_1"], discard["units"]) == ("JW", "100")
    month = next(row for row in found if row["patient"] == "Patient/esther")
    of_the_stay = {
        "frequency": "2", "statement_from": "2026-11-01", "statement_through": "2026-11-30",
        "admission_priority": "3", "admission_origin": "1", "patient_status": "30",
        "condition_codes": "71", "value_codes": "A8 72.5; A9 168; D5 1.52; 48 10.4",
        "occurrence_codes": "51 2026-11-06", "visit_reasons": "",
    }  # fmt: skip
    assert {name: month[name] for name in of_the_stay} == of_the_stay


def test_a_workbook_holds_the_same_as_text(folder: Path) -> None:
    run(folder, "--format", "csv")
    run(folder, "--format", "xlsx")
    (path,) = (folder / "out").glob("*_claims.xlsx")
    sheet = load_workbook(path).active
    assert sheet is not None
    found = [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert found == list(csv.reader(io.StringIO(written(folder, "*_claims.csv")[0])))


def bundle(folder: Path) -> dict[str, Any]:
    run(folder, "--format", "fhir")
    (text,) = written(folder, "*_claims.json")
    found: dict[str, Any] = json.loads(text)
    return found


def of_patient(entries: list[dict[str, Any]], patient: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in entries]
    return [claim for claim in found if claim["patient"]["reference"] == patient]


def test_fhir_claims_have_charges_encounters_and_an_id_of_their_own(folder: Path) -> None:
    found = bundle(folder)
    Bundle.model_validate(found)
    entries = found["entry"]
    assert all(entry["request"]["url"] == f"Claim/{entry['resource']['id']}" for entry in entries)
    claim = next(
        entry["resource"]
        for entry in entries
        if entry["resource"]["patient"]["reference"] == "Patient/ada"
    )
    (item,) = claim["item"]
    assert (item["unitPrice"]["value"], item["net"]["value"]) == (0.75, 150)
    assert item["encounter"] == [{"reference": "Encounter/ada-visit-1"}]
    assert claim["status"] == "draft"
    assert claim["created"] == NOW


def test_fhir_claims_of_a_month_are_one(folder: Path) -> None:
    entries = bundle(folder)["entry"]
    (month,) = [
        entry["resource"]
        for entry in entries
        if entry["resource"]["patient"]["reference"] == "Patient/esther"
    ]
    assert month["billablePeriod"] == {"start": "2026-11-01", "end": "2026-11-30"}
    codes = [
        info["code"]["coding"][0]["code"] for info in month["supportingInfo"] if "code" in info
    ]
    assert codes == ["722", "3", "1", "30", "71", "A8", "A9", "D5", "48", "51"]
    assert len(month["item"]) == 6
    assert month["total"]["value"] == 975


def test_fhir_charge_items_are_valid(folder: Path) -> None:
    run(folder, "--format", "fhir")
    (text,) = written(folder, "*_charges.json")
    found = json.loads(text)
    Bundle.model_validate(found)
    assert found["entry"][0]["resource"]["resourceType"] == "ChargeItem"


def test_posted_twice_is_one(folder: Path) -> None:
    first = bundle(folder)
    for path in (folder / "out").glob("*.json"):
        path.unlink()
    assert bundle(folder) == first


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk on which no file can be finished."""

    def refuse(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("integration.claims.output.sync", refuse)


def test_a_full_disk_leaves_nothing_half_done(folder: Path, full: None) -> None:
    result = run(folder)
    assert isinstance(result.exception, FerroclaimError)
    assert "No space left on device. Nothing was written." in str(result.exception)
    assert [path.name for path in (folder / "out").iterdir() if path.name != numbers.FILE] == []


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    own = numbers.numbers(tmp_path)
    other = numbers.numbers(tmp_path)
    found = [next(one) for _ in range(20) for one in (own, other)]
    assert found == sorted(set(found))


def test_numbers_are_not_given_twice_in_parallel(tmp_path: Path) -> None:
    pids = []
    for place in range(4):
        pid = os.fork()
        if not pid:
            counter = numbers.numbers(tmp_path)
            text = "\n".join(str(next(counter)) for _ in range(50))
            (tmp_path / f"got-{place}").write_text(text)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    found = [n for file in tmp_path.glob("got-*") for n in file.read_text().split()]
    assert len(found) == len(set(found)) == 200


def test_numbers_are_not_given_again_after_a_crash(tmp_path: Path) -> None:
    """A process is killed while it counts, several times."""
    found: list[int] = []
    for _ in range(5):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            for number in numbers.numbers(tmp_path):
                os.write(writing, f"{number}\n".encode())
        os.close(writing)
        with os.fdopen(reading) as said:
            found += [int(said.readline()) for _ in range(20)]
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            found += [int(row) for row in said if row.endswith("\n")]
    assert len(found) >= 100
    assert found == sorted(set(found))


@pytest.mark.parametrize("text", ["x", "999999999"])
def test_a_counter_that_cannot_count_on_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / numbers.FILE).write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(numbers.FILE)):
        next(numbers.numbers(tmp_path))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("esther,2026-11,weight,70,,,,,", "row 15: weight is none of status"),
        ("esther,2026-11,status,30,,,,,", "row 15: a second status of 2026-11"),
        ("esther,2026-11,value,A8,70,,,,", "row 15: value code A8 appears twice"),
        ("esther,2026-11,occurrence,51,,2026-11-06,,,", "occurrence code 51 appears twice"),
        ("esther,2026-11,value,A2,,,,,", "a value has an amount"),
        ("esther,2026-11,line,90999,250,2026-11-08,1,,821", "a revenue code of four digits"),
        ("esther,2026-11,line,90999,250,soon,1,,0821", "a line has a date"),
        ("esther,November,status,30,,,,,", "the period is a month"),
    ],
)
def test_a_mistake_in_the_facilitys_file_is_named(folder: Path, row: str, says: str) -> None:
    with (folder / "facility.csv").open("a") as file:
        file.write(row + "\n")
    result = run(folder)
    assert isinstance(result.exception, DataFileError)
    assert says in str(result.exception)


def test_a_value_of_nothing_is_a_value(folder: Path) -> None:
    """Of a first payer that paid nothing (value code 12 with occurrence 24)."""
    with (folder / "facility.csv").open("a") as file:
        file.write("esther,2026-11,value,12,0.00,,,,\n")
    assert run(folder).exit_code == 0
    (values,) = [row for row in at(rows(folder, "*_837I.x12"), "HI") if row.startswith("HI*BE")]
    assert values.endswith("*BE:48:::10.4*BE:12:::0")


def check(*files: Path, form: str = "text") -> Result:
    return CliRunner().invoke(app, ["claims", "check", "--format", form, *map(str, files)])


DATA = Path(__file__).parents[1] / "data" / "claims"


def test_check_says_what_is_wrong_where() -> None:
    result = check(DATA / "m47_jw_only_kx_differs.x12", DATA / "837P_office.x12")
    assert result.exit_code == 1
    assert (
        "m47_jw_only_kx_differs.x12: claim ENC-1001, line 4, segment 44 SV1: the JW"
        in result.stdout
    )
    assert "837P_office.x12: nothing wrong was found" in result.stdout


def test_check_as_json() -> None:
    result = check(DATA / "m09_pobox.x12", DATA / "v_poa.x12", form="json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)["files"]
    assert [fault["segment"] for fault in first["faults"]] == ["N3"]
    assert second["faults"] == []
    assert check(DATA / "v_poa.x12", form="json").exit_code == 0


def test_check_by_the_tables_of_a_site(tmp_path: Path) -> None:
    """A code that only the site knows, and a diagnosis that ended."""
    path = tmp_path / "claim.x12"
    path.write_text((DATA / "837P_office.x12").read_text().replace("HC:J1756", "HC:J1757"))
    own = tmp_path / "own"
    own.mkdir()
    code = "codes: [{family: iron-sucrose, code: J1757, mg_per_unit: 1, from: 2026-01-01}]\n"
    (own / "a.yaml").write_text(code)
    by_site = ["claims", "check", "--code-dir", str(own), str(path)]
    assert "not the drug of J1757" in check(path).stdout
    assert CliRunner().invoke(app, by_site).exit_code == 0
    (own / "a.yaml").write_text(f"{code}diagnoses: [{{code: N18.32, to: 2026-09-30}}]\n")
    assert (
        "the diagnosis N1832 is no code of Nov 20, 2026" in CliRunner().invoke(app, by_site).stdout
    )


def test_a_file_that_cannot_be_read_is_said_and_the_others_are_looked_at() -> None:
    result = check(DATA / "nowhere.x12", DATA / "837P_office.x12")
    assert result.exit_code == 1
    assert "nowhere.x12: it can't be read: No such file or directory\n" in result.stdout
    assert "837P_office.x12: nothing wrong was found" in result.stdout


def test_a_workbook_takes_any_text(tmp_path: Path) -> None:
    """XML can't hold every character that a chart does."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    how = Writing(tmp_path, Site(), "example", "xlsx", at, iter([1]))
    path = tmp_path / "some.xlsx"
    book = FORMS["xlsx"](how, path.open("w"), path)
    book._put(iter([{"payer": "Sun\x0brise"}]))  # type: ignore[attr-defined]
    book.close()
    sheet = load_workbook(path).active
    assert sheet is not None
    assert sheet.cell(2, 1).value == "Sunrise"
