"""`make audit`: known weaknesses of what we depend on. A package of which no advisories could be
had was not audited, and that is never a pass."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 600


def verdict(rows: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """The exit status and what to say of pip-audit's `dependencies`: 0 all were audited and nothing
    is known, 1 something is known, 2 some could not be audited."""
    known = [
        f"{row['name']} {row['version']}: {', '.join(found['id'] for found in row['vulns'])}"
        for row in rows
        if row.get("vulns")
    ]
    skipped = [row["name"] for row in rows if "skip_reason" in row]
    if known:
        return 1, [*known, *_not_audited(skipped, len(rows))]
    if skipped or not rows:
        return 2, _not_audited(skipped, len(rows))
    return 0, [f"{len(rows)} packages audited: nothing is known."]


def _not_audited(skipped: list[str], count: int) -> list[str]:
    if not skipped and count:
        return []
    says = (
        f"COULD NOT BE AUDITED: {len(skipped)} of {count} packages, since no advisories can be"
        " reached from here. This is no pass: run `make audit` where the package index is."
    )
    return [says]


def audited(file: Path) -> list[dict[str, Any]]:
    """What pip-audit says of the pins in FILE; nothing where it ended without a word."""
    tool = str(Path(sys.executable).with_name("pip-audit"))
    options = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json")
    done = subprocess.run(  # noqa: S603 (a fixed command)
        [tool, *options, "-r", str(file)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return []


if __name__ == "__main__":
    status, says = verdict([row for name in sys.argv[1:] for row in audited(Path(name))])
    print("\n".join(says), file=sys.stderr)
    sys.exit(status)
