"""What a person reads in the terminal: at any width, without color, without Unicode."""

import io
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from integration.ehr.doctor import Level
from integration.terminal import sums, tables
from integration.terminal.calling import as_called
from integration.terminal.explanation import explain_administration
from integration.terminal.signs import sign
from mappings.assessment import Assessment
from tests.builders import administration, chart, commercial, condition, document_of, ferritin, tsat
from tests.unit.test_samples import demo

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "integration" / "samples" / "bruno-fixture.json"
NAMES = {"Patient/carla": "Carla Mockridge", "Patient/mae": "Mae Fictive"}


def shown(document: Assessment, width: int = 100, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    tables.show(document, Console(file=stream, width=width), NAMES)
    stream.seek(0)
    return stream.read()


def explained(document: Assessment, reference: str, width: int = 100) -> str:
    stream = io.StringIO()
    found = [
        explain_administration(patient, reference, Console(file=stream, width=width))
        for patient in document.patients
    ]
    assert any(found)
    return stream.getvalue()


@cache
def samples_shown(width: int = 100) -> str:
    return shown(demo(), width)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 130, 160])
def test_nothing_is_wider_than_the_terminal_and_no_line_is_cut(width: int) -> None:
    text = samples_shown(width)
    assert max(map(len, text.splitlines())) <= width
    for line in (line for patient in demo().patients for line in patient.lines):
        billed = " ".join([line.code, *line.modifiers, "×", str(line.units)])
        assert billed in text
    assert "$…" not in text
    assert not re.search(r"\$[\d,.]*…", text)


def test_a_narrow_terminal_keeps_signs_and_money() -> None:
    text = samples_shown(40)
    assert "Oct 15…  J1756 JZ × 200  ✓      $44.60" in text
    assert "$2,193.00" in text


def test_a_file_gets_no_color() -> None:
    assert "\x1b" not in samples_shown()


def test_an_old_terminal_gets_signs_that_it_can_show() -> None:
    rows = document_of(
        chart(
            administration("ma2", on="2026-11-08T09:00:00-05:00"),
            administration(note="no waste"),
            without=["tsat"],
        )
    )
    text = shown(rows, encoding="ascii")
    assert "J1756 JZ x 200" in text
    assert "# held" in text


def test_safety_stands_above_the_paperwork_and_apart() -> None:
    text = samples_shown()
    safety, _, rest = text.partition("╰")
    assert "Mae Fictive: Possible iron overload" in safety
    assert "Possible iron overload" not in rest
    assert "Ferritin 1150 ng/mL before the dose is above 800 ng/mL" in flat(safety).replace(
        "│ ", ""
    )


def test_without_safety_gaps_there_is_no_box() -> None:
    assert "Safety" not in shown(document_of(chart()))


def test_what_is_missing_says_what_to_do_and_which_denial_comes_otherwise() -> None:
    text = flat(shown(document_of(chart(without=["tsat"])), width=200))
    assert (
        "Transferrin saturation No transferrin saturation result within 90 days before Nov 1,"
        " 2026. *" in text
    )
    assert "→ File the transferrin saturation" in text
    assert "not on record" in text
    assert "else CARC 252, RARC N395" in text


def test_money_is_added_up() -> None:
    text = flat(samples_shown())
    assert "✓ ready $1,415.20 15 lines, 4 of them charge lines without a price" in text
    assert "■ held, at risk $4,480.70 16 lines, 3 not priced yet" in text


def test_no_patient() -> None:
    assert "No patient here was given an intravenous iron." in shown(document_of([]))


def test_unreadable_resources_are_counted() -> None:
    assert "1 resource could not be read." in shown(
        document_of([*chart(), {"resourceType": "Observation"}])
    )


def test_explain_shows_arithmetic_evidence_sources_and_denial() -> None:
    record = chart(administration(dose="10 mL", version="7"), without=["tsat"])
    text = flat(explained(document_of(record), "MedicationAdministration/ma1", width=250))
    assert "10 mL × 20 mg/mL = 200 mg" in text
    assert "from MedicationAdministration/ma1, version 7" in text
    assert (
        "source: CMS HCPCS alpha-numeric file, October 2020; Venofer label, from Jan 1, 2003,"
        " verified" in text
    )
    assert "NOT VERIFIED" in text
    assert "else denial CARC 252, RARC N395" in text
    assert "held by transferrin saturation" in text


def test_explain_dates_the_rules_behind_what_is_met_and_what_is_not() -> None:
    esrd = (condition("N18.6"), condition("N18.4", clinical="inactive"), condition("Z99.2"))
    text = flat(explained(document_of(chart(*esrd)), "MedicationAdministration/ma1", width=250))
    assert ", from Jan 1, 2016, " in text.partition("(consolidated billing).")[2].partition("✓")[0]
    discarded = text.partition("✓ Discarded amount")[2].partition("✓")[0]
    assert "from MedicationAdministration/ma1, version 1: 200 mg" in discarded
    assert ", from Jul 1, 2023, verified" in discarded


def test_explain_an_administration_without_a_line() -> None:
    text = explained(demo(), "MedicationAdministration/jonas-dose-2")
    assert "has no claim line: the administration was entered in error" in flat(text)
    assert "Which iron was given: contradictory" in explained(
        demo(), "MedicationAdministration/luis-dose-1"
    )


def test_causes_count_a_line_with_each_and_alone() -> None:
    found = {
        cause.reason: (cause.held.lines, cause.alone.lines)
        for cause in sums.causes(document_of(chart(without=["tsat", "ferritin"])))
    }
    assert found == {"ferritin": (1, 0), "transferrin-saturation": (1, 0)}
    assert sums.causes(document_of(chart(without=["tsat"])))[0].alone.lines == 1


def test_the_larger_task_frees_the_lines_of_the_smaller() -> None:
    second = administration("ma2", on="2026-11-08T09:00:00-05:00", ndc=None, text="Venofer")
    (task,) = sums.tasks(document_of(chart(second, without=["tsat"])))
    assert set(task.reasons) >= {"transferrin-saturation", "ndc"}
    assert task.freed.lines == 2


def test_what_paperwork_can_settle_comes_first() -> None:
    beyond = document_of(chart(commercial(id="coverage"), ferritin(900), tsat(60)))
    assert [task.beyond_paperwork for task in sums.tasks(beyond)] == [True]
    order = [task.beyond_paperwork for task in sums.tasks(demo())]
    assert order == sorted(order)


def test_the_way_on_names_a_sample_that_is_there() -> None:
    stream = io.StringIO()
    tables.next_steps(Console(file=stream, width=80))
    sample = re.search(r"explain (\S+\.json)", stream.getvalue())
    assert sample
    assert "bruno-dose-1" in Path(sample[1]).read_text("utf-8")


@pytest.mark.parametrize(
    ("called", "found", "says"),
    [
        (".venv/bin/ferroclaim", None, ".venv/bin/ferroclaim"),
        (".venv/bin/ferroclaim", "/usr/bin/ferroclaim", "ferroclaim"),
        ("ferroclaim", None, "ferroclaim"),
        ("integration/cli.py", None, "ferroclaim"),
    ],
)
def test_it_is_called_as_the_shell_finds_it(
    called: str, found: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: found)
    monkeypatch.setattr("sys.argv", [called])
    assert as_called() == says


@pytest.mark.parametrize(
    "command",
    [
        ["demo"],
        ["explain", str(SAMPLE), "--administration", "bruno-dose-1", "--as-of", "2026-11-23"],
    ],
)
def test_the_command_line_survives_a_terminal_without_unicode(command: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    run = subprocess.run(
        [sys.executable, "-m", "integration.cli", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "J1756" in run.stdout


def test_what_the_doctor_finds_is_told_apart_without_unicode() -> None:
    terminal = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"), width=80)
    told = {level: sign(level, terminal) for level in (*get_args(Level), "arrow")}
    assert terminal.options.ascii_only
    assert "".join(told.values()).isascii()
    assert len(set(told.values())) == len(told)
