"""The built wheel, installed where the clone is out of reach."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

#: What stands at the top of the wheel, so that `python -m ferroclaim` finds it.
TOP_LEVEL = {"integration/entry/ferroclaim.py": "ferroclaim.py"}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run with an empty home and nothing that points back into the clone."""
    environment = {"HOME": str(cwd), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("ferroclaim-*.whl")
    return built


@pytest.fixture(scope="module")
def ferroclaim(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment that sees our dependencies but not the clone."""
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    # A .pth file names the folder only: the clone's own .pth in there is not read again.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "venv/bin/python"),
        "install",
        "--no-index",
        "--no-deps",
    ]
    # Through the .pth file the clone's ferroclaim counts as installed; pip must leave that one
    # alone.
    subprocess.run([*pip, "--ignore-installed", str(wheel)], check=True, capture_output=True)
    return folder / "venv/bin/ferroclaim"


def test_the_wheel_holds_every_file_of_the_two_packages(wheel: Path) -> None:
    listing = [
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "mappings",
        "integration",
    ]
    git = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    clone = {name for name in git.stdout.splitlines() if (ROOT / name).is_file()}
    wanted = {TOP_LEVEL.get(name, name) for name in clone}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert wanted - held == set()
    assert {name for name in held - wanted if ".dist-info/" not in name} == set()


@pytest.mark.parametrize(
    "pattern",
    [
        "mappings/codes/*.yaml",
        "mappings/policy/built_in/*.yaml",
        "integration/samples/*.json",
        "integration/samples/claims/*.csv",
        "integration/samples/claims/*.toml",
    ],
)
def test_the_wheel_holds_the_data(wheel: Path, pattern: str) -> None:
    assert [name for name in zipfile.ZipFile(wheel).namelist() if Path(name).match(pattern)]


def test_the_command_runs_from_the_wheel(ferroclaim: Path, tmp_path: Path) -> None:
    python = ferroclaim.with_name("python")
    imported = run(
        python,
        "-c",
        "import integration, mappings; print(integration.__file__, mappings.__file__)",
        cwd=tmp_path,
    )
    assert str(ROOT) not in imported.stdout
    shown = run(ferroclaim, "--help", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "ferroclaim" in shown.stdout
    named = run(python, "-m", "ferroclaim", "--version", cwd=tmp_path)
    assert (named.returncode, named.stdout[:11]) == (0, "ferroclaim ")


def test_the_demo_runs_from_the_wheel(ferroclaim: Path, tmp_path: Path) -> None:
    shown = run(ferroclaim, "demo", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "J1756" in shown.stdout
