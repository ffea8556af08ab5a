"""What `make mutation` found, by module: how many mutants the tests killed, each survivor with the
change it makes, and each function that no test of the selection calls.

python -m tests.mutation.report [--text]    # with --text also survivors that change the wording of
a message and nothing else

Held by tests/unit/test_mutation_report.py.
"""

import ast
import difflib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.results import (
    CODES,
    NO_TEST,
    NOT_CHECKED,
    REFUSED,
    SURVIVED,
    function_of,
    metas,
)

MUTANTS = Path("mutants/mappings")
HEADER = (
    "| module | mutants | not checked | refused by mypy | no test | killed |"
    " survived: text only | survived: other | score |"
)
COLUMNS = ("mutants", "unchecked", "refused", "untested", "killed", "text", "other")


def main() -> None:
    print(*report(MUTANTS, texts="--text" in sys.argv), sep="\n")


def report(folder: Path, texts: bool) -> Iterator[str]:
    """Its lines: first the survivors, then the table. `texts` lists those that change words too."""
    total: Counter[str] = Counter()
    rows = []
    for meta, told in metas(folder):
        if results := told[CODES]:
            source = meta.with_suffix("")
            module = source.relative_to(folder).with_suffix("").as_posix()
            survivors = list(_survivors(source.read_text("utf-8"), results))
            yield from _listed(module, survivors, texts)
            yield from (f"{module}: {name} is called by no test" for name in _untested(results))
            counts = _counts(results, sum(is_text for _, _, is_text in survivors))
            total += counts
            rows.append(_row(module, counts))
    yield from (HEADER, "|---|" + "---|" * (len(COLUMNS) + 1), *rows, _row("**all**", total))


def _listed(
    module: str, survivors: list[tuple[str, list[str], bool]], texts: bool
) -> Iterator[str]:
    for name, change, is_text in survivors:
        if texts or not is_text:
            yield "\n    ".join([f"{module}: {name}", *change])


def _untested(results: dict[str, int | None]) -> list[str]:
    names = (key.rpartition(".")[2] for key, code in results.items() if code in NO_TEST)
    return list(dict.fromkeys(map(function_of, names)))


def _counts(results: dict[str, int | None], text: int) -> Counter[str]:
    """A mutant that no test can meet is not killed: it counts against the score."""
    codes = Counter(results.values())
    unchecked, refused = sum(codes[code] for code in NOT_CHECKED), codes[REFUSED]
    untested = sum(codes[code] for code in NO_TEST)
    return Counter(
        mutants=len(results),
        unchecked=unchecked,
        refused=refused,
        untested=untested,
        killed=len(results) - unchecked - refused - untested - codes[SURVIVED],
        text=text,
        other=codes[SURVIVED] - text,
    )


def _row(module: str, counts: Counter[str]) -> str:
    judged = counts["mutants"] - counts["unchecked"] - counts["refused"]
    score = f"{counts['killed']} of {judged} ({100 * counts['killed'] // max(1, judged)} %)"
    return "| " + " | ".join(map(str, [module, *map(counts.get, COLUMNS), score])) + " |"


def _survivors(
    source: str, results: dict[str, int | None]
) -> Iterator[tuple[str, list[str], bool]]:
    """Each survivor, the lines it changes, and whether these are words of a sentence only."""
    functions = {
        node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
    }
    for key, code in results.items():
        if code == SURVIVED:
            name = key.rpartition(".")[2]
            before, after = (
                functions[function_of(name) + "__mutmut_orig"],
                functions[name],
            )
            yield name, list(_change(before, after)), _is_text(before, after)


def _change(before: ast.FunctionDef, after: ast.FunctionDef) -> Iterator[str]:
    old, new = (ast.unparse(node).splitlines()[1:] for node in (before, after))
    return (
        line
        for line in difflib.unified_diff(old, new, n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    )


def _is_text(before: ast.FunctionDef, after: ast.FunctionDef) -> bool:
    """Whether the two differ in sentences only: string constants that hold a space."""
    return _without_sentences(before) == _without_sentences(after)


def _without_sentences(function: ast.FunctionDef) -> list[str]:
    copy = ast.parse(ast.unparse(function))
    for node in ast.walk(copy):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            node.value = " "
    return ast.unparse(copy).splitlines()[1:]


if __name__ == "__main__":
    main()
