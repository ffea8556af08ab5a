"""Whether an older revision assesses every sample and scenario chart to the same document:
`python -m tests.equality OLD [--but-words] [--but source …]`.

The charts are built here, each tree assesses them in a process of its own. Compared is what was
decided of each dose, in whatever form a document has it. Exit status 1 where a
document differs, byte for byte; with `--but-words` in more than in the sentences that people read,
with `--but` in more than in the elements of those names.
"""

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Set
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from integration import samples
from mappings.values.sentences import SENTENCES
from tests import builders
from tests.scenarios.test_scenarios import _build, scenarios_by_file

ROOT = Path(__file__).parents[1]
Chart = dict[str, Any]

ASSESS = """
import sys
from datetime import datetime
import msgspec
from mappings.assess import assess, document
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site

def policies(changes):
    if changes is None:
        return choosing.built_in()
    changed = choosing.built_in().get(changes["id"])
    merged = msgspec.convert(msgspec.to_builtins(changed) | changes, choosing.Policy, strict=False)
    others = [row for row in choosing.built_in().policies if row is not changed]
    return choosing.PolicySet([merged, *others])

def said(chart):
    site, asked = msgspec.convert(chart["site"], Site), policies(chart["policy"])
    as_of = datetime.fromisoformat(chart["as_of"])
    records, problems = read(chart["resources"], site)
    found = document([assess(row, asked, as_of, site) for row in records], problems, as_of)
    return {name: getattr(found, name) for name in ("patients", "unreadable", "questions")}

for line in sys.stdin:
    try:
        found = said(msgspec.json.decode(line))
    except (msgspec.ValidationError, ValueError) as problem:
        found = {"problem": f"{problem}: a site or policy says what this revision does not know"}
    print(msgspec.json.encode(found).decode())
"""


def charts() -> Iterator[Chart]:
    """Every sample, without and with billed services, and every scenario."""
    for name, bundle in samples.bundles().items():
        for bills in (False, True):
            site = {"time_zone": samples.TIME_ZONE, "bill_services": bills}
            yield _chart(f"sample {name}", [bundle], samples.AS_OF.isoformat(), site, None)
    for stem, scenarios in scenarios_by_file().items():
        for scenario in scenarios:
            yield _of_scenario(f"{stem}: {scenario['name']}", scenario)


def _of_scenario(name: str, scenario: dict[str, Any]) -> Chart:
    changes = [_build(row) for row in scenario.get("with", [])]
    resources = (
        changes
        if scenario.get("only")
        else builders.chart(*changes, without=scenario.get("without", []))
    )
    as_of = scenario.get("as_of", builders.AS_OF.isoformat())
    return _chart(name, resources, as_of, scenario.get("site", {}), scenario.get("policy"))


def _chart(name: str, resources: list[Any], as_of: str, site: Any, policy: Any) -> Chart:
    return {"name": name, "resources": resources, "as_of": as_of, "site": site, "policy": policy}


def moment(chart: Chart) -> datetime:
    return datetime.fromisoformat(chart["as_of"])


def documents(tree: Path, asked: list[Chart]) -> list[str]:
    """What the tree's `mappings` say of each chart."""
    run = subprocess.run(
        [sys.executable, "-c", ASSESS],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        input=b"".join(msgspec.json.encode(chart) + b"\n" for chart in asked),
        stdout=subprocess.PIPE,
        check=True,
    )
    return run.stdout.decode().splitlines()


def differing(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Paths of what differs, list positions aside: `patients.lines.trace.says`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from differing(old.get(key), new.get(key), f"{path}.{key}".strip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for one, other in zip(old, new, strict=True):
            yield from differing(one, other, path)
    elif old != new:
        yield path


def is_let_pass(path: str, names: Set[str]) -> bool:
    return path.rpartition(".")[2] in names


def tree_of(revision: str, folder: Path) -> Path:
    """`mappings` as the revision has it."""
    packed = subprocess.run(
        ["git", "archive", revision, "mappings"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("old", help="the revision to compare with")
    options.add_argument("--but-words", action="store_true", help="sentences may differ")
    options.add_argument("--but", nargs="*", default=[], help="elements that may differ")
    given = options.parse_args()
    let_pass = {*given.but, *(SENTENCES if given.but_words else ())}
    asked = list(charts())
    with tempfile.TemporaryDirectory() as folder:
        before = documents(tree_of(given.old, Path(folder)), asked)
    after = documents(ROOT, asked)
    paths: Counter[str] = Counter()
    failed = 0
    for chart, old, new in zip(asked, before, after, strict=True):
        found = list(differing(json.loads(old), json.loads(new))) if old != new else []
        paths.update(set(found))
        wrong = old != new and not (found and all(is_let_pass(path, let_pass) for path in found))
        failed += wrong
        if wrong:
            print(f"differs: {chart['name']}: {', '.join(sorted(set(found))) or 'order of keys'}")
    for path, count in paths.most_common():
        print(f"{count:6} {path}")
    print(f"{len(asked)} charts, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
