"""Rooms and arrows: a room is a folder, an arrow its imports of another folder.

`python -m tests.rooms` prints both for each of the two packages.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
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


def room(module: str) -> str:
    """The folder that a module stands in."""
    is_package = (ROOT / module.replace(".", "/")).is_dir()
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


def loose_files(known: Mapping[str, Path]) -> dict[str, int]:
    """How many modules stand loose in each room."""
    counts: dict[str, int] = {}
    for name, path in known.items():
        if path.name != "__init__.py":
            counts[room(name)] = counts.get(room(name), 0) + 1
    return counts


def circles(pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Rooms that import each other; a package and what stands in it are one set of nouns."""
    return sorted(
        (one, other)
        for one, other in pairs
        if one < other and (other, one) in pairs and not other.startswith(f"{one}.")
    )


def main() -> None:
    known = modules()
    pairs = between_rooms(arrows(known))
    for package in PACKAGES:
        rooms = {room(name) for name in known if name.partition(".")[0] == package}
        own = {pair for pair in pairs if all(name.partition(".")[0] == package for name in pair)}
        print(f"{package}: {len(rooms)} rooms, {len(own)} arrows, {len(circles(own))} circles")


if __name__ == "__main__":
    main()
