"""Each threat of docs/security.md is held by a test, and that test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", TEXT)


def test_every_test_that_is_named_is_there() -> None:
    lacking = [
        f"{file}::{name}"
        for file, name in NAMED
        if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert lacking == []
    assert len(NAMED) > 25


def test_every_threat_names_one() -> None:
    rows = re.findall(r"^\| \*\*.+$", TEXT, re.MULTILINE)
    assert len(rows) >= 10
    assert [row for row in rows if "::test_" not in row] == []
