"""Files that hold patients' data: for their owner alone, whatever the umask says.

Held by tests/unit/test_files.py.
"""

import os
from pathlib import Path


def make(path: Path, *, anew: bool = False) -> None:
    """An empty file where none is; FileExistsError of one that is there and was to be made ANEW.
    One that is there keeps what its owner said of it."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_EXCL if anew else 0), 0o600))
