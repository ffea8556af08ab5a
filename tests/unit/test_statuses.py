"""Each status is spelled by its own Literal: mypy holds the code to it, this the SQL, the columns
and the words for people."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from procrastinate.jobs import Status as JobStatus

from integration.ehr.writing import ledger
from integration.store.claims import STANDING, ClaimState
from integration.terminal import signs
from integration.triggers import subscribing
from integration.wording import words
from mappings.assessment import CHARGES, EVERY_STATE, WORST_FIRST, LineStatus, Payment, State

ROOT = Path(__file__).parents[2] / "integration"
LINE = set(get_args(LineStatus))
WRITE_BACK = set(get_args(ledger.State))
CLAIM = set(get_args(ClaimState))
JOB = {status.value for status in JobStatus}
# What SQL may say of a column of that name.
COLUMNS = {
    "released_status": LINE,
    "status": LINE | JOB,
    "state": WRITE_BACK | CLAIM,
    "payment": set(get_args(Payment)),
}
_SAID = re.compile(
    rf"\b({'|'.join(COLUMNS)})\s*(?:=|<>|(?:not )?in)\s*"
    r"('[a-z -]*'|\((?:\s*'[a-z -]*',?)+\s*\))"
)
_CASE = re.compile(r"\bcase \w*\.?(state|status)((?: when '[a-z -]*' then '[a-z -]*')+)")


def said(sql: str) -> Iterator[tuple[str, str]]:
    """Column and word of each comparison."""
    for found in [*_SAID.finditer(sql), *_CASE.finditer(sql)]:
        yield from ((found[1], word) for word in re.findall("'([a-z -]*)'", found[2]))


def sql_in(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from said(node.value)


FOUND = {path: sorted(set(sql_in(path))) for path in sorted(ROOT.rglob("*.py"))}
SQL = {path.relative_to(ROOT).as_posix(): found for path, found in FOUND.items() if found}


@pytest.mark.parametrize("path", SQL)
def test_sql_asks_for_statuses_that_there_are(path: str) -> None:
    assert [(column, word) for column, word in SQL[path] if word not in COLUMNS[column]] == []


def test_the_check_sees_what_sql_says() -> None:
    asked = (
        "select 1 where l.status = 'helt' and b.state not in ('sent', 'void') and payment <> 'x'"
    )
    assert set(said(asked)) == {
        ("status", "helt"), ("state", "sent"), ("state", "void"), ("payment", "x"),
    }  # fmt: skip
    assert list(said("case b.state when 'sent' then 'gone' end")) == [
        ("state", "sent"),
        ("state", "gone"),
    ]
    assert {"store/worklist.py", "store/ledger.py", "work/queue.py"} <= set(SQL)


@pytest.mark.parametrize(
    ("file", "table", "column", "words"),
    [
        ("001_store.sql", "lines", "status", LINE),
        ("001_store.sql", "write_backs", "state", WRITE_BACK),
        ("105_claims.sql", "claims", "state", CLAIM),
    ],
)
def test_columns_take_the_same(file: str, table: str, column: str, words: set[str]) -> None:
    text = (ROOT / "store" / "migrations" / file).read_text(encoding="utf-8")
    created = text.partition(f"create table {table} (")[2].partition(");\n")[0]
    (allowed,) = re.findall(rf"check \({column} in \(([^)]*)\)", created)
    assert set(re.findall("'([^']*)'", allowed)) == words


def test_every_state_has_its_place_and_its_words() -> None:
    assert set(EVERY_STATE) == set(get_args(State))
    assert set(words.STATES) == set(WORST_FIRST)
    assert set(words.STATUS) >= LINE | set(STANDING)
    assert set(signs.STYLE) == LINE <= set(signs._SIGNS)
    assert set(CHARGES) < set(get_args(Payment))
    assert set(STANDING) < CLAIM
    assert "missing" in get_args(subscribing.State)
