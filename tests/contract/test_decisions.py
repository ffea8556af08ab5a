"""What people decide, from a file, through the store, into the next assessment."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.store import Store, assessments, decisions
from mappings import decisions as forms
from mappings.decisions import Decision
from tests import builders
from tests.service import Running

Make = Callable[..., Running]

FIRST = """decisions:
- who: Maria
  when: 2026-11-20
  pays_first: {patient: p1, coverage: Coverage/coverage, then: [Coverage/group]}
"""


def two_plans() -> list[dict[str, Any]]:
    return [*builders.chart(), builders.commercial(id="group")]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A chart of Medicare beside a group plan, and who pays first of them."""
    decided = tmp_path / "decided.yaml"
    decided.write_text(FIRST, "utf-8")
    return builders.chart_file(tmp_path / "chart.json", two_plans()), decided


OPTIONS = ("--as-of", "2026-11-23", "--time-zone", "America/New_York")


def test_a_file_of_decisions_counts_for_assess_and_explain(
    ferroclaim: Any, files: tuple[Path, Path]
) -> None:
    bundle, decided = files
    given = ("assess", bundle, "--format", "json", *OPTIONS)
    (held,) = json.loads(ferroclaim(*given)[1])["patients"][0]["lines"]
    status, out, _ = ferroclaim(*given, "--decisions", decided)
    (ready,) = json.loads(out)["patients"][0]["lines"]
    assert (held["status"], ready["status"], status) == ("held", "ready", 0)
    assert "Maria decided on Nov 20, 2026" in json.dumps(ready["evidence"])
    chain = ferroclaim(
        "explain", bundle, "--administration", "ma1", "--decisions", decided, *OPTIONS
    )
    assert "Maria decided on Nov 20, 2026" in " ".join(chain[1].split())


def test_decisions_may_come_through_a_pipe(ferroclaim: Any, files: tuple[Path, Path]) -> None:
    """`--decisions <(…)`: it is there once."""
    readable, writable = os.pipe()
    os.write(writable, FIRST.encode())
    os.close(writable)
    given = ("assess", files[0], "--format", "json", *OPTIONS)
    status, out, err = ferroclaim(*given, "--decisions", f"/dev/fd/{readable}")
    os.close(readable)
    assert (status, err) == (0, "")
    assert [line["status"] for line in json.loads(out)["patients"][0]["lines"]] == ["ready"]


def test_a_file_with_a_mistake_is_refused_with_its_line(
    ferroclaim: Any, files: tuple[Path, Path]
) -> None:
    bundle, decided = files
    decided.write_text(FIRST.replace("coverage:", "covrage:"), "utf-8")
    status, out, err = ferroclaim("assess", bundle, "--decisions", decided, *OPTIONS)
    assert (status, out) == (2, "")
    assert f"{decided}:4: unknown field `covrage`" in err


def test_every_mistake_of_every_file_is_told(
    ferroclaim: Any, files: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, decided = files
    decided.write_text(FIRST.replace("coverage:", "covrage:").replace("Maria", '""'), "utf-8")
    other = tmp_path / "other.yaml"
    other.write_text(FIRST.replace("2026-11-20", "2026-13-20"), "utf-8")
    status, _, err = ferroclaim(
        "assess", bundle, "--decisions", decided, "--decisions", other, *OPTIONS
    )
    assert status == 2
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        f"{decided}:2", f"{decided}:4", f"{decided}:4", f"{other}:3",
    ]  # fmt: skip


def test_a_decision_may_be_of_a_code_of_the_site(
    ferroclaim: Any, files: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, decided = files
    decided.write_text(
        "decisions:\n- {who: Maria, when: 2026-11-20, payer_answer: {payer: Sunrise, code: J1757,"
        " authorization: required, confirmed_by: letter}}\n",
        "utf-8",
    )
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.yaml").write_text(
        "codes:\n- {family: iron-sucrose, code: J1757, mg_per_unit: 1, from: 2027-01-01}\n", "utf-8"
    )
    given = ("assess", bundle, "--decisions", decided, *OPTIONS)
    assert ferroclaim(*given)[0] == 2
    assert ferroclaim(*given, "--code-dir", own)[0] == 0


def test_a_file_that_is_not_there(ferroclaim: Any, files: tuple[Path, Path]) -> None:
    status, _, err = ferroclaim("assess", files[0], "--decisions", "nowhere.yaml", *OPTIONS)
    assert (status, err) == (
        2,
        "ferroclaim: nowhere.yaml: can't be read: No such file or directory\n",
    )


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, ferroclaim: Any, tmp_path: Path, store: Store) -> Any:
    """On the test's own database, at site `general`."""
    config = tmp_path / "ferroclaim.toml"
    config.write_text('[sites.general]\nbase_url = "http://127.0.0.1:1/fhir"\n', "utf-8")
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", store.url)
    return lambda *rest: ferroclaim("decisions", *rest, "--site", "general", "--config", config)


def test_imported_decisions_are_listed_and_count_at_once(
    running: Make, command: Any, files: tuple[Path, Path]
) -> None:
    service = running(resources=two_plans())
    service.assess()
    service.work()
    assert _line(service) == ("held", ("coverage",))
    status, said, _ = command("import", files[1])
    assert status == 0
    assert said.endswith("1 recorded; 1 patient is assessed again.\n")
    service.work()
    assert _line(service) == ("ready", ())
    _, listed, _ = command("list")
    assert "pays_first\tPatient/p1\tMaria decided on Nov 20, 2026: Coverage/coverage pays" in listed
    number = listed.partition("\t")[0].strip()
    assert command("end", number)[:2] == (0, "Taken back; 1 patient to assess again.\n")
    service.work()
    assert _line(service) == ("held", ("coverage",))
    status, _, said = command("end", number)
    assert (status, f"Decision {number} of site general is not in force." in said) == (2, True)


def _line(service: Running) -> tuple[str, tuple[str, ...]]:
    with service.store.transaction() as db:
        kept = assessments.current(db, "general", "p1")
    assert kept
    (line,) = kept.assessment.lines
    return line.status, line.reasons


def answered(authorization: str, when: str = "2026-11-20") -> Decision:
    said = {"payer": "Sunrise", "authorization": authorization, "confirmed_by": "provider line"}
    return forms.from_document({"who": "Maria", "when": when, "payer_answer": said})


def test_a_newer_decision_takes_the_place_of_the_older(store: Store) -> None:
    with store.transaction() as db:
        for said in ("required", "not-required"):
            decisions.record(db, "general", answered(said), "ada", "biller")
        decisions.record(db, "other", answered("required"), "ada", "biller")
        (found,) = decisions.every(db, "general")
        assert found.decision == answered("not-required")
        count = db.execute("select count(*) from decisions where ended_by = 'ada'").fetchone()
    assert count == (1,)


def test_a_decision_is_in_the_audit_table_and_can_be_taken_back(store: Store) -> None:
    with store.transaction() as db:
        decisions.record(db, "general", answered("required"), "ada", "biller")
        (found,) = decisions.every(db, "general")
        decisions.take_back(db, found, "eve", "biller")
        assert decisions.every(db, "general") == []
        rows = db.execute("select actor, action, detail from audit order by id").fetchall()
    assert [row[:2] for row in rows[-2:]] == [("ada", "decided"), ("eve", "took back a decision")]
    assert "Sunrise requires authorization" in rows[-1][2]["reason"]
