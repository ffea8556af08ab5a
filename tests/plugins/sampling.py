"""`--every N` and `--thin M`: of the cases of each test every Nth, and of a file's tests without
cases every Mth, for a first answer in little time."""

from collections import Counter

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every", type=int, default=1, metavar="N", help="of the cases of each test take every Nth"
    )
    parser.addoption(
        "--thin", type=int, default=1, metavar="M", help="of a file's other tests take every Mth"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    every: int = config.getoption("--every")
    thin: int = config.getoption("--thin")
    seen: Counter[str] = Counter()
    taken: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        test, case, _ = item.nodeid.partition("[")
        among = test if case else item.nodeid.partition("::")[0]
        (left if seen[among] % (every if case else thin) else taken).append(item)
        seen[among] += 1
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = taken
