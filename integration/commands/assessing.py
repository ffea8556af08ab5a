"""`assess` and `explain`: from a source to lines and gaps.

Held by tests/contract/test_command_line.py.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integration.commands.formats import Format, written
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

if TYPE_CHECKING:
    from integration.assessing.sources import AssessedCharts
    from integration.commands.inputs import Terms

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
    from integration.assessing.sources import is_server
    from integration.commands.inputs import terms

    if trace and form != "json":
        raise ConfigurationError("--trace goes with --format json; `explain` shows one chain.")
    if write_back and not is_server(source):
        raise ConfigurationError("--write-back needs a FHIR server as SOURCE.")
    if (dry_run or limit) and not write_back:
        raise ConfigurationError("--dry-run and --limit go with --write-back.")
    if write_back and everyone and not dry_run and limit is None:
        raise ConfigurationError(
            "Writing for a whole site: run it with --dry-run first, and give the number that it"
            " says as --limit."
        )
    given = terms(policy_dir, code_dir, decisions, as_of, time_zone, site, config)
    write = (dry_run, limit or DEFAULT_WRITES) if write_back else None
    result = _result(source, patient, everyone, given, write)
    written(result, form, out, given.deciding, trace)
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
    from integration.commands.inputs import terms
    from integration.terminal.explanation import explain_administration
    from integration.terminal.signs import console

    given = terms(policy_dir, code_dir, decisions, as_of, time_zone, site, config)
    result = _result(source, patient, False, given, None)
    reference = (
        f"MedicationAdministration/{administration.removeprefix('MedicationAdministration/')}"
    )
    for found in result.document.patients:
        if explain_administration(found, reference, console()):
            raise typer.Exit(0 if result.complete else 1)
    raise ConfigurationError(
        "No IV-iron administration with that id is in the source: look at `ferroclaim assess` for"
        " those that are."
    )


def _result(
    source: str,
    patients: list[str] | None,
    everyone: bool,
    given: "Terms",
    write: tuple[bool, int] | None,
) -> "AssessedCharts":
    from integration.assessing.files import is_folder
    from integration.assessing.sources import from_files, is_server

    if not is_server(source):
        if patients or everyone:
            raise ConfigurationError(
                "--patient and --all go with a FHIR base URL as SOURCE; it begins with http:// or"
                " https://."
            )
        if is_folder(source):
            return _of_folder(source, given)
        return from_files(source, given.deciding, given.policies, given.at)
    if bool(patients) == everyone:
        raise ConfigurationError("Name the patients with --patient ID, or ask for --all of them.")
    return _of_server(source, patients, given, write)


def _of_folder(folder: str, given: "Terms") -> "AssessedCharts":
    from integration.bulk.folder import assessed
    from integration.terminal.progress import steps

    with steps() as tell:
        return assessed(folder, given.deciding, given.policies, given.at, tell)


def _of_server(
    source: str, patients: list[str] | None, given: "Terms", write: tuple[bool, int] | None
) -> "AssessedCharts":
    from integration.assessing.servers import from_server, writing_back
    from integration.ehr.client import EhrClient
    from integration.ehr.fhir.references import patient_id
    from integration.ehr.writing.writeback import write_back_for
    from integration.terminal.progress import counting, loudness

    wanted = [patient_id(named) for named in patients] if patients else None
    observer = _told if loudness() == "verbose" else None
    site = given.server(source)
    with EhrClient(site, observer=observer) as client, counting("patients read") as step:
        back = (
            writing_back(write_back_for(client, limit=write[1]), datetime.now(UTC), write[0])
            if write
            else None
        )
        return from_server(client, wanted, given.policies, given.at, back, given.decisions, step)


def _told(method: str, status: int, seconds: float) -> None:
    """Each request of a verbose run; its address may name a patient."""
    _say(f"{method} answered with {status} after {seconds * 1000:.0f} ms")


def _report(result: "AssessedCharts", dry_run: bool) -> None:
    """Everything that a person must know, on stderr."""
    for merged, survivor in sorted(result.merged.items()):
        _say(f"{merged} was merged into {survivor}, and is assessed with it")
    if result.passed_over:
        _say(f"patients without an intravenous iron, passed over: {result.passed_over:,}")
    for unreadable in result.document.all_unreadable:
        _say(f"unreadable: {unreadable.resource}: {unreadable.problem}")
    counts: dict[str, int] = {}
    for outcome in result.outcomes:
        counts[outcome.result] = counts.get(outcome.result, 0) + 1
        if outcome.message and outcome.result != "unchanged":
            _say(f"write-back {outcome.result}: gap {outcome.gap[:8]}… {outcome.message}")
    if result.outcomes:
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        _say(f"write-back{' (dry run, nothing was written)' if dry_run else ''}: {said}")


def _say(text: str) -> None:
    typer.echo(text, err=True)
