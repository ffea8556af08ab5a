"""A start of the command line in a process of its own: what it wrote, and what it loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "integration/samples/ada-sampleton.json"

_TELL = "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
_RUN = f"""
import json, sys
from integration.cli import main
sys.argv = ["ferroclaim", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
{_TELL}
"""

_HELP = """
import contextlib, io, json, sys
from integration.cli import app
from integration.commands import COMMANDS
loaded = {}
for name in COMMANDS:
    before = set(sys.modules)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app([name, "--help"])
    loaded[name] = sorted(set(sys.modules) - before)
print(json.dumps(loaded), file=sys.stderr)
"""


class Start(NamedTuple):
    """`modules`: those that are loaded at its end."""

    out: str
    modules: set[str]


def start(*arguments: str, **environment: str) -> Start:
    """A run with these ARGUMENTS, which ends well; ENVIRONMENT is added to ours."""
    out, said = _python(_RUN, *arguments, **environment)
    return Start(out, set(said))


def helped() -> dict[str, list[str]]:
    """What the help of each command loads beside what those before it did."""
    return dict(_python(_HELP)[1])


def modules_after(statement: str) -> set[str]:
    """Those that are loaded after a STATEMENT."""
    return set(_python(f"import json, sys\n{statement}\n{_TELL}")[1])


def _python(program: str, *arguments: str, **environment: str) -> tuple[str, Any]:
    """What PROGRAM wrote, and what the last line of its standard error says."""
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout, json.loads(run.stderr.splitlines()[-1])
