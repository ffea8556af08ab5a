"""The command line, `ferroclaim`: data to stdout, progress and problems to stderr, never a
traceback.

Exit status: 0 done; 1 some resource could not be read or written (each is named); 2 wrong usage,
configuration or source.
"""

import os
import sys
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from integration.commands import (
    assessing,
    bulk,
    claims,
    codes,
    decisions,
    demo,
    doctor,
    failed,
    keys,
    policy,
    service,
    subscribe,
    sweep,
)
from integration.errors import ConfigurationError, FerroclaimError
from integration.terminal import progress
from mappings.datafiles.loading import DataFileError

LOUDNESS = ("-v", "--verbose", "-q", "--quiet")
BEGIN = "Begin with `ferroclaim demo`, then `ferroclaim demo --pages`."


class _Anywhere(TyperGroup):
    """Takes -v and -q behind the command, too, where people write them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        loud = [text for text in args[:end] if text in LOUDNESS]
        rest = [text for text in args[:end] if text not in LOUDNESS]
        return super().parse_args(ctx, [*loud, *rest, *args[end:]])


app = typer.Typer(
    name="ferroclaim",
    cls=_Anywhere,
    epilog=BEGIN,
    help=(
        "Turn intravenous-iron administrations into claim lines, and say what documentation is"
        " missing."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ferroclaim {version('ferroclaim')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say it and end."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more on standard error.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say problems only on standard error.")
    ] = False,
) -> None:
    if verbose and quiet:
        raise ConfigurationError("Either -v or -q, not both.")
    if verbose or quiet:
        progress.speak("verbose" if verbose else "quiet")


demo.mount(app)
app.command()(assessing.assess)
app.command()(assessing.explain)

for group in (
    bulk,
    policy,
    codes,
    service,
    subscribe,
    sweep,
    claims,
    decisions,
    failed,
    doctor,
    keys,
):
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
