"""A bulk run against a bare orjson parse of the same files, in turn: processor time, wall time, and
the largest process.

Run: `python -m benchmarks.bulk [--patients 16000] [--iron 0.03]`. The population is made for it and
removed. Ratios of processor time mean something on a busy machine; wall time does on an idle one.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import population

BARE = """
import sys
from pathlib import Path
import orjson
for path in sorted(Path(sys.argv[1]).iterdir()):
    with path.open("rb") as stream:
        for line in stream:
            orjson.loads(line)
"""
COMMAND = (sys.executable, "-m", "ferroclaim", "-q", "bulk")


class Cost(NamedTuple):
    """Seconds, and MB of the largest process."""

    processor: float
    wall: float
    largest: float


def cost(*command: str) -> Cost:
    """Of a process and all that it starts."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    process.returncode = 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Cost(seconds, time.perf_counter() - start, used.ru_maxrss / 1024)


def measure(folder: Path, out: Path, rounds: int) -> tuple[list[Cost], list[Cost]]:
    bare, whole = [], []
    for number in range(rounds):
        bare.append(cost(sys.executable, "-c", BARE, str(folder)))
        target = out / str(number)
        as_of = str(population.AS_OF.date())
        whole.append(cost(*COMMAND, str(folder), "--out", str(target), "--as-of", as_of))
    return bare, whole


def report(bare: list[Cost], whole: list[Cost]) -> None:
    pairs = list(zip(bare, whole, strict=True))
    ratio = statistics.median(row.processor / plain.processor for plain, row in pairs)
    wall = statistics.median(row.wall / plain.wall for plain, row in pairs)
    least = [min(row.processor for row in rows) for rows in (bare, whole)]
    print(
        f"bare parse {least[0]:.2f} s, bulk {least[1]:.2f} s of processor time: {ratio:.2f} × bare"
    )
    print(f"wall {min(row.wall for row in whole):.2f} s: {wall:.2f} × bare")
    print(f"largest process {max(row.largest for row in whole):.0f} MB")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--patients", type=int, default=2000)
    asked.add_argument("--iron", type=float, default=0.03)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        totals = population.write(source, given.patients, given.iron)
        print(
            f"{totals.patients:,} patients, {totals.resources:,} resources,"
            f" {totals.bytes / 1e6:,.0f} MB; {totals.with_iron:,} with iron,"
            f" {totals.doses:,} doses"
        )
        report(*measure(source, Path(folder) / "out", given.rounds))


if __name__ == "__main__":
    main()
