"""docs/rules/ is what the data say, and readable as Markdown."""

import re
from pathlib import Path

import pytest

from docs.make.__main__ import RULES, pages, write
from docs.make.markdown import cell, table
from mappings import codes
from mappings.policy import choosing

PAGES = pages()


def test_the_pages_are_not_stale() -> None:
    written = {
        path.relative_to(RULES).as_posix(): path.read_text("utf-8") for path in RULES.rglob("*.md")
    }
    assert sorted(written) == sorted(PAGES), "run `make docs`"
    assert [name for name, text in PAGES.items() if written[name] != text] == [], "run `make docs`"


def test_what_is_made_no_more_goes(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("gone")
    write(tmp_path)
    assert not (tmp_path / "old.md").exists()
    assert (tmp_path / "policies" / "medicare-part-b.md").exists()


@pytest.mark.parametrize("name", PAGES)
def test_every_table_is_whole(name: str) -> None:
    for block in re.findall(r"(?:^\|.*\|\n?)+", PAGES[name], re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()]
        assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("name", [name for name in PAGES if name != "README.md"])
def test_every_row_says_its_source(name: str) -> None:
    for block in re.findall(r"(?:^\|.*\|\n?)+", PAGES[name], re.MULTILINE):
        heads, _, *rows = (
            [part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        )
        if heads[0] in ("", "case"):
            continue
        assert "source" in heads, heads
        assert [row for row in rows if not row[heads.index("source")]] == []


def test_every_fact_is_there() -> None:
    everything = "".join(PAGES.values())
    assert [ndc for ndc in codes.packages() if ndc not in everything] == []
    assert [
        row.code
        for family in codes.families().values()
        for row in family.codes
        if row.code not in everything
    ] == []
    assert [
        name for name in codes.requirements() if f"`{name}`" not in PAGES["requirements.md"]
    ] == []
    assert [
        policy.id
        for policy in choosing.built_in().policies
        if f"policies/{policy.id}.md" not in PAGES
    ] == []


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGES["README.md"]):
        assert target in PAGES


def test_signs_of_markdown_in_the_data_are_escaped() -> None:
    assert table(["a"], [["x | y < 3"]]).splitlines()[-1] == "| x \\| y &lt; 3 |"
    assert cell((True, None, "window_days")) == "yes, , window days"
