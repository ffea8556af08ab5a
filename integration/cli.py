"""The command line, `ferroclaim`: data to stdout, progress and problems to stderr, never a
traceback.

Exit status: 0 done; 1 some resource could not be read or written (each is named); 2 wrong usage,
configuration or source.
"""

import os
import sys
from typing import NoReturn

import typer

from integration.commands import (
    assessing,
    codes,
    demo,
    doctor,
    failed,
    keys,
    policy,
    service,
    subscribe,
    sweep,
)
from integration.errors import FerroclaimError
from mappings.datafiles.loading import DataFileError

app = typer.Typer(
    name="ferroclaim",
    help=(
        "Turn intravenous-iron administrations into claim lines, and say what documentation is"
        " missing."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo.mount(app)
app.command()(assessing.assess)
app.command()(assessing.explain)

for group in (policy, codes, service, subscribe, sweep, failed, doctor, keys):
    group.mount(app)


def main() -> None:
    """Run a command; every problem becomes one sentence on stderr."""
    try:
        app()
    except (FerroclaimError, DataFileError) as problem:
        _fail(str(problem))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as problem:
        if os.environ.get("FERROCLAIM_DEBUG"):
            raise
        _fail(
            f"An unexpected error ({type(problem).__name__}). Set FERROCLAIM_DEBUG=1 to see where,"
            " and report it."
        )


def _fail(message: str) -> NoReturn:
    print(f"ferroclaim: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
