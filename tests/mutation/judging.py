"""Judges a random sample of the mutants that mutmut has made, each in a fork of one pytest session
that has collected the tests and run none. mutmut itself starts pytest for each, and names its tests
to it, which takes longer than to run them.

python -m tests.mutation.judging 1000    # of those that are not judged; in the order of a fixed
draw, so that a sample that was broken off is one, too
"""

import json
import os
import random
import resource
import select
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from mutmut.configuration import config
from mutmut.mutation import trampoline
from mutmut.mutation.file_mutation import filter_mutants_with_type_checker
from mutmut.state import state

from mappings.policy import choosing
from tests.mutation.results import (
    CODES,
    KILLED,
    NOT_CALLED,
    REFUSED,
    TIMED_OUT,
    function_of,
    metas,
)

MODULES = Path("mappings")
AT_ONCE, CPU_SECONDS, TOLD_EVERY = os.cpu_count() or 1, 120, 50
# Tests of which one process says what they call: what one has worked out, others need not call.
TOGETHER = 10
# The scenarios of a file as one test are for mutmut; here each is one.
BY_FILE, EACH = "tests/mutation/scenario_files.py", "tests/scenarios/test_scenarios.py"


class Judge:
    """Takes the place of pytest's loop over its tests. `codes`: as mutmut has them."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._items: list[Any] = []
        self._calls: dict[str, list[int]] = defaultdict(list)
        self._killers: dict[str, list[int]] = defaultdict(list)
        self._running: dict[int, tuple[int, Callable[[int, bytes], None]]] = {}
        self.codes: dict[str, int] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        self._items = session.items
        choosing.built_in()  # read once for all; no mutant is hidden by it but those of reading it
        few = len(self._items) // TOGETHER
        for first in range(few):
            each = range(first, len(self._items), few)
            self._fork(partial(self._called_by, each), self._note_calls)
        self._wait_for(0)
        for number, name in enumerate(self._names, 1):
            self._judge(name)
            if number % TOLD_EVERY == 0:
                session.config.get_terminal_writer().line(
                    f"{number}: {Counter(self.codes.values())}"
                )
                save(self.codes)
        self._wait_for(0)
        return True

    def _called_by(self, tests: Iterable[int]) -> tuple[int, str]:
        """The mutated functions that each test calls; none of one that fails by itself."""
        under_test("stats")
        called = {}
        for index in tests:
            state()._stats.clear()
            called[index] = [] if self._fails([index]) is not None else sorted(state()._stats)
        return 0, json.dumps(called)

    def _note_calls(self, _: int, said: bytes) -> None:
        for index, functions in json.loads(said or "{}").items():
            for function in functions:
                self._calls[function].append(int(index))

    def _judge(self, name: str) -> None:
        function = function_of(name)
        tests = self._in_order(function)
        if not tests:
            self.codes[name] = NOT_CALLED
            return

        def run() -> tuple[int, str]:
            under_test(name)
            killer = self._fails(tests)
            return (0, "") if killer is None else (KILLED, str(killer))

        def take(code: int, said: bytes) -> None:
            self.codes[name] = TIMED_OUT if code < 0 else code
            if said:
                self._killers[function].insert(0, int(said))

        self._fork(run, take)

    def _in_order(self, function: str) -> list[int]:
        """First what killed other mutants of the function, then what calls it."""
        return list(dict.fromkeys([*self._killers[function], *self._calls[function]]))

    def _fails(self, tests: list[int]) -> int | None:
        """The first that fails."""
        for place, index in enumerate(tests):
            follows = self._items[tests[place + 1]] if place + 1 < len(tests) else None
            reports = runtestprotocol(self._items[index], log=False, nextitem=follows)
            if any(report.failed for report in reports):
                return index
        return None

    def _fork(
        self, work: Callable[[], tuple[int, str]], take: Callable[[int, bytes], None]
    ) -> None:
        self._wait_for(AT_ONCE - 1)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._work(work, write)
        os.close(write)
        self._running[read] = pid, take

    def _work(self, work: Callable[[], tuple[int, str]], write: int) -> None:
        code = KILLED
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            limit = int(time.process_time()) + CPU_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            code, said = work()
            os.write(write, said.encode())
        finally:
            os._exit(code)

    def _wait_for(self, most: int) -> None:
        """Until no more than so many are at work."""
        while len(self._running) > most:
            ready, _, _ = select.select(list(self._running), [], [])
            for read in ready:
                pid, take = self._running.pop(read)
                with os.fdopen(read, "rb") as stream:
                    said = stream.read()
                take(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said)


def under_test(name: str) -> None:
    os.environ["MUTANT_UNDER_TEST"] = name
    trampoline.get_mutant_under_test = lambda: name


def save(codes: dict[str, int]) -> None:
    for path, told in metas(MODULES):
        known = told[CODES]
        known |= {name: codes[name] for name in known if name in codes}
        path.write_text(json.dumps(told, indent=4), "utf-8")


def refuse() -> None:
    """Notes what mypy refuses."""
    os.chdir("..")
    refused = dict.fromkeys(filter_mutants_with_type_checker(), REFUSED)
    os.chdir("mutants")
    save(refused)


def sample(size: int) -> list[str]:
    names = [
        name for _, told in metas(MODULES) for name, code in told[CODES].items() if code is None
    ]
    random.Random(1).shuffle(names)
    return names[:size]


def main() -> None:
    refuse()
    judge = Judge(sample(int(sys.argv[1])))
    under_test("")
    options = ["-q", *config().pytest_add_cli_args]
    selected = [path for path in config().pytest_add_cli_args_test_selection if path != BY_FILE]
    # Each fork has folders of its own; among others' pytest would clear those away.
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        pytest.main([*options, *selected, EACH], plugins=[judge])
    save(judge.codes)


if __name__ == "__main__":
    main()
