"""docs/bending.md: what becomes of a line when an element of a complete chart is bent. Run: make
docs (about a minute: thousands of charts are assessed)."""

from pathlib import Path

from docs.make.markdown import table
from tests.bending import outcomes
from tests.bending.bends import BENDS
from tests.bending.outcomes import Row

PAGE = Path(__file__).parents[1] / "bending.md"
COLUMNS = tuple(dict.fromkeys(name for bends in BENDS.values() for name in bends))
HEAD = """<!-- Made by `make docs`: change tests/bending/elements.yaml. -->

# What becomes of an element that is written in a way that nobody foresaw

Each element that the readers look at is bent in complete charts of every policy: an unknown code,
an unknown system, text only, a wrong form, capitals. *held*: in no chart does a line stay ready.
*ready*: in some it does, for the reason beside it. *fault*: in some it does, and must not; the list
of these (`tests/bending/known_faults.yaml`) only shrinks.
"""


def cells(row: Row, found: dict[str, list[str]]) -> tuple[str, ...]:
    """The row of the table."""
    return (
        f"`{row.path}`",
        row.form or "not bent",
        *(_cell(row, found, name) for name in COLUMNS),
        _why(row, found),
    )


def _cell(row: Row, found: dict[str, list[str]], bend: str) -> str:
    if bend not in found:
        return "–"
    if not found[bend]:
        return "held"
    return "ready" if row.reason(bend) else "fault"


def _why(row: Row, found: dict[str, list[str]]) -> str:
    if row.unbent:
        return row.unbent
    bends = (bend for bend, ready in found.items() if ready)
    return "; ".join(dict.fromkeys(filter(None, map(row.reason, bends)))) or "–"


def page(found: dict[str, dict[str, list[str]]]) -> str:
    rows = [cells(row, found[path]) for path, row in outcomes.table().items()]
    heads = ["element", "bent as", *COLUMNS, "why a line may stay ready"]
    return f"{HEAD}\n{table(heads, rows)}\n"


def write() -> None:
    """The page, and the list of faults without those that are none any more."""
    found = {path: outcomes.outcome(row) for path, row in outcomes.table().items()}
    known = outcomes.known_faults()
    left = {
        path: [bend for bend in known.get(path, []) if bend in outcomes.faults(row, found[path])]
        for path, row in outcomes.table().items()
    }
    outcomes.write_faults({path: bends for path, bends in left.items() if bends})
    PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    write()
