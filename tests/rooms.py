"""Rooms and arrows: a room is a folder, an arrow its imports of another folder; and other counts
of how the code is built (docs/structure.md).

`python -m tests.rooms [FOLDER]` prints them for each of the two packages of this checkout, or of
another one.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("mappings", "integration")


class Arrow(NamedTuple):
    """`source` imports `target`, both as dotted modules."""

    source: str
    target: str

    @property
    def rooms(self) -> tuple[str, str]:
        return room(self.source), room(self.target)


def modules(root: Path = ROOT) -> dict[str, Path]:
    """The modules of both packages, by dotted name."""
    files = (path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return {_name(path.relative_to(root)): path for path in files}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str, root: Path = ROOT) -> str:
    """The folder that a module stands in."""
    is_package = (root / module.replace(".", "/")).is_dir()
    return module if is_package else module.rpartition(".")[0]


def arrows(known: Mapping[str, Path] | None = None) -> list[Arrow]:
    """Every import of one of our modules by another, those within functions included."""
    known = known or modules()
    found = {
        Arrow(name, target)
        for name, path in known.items()
        for target in imported(path.read_text(encoding="utf-8"), known)
    }
    return sorted(found)


def imported(source: str, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of ours that a source imports; the module itself rather than its package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            inner = [name for name in within if name in known]
            yield from inner
            if node.module in known and len(inner) < len(within):
                yield node.module


def between_rooms(found: list[Arrow]) -> set[tuple[str, str]]:
    return {arrow.rooms for arrow in found if arrow.rooms[0] != arrow.rooms[1]}


def loose_files(known: Mapping[str, Path], root: Path = ROOT) -> dict[str, int]:
    """How many modules stand loose in each room."""
    found: dict[str, int] = {}
    for name, path in known.items():
        if path.name != "__init__.py":
            found[room(name, root)] = found.get(room(name, root), 0) + 1
    return found


def circles(pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Rooms that import each other; a package and what stands in it are one set of nouns."""
    return sorted(
        (one, other)
        for one, other in pairs
        if one < other and (other, one) in pairs and not other.startswith(f"{one}.")
    )


# Counts of one package


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def names_taken_twice(trees: Mapping[Path, ast.Module]) -> set[str]:
    """Public classes of one name in two modules."""
    taken = Counter(
        {
            (node.name, path)
            for path, tree in trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        }
    )
    places = Counter(name for name, _ in taken)
    return {name for name, count in places.items() if count > 1}


def bound(name: str, tree: ast.AST) -> int:
    """How often a local or an argument of that name is bound."""
    return sum(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.arg) and node.arg == name)
        for node in ast.walk(tree)
    )  # fmt: skip


def counts(package: str, root: Path = ROOT) -> dict[str, float]:
    files = sorted((root / package).rglob("*.py"))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, FUNCTIONS)
    ]
    known = {
        name: path for name, path in modules(root).items() if name.partition(".")[0] == package
    }
    pairs = {(room(arrow.source, root), room(arrow.target, root)) for arrow in arrows(known)}
    pairs = {pair for pair in pairs if pair[0] != pair[1]}
    return {
        "files": len(files),
        "lines": len(lines),
        "rooms": len({room(name, root) for name in known}),
        "arrows": len(pairs),
        "circles": len(circles(pairs)),
        "most loose files": max(loose_files(known, root).values()),
        "functions": len(lengths),
        "median function, lines": median(lengths),
        "functions above 50 lines": sum(length > 50 for length in lengths),
        "files above 400 lines": sum(
            path.read_text(encoding="utf-8").count("\n") > 400 for path in files
        ),
        "lines above 100": sum(len(line) > 100 for line in lines),
        "comprehensions with two `for`": sum(
            isinstance(node, COMPREHENSIONS) and len(node.generators) > 1 for node in nodes
        ),
        "locals called `row`": sum(bound("row", tree) for tree in trees.values()),
    }


def main() -> None:
    root = Path(sys.argv[1]) if sys.argv[1:] else ROOT
    found = {package: counts(package, root) for package in PACKAGES}
    for name in found["mappings"]:
        print(f"{name:32}", *(f"{found[package][name]:10g}" for package in PACKAGES))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules(root).values()}
    print("class names taken twice, of both:", len(names_taken_twice(trees)))


if __name__ == "__main__":
    main()
