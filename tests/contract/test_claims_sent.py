"""Claims of the database's released lines: what leaves, what is remembered, what changed
meanwhile."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from integration.claims.released import Released
from integration.claims.sent import corrections
from integration.cli import app
from integration.errors import ConfigurationError
from integration.store import Store, answers, worklist
from integration.store import claims as stored
from integration.store.releases import NotReleasable
from integration.store.worklist import Filters
from integration.web.worklist import sending
from mappings.writing.x12.segments import parsed
from tests import builders, claims
from tests.office import PAIR, PLAN, PRICES, Office, Opened
from tests.unit.test_claim_contents import twice_a_day

HOUSE = {"name": "Clearing House", "id": "CLEAR", "sender_id": "RIVER", "production": True}


def test_released_lines_leave_and_are_remembered(office: Opened) -> None:
    here = office(PAIR)
    here.release()
    report = here.write()
    assert (report.complete, report.claims, str(report.total)) == (True, 1, "100.00"), [
        found.says for found in report.refused
    ]
    (file,) = here.files
    text = file.read_text()
    assert (claims.faults(text), claims.validated(text)) == ([], "")
    rows = here.rows("sent")
    assert [row.state for row in rows] == ["sent", "sent"]
    (number,) = {row.sent_number for row in rows}
    assert number == next(segment[1] for segment in parsed(text) if segment[0] == "CLM")
    assert {row.sent_file for row in rows} == {file.name}
    with here.service.store.transaction() as db:
        wanted = Filters(view="all", find=number or "")
        assert [row.key for row in worklist.rows(db, wanted, ["general"], [])] == [
            row.key for row in rows
        ]
    assert here.rows("released") == []
    kept = here.service.rows("select name, content, written_by, placed_at from claim_files")
    assert [(row[0], bytes(row[1]).decode(), row[2]) for row in kept] == [(file.name, text, "ada")]
    assert kept[0][3] is not None
    said = here.service.rows("select action, actor from audit where detail ->> 'file' is not null")
    assert {(action, actor) for action, actor in said} == {
        ("wrote a claim file", "ada"),
        ("sent", "ada"),
    }


def test_nothing_leaves_twice(office: Opened) -> None:
    here = office()
    here.release()
    here.write()
    report = here.write()
    assert (report.claims, report.asked, report.complete) == (0, False, True)
    assert len(here.files) == 1


def test_the_worklist_names_whose_claim_is_not_written(office: Opened) -> None:
    here = office(claims.patient(address=None))
    here.release()
    context: Any = SimpleNamespace(settings=here.service.settings, store=here.service.store)
    person: Any = SimpleNamespace(who=SimpleNamespace(fhir_user=None, label="ada"))
    told = sending.write(context, person, here.rows("released"))
    assert told.done == "No claim was written."
    (left_out,) = told.refused
    assert left_out.why.startswith("it lacks the patient's address")
    assert left_out.who == ("Doe, Jane (J1756 JZ, Nov 1, 2026)",)


def test_what_is_not_released_stays(office: Opened) -> None:
    here = office()
    assert here.write().claims == 0
    assert here.files == []


def test_what_changed_after_the_release_stays_and_is_said(office: Opened) -> None:
    """Nobody had looked since: the chart is read anew before anything leaves."""
    here = office()
    here.release()
    here.change(builders.administration(dose="100 mg", version="2"))
    report = here.write()
    assert report.claims == 0
    assert "the chart says something else about it since it was released" in report.refused[0].says
    assert here.files == []
    assert [row.changed for row in here.rows()] == [True]


def test_what_a_person_decided_counts_when_the_chart_is_read_anew(office: Opened) -> None:
    """Who pays first is a decision, and so is why Medicare pays second."""
    self_insured = {"coding": [{"code": "self"}]}
    plan = builders.commercial(id="group", subscriberId="W123", relationship=self_insured)
    by_plan = {"coverage": {"reference": "Coverage/group"}, "sequence": 1, "focal": True}
    authorized = builders.authorization(insurance=[by_plan])
    payers = {
        "Medicare": {"kind": "medicare", "claim_id": "15202"},
        "Sunrise Health Plan": {"kind": "commercial", "claim_id": "SHP01"},
    }
    here = office(plan, authorized, builders.note(), payer_aliases=payers)
    order = {"patient": "p1", "coverage": "Coverage/group", "then": ["Coverage/coverage"]}
    here.decide(pays_first=order)
    here.release()
    assert "record a person's decision medicare_secondary" in here.write().refused[0].says
    here.decide(medicare_secondary={"patient": "p1", "type": "12"})
    report = here.write()
    assert [found.says for found in report.refused] == []
    rows = parsed(here.files[-1].read_text())
    assert [row for row in rows if row[0] == "SBR"] == [
        ("SBR", "P", "18", "", "", "", "", "", "", "CI"),
        ("SBR", "S", "18", "", "", "12", "", "", "", "MB"),
    ]


def test_a_chart_that_cannot_be_read_stays_and_is_said(office: Opened) -> None:
    here = office()
    here.release()
    here.service.fake.resources.clear()
    report = here.write()
    assert report.claims == 0
    assert "the chart could not be read now" in report.refused[0].says


def test_only_the_named_lines_leave(office: Opened) -> None:
    here = office()
    here.release()
    report = here.write(only={"another": Released("another")})
    assert (report.claims, report.complete) == (0, False)
    assert report.problems == [
        "Line another does not wait to be sent: it is not released, or it left already."
    ]
    (row,) = here.rows()
    assert here.write(only={row.line_id: Released(row.line_id)}).claims == 1
    again = here.write(only={row.line_id: Released(row.line_id)})
    assert (again.claims, again.asked, again.complete) == (0, True, False)


@pytest.mark.parametrize(
    ("named", "status", "says"),
    [
        (None, 0, "No file was written: no released line is waiting to be sent."),
        ("line id\n1234\n", 1, "Line 1234 does not wait to be sent"),
    ],
)
def test_the_command_says_why_nothing_was_written(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    status: int,
    says: str,
) -> None:
    """Without a SOURCE it asks the database; nothing wrong where nothing was asked for."""
    (tmp_path / "prices.csv").write_text(PRICES)
    (tmp_path / "ferroclaim.toml").write_text(
        '[sites.general]\nbase_url = "http://127.0.0.1:1/fhir"\n'
        '[sites.general.claims]\nprices = "prices.csv"\n'
    )
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", store.url)
    asked = ["claims", "write", "--site", "general", "--out", str(tmp_path / "out")]
    if named:
        (tmp_path / "named.csv").write_text(named)
        asked += ["--released", str(tmp_path / "named.csv")]
    result = CliRunner().invoke(app, [*asked, "--config", str(tmp_path / "ferroclaim.toml")])
    assert (result.exit_code, says in result.stderr) == (status, True), result.stderr


def test_what_did_not_leave_is_not_rejected(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ferroclaim.toml").write_text(
        '[sites.general]\nbase_url = "http://127.0.0.1:1/fhir"\n'
    )
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", store.url)
    asked = ["claims", "rejected", "X", "--site", "general"]
    result = CliRunner().invoke(app, [*asked, "--config", str(tmp_path / "ferroclaim.toml")])
    assert result.stdout == "X\tno claim of that number left from this site\n"
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--decisions", "x"], "--decisions goes with a SOURCE"),
        (["--patient", "p1"], "--patient goes with a FHIR base URL"),
        (["chart.json", "--patient", "p1"], "--patient goes with a FHIR base URL"),
    ],
)
def test_what_goes_with_a_source_alone_is_refused(
    asked: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "ferroclaim.toml").write_text(
        '[sites.general]\nbase_url = "http://127.0.0.1:1/fhir"\n'
    )
    write = ["claims", "write", "--site", "general", "--out", str(tmp_path), *asked]
    result = CliRunner().invoke(app, [*write, "--config", str(tmp_path / "ferroclaim.toml")])
    assert said in str(result.exception)


def test_a_trial_leaves_the_lines_where_they_are(office: Opened) -> None:
    here = office()
    here.release()
    assert here.write(test=True).claims == 1
    assert len(here.rows("released")) == 1
    assert here.service.rows("select trial, production from claim_files") == [(True, False)]
    assert here.write().claims == 1


def test_a_sent_release_is_not_taken_back(office: Opened) -> None:
    here = office()
    here.release()
    here.write()
    with pytest.raises(NotReleasable, match=r"left in claim \w{20} \(general_\d{9}_837P\.x12\)"):
        here.withdraw()


def test_a_changed_line_replaces_its_claim(office: Opened) -> None:
    here = office(*PLAN)
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    here.correct()
    report = here.write(corrections=corrections([f"{number}=ICN7"], []))
    assert report.complete
    rows = parsed(here.files[-1].read_text())
    claim = next(row for row in rows if row[0] == "CLM")
    assert (claim[2], claim[5]) == ("50", "11:B:7")
    assert ("REF", "F8", "ICN7") in rows
    states = here.service.rows("select number, state from claims order by id")
    assert states == [(number, "replaced"), (claim[1], "sent")]


def test_a_claim_of_medicares_part_b_is_not_replaced(office: Opened) -> None:
    """Neither with a correction nor without is anything written twice; what to do is said."""
    here = office(receivers=[HOUSE])
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    here.correct()
    for asked in (corrections([f"{number}=ICN7"], []), corrections([], [])):
        (refused,) = here.write(corrections=asked).refused
        assert "have what they processed reopened" in refused.says
    assert len(here.files) == 1


def moved(here: Office, place: str) -> None:
    """The dose turns out to have been given elsewhere, and is released anew."""
    here.change(builders.location(place))
    here.service.assess()
    here.service.work()
    here.withdraw()
    here.release()


def test_what_left_in_a_claim_is_not_billed_by_the_facility_as_well(office: Opened) -> None:
    here = office(*PLAN, receivers=[HOUSE])
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    moved(here, "22")
    (refused,) = here.write().refused
    assert f"void that with --void {number}=ICN" in refused.says
    assert list((here.folder / "out").glob("*_charges.csv")) == []
    here.write(corrections=corrections([], [f"{number}=ICN7"]))
    here.write()
    assert len(list((here.folder / "out").glob("*_charges.csv"))) == 1


def test_what_left_for_the_facilitys_claim_is_not_billed_by_us_as_well(office: Opened) -> None:
    here = office(*PLAN, builders.location("22"), receivers=[HOUSE])
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    moved(here, "11")
    for asked in (corrections([], []), corrections([f"{number}=ICN7"], [])):
        refused = here.write(corrections=asked).refused[0]
        assert f"say so with `ferroclaim claims rejected {number}`" in refused.says
    with here.service.store.transaction() as db:
        answers.reject(db, "general", number, "ada")
    assert here.write().claims == 1
    assert [file.name for file in here.files] == [here.rows()[0].sent_file]


def test_a_corrected_charge_takes_the_place_of_the_first(office: Opened) -> None:
    here = office(*PLAN, builders.location("22"), receivers=[HOUSE])
    here.release()
    here.write()
    here.correct()
    assert here.write().complete


def test_a_second_visit_that_leaves_later_is_no_duplicate(office: Opened) -> None:
    """Of two visits of a day one left before."""
    here = office(*twice_a_day("encounter", "later"))
    here.release()
    first = here.rows()[0].line.administrations
    wanted = {row.line_id for row in here.rows() if row.line.administrations == first}
    here.write(only={line: Released(line) for line in wanted})
    here.write()
    codes = [[row[1] for row in parsed(file.read_text()) if row[0] == "SV1"] for file in here.files]
    assert codes == [["HC:J1756", "HC:J1756:JW"], ["HC:J1756:76", "HC:J1756:JW:76"]]


def test_a_rejected_claim_is_sent_as_a_new_one(office: Opened) -> None:
    here = office(receivers=[HOUSE])
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    with here.service.store.transaction() as db:
        assert answers.reject(db, "general", "X", "ada") is None
        assert answers.reject(db, "another", number, "ada") is None
        assert answers.reject(db, "general", number, "ada") == "sent"
        assert answers.reject(db, "general", number, "ada") == "rejected"
    here.withdraw()
    here.release()
    report = here.write()
    assert (report.complete, report.claims) == (True, 1), [one.says for one in report.refused]
    claim = next(row for row in parsed(here.files[-1].read_text()) if row[0] == "CLM")
    assert claim[5] == "11:B:1"
    states = here.service.rows("select state from claims order by id")
    assert states == [("rejected",), ("sent",)]
    assert here.service.rows("select actor from audit where action = 'marked rejected'")


def test_a_void_carries_what_was_sent(office: Opened) -> None:
    here = office(PAIR, *PLAN)
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    report = here.write(corrections=corrections([], [f"{number}=ICN8"]))
    assert report.complete
    text = here.files[-1].read_text()
    assert (claims.faults(text), claims.validated(text)) == ([], "")
    rows = parsed(text)
    assert [row[1] for row in rows if row[0] == "SV1"] == ["HC:J1756", "HC:J1756:JW"]
    assert here.service.rows("select state, frequency from claims order by id") == [
        ("void", "1"),
        ("sent", "8"),
    ]
    here.withdraw()
    assert [row.state for row in here.rows()] == ["ready", "ready"]


def test_a_crash_before_the_file_is_placed_loses_nothing(
    office: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = office()
    here.release()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("integration.claims.output.Output.place", die)
        with pytest.raises(KeyboardInterrupt):
            here.write()
    assert here.files == []
    assert [row.state for row in here.rows()] == ["sent"]
    here.write()
    (file,) = here.files
    assert claims.faults(file.read_text()) == []


def test_a_full_disk_sends_nothing(office: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    here = office()
    here.release()

    def refuse(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("integration.claims.output.sync", refuse)
    with pytest.raises(ConfigurationError, match=r"No space left on device\. Nothing was sent\."):
        here.write()
    assert [row.state for row in here.rows()] == ["released"]
    assert list((here.folder / "out").iterdir()) == []


def test_a_disk_that_is_full_at_the_end_loses_nothing(
    office: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claims are kept by then, and the next run puts the whole file where it belongs."""
    here = office()
    here.release()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("integration.claims.output._place", refuse)
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="whose files are kept; the next run"):
                here.write()
    assert list((here.folder / "out").iterdir()) == []
    here.write()
    (file,) = here.files
    assert claims.faults(file.read_text()) == []
    kept = here.service.rows("select name, content from claim_files")
    assert [(name, bytes(content)) for name, content in kept] == [(file.name, file.read_bytes())]


def test_a_claim_that_left_in_fhir_is_canceled_in_fhir(office: Opened) -> None:
    here = office(PAIR, *PLAN)
    here.release()
    here.write(form="fhir")
    (number,) = {row.sent_number or "" for row in here.rows()}
    report = here.write(form="fhir", corrections=corrections([], [f"{number}=ICN8"]))
    assert report.complete, report.problems
    first, second = (
        json.loads(path.read_text())["entry"][0]["resource"]
        for path in sorted((here.folder / "out").glob("*.json"))
    )
    assert second == first | {"status": "cancelled", "related": second["related"]}
    assert second["related"][0]["reference"] == {"value": "ICN8"}
    assert here.service.rows("select state, frequency from claims order by id") == [
        ("void", "1"),
        ("sent", "8"),
    ]
    here.withdraw()


def test_a_claim_is_voided_in_the_form_it_left_in(office: Opened) -> None:
    here = office()
    here.release()
    here.write()
    (number,) = {row.sent_number or "" for row in here.rows()}
    report = here.write(form="fhir", corrections=corrections([], [f"{number}=ICN8"]))
    assert report.problems == [
        f"Claim {number} is not voided: it left in another form: see {here.files[0].name}."
    ]


def test_one_at_a_time(office: Opened) -> None:
    here = office()
    with (
        here.service.store.holding("claims:general"),
        pytest.raises(ConfigurationError, match="are being written already"),
    ):
        here.write()


def test_numbers_do_not_roll_back(office: Opened) -> None:
    store = office().service.store
    drawn: list[int] = []

    def fail() -> None:
        with store.transaction() as db:
            drawn.append(stored.next_number(db))
            raise RuntimeError

    for _ in range(3):
        with pytest.raises(RuntimeError):
            fail()
    assert drawn == sorted(set(drawn))


def test_the_worklist_writes_what_is_selected(office: Opened) -> None:
    here = office()
    here.release()
    context: Any = SimpleNamespace(settings=here.service.settings, store=here.service.store)
    person: Any = SimpleNamespace(who=SimpleNamespace(fhir_user=None, label="ada"))
    told = sending.write(context, person, here.rows())
    assert (told.done, told.refused) == (
        "1 claim written, $100.00, as a test, which no payer pays.",
        (),
    )
    assert list(told.files) == [path.name for path in here.files]


@pytest.mark.slow
def test_code_tables_that_change_after_a_release_are_seen_before_a_claim_leaves(
    office: Opened, tmp_path: Path
) -> None:
    own = tmp_path / "codes"
    own.mkdir()
    here = office(code_dir=own)
    here.release()
    (own / "mine.yaml").write_text(
        "codes:\n"
        "  - {family: iron-sucrose, code: J1756, mg_per_unit: 1, to: 2026-10-31, source: CMS}\n"
        "  - {family: iron-sucrose, code: J1757, mg_per_unit: 1, from: 2026-11-01, source: CMS}\n"
    )
    report = here.write()
    assert report.parts == []
    assert "J1757 ready" in [f"{row.line.code} {row.line.status}" for row in here.rows()]
    here.release()
    (own / "mine.yaml").write_text("codes: [")
    with pytest.raises(ConfigurationError, match=r"mine\.yaml:2: a value or a bracket"):
        here.write()
    (own / "mine.yaml").unlink()
