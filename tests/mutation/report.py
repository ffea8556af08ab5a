"""What `make mutation` found, by module: how many mutants the tests killed, and each survivor with
the change it makes.

python -m tests.mutation.report [--text]    # with --text also survivors that change the wording of
a message and nothing else
"""

import ast
import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MUTANTS = Path("mutants/mappings")
REFUSED, SURVIVED = 37, 0


def main() -> None:
    total: Counter[str] = Counter()
    rows = []
    for meta in sorted(MUTANTS.rglob("*.meta")):
        results = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        if results:
            source = meta.with_suffix("")
            survivors = list(_survivors(source.read_text("utf-8"), results))
            counts = _counts(results, survivors)
            total += counts
            rows.append((source.relative_to(MUTANTS).with_suffix("").as_posix(), counts, survivors))
    for module, _, survivors in rows:
        for name, change, is_text in survivors:
            if not is_text or "--text" in sys.argv:
                print(f"{module}: {name}", *change, sep="\n    ")
    print(
        "| module | mutants | not checked | refused by mypy | killed | survived: text only |"
        " survived: other | score |"
    )
    print("|---|" + "---|" * 7)
    for module, counts, _ in [*rows, ("**all**", total, None)]:
        print(_row(module, counts))


def _counts(
    results: dict[str, int | None], survivors: list[tuple[str, list[str], bool]]
) -> Counter[str]:
    codes = Counter(results.values())
    text = sum(is_text for _, _, is_text in survivors)
    other, unchecked, refused = len(survivors) - text, codes[None], codes[REFUSED]
    killed = len(results) - unchecked - refused - codes[SURVIVED]
    return Counter(
        mutants=len(results),
        unchecked=unchecked,
        refused=refused,
        killed=killed,
        text=text,
        other=other,
    )


def _row(module: str, counts: Counter[str]) -> str:
    judged = counts["killed"] + counts["text"] + counts["other"]
    score = f"{counts['killed']} of {judged} ({100 * counts['killed'] // max(1, judged)} %)"
    figures = [
        counts[name] for name in ("mutants", "unchecked", "refused", "killed", "text", "other")
    ]
    return "| " + " | ".join(map(str, [module, *figures, score])) + " |"


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
                functions[name.rpartition("__mutmut_")[0] + "__mutmut_orig"],
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
