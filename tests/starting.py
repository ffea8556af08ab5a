"""A start of the command line in a process of its own: what it wrote, and what it loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "integration/samples/ada-sampleton.json"

_RUN = """
import json, sys
from integration.cli import main
sys.argv = ["ferroclaim", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


class Start(NamedTuple):
    """`modules`: those that are loaded at its end."""

    out: str
    modules: set[str]


def start(*arguments: str, **environment: str) -> Start:
    """A run with these ARGUMENTS, which ends well; ENVIRONMENT is added to ours."""
    run = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return Start(run.stdout, set(json.loads(run.stderr.splitlines()[-1])))
