"""`claims`: files of released lines, what comes back of them, and checks of any 837.

Held by tests/contract/test_claims_write.py.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from integration.claims import Format
from integration.commands.options import CodeDir, Config, DecisionFiles, SiteName
from integration.errors import ConfigurationError
from integration.terminal.listing import Listing

if TYPE_CHECKING:
    from mappings.writing.checks.fault import Fault

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    help="Claim files of released lines, what comes back of them, and checks of any 837.",
)


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="claims")


@app.command()
def write(
    site: Annotated[str, typer.Option("--site", help="A site of the configuration.")],
    out: Annotated[Path, typer.Option("--out", help="The folder for the files.")],
    source: Annotated[
        str | None,
        typer.Argument(
            help="A Bundle, NDJSON, a folder, a FHIR address, or `samples`; without it the released"
            " lines of the database."
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="x12, fhir, or a table to key claims from.")
    ] = "x12",
    released: Annotated[
        Path | None,
        typer.Option(
            "--released", help="What was released: the worklist's CSV, or one line id a row."
        ),
    ] = None,
    replace: Annotated[
        list[str] | None, typer.Option("--replace", help="CLM01=ICN[,REASON] (repeatable).")
    ] = None,
    void: Annotated[
        list[str] | None, typer.Option("--void", help="CLM01=ICN[,REASON] (repeatable).")
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="ISA15 is T, and nothing counts as sent.")
    ] = False,
    now: Annotated[
        str | None, typer.Option("--now", help="The moment of writing, with offset; default now.")
    ] = None,
    patient: Annotated[
        list[str] | None, typer.Option("--patient", help="A patient of a FHIR SOURCE (repeatable).")
    ] = None,
    decisions: DecisionFiles = None,
    config: Config = None,
) -> None:
    """Claim files of released lines. What can't be written is told, and the others are."""
    from integration.assessing.sources import is_server
    from integration.claims import released as releases
    from integration.claims.sent import corrections
    from integration.commands.inputs import settings_with_store, who
    from integration.configuration import settings as configuration

    if patient and not (source and is_server(source)):
        raise ConfigurationError("--patient goes with a FHIR base URL as SOURCE.")
    if source is None and decisions:
        raise ConfigurationError(
            "--decisions goes with a SOURCE. The database has its own: ferroclaim decisions import."
        )
    settings = configuration.load(config) if source else settings_with_store(config)
    settings.site(site)
    asked = corrections(replace or (), void or ())
    if asked.void and form not in ("x12", "fhir"):
        raise ConfigurationError("--void goes with --format x12 or fhir: a table voids nothing.")
    only = releases.read(released) if released else None
    at = _moment(now)
    if source is None:
        from integration.claims.service import WriteOrder, write_released
        from integration.serving.process import opened

        order = WriteOrder(
            site=site,
            folder=out,
            by=who(),
            form=form,
            test=test,
            only=only,
            corrections=asked,
            now=at,
        )
        with opened(settings) as store:
            report = write_released(settings, store, order)
    else:
        from integration.claims.charts import ChartsReading, write_from_charts
        from integration.commands.inputs import decisions_of

        decided = decisions_of(decisions or (), settings.site(site).facts())
        reading = ChartsReading(source, patient or (), only, at or datetime.now(UTC), decided)
        report = write_from_charts(settings.site(site), reading, out, form, asked, test=test)
    from integration.terminal.claims import said

    for line in said(report, named=only):
        typer.echo(line, err=True)
    raise typer.Exit(0 if report.complete else 1)


@app.command()
def rejected(
    numbers: Annotated[list[str], typer.Argument(help="CLM01 of claims that left.")],
    site: Annotated[str, typer.Option("--site", help="A site of the configuration.")],
    config: Config = None,
) -> None:
    """Claims that a payer's front end rejected, or that a payer denied and wants anew: their lines
    can be released and sent as new claims."""
    from integration.commands.inputs import settings_with_store, who
    from integration.serving.process import opened
    from integration.store import answers, claims
    from integration.terminal.claims import marked

    settings = settings_with_store(config)
    settings.site(site)
    missed = False
    with opened(settings) as store:
        for number in numbers:
            with store.transaction() as db:
                was = answers.reject(db, site, number.strip().upper(), who())
            done = was in claims.REJECTABLE
            missed = missed or not (done or was == "rejected")
            typer.echo(f"{number}\t{marked(was, done=done)}")
    raise typer.Exit(1 if missed else 0)


@app.command("write-off")
def write_off(
    numbers: Annotated[list[str], typer.Argument(help="CLM01 of denied or rejected claims.")],
    site: Annotated[str, typer.Option("--site", help="A site of the configuration.")],
    reason: Annotated[
        str, typer.Option("--reason", help="A code; without a right one all are listed.")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="In your own words.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the write-off back.")] = False,
    config: Config = None,
) -> None:
    """Denied or rejected lines of claims that nobody pursues any further, with their doses and
    discards."""
    from integration.commands.inputs import settings_with_store, who
    from integration.serving.process import opened
    from integration.store import write_offs
    from integration.terminal.claims import written_off
    from mappings.writing.answers.write_offs import write_off_reasons

    settings = settings_with_store(config)
    settings.site(site)
    reasons = write_off_reasons()
    if not undo and reason not in reasons:
        known = "; ".join(f"{code}: {words}" for code, words in reasons.items())
        raise ConfigurationError(f"Say why with --reason. {known}.")
    said = write_offs.WriteOff("" if undo else reason, note.strip())
    missed, by = False, who()
    with opened(settings) as store:
        for number in numbers:
            with store.transaction() as db:
                done, why = write_offs.of_claim(db, site, number.strip().upper(), said, by)
            missed = missed or bool(why)
            typer.echo(f"{number}\t{written_off(done, why, undo=undo)}")
    raise typer.Exit(1 if missed else 0)


@app.command()
def read(
    files: Annotated[
        list[Path], typer.Argument(help="Files or folders of TA1, 999, 277CA and 835.")
    ],
    site: Annotated[
        str | None, typer.Option("--site", help="Claims of one site; all without it.")
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Print every answer of the files, whoever wrote the claim. Nothing is kept; no"
            " database and no configuration are needed.",
        ),
    ] = False,
    form: Annotated[Literal["text", "json"], typer.Option("--format")] = "text",
    config: Config = None,
) -> None:
    """What came back of the claims that left: kept with them, and shown in the worklist."""
    if every and (site or config):
        raise ConfigurationError(
            "--all looks nothing up: it goes without --site and --config. Without --all the claims"
            " are looked up."
        )
    raise typer.Exit(_list(files, form) if every else _read(files, site, form, config))


def _list(files: list[Path], form: Literal["text", "json"]) -> int:
    from integration.claims.answering.files import named
    from integration.claims.answering.listing import FileListing
    from integration.terminal import answers

    listing = FileListing()
    found = listing.of(named(files))
    if form == "json":
        every = list(found)
        typer.echo(answers.listed_as_json(every, listing.problems))
        return 1 if listing.problems else 0
    for line in answers.listed(found):
        typer.echo(line)
    for line in answers.told(listing.problems):
        typer.echo(line, err=True)
    return 1 if listing.problems else 0


def _read(
    files: list[Path], site: str | None, form: Literal["text", "json"], config: Path | None
) -> int:
    from integration.claims.answering.files import named
    from integration.claims.answering.reading import read_answers
    from integration.commands.inputs import settings_with_store, who
    from integration.serving.process import opened
    from integration.terminal.answers import answered, beside

    settings = settings_with_store(config)
    sites = [one.name for one in settings.chosen([site] if site else None)]
    with opened(settings) as store:
        report = read_answers(store, sites, named(files), who())
    for line in answered(report, form):
        typer.echo(line)
    for line in beside(report):
        typer.echo(line, err=True)
    return 1 if report.problems else 0


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="837 files, in any delimiters; - for stdin.")],
    form: Annotated[Literal["text", "json"], typer.Option("--format")] = "text",
    code_dir: CodeDir = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """What payers reject in claim files: each fault with its claim, line and segment."""
    from integration.commands.inputs import facts_of, named_site
    from integration.terminal.claims import checked
    from mappings import codes

    clean = True
    results = _checked(files)
    with codes.using(facts_of(named_site(site, config), None, code_dir).codes):
        for right, text in checked(results, form):
            clean = clean and right
            sys.stdout.write(text)
    raise typer.Exit(0 if clean else 1)


def _checked(files: list[Path]) -> "Iterator[tuple[str, Iterator[Fault]]]":
    from mappings.writing.checks.fault import Fault
    from mappings.writing.checks.file import check as faults_of

    for file in files:
        if str(file) == "-":
            yield "standard input", faults_of(sys.stdin.buffer)
            continue
        try:
            stream = file.open("rb")
        except OSError as problem:
            yield str(file), iter([Fault(f"it can't be read: {problem.strerror}")])
            continue
        with stream:
            yield str(file), faults_of(stream)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at
    raise ConfigurationError(
        f"--now {text!r} is not a moment with an offset, such as 2026-11-23T12:00:00-05:00."
    )
