"""How many files and connections this process may have open at once.

Held by tests/contract/test_slow_and_many.py.
"""

import errno
import os
import resource

MOST = 65_536


def raised() -> int:
    """As many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def are_used_up() -> bool:
    """Whether none is left, so that what fails now fails for that."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


def says() -> str:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (
        f"This process has no file descriptors left (its limit is {most}): raise it with"
        " `ulimit -n`, or lower service.connections."
    )
