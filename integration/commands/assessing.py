"""`assess` and `explain`: from a source to lines and gaps.

Held by tests/contract/test_command_line.py.
"""

import io
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, assert_never

import typer
from msgspec import structs

from integration.assessing.files import is_folder
from integration.assessing.sources import AssessedCharts, from_files, is_server
from integration.commands.options import (
    AsOf,
    CodeDir,
    Config,
    DecisionFiles,
    PolicyDir,
    SiteName,
    Zone,
)
from integration.errors import ConfigurationError
from mappings import codes
from mappings import decisions as decisions_form
from mappings.assessment import Assessment
from mappings.datafiles import loading
from mappings.decisions import Decision
from mappings.document import to_json
from mappings.policy import choosing
from mappings.policy.choosing import PolicySet
from mappings.site import Site as Facts
from mappings.values import moment

if TYPE_CHECKING:
    from integration.configuration.site import Site

Format = Literal["table", "json", "csv", "x12", "fhir"]
DEFAULT_WRITES = 100

Source = Annotated[
    str,
    typer.Argument(
        help=(
            "A Bundle file, a folder or file of NDJSON, a FHIR base URL, or - for a Bundle on"
            " standard input."
        )
    ),
]
Patients = Annotated[
    list[str] | None, typer.Option("--patient", help="A patient of the server (repeatable).")
]


def mount(app: typer.Typer) -> None:
    app.command()(assess)
    app.command()(explain)


def assess(
    source: Source,
    patient: Patients = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="Every patient of the server with an administration.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="table, json, csv; x12 and fhir are drafts.")
    ] = "table",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write there instead of to standard output.")
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="With --format json: the chain of each line, too.")
    ] = False,
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    decisions: DecisionFiles = None,
    as_of: AsOf = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
    write_back: Annotated[
        bool, typer.Option("--write-back", help="Bring the gaps into the chart as DetectedIssues.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --write-back: say what would be written.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, help="With --write-back: how many resources may be written at most."
        ),
    ] = None,
) -> None:
    """Claim lines and gaps of a source."""
    if trace and form != "json":
        raise ConfigurationError("--trace goes with --format json; `explain` shows one chain.")
    if write_back and not is_server(source):
        raise ConfigurationError("--write-back needs a FHIR server as SOURCE.")
    if dry_run and not write_back:
        raise ConfigurationError("--dry-run goes with --write-back.")
    if write_back and everyone and not dry_run and limit is None:
        raise ConfigurationError(
            "Writing for a whole site: run it with --dry-run first, and give the number that it"
            " says as --limit."
        )
    named = named_site(site, config)
    result = _result(
        source,
        patient,
        everyone,
        policy_dir,
        code_dir,
        decisions,
        as_of,
        time_zone,
        named,
        (dry_run, limit or DEFAULT_WRITES) if write_back else None,
    )
    facts = facts_of(named, time_zone, code_dir)
    at = datetime.fromisoformat(result.document.as_of)
    _write(result, form, out, facts.deciding(decisions_of(decisions or ()), at), trace)
    _report(result, dry_run)
    raise typer.Exit(0 if result.complete else 1)


def explain(
    source: Source,
    administration: Annotated[
        str, typer.Option("--administration", help="The id of the MedicationAdministration.")
    ],
    patient: Patients = None,
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    decisions: DecisionFiles = None,
    as_of: AsOf = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """The whole chain of one line: evidence, arithmetic, rules, sources, predicted denials."""
    from integration.terminal import tables

    result = _result(
        source,
        patient,
        False,
        policy_dir,
        code_dir,
        decisions,
        as_of,
        time_zone,
        named_site(site, config),
        None,
    )
    reference = (
        f"MedicationAdministration/{administration.removeprefix('MedicationAdministration/')}"
    )
    for found in result.document.patients:
        if tables.explain_administration(found, reference, console()):
            raise typer.Exit(0 if result.complete else 1)
    raise ConfigurationError(
        "No IV-iron administration with that id is in the source: look at `ferroclaim assess` for"
        " those that are."
    )


def _result(
    source: str,
    patients: list[str] | None,
    everyone: bool,
    policy_dir: Path | None,
    code_dir: Path | None,
    decision_files: list[Path] | None,
    as_of: str | None,
    time_zone: str | None,
    named: "Site | None",
    write: tuple[bool, int] | None,
) -> AssessedCharts:
    facts = facts_of(named, time_zone, code_dir)
    at = moment_of(as_of, facts)
    policies = policies_of(policy_dir, named, facts)
    decided = decisions_of(decision_files or ())
    if not is_server(source):
        if patients or everyone:
            raise ConfigurationError(
                "--patient and --all go with a FHIR base URL as SOURCE; it begins with http:// or"
                " https://."
            )
        if is_folder(source):
            return _of_folder(source, facts.deciding(decided, at), policies, at)
        return from_files(source, facts.deciding(decided, at), policies, at)
    if bool(patients) == everyone:
        raise ConfigurationError("Name the patients with --patient ID, or ask for --all of them.")
    from integration.assessing.servers import adhoc_or_named

    site = adhoc_or_named(source, named)
    given = {"time_zone": time_zone, "code_dir": code_dir}
    site = site.model_copy(update={name: value for name, value in given.items() if value})
    return _of_server(site, None if everyone else patients, policies, at, decided, write)


def _of_folder(folder: str, facts: Facts, policies: PolicySet, at: datetime) -> AssessedCharts:
    from integration.bulk.folder import assessed
    from integration.terminal.progress import steps

    with steps() as tell:
        return assessed(folder, facts, policies, at, tell)


def named_site(site: str | None, config: Path | None) -> "Site | None":
    """A site of the configuration, which a file alone does without."""
    if site is None:
        return None
    from integration.configuration import settings

    return settings.load(config).site(site)


def _of_server(
    site: "Site",
    patients: list[str] | None,
    policies: PolicySet,
    at: datetime,
    decided: Sequence[Decision],
    write: tuple[bool, int] | None,
) -> AssessedCharts:
    from integration.assessing.servers import from_server, writing_back
    from integration.ehr.client import EhrClient
    from integration.ehr.fhir.references import patient_id
    from integration.ehr.writing.writeback import write_back_for
    from integration.terminal.progress import counting, loudness

    wanted = [patient_id(named) for named in patients] if patients else None
    observer = _told if loudness() == "verbose" else None
    with EhrClient(site, observer=observer) as client, counting("patients read") as step:
        back = (
            writing_back(write_back_for(client, limit=write[1]), datetime.now(UTC), write[0])
            if write
            else None
        )
        return from_server(client, wanted, policies, at, back, decided, step)


def _told(method: str, status: int, seconds: float) -> None:
    """Each request of a verbose run; its address may name a patient."""
    _say(f"{method} answered with {status} after {seconds * 1000:.0f} ms")


def facts_of(named: "Site | None", time_zone: str | None, code_dir: Path | None = None) -> Facts:
    """What the rules need of a site of the configuration, or of none but a time zone and code
    tables."""
    facts = _facts_of_site(named) if named else Facts()
    facts = structs.replace(facts, time_zone=time_zone) if time_zone else facts
    if code_dir:
        from integration.codes.folder import tables_of

        facts = structs.replace(facts, codes=tables_of(code_dir))
    try:
        _ = facts.zone
    except ValueError as problem:
        message = str(problem)
        raise ConfigurationError(f"{message[0].upper()}{message[1:]}.") from None
    return facts


def _facts_of_site(site: "Site") -> Facts:
    from integration.ehr.profile import words_of

    return site.facts().with_words(words_of(site.vendor))


def decisions_of(files: Iterable[Path]) -> tuple[Decision, ...]:
    """What people decided, by files (DataFileError names file and line of every mistake)."""
    found: list[Decision] = []
    for path in files:
        found += decisions_form.from_text(loading.text_of(path), str(path))
    return tuple(found)


def policies_of(folder: Path | None, named: "Site | None", facts: Facts) -> PolicySet:
    """The policies of a folder, else of a site of the configuration, with the built-in ones
    (DataFileError names file and line of a mistake)."""
    with codes.using(facts.codes):
        return choosing.load(folder or (named.policy_dir if named else None))


def moment_of(text: str | None, facts: Facts) -> datetime:
    """The moment that --as-of means; now without one."""
    if text is None:
        return datetime.now(facts.zone or UTC)
    try:
        if len(text) == len("2026-11-23"):
            return moment.end_of_day(date.fromisoformat(text), facts.zone)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"--as-of {text!r} is not a date such as 2026-11-23, nor a moment with offset."
        ) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=facts.zone) if facts.zone else at
    if at.tzinfo is None:
        raise ConfigurationError(
            "--as-of with a time needs an offset (2026-11-23T12:00:00-05:00) or --time-zone."
        )
    return at


def _write(
    result: AssessedCharts, form: Format, out: Path | None, facts: Facts, trace: bool
) -> None:
    if form == "table" and out is None:
        from integration.terminal import tables

        tables.show(result.document, console(), result.names)
        return
    data = _formatted(result, form, facts, trace)
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(data)
    except OSError as problem:
        raise ConfigurationError(f"Cannot write {out}: {problem.strerror}.") from None


def _formatted(result: AssessedCharts, form: Format, facts: Facts, trace: bool) -> bytes:
    if form == "json":
        return to_json(result.document, trace=trace) + b"\n"
    if form == "table":
        return _as_text(result.document, result.names)
    from mappings import writing

    if form == "csv":
        return writing.csv(result.document).encode()
    now = datetime.fromisoformat(result.document.as_of)
    if form == "fhir":
        return _json(writing.claims(result.document, result.records, facts, now))
    if form == "x12":
        text, problems = writing.x12(result.document, result.records, facts, now)
        for problem in problems:
            _say(f"{problem.resource}: {problem.problem}")
        return text.encode()
    assert_never(form)


def _json(value: Any) -> bytes:
    import msgspec

    return (
        msgspec.json.format(msgspec.json.Encoder(decimal_format="number").encode(value), indent=2)
        + b"\n"
    )


def _as_text(document: Assessment, names: dict[str, str]) -> bytes:
    import io

    from rich.console import Console

    from integration.terminal import tables

    stream = io.StringIO()
    tables.show(document, Console(file=stream, width=120, no_color=True), names)
    return stream.getvalue().encode()


def _report(result: AssessedCharts, dry_run: bool) -> None:
    """Everything that a person must know, on stderr."""
    for merged, survivor in sorted(result.merged.items()):
        _say(f"{merged} was merged into {survivor}, and is assessed with it")
    if result.passed_over:
        _say(f"patients without an intravenous iron, passed over: {result.passed_over:,}")
    for unreadable in result.document.unreadable:
        _say(f"unreadable: {unreadable.resource}: {unreadable.problem}")
    for patient in result.document.patients:
        for unreadable in patient.unreadable:
            _say(f"unreadable: {unreadable.resource}: {unreadable.problem}")
    counts: dict[str, int] = {}
    for outcome in result.outcomes:
        counts[outcome.result] = counts.get(outcome.result, 0) + 1
        if outcome.result in ("refused", "unknown", "conflict"):
            _say(f"write-back {outcome.result}: gap {outcome.gap[:8]}… {outcome.message}")
    if result.outcomes:
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        _say(f"write-back{' (dry run, nothing was written)' if dry_run else ''}: {said}")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def console() -> Any:
    """Of standard output."""
    from rich.console import Console

    # A terminal that can't show a sign shows a question mark.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console()
