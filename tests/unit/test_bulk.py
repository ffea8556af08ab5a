"""`ferroclaim bulk` on an export that is not as it should be: everything that went wrong is named,
and what was stopped goes on."""

import errno
import functools
import gc
import gzip
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil
import pytest
import zstandard

from benchmarks import population
from integration.bulk import engine, gathering, run, steps
from integration.bulk.surveying.index import Index
from integration.errors import ConfigurationError
from mappings.policy import choosing
from mappings.site import Site
from tests import builders

RANGE_BYTES = 20_000
STEPS = ("survey", "gather", "name", "look up", "assess")
POLICIES = Path(__file__).parents[2] / "mappings/policy/built_in"
OUTPUT = ("assessments.ndjson", "lines.csv", "problems.ndjson", "summary.json", "report.html")


def bulk(source: Path | str, out: Path, workers: int = 1, **asked: Any) -> run.RunOutcome:
    return run.bulk(
        str(source),
        out,
        lambda _: Site(),
        choosing.built_in(),
        builders.AS_OF,
        workers,
        **{"range_bytes": RANGE_BYTES, **asked},
    )


def written(out: Path) -> dict[str, bytes]:
    assert not (out / ".bulk-run").exists()
    return {name: (out / name).read_bytes() for name in OUTPUT}


def rows(out: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (out / name).read_bytes().splitlines()]


def problems(out: Path) -> list[tuple[str, str]]:
    return [(problem["resource"], problem["problem"]) for problem in rows(out, "problems.ndjson")]


def lines(*resources: Any) -> bytes:
    return b"".join(json.dumps(resource, default=float).encode() + b"\n" for resource in resources)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("population")
    population.write(folder, patients=12, iron=0.3)
    return folder


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("expected")
    bulk(source, out)
    return written(out)


def test_the_sums_are_those_of_the_population(tmp_path: Path) -> None:
    totals = population.write(tmp_path / "source", patients=30, iron=0.2)
    summary = bulk(tmp_path / "source", tmp_path / "out").summary
    states = summary.sums.states
    assert summary.sums.patients == totals.with_iron
    assert summary.sums.doses == totals.doses
    assert (states["ready"].lines, states["held"].lines) == (totals.ready, totals.held)
    assert sum(summary.resources.values()) == totals.resources
    assert summary.bytes == totals.bytes
    assert summary.gathered == totals.with_iron
    assert summary.sums.wasted["J1756\t150\t50\t100"].lines == 7
    assert set(summary.sums.tables["cause"]) == {"ferritin"}


def test_what_holds_patients_data_is_for_its_owner_alone(source: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        bulk(source, tmp_path, charts=True)
    finally:
        os.umask(before)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in OUTPUT} == {0o600}
    assert stat.S_IMODE((tmp_path / "charts").stat().st_mode) == 0o700


def test_workers_write_the_same_bytes(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    bulk(source, tmp_path, workers=2)
    assert written(tmp_path) == expected


def test_many_parts_are_not_all_open(
    source: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_MOST_OPEN", 1)
    monkeypatch.setattr(engine, "_RANGES_A_TASK", 100)
    small = functools.partial(steps.RunSetting, part_bytes=1000)
    monkeypatch.setattr("integration.bulk.run.RunSetting", small)
    bulk(source, tmp_path)
    found = written(tmp_path)
    # In the order of the parts, that one is.
    sums = found.pop("summary.json")
    assert json.loads(sums) == json.loads(expected["summary.json"])
    assert found == {name: expected[name] for name in found}


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.unit.test_bulk import bulk

def tell(name, done, total):
    if name == sys.argv[3] and (done or not total):
        os.kill(os.getpid(), signal.SIGKILL)

bulk(Path(sys.argv[1]), Path(sys.argv[2]), tell=tell)
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_was_killed_goes_on(
    step: str, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, source, tmp_path, step], check=False)
    assert killed.returncode == -signal.SIGKILL
    done: list[tuple[str, int]] = []
    found = bulk(source, tmp_path, tell=lambda name, count, _: done.append((name, count)))
    assert found.resumed
    assert dict(reversed(done))[step] > 0, "the step began anew"
    assert written(tmp_path) == expected


def test_what_another_build_of_the_program_left_is_begun_anew(
    source: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = [sys.executable, "-c", KILLED, str(source), str(tmp_path), STEPS[-1]]
    assert subprocess.run(killed, check=False).returncode == -signal.SIGKILL
    step = next(path for path in (tmp_path / ".bulk-run").iterdir() if path.is_dir())
    shutil.rmtree(step)
    step.write_text("a piece of another form")
    monkeypatch.setattr("integration.cache.state", lambda *_: "another build")
    assert not bulk(source, tmp_path).resumed
    assert written(tmp_path) == expected


KILLED_AT_THE_END = """
import os, signal, sys
from pathlib import Path
from integration.bulk import output
from tests.unit.test_bulk import bulk

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(output, sys.argv[3], kill)
bulk(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("during", ["assessed_in", "_counted"])
def test_a_run_that_was_killed_while_it_wrote_writes_all_of_it(
    during: str, source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED_AT_THE_END, str(source), str(tmp_path), during]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert bulk(source, tmp_path).resumed
    assert written(tmp_path) == expected
    assert {path.name for path in tmp_path.iterdir()} == set(OUTPUT)


KILLED_WITH_WORKERS = """
import os, signal, sys
from pathlib import Path
import psutil
from tests.unit.test_bulk import bulk

def tell(name, done, total):
    if done:
        print(*(row.pid for row in psutil.Process().children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

bulk(Path(sys.argv[1]), Path(sys.argv[2]), 2, tell=tell)
"""


@pytest.mark.slow
def test_workers_end_with_a_run_that_was_killed(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WITH_WORKERS, str(source), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run_:
        assert run_.stdout is not None
        workers = [int(pid) for pid in run_.stdout.readline().split()]
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while any(map(psutil.pid_exists, workers)) and time.monotonic() < deadline:
        time.sleep(0.2)
    alive = [pid for pid in workers if psutil.pid_exists(pid)]
    assert [pid for pid in alive if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE] == []


STOPPED = """
import os, sys
from pathlib import Path
from integration.bulk.steps import RunWorker
from integration.errors import ConfigurationError
from tests.unit.test_bulk import bulk

RunWorker.gather = lambda *_: os._exit(1)
try:
    bulk(Path(sys.argv[1]), Path(sys.argv[2]), 2)
except ConfigurationError as problem:
    print(problem)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are not forked")
def test_a_worker_that_was_stopped_is_said_and_the_run_goes_on(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", STOPPED, str(source), str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith("A worker was stopped from outside")
    assert bulk(source, tmp_path).resumed
    assert written(tmp_path) == expected


def test_the_command_writes_what_policy_diff_reads(source: Path, tmp_path: Path) -> None:
    def ferroclaim(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ferroclaim", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    out, own = tmp_path / "out", tmp_path / "medicare-part-b.yaml"
    text = (POLICIES / "medicare-part-b.yaml").read_text(encoding="utf-8")
    own.write_text(text.partition("cases:")[0].replace("[ferritin, tsat]", "[tsat]"))
    asked = ("--as-of", "2026-11-23")
    found = ferroclaim("bulk", source, "--out", out, "--charts", *asked)
    assert (found.returncode, found.stderr) == (0, "")
    assert "4 patients with an intravenous iron, 14 doses" in found.stdout
    moved = ferroclaim("policy", "diff", "built-in", own, "--on", out, *asked)
    assert (moved.returncode, moved.stderr) == (0, "")
    assert "3 of 18 lines would change." in moved.stdout
    assert "Ready: $490.60 before, $624.40 after." in moved.stdout


def test_a_changed_source_is_read_anew(source: Path, tmp_path: Path) -> None:
    own, out = tmp_path / "own", tmp_path / "out"
    own.mkdir()
    chart = own / "chart.ndjson"
    chart.write_bytes(lines(*builders.chart()))

    def stop(name: str, _done: int, _total: int) -> None:
        if name == "assess":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bulk(own, out, tell=stop)
    chart.write_bytes(lines(*builders.chart(without=["ferritin"])))
    found = bulk(own, out)
    assert not found.resumed
    assert found.summary.sums.states["held"].lines == 1


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_space(
    source: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Index, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Index, "write", full)
        with pytest.raises(ConfigurationError, match="no space left"):
            bulk(source, tmp_path)
    assert bulk(source, tmp_path).resumed
    assert written(tmp_path) == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A folder on a disk of so many pages, which may be made larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = False

    def sized(pages: int) -> Path:
        nonlocal made
        options = f"size={pages * 4}k{',remount' if made else ''}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("a small disk can't be made here: it takes root, and `mount`")
        made = True
        return disk

    yield sized
    if made:
        gc.collect()  # a file of a run that broke off is open as long as its error is remembered
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_again_and_again_loses_nothing(
    source: Path, expected: dict[str, bytes], small_disk: Callable[[int], Path]
) -> None:
    def refusal(pages: int) -> str:
        try:
            bulk(source, small_disk(pages) / "out")
        except ConfigurationError as problem:
            return str(problem)
        return ""

    said = list(takewhile(bool, map(refusal, range(4, 400, 12))))
    assert len(said) > 5
    assert {text for text in said if "no space left" not in text} == set()
    assert written(small_disk(400) / "out") == expected


def test_a_line_of_50_mb_is_read_like_any_other(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    size = 50 << 20
    long = lines(builders.note(id="long", description="y" * size))
    broken = long[: size // 2]
    (source / "a.ndjson").write_bytes(long + lines(*builders.chart()))
    (source / "b.ndjson").write_bytes(lines(builders.ferritin(id="f")) + broken)
    found = bulk(source, out, range_bytes=8 << 20)
    assert found.summary.sums.states["ready"].lines == 1
    assert found.summary.resources["DocumentReference"] >= 1
    ((named, why),) = problems(out)
    assert (named, why[:10]) == ("line 2 of b.ndjson", "not JSON: ")


def test_what_is_broken_is_named_and_nothing_else_is_lost(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    chart = builders.chart()
    filler = [
        builders.ferritin(50, id=f"f{number}", text={"div": "x" * 900}) for number in range(60)
    ]
    stray = {
        name: value for name, value in builders.ferritin(id="stray").items() if name != "subject"
    }
    (source / "a.ndjson").write_bytes(
        lines(*filler, *chart[:4]) + b'{"resourceType": "Obs\n\n' + lines(stray, {"a": 1})
    )
    packed = gzip.compress(lines(*chart[4:], *filler), mtime=0)
    (source / "b.ndjson.gz").write_bytes(packed[:-40])
    (source / "c.ndjson.zst").write_bytes(zstandard.compress(lines(*chart[4:])))
    long = builders.note(id="long", description="y" * 3_000_000)
    (source / "d.ndjson").write_bytes(lines(long))
    (source / "e.zip").write_bytes(b"PK\x03\x04")
    (source / ".hidden.ndjson").write_bytes(lines(*chart))
    found = bulk(source, out)
    assert found.summary.sums.states["ready"].lines == 1
    named = dict(problems(out))
    assert set(named) == {
        ".hidden.ndjson",
        "Observation/stray",
        "b.ndjson.gz",
        "e.zip",
        "line 65 of a.ndjson",
        "line 68 of a.ndjson",
    }
    assert named["line 65 of a.ndjson"].startswith("not JSON: ")
    assert named["b.ndjson.gz"] == "ends early or is damaged: what follows was not read"
    assert named["Observation/stray"] == "subject does not name a patient"
    assert found.summary.problems == 6


def test_versions_deletions_and_links_over_files(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    old = builders.administration(dose="100 mg", meta={"versionId": "1"})
    new = builders.administration(meta={"versionId": "2"})
    gone = builders.administration("gone", on="2026-11-02T09:00:00-05:00")
    (source / "1.ndjson").write_bytes(lines(new, gone))
    (source / "2.ndjson").write_bytes(lines(old, *builders.chart(without=["administration"])))
    request = {"method": "DELETE", "url": "MedicationAdministration/gone"}
    deleted = {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}
    (source / "deleted.ndjson").write_bytes(lines(deleted))
    bulk(source, out)
    (patient,) = rows(out, "assessments.ndjson")
    assert [(line["units"], line["status"]) for line in patient["lines"]] == [(200, "ready")]
    assert [administration["administration"] for administration in patient["reversed"]] == [
        "MedicationAdministration/gone"
    ]


def test_kept_charts_are_records_for_other_commands(source: Path, tmp_path: Path) -> None:
    from integration.assessing.policies import records_of
    from integration.assessing.sources import from_collection

    bulk(source, tmp_path, charts=True)
    again = from_collection(
        records_of(str(tmp_path)), Site(), choosing.built_in(), builders.AS_OF
    ).document
    assert [patient.patient for patient in again.patients] == [
        patient["patient"] for patient in rows(tmp_path, "assessments.ndjson")
    ]


def test_charts_that_were_not_kept_are_asked_for(source: Path, tmp_path: Path) -> None:
    from integration.assessing.policies import records_of

    bulk(source, tmp_path, charts=True)
    bulk(source, tmp_path, charts=True)
    bulk(source, tmp_path)  # those of the earlier run are none of this one
    with pytest.raises(ConfigurationError, match="--charts"):
        records_of(str(tmp_path))


def test_a_population_without_iron_has_an_empty_report(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "a.ndjson").write_bytes(lines(*builders.chart(without=["administration"])))
    found = bulk(source, out)
    assert (found.summary.gathered, found.summary.sums.patients) == (0, 0)
    assert rows(out, "assessments.ndjson") == []
    assert "0 patients were given" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "changed while it was read"),
        (lambda path: path.unlink(), r"^chart.ndjson can't be read or written: No such file"),
    ],
)
def test_a_source_that_changes_on_the_way_is_said(
    change: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    chart = source / "chart.ndjson"
    chart.write_bytes(lines(*builders.chart()))

    def tell(name: str, done: int, _total: int) -> None:
        if name == "gather" and not done:
            change(chart)

    with pytest.raises(ConfigurationError, match=says):
        bulk(source, out, tell=tell)


def test_the_report_names_no_patient(source: Path, expected: dict[str, bytes]) -> None:
    report = expected["report.html"].decode()
    patients = [
        json.loads(line)["id"] for line in (source / "Patient.ndjson").read_bytes().splitlines()
    ]
    assert "Ferritin" in report
    assert [name for name in patients if name in report] == []


def test_the_output_is_no_part_of_the_source(source: Path) -> None:
    with pytest.raises(ConfigurationError, match="within the source"):
        bulk(source, source / "out")
