"""What a person writes to call us again.

Held by tests/unit/test_tables.py.
"""

import os
import sys
from pathlib import Path

NAME = "ferroclaim"


def as_called() -> str:
    """`ferroclaim`, or the way to it (`.venv/bin/ferroclaim`) where the shell would not find it."""
    import shutil

    way = Path(sys.argv[0])
    if way.name != NAME or way.parent == Path() or shutil.which(NAME):
        return NAME
    return os.path.relpath(way)
