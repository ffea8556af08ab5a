"""How the command starts and ends: its names, its options everywhere, Ctrl-C, long runs."""

import signal
import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest

from integration.terminal import progress

ROOT = Path(__file__).parents[2]
MODULE = [sys.executable, str(ROOT / "integration" / "entry" / "ferroclaim.py")]


@pytest.fixture(autouse=True)
def _as_usual() -> Any:
    yield
    progress.speak("usual")


def test_the_version(ferroclaim: Any) -> None:
    run = ferroclaim("--version")
    assert (run.status, run.out) == (0, f"ferroclaim {version('ferroclaim')}\n")


def test_it_starts_under_both_names() -> None:
    (script,) = entry_points(group="console_scripts", name="ferroclaim")
    assert script.value == "ferroclaim:main"
    ended = subprocess.run(
        [sys.executable, "-m", "ferroclaim", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert ended.stdout.startswith("ferroclaim ")


def test_help_says_where_to_begin(ferroclaim: Any) -> None:
    assert "ferroclaim demo --pages" in ferroclaim("--help").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_it(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_FERROCLAIM_COMPLETE", f"source_{shell}")
    command = str(Path(sys.executable).parent / "ferroclaim")
    ended = subprocess.run([command], capture_output=True, text=True, check=True)
    assert f"complete_{shell}" in ended.stdout


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("option", "loudness"), [("-q", "quiet"), ("--verbose", "verbose")])
def test_how_much_is_said_may_stand_anywhere(
    ferroclaim: Any, place: int, option: str, loudness: str
) -> None:
    words = ["policy", "list"]
    words.insert(place, option)
    assert ferroclaim(*words).status == 0
    assert progress.loudness() == loudness


def test_both_at_once_is_a_mistake(ferroclaim: Any) -> None:
    run = ferroclaim("demo", "-q", "-v")
    assert (run.status, "not both" in run.err) == (2, True)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("module", ["typer", "integration.assessing.files"])
def test_an_interrupt_while_modules_are_read_is_silent(module: str) -> None:
    command = [sys.executable, "-X", "importtime", *MODULE[1:], "assess", "-"]
    running = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert running.stderr
    while module not in (line := running.stderr.readline()) and line:
        pass
    assert line, "it ended before"
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (130, "")
    assert [line for line in err.splitlines() if not line.startswith("import time:")] == []


def test_a_short_run_shows_no_progress(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.counting("patients read") as step:
        step()
    assert capfd.readouterr() == ("", "")


def test_a_long_run_says_how_far_it_is(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 1.0, 3.0, 11.0, 12.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    with progress.counting("patients read") as step:
        for _ in range(4):
            step()
    assert capfd.readouterr() == ("", "3 patients read in 11 s …\n")


def test_quiet_shows_none(capfd: pytest.CaptureFixture[str]) -> None:
    progress.speak("quiet")
    with progress.counting("patients read") as step:
        for _ in range(3):
            step()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["subscribe"], "No site is configured"),
        (["sweep"], "No site is configured"),
        (["failed", "list"], "There is no database of ferroclaim"),
        (["failed", "retry", "--all"], "There is no database of ferroclaim"),
        (["decisions", "list", "--site", "a"], "There is no database of ferroclaim"),
        (["claims", "read", "/dev/null"], "There is no database of ferroclaim"),
        (["claims", "rejected", "1", "--site", "a"], "There is no database of ferroclaim"),
        (["claims", "write-off", "1", "--site", "a"], "There is no database of ferroclaim"),
        (["claims", "write", "--site", "a", "--out", "x"], "There is no database of ferroclaim"),
        (["patient", "delete", "a", "p1", "--reason", "x"], "There is no database of ferroclaim"),
    ],
)
def test_without_a_configuration_nothing_is_made(
    ferroclaim: Any, command: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ferroclaim(*command)
    assert (run.status, says in run.err) == (2, True)
    assert list(tmp_path.iterdir()) == []
