"""Writes docs/rules/, docs/scopes.md and the tables of docs/policies.md from the data: code tables,
requirements, policies, scopes; and the published schemas. Run: make docs."""

from pathlib import Path

from docs.make import by_number, policies, policy_guide, requirements, schemas, scopes, tables

RULES = Path(__file__).parents[1] / "rules"
MADE = (
    "<!-- Made by `make docs` from the data in mappings/codes and mappings/policy/built_in: change"
    " those. -->"
)


def pages() -> dict[str, str]:
    """File name → text of every page."""
    chapters = {
        **by_number.chapters(),
        **tables.chapters(),
        **requirements.chapters(),
        **policies.chapters(),
    }
    return {
        name: f"{MADE}\n\n{text.strip()}\n"
        for name, text in {"README.md": overview(chapters), **chapters}.items()
    }


def overview(chapters: dict[str, str]) -> str:
    entries = [
        f"- [{text.partition('# ')[2].splitlines()[0]}]({name})" for name, text in chapters.items()
    ]
    return f"""# The rules, and where they are from

ferroclaim decides from these tables. Each row names its source; *verified: no* means that no
official text was seen for it (it is from
memory, or our own choice), and gaps that rest on it say so. *Holds* are dates of service, both
included: the date of the dose decides
which row counts, not the day of the assessment. `ferroclaim explain` shows which rows made a line
what it is.

{chr(10).join(entries)}
"""


def write(folder: Path) -> None:
    """Every page, and nothing that is made no more."""
    found = pages()
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in found:
            path.unlink()
    for name, text in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(RULES)
    policy_guide.write()
    scopes.write()
    schemas.write()
