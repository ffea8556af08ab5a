"""A bulk run against a bare orjson parse of the same files, in turn: processor time, wall time, and
the largest process; with --peers also what else reads an export (`peers`).

Run: `make bench-bulk`, or `python -m benchmarks.bulk [--patients 16000] [--iron 0.01 0.03 0.05]`.
The populations are made for it and removed. Modules are compiled before, as pip does when it
installs, and tables are kept, as between runs: the first run of each program is not measured.
Ratios of processor time mean something on a busy machine; wall time does on an idle one.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import population
from benchmarks.peers import PEERS, Peer
from benchmarks.starting import installed

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


class Ran(NamedTuple):
    cost: Cost
    said: str


def run(command: Sequence[str], environment: dict[str, str]) -> Ran:
    """A process and all that it starts."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        said.seek(0)
        text = said.read().decode().rstrip().rpartition("\n")[2]
    seconds = used.ru_utime + used.ru_stime
    return Ran(Cost(seconds, time.perf_counter() - start, used.ru_maxrss / 1024), text)


class Bench:
    """The same source, read again and again."""

    def __init__(self, source: Path, out: Path, environment: dict[str, str], rounds: int) -> None:
        self._source, self._out, self._rounds = source, out, rounds
        self._environment = environment
        self._bare: list[Cost] = []

    def ours(self, *more: str) -> list[Cost]:
        """Each round after a bare parse."""
        found = []
        as_of = str(population.AS_OF.date())
        for number in range(self._rounds):
            self._bare.append(self._program(BARE).cost)
            target = str(self._out / f"{number}{'-'.join(more)}")
            asked = (str(self._source), "--out", target, "--as-of", as_of, *more)
            found.append(run((*COMMAND, *asked), self._environment).cost)
        return found

    def _program(self, text: str) -> Ran:
        return run((sys.executable, "-c", text, str(self._source)), self._environment)

    def peers(self) -> Iterator[tuple[Peer, Ran]]:
        for peer in PEERS:
            yield peer, self._program(peer.program)

    def tell(self, name: str, costs: list[Cost], times: int = 1) -> None:
        """Against the median of the bare parses."""
        bare = Cost(*(statistics.median(figures) for figures in zip(*self._bare, strict=True)))
        own = Cost(*(statistics.median(figures) for figures in zip(*costs, strict=True)))
        processor, wall = own.processor * times, own.wall * times
        largest = max(cost.largest for cost in costs)
        print(
            f"  {name:24} {processor:7.2f} s of processor time, {processor / bare.processor:5.2f} ×"
            f" bare; {wall:7.2f} s of wall time, {wall / bare.wall:5.2f} × bare; {largest:5.0f} MB"
        )

    def tell_bare(self) -> None:
        self.tell("bare orjson parse", self._bare)


def begin(folder: Path, environment: dict[str, str], peers: bool) -> None:
    """Has everything that is measured run once, on one patient."""
    population.write(folder / "source", patients=1, iron=1)
    first = Bench(folder / "source", folder / "out", environment, rounds=1)
    first.ours()
    if peers:
        list(first.peers())


def measure(folder: Path, patients: int, iron: float, rounds: int, peers: bool) -> None:
    environment = installed(folder) | {"XDG_CACHE_HOME": str(folder / "cache")}
    begin(folder / "first", environment, peers)
    source = folder / "source"
    totals = population.write(source, patients, iron)
    print(
        f"{totals.patients:,} patients, {totals.resources:,} resources, {totals.bytes / 1e6:,.0f}"
        f" MB; {iron:.0%} with iron: {totals.with_iron:,}, {totals.doses:,} doses;"
        f" load {os.getloadavg()[0]:.1f}"
    )
    bench = Bench(source, folder / "out", environment, rounds)
    alone, both = bench.ours("--workers", "1"), bench.ours("--workers", "2")
    bench.tell_bare()
    bench.tell("bulk, one worker", alone)
    bench.tell("bulk, two workers", both)
    counts = set()
    for peer, ran in bench.peers() if peers else ():
        bench.tell(peer.name, [ran.cost], peer.times)
        counts |= {ran.said} if peer.counts else set()
    assert len(counts) <= 1, f"peers count differently: {counts}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--patients", type=int, nargs="+", default=[2000])
    asked.add_argument("--iron", type=float, nargs="+", default=[0.03])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--peers", action="store_true", help="needs `make .venv/.peers`")
    given = asked.parse_args()
    for patients in given.patients:
        for iron in given.iron:
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder), patients, iron, given.rounds, given.peers)


if __name__ == "__main__":
    main()
