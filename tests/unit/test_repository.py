"""What holds for every file of the repository: no address of a registry, no path of a machine,
whole lock files."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# In pieces, since this file is one of those looked at.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("deb", "debian", "org"),
    ]
]
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home)/[\w.]")


def repository_texts() -> dict[str, str]:
    """Path → text of each file that is, or is about to be, part of the repository."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    git = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in git.stdout.split("\0") if name]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file()
    }


def pins(lock: Path) -> dict[str, list[str]]:
    """Package → the lines of its pins; several where the version depends on the interpreter."""
    found: dict[str, list[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==", line):
            found.setdefault(canonicalize_name(match[1]), []).append(line)
    return found


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return repository_texts()


def test_no_file_names_a_registry(texts: dict[str, str]) -> None:
    named = {path: host for path, text in texts.items() for host in REGISTRIES if host in text}
    assert named == {}


def test_no_file_names_a_path_of_a_machine(texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if MACHINE_PATH.search(text)] == []


@pytest.mark.parametrize("line", ["cd /" + "work/x", "'/" + "root/.m2'", "(/" + "home/ada)"])
def test_a_path_of_a_machine_is_seen(line: str) -> None:
    assert MACHINE_PATH.search(line)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_name_packages_and_hashes_only(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert pins(lock)
    for package in re.split(r"\n(?=[A-Za-z0-9])", text)[1:]:
        assert "--hash=sha256:" in package, package
    assert re.findall(r"^--.*|.*://.*|.* @ .*", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize("lock", ["dev.txt", "bulk.txt", "spark.txt"])
def test_every_lock_installs_the_same_core(lock: str) -> None:
    core, whole = pins(ROOT / "requirements/core.txt"), pins(ROOT / "requirements" / lock)
    assert {name: whole.get(name) for name in core} == core


def test_locks_hold_every_dependency() -> None:
    """Fails when `make lock` was forgotten after a change of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"core": project["dependencies"], **project["optional-dependencies"]}
    for name, requirements in wanted.items():
        locked = pins(ROOT / f"requirements/{name}.txt")
        for requirement in map(Requirement, requirements):
            (line,) = locked[canonicalize_name(requirement.name)]
            version = line.partition("==")[2].split()[0]
            assert requirement.specifier.contains(version), (
                f"{requirement} in {name}.txt is {version}"
            )


def test_no_test_folder_shadows_a_package() -> None:
    assert not (ROOT / "tests/integration").exists()
    assert not (ROOT / "tests/mappings").exists()


def test_what_is_mutated_and_its_tests_are_there() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    named = [*said["only_mutate"], *said["pytest_add_cli_args_test_selection"]]
    assert [name for name in named if not any(ROOT.glob(name))] == []
