"""What a start of the command line takes, beside `python -c pass`: processor time (user and
system) of a process of its own, the runs in turn.

Run: make bench. Modules are compiled before, as pip does when it installs. Policies and code tables
are kept between starts, in a cache folder of this benchmark alone; the first start of each command
has nothing there yet.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "integration/samples/ada-sampleton.json"
MODEL = ROOT / "mappings/policy/built_in/bcbs-south-carolina.yaml"
ROUNDS, POLICIES = 9, 500


def policies(folder: Path) -> Path:
    """A site's own, each for a payer of its own."""
    folder.mkdir()
    text = MODEL.read_text("utf-8")
    for number in range(POLICIES):
        named = re.sub(r"^id: .*$", f"id: plan-{number}", text, flags=re.MULTILINE)
        own = named.replace("payers: [bcbs-south-carolina]", f"payers: [plan-{number}]")
        (folder / f"{number:03}.yaml").write_text(own, "utf-8")
    return folder


def starts(folder: Path) -> dict[str, list[str]]:
    assess = ["-m", "ferroclaim", "assess", str(SAMPLE), "--time-zone", "America/New_York"]
    return {
        "python -c pass": ["-c", "pass"],
        "ferroclaim --help": ["-m", "ferroclaim", "--help"],
        "ferroclaim assess FILE": assess,
        "ferroclaim assess FILE --format json": [*assess, "--format", "json"],
        f"the same with {POLICIES} site policies": [
            *assess, "--format", "json", "--policy-dir", str(policies(folder)),
        ],
    }  # fmt: skip


def installed(folder: Path) -> dict[str, str]:
    """The environment of a process that keeps what it compiles, as pip does it, in FOLDER."""
    given = {key: said for key, said in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return given | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    with subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return used.ru_utime + used.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = installed(folder)
        asked = starts(folder / "policies")
        for arguments in asked.values():
            seconds(arguments, given | {"XDG_CACHE_HOME": str(folder / "unused")})
        given |= {"XDG_CACHE_HOME": str(folder / "cache")}
        first = {says: seconds(arguments, given) for says, arguments in asked.items()}
        taken: dict[str, list[float]] = {says: [] for says in asked}
        for _ in range(ROUNDS):
            for says, arguments in asked.items():
                taken[says].append(seconds(arguments, given))
    print(f"median and least of {ROUNDS} starts, and the first, in seconds of processor time")
    for says, found in taken.items():
        middle, least = statistics.median(found), min(found)
        print(f"  {says:<40} {middle:.3f}  {least:.3f}  (first {first[says]:.3f})")


if __name__ == "__main__":
    main()
