"""The command line, `ferroclaim`: data to stdout, progress and problems to stderr, never a
traceback.

Exit status: 0 done; 1 some resource could not be read or written (each is named); 2 wrong usage,
configuration or source.

Held by tests/contract/test_command_line.py.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from integration.commands import COMMANDS
from integration.errors import ConfigurationError, FerroclaimError
from integration.terminal import progress
from integration.terminal.listing import Listing

LOUDNESS = ("-v", "--verbose", "-q", "--quiet")
BEGIN = (
    "Begin with `ferroclaim demo`, then `ferroclaim demo --pages`; for an EHR of your own with"
    " `ferroclaim init`."
)


class _ReaderGone(Exception):
    """Whoever read our output has seen enough."""


class _Commands(Listing):
    """Loads a command when it is asked for. Takes -v and -q behind it, too, where people write
    them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        listed = {name: TyperCommand(name, help=command.says) for name, command in COMMANDS.items()}
        self.commands: dict[str, Any] = {**listed}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in COMMANDS:
            _keep_what_is_read()
            self.commands[args[0]] = loaded(args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # at the end of the process nobody could say what went wrong
        except BrokenPipeError:
            raise _ReaderGone from None  # Click would end with 1: something could not be read

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        loud = [text for text in args[:end] if text in LOUDNESS]
        rest = [text for text in args[:end] if text not in LOUDNESS]
        return super().parse_args(ctx, [*loud, *rest, *args[end:]])


app = typer.Typer(
    name="ferroclaim",
    cls=_Commands,
    epilog=BEGIN,
    help=(
        "Turn intravenous-iron administrations into claim lines, and say what documentation is"
        " missing."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def loaded(name: str) -> Any:
    """The command, from its file."""
    parent = typer.Typer(rich_markup_mode=None)
    import_module(f"integration.commands.{COMMANDS[name].file}").mount(parent)
    return typer.main.get_group(parent).commands[name]


def _keep_what_is_read() -> None:
    """Policies and code tables, from one run to the next."""
    from integration import cache
    from mappings.datafiles import compiled

    place = cache.of_user()
    if place:
        compiled.keep_in(place)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

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


def main() -> None:
    """Run a command; every problem becomes one sentence on stderr."""
    _open_what_was_closed()
    try:
        app()
    except FerroclaimError as problem:
        _fail(str(problem))
    except _ReaderGone:
        _forget_output()
        sys.exit(0)
    except Exception as problem:
        _fail_with_data_file(problem)
        if os.environ.get("FERROCLAIM_DEBUG"):
            raise
        if isinstance(problem, OSError) and problem.strerror:
            where = f" ({problem.filename})" if problem.filename else ""
            _forget_output()
            _fail(f"The system does not let it: {problem.strerror}{where}.")
        _fail(
            f"An unexpected error ({type(problem).__name__}). Set FERROCLAIM_DEBUG=1 to see where,"
            " and report it."
        )


def _fail_with_data_file(problem: Exception) -> None:
    """Every mistake of a data file, if it is one."""
    from mappings.datafiles.error import DataFileError

    if isinstance(problem, DataFileError):
        _fail(*problem.every)


def _open_what_was_closed() -> None:
    """Where whoever starts us closed them (`>&-`), Python has None."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _forget_output() -> None:
    """Python would try once more to write what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(*messages: str) -> NoReturn:
    for message in messages:
        print(f"ferroclaim: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
