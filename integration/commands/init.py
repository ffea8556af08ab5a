"""`init`: a commented ferroclaim.toml to begin with.

Held by tests/contract/test_init.py.
"""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from integration.configuration.template import DEFAULT_FILE, FILL_IN, KINDS, Kind, Start
from integration.errors import ConfigurationError


def mount(app: typer.Typer) -> None:
    app.command()(init)


def init(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help=f"One of {', '.join(KINDS)}.")
    ] = None,
    site: Annotated[
        str | None,
        typer.Option("--site", metavar="URL", help="Ask this FHIR server what it is."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the site is called; default its kind.")
    ] = None,
    file: Annotated[Path, typer.Option("--file", help="Where to write it.")] = DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="In the place of one that is there.")] = (
        False
    ),
) -> None:
    """Write a commented ferroclaim.toml, for a kind of EHR or from what a server says of
    itself."""
    from integration.configuration.template import start, text_of

    chosen = _kind(kind)
    _refuse_a_name(name)
    if file.exists() and not force:
        raise ConfigurationError(
            f"There is a {file} already: name another with --file, or say --force."
        )
    if site is not None:
        from integration.ehr.introduction import met

        begin = met(site, chosen, name)
    elif chosen is not None:
        begin = start(chosen, name)
    else:
        raise ConfigurationError(
            f"Say which EHR it is ({', '.join(KINDS)}), or where it is with --site URL."
        )
    try:
        file.write_text(text_of(begin), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"Cannot write {file}: {error.strerror}.") from None
    _tell(begin, file)


def _refuse_a_name(name: str | None) -> None:
    import re

    from integration.configuration.template import NAME, NAMED

    if name is not None and not re.match(NAME, name):
        raise ConfigurationError(f"A site cannot be called {name!r}: {NAMED}.")


def _kind(text: str | None) -> Kind | None:
    if text is None or text in KINDS:
        return text
    from difflib import get_close_matches

    close = get_close_matches(text, KINDS, 1)
    meant = f" Did you mean {close[0]}?" if close else ""
    raise ConfigurationError(f"There is no kind {text}: write one of {', '.join(KINDS)}.{meant}")


def _tell(begin: Start, file: Path) -> None:
    from integration.terminal.calling import as_called

    steps, call = [], as_called()
    if begin.signs_in == "private_key_jwt":
        steps.append(f"{call} keys new {quote(str(file.parent / begin.key_file))}")
    if begin.signs_in != "none":
        steps.append(f"fill in what says {FILL_IN} in {file}")
    if begin.signs_in.startswith("client_secret"):
        steps.append(f"set {begin.variable}")
    elsewhere = "" if file == DEFAULT_FILE else f" --config {quote(str(file))}"
    steps.append(f"{call} doctor {begin.name}{elsewhere}")
    for line in (*begin.told, f"Written to {file}. Next:", *(f"  {step}" for step in steps)):
        typer.echo(line, err=True)
