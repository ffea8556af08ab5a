"""The embedded PostgreSQL: in any folder, beside another user's; what is wrong, in a sentence."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from integration.configuration.settings import Settings
from integration.errors import ConfigurationError
from integration.store import Store, patients
from integration.store.database import binaries
from integration.store.database.embedded import Embedded

pytestmark = pytest.mark.slow

START = """
import os, sys
from pathlib import Path
from integration.errors import ConfigurationError
from integration.store.database.embedded import Embedded
try:
    {first}
    Embedded(Path(sys.argv[1])).start()
    {then}
    print("started")
except ConfigurationError as error:
    print(error)
"""
NOBODY = 65534
ROOT = Path(__file__).parents[2]


def started(
    folder: Path, then: str = "pass", first: str = "pass", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a process says that does FIRST, starts a server in FOLDER, does THEN, and ends."""
    return subprocess.run(
        [sys.executable, "-c", START.format(then=then, first=first), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )


@pytest.mark.parametrize("name", ["a quo'te\"d do$llar $HOME `id`; | & >x,y", "x" * 120])
def test_it_works_in_any_folder(shared_folder: Path, name: str) -> None:
    server = Embedded(shared_folder / name / "postgres")
    try:
        with psycopg.connect(server.start()) as db:
            assert db.execute("select 1").fetchone() == (1,)
    finally:
        server.leave()
    assert not server.is_running
    assert {path.name for path in (shared_folder / name).iterdir()} == {
        "postgres",
        ".postgres.lock",
        ".postgres.users",
    }


def test_a_backup_is_restored_as_the_documentation_says(shared_folder: Path) -> None:
    backup, restore = _documented("$BIN/pg_dump"), _documented("$BIN/psql")
    with Store.open(Settings(data_dir=shared_folder / ".ferroclaim")) as store:
        with store.transaction() as db:
            patients.known(db, "general", "p1")
        _run_in(shared_folder, backup)
        with store.transaction() as db:
            patients.known(db, "general", "p2")
        _run_in(shared_folder, restore)
        with store.transaction() as db:
            assert patients.by_site(db) == {"general": 1}
            assert db.execute("select nextval('claim_numbers')").fetchone() == (4712,)
    assert store.embedded is not None
    store.embedded.stop()


def _documented(command: str) -> str:
    """The lines of docs/run-the-service.md from COMMAND to the end of its block."""
    text = (ROOT / "docs" / "run-the-service.md").read_text("utf-8")
    return command + text.partition(command)[2].partition("```")[0]


def _run_in(folder: Path, script: str) -> None:
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={**os.environ, "BIN": str(binaries.folder())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_line_break_in_its_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="line break"):
        Embedded(tmp_path / "a\nb").start()


def test_nothing_in_a_shared_temporary_folder_is_needed(
    shared_folder: Path, tmp_path: Path
) -> None:
    """Another user\'s lock there kept everybody else from starting."""
    shared = tmp_path / "tmp"
    shared.mkdir()
    (shared / ".lockfile").mkdir()  # as unusable as a file of somebody else
    found = started(shared_folder / "postgres", env={"TMPDIR": str(shared), "XDG_RUNTIME_DIR": ""})
    assert (found.stdout, found.stderr) == ("started\n", "")


def test_the_last_to_leave_stops_it(shared_folder: Path) -> None:
    server = Embedded(shared_folder / "postgres")
    server.start()
    try:
        assert started(server.folder).stdout == "started\n"
        assert server.is_running
    finally:
        server.leave()
    assert not server.is_running


def test_a_successor_serves_before_it_is_said_to(shared_folder: Path) -> None:
    """What a killed server left in its folder says `ready`, too."""
    server = Embedded(shared_folder / "postgres")
    address = server.start()
    try:
        for _ in range(3):
            killed = server._first_pid()
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            while server.is_running:
                time.sleep(0.01)
            server.revive()
            assert server._first_pid() != killed
            with psycopg.connect(address) as db:
                assert db.execute("select 1").fetchone() == (1,)
    finally:
        server.leave()


def test_no_traceback_at_exit_whatever_became_of_the_folder(shared_folder: Path) -> None:
    gone = "import shutil; shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)"
    found = started(shared_folder / "data" / "postgres", then=gone)
    assert (found.stdout, found.stderr) == ("started\n", "")


def test_a_folder_that_one_may_not_write_is_told(shared_folder: Path) -> None:
    shared_folder.chmod(0o555)
    as_nobody = f"os.geteuid() or (os.setgid({NOBODY}), os.setuid({NOBODY}))"
    found = started(shared_folder / "data" / "postgres", first=as_nobody)
    assert "does not start: you may not write there: give yourself the right" in found.stdout
    assert found.stderr == ""


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    found = started(tmp_path / "data" / "postgres")
    assert "something that is no folder stands in its way" in found.stdout
    assert found.stderr == ""


def test_a_full_disk_is_told_and_leaves_nothing_half_made(shared_folder: Path) -> None:
    """A small file system of its own, never the machine's."""
    disk = shared_folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        found = started(disk / "data" / "postgres")
        assert "does not start: the disk is full: make room there." in found.stdout
        assert found.stderr == ""
        assert not (disk / "data" / "postgres").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ('initdb: error: could not create directory "/x": Read-only file system', "read-only"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "memory"),
        ("FATAL:  database files are incompatible with server", "another version"),
        ("[Errno 24] Too many open files: '/x'", "ulimit -n"),
        ('FATAL:  lock file "postmaster.pid" already exists', "another PostgreSQL works"),
        ("2026-11-29 UTC [1] FATAL:  bogus data in lock file", "PostgreSQL says: bogus data"),
        ('FATAL:  data directory "/x" has invalid permissions', "`chmod -R go=`"),
        ("initdb: could not look up effective user ID 7: user does not exist", "has no name"),
        ("", "without a word"),
    ],
)
def test_what_is_wrong_is_said_in_words(said: str, meaning: str) -> None:
    assert meaning in binaries.meaning(said)


def test_its_log_repeats_no_row_and_tells_of_no_checkpoint(shared_folder: Path) -> None:
    server = Embedded(shared_folder / "postgres")
    try:
        with psycopg.connect(server.start(), autocommit=True) as db:
            db.execute("create table people (name text check (name <> 'Ada Sampleton'))")
            with pytest.raises(psycopg.errors.CheckViolation, match="Ada Sampleton"):
                db.execute("insert into people values (%s)", ["Ada Sampleton"])
            db.execute("checkpoint")
    finally:
        server.leave()
    log = (shared_folder / "postgres" / "log").read_text()
    assert "violates check constraint" in log
    assert "Sampleton)" not in log
    assert "checkpoint complete" not in log


@pytest.mark.parametrize(
    ("number", "when"),
    [
        (signal.SIGHUP, "ferroclaim listens"),  # the terminal is closed
        (signal.SIGTERM, ""),  # while it begins
    ],
)
def test_no_server_is_left_behind_by_whoever_ends_the_service(
    shared_folder: Path, number: signal.Signals, when: str
) -> None:
    server = Embedded(shared_folder / ".ferroclaim" / "postgres")
    config = shared_folder / "ferroclaim.toml"
    config.write_text("[service]\nport = 0\n")
    with subprocess.Popen(
        [sys.executable, "-m", "integration.cli", "serve", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as service:
        assert service.stderr
        if when:
            assert when in service.stderr.readline()
        while not server.is_running:
            time.sleep(0.005)
        service.send_signal(number)
        said = service.stderr.read()
    assert service.returncode == 0, said
    assert "Traceback" not in said
    assert not server.is_running
