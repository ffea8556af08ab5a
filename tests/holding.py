"""Which test holds which module. Each module's docstring ends with it (`Held by tests/unit/…`), as
coverage with a context for each test (`dynamic_context = test_function`) measured it:

    python -m tests.holding .coverage [MORE…]      # what each named test runs of its module
    python -m tests.holding .coverage --write      # names another where that runs far more
"""

import argparse
import ast
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from coverage import CoverageData

from tests import rooms

ROOT = rooms.ROOT
HELD = re.compile(r"\n\nHeld by (tests/[\w/]+\.(?:py|yaml))\.$")
# They run much and ask little of it, each for a reason of its own.
ASIDE = {
    "architecture", "bad_elements", "bending", "numbered_rules", "policy_docs", "starting_fast",
    "unopened",
}  # fmt: skip
Lines = dict[str, set[int]]  # by test file


def named(path: Path) -> str | None:
    """The test that a module names."""
    found = HELD.search(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
    return found[1] if found else None


def ran(data: list[str]) -> dict[str, Lines]:
    """Module → what each test file ran of it, beside its import."""
    found: defaultdict[str, Lines] = defaultdict(lambda: defaultdict(set))
    for name in data:
        read = CoverageData(name)
        read.read()
        for path in read.measured_files():
            module = _module(path)
            for line, contexts in read.contexts_by_lineno(path).items():
                for test in filter(None, map(_file, contexts)):
                    found[module][test].add(line)
    return found


def _module(path: str) -> str:
    parts = Path(path).with_suffix("").parts
    start = max(parts.index(package) for package in rooms.PACKAGES if package in parts)
    return ".".join(parts[start:])


def _file(context: str) -> str | None:
    """`tests.unit.test_x.test_y` → tests/unit/test_x.py; None of what is set aside or gone."""
    parts = context.partition(":")[0].split(".")
    end = next((n for n, part in enumerate(parts) if part.startswith("test_")), 0)
    name = context if context.endswith(".yaml") else f"{'/'.join(parts[: end + 1])}.py"
    return name if (ROOT / name).is_file() and _stem(name) not in ASIDE else None


def _stem(test: str) -> str:
    return Path(test).stem.removeprefix("test_")


def importers(modules: Mapping[str, Path]) -> dict[str, list[str]]:
    """Module → the test files that import it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for module in rooms.imported(path.read_text(encoding="utf-8"), modules):
            found[module].append(path.relative_to(ROOT).as_posix())
    return found


def best(module: str, lines: Lines, direct: list[str], size: Mapping[str, int]) -> str | None:
    """The test of its name; else of those that import it, else of all, one that runs most of it."""
    known = {*lines, *direct}
    most = max(map(len, lines.values()), default=0)
    whole, name = module.split("."), module.rpartition(".")[2]

    def rank(test: str) -> tuple[object, ...]:
        share = len(lines.get(test, ())) / most if most else 1.0
        stem = _stem(test)
        close = stem.rstrip("s") == name.rstrip("s") or stem == "_".join(whole[-2:])
        return (
            not (close and share > 0.3),
            not (test in direct and share > 0.5),
            share < 0.7,
            _stem(test) in ASIDE,
            size[test],
            test,
        )

    return min(known, key=rank, default=None)


def write(path: Path, test: str) -> None:
    source = path.read_text(encoding="utf-8")
    first = ast.parse(source).body[0]
    assert isinstance(first, ast.Expr), path
    assert isinstance(first.value, ast.Constant), path
    head = "".join(source.splitlines(keepends=True)[: first.end_lineno]).rstrip()
    body = re.sub(r"\n*Held by tests/[\w/.]+\.$", "", head.removesuffix('"""').rstrip())
    path.write_text(f'{body}\n\nHeld by {test}.\n"""{source[len(head) :]}', encoding="utf-8")


def chosen(module: str, path: Path, lines: Lines, other: str | None) -> str | None:
    """The test that is named, as long as none runs far more; None without any."""
    now = named(path)
    there = now is not None and (ROOT / now).is_file()
    keeps = there and len(lines.get(now or "", ())) >= 0.5 * len(lines.get(other or "", ()))
    return now if keeps else other


def main() -> None:
    options = argparse.ArgumentParser(description="Which test holds which module.")
    options.add_argument("data", nargs="+", help="files that coverage wrote")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    found, modules = ran(asked.data), rooms.modules()
    direct = importers(modules)
    size: Counter[str] = Counter()
    for lines in found.values():
        size.update({name: len(numbers) for name, numbers in lines.items()})
    shares = []
    for module, path in modules.items():
        if path.name == "__init__.py":
            continue
        lines = found.get(module, {})
        test = named(path)
        if asked.write:
            test = chosen(module, path, lines, best(module, lines, direct.get(module, []), size))
            if test and test != named(path):
                write(path, test)
        every = set[int]().union(*lines.values())
        shares += [len(lines.get(test or "", ())) / len(every)] if every else []
        print(f"{shares[-1]:5.0%}" if every else "    -", f" {module}: {test}")
    print(f"median: {median(shares):.0%} of what all tests run of a module, {len(shares)} modules")


if __name__ == "__main__":
    main()
