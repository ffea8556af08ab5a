"""Claims of charts from a file or a server, without a database: what was released is said by a
file, or decided by the site (`auto_release`).

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from integration import samples
from integration.assessing.clients import policies_for
from integration.assessing.servers import adhoc_or_named, from_server
from integration.assessing.sources import AssessedCharts, from_collection, from_files, is_server
from integration.claims import Format, numbers
from integration.claims.basis import basis_of
from integration.claims.folder import FolderBefore
from integration.claims.forms import Writing
from integration.claims.output import Output, folder_of
from integration.claims.released import Released, chosen
from integration.claims.sent import Corrections
from integration.claims.writing import Leaving, Report, write
from integration.configuration.site import Site
from integration.errors import ConfigurationError
from mappings.assessment import untouched_lines
from mappings.decisions import Decision
from mappings.reading import Collection
from mappings.site import Site as Facts

SAMPLES = "samples"  # the charts that ship with the package


@dataclass(frozen=True)
class ChartsReading:
    """What is read, which of its lines were released (None: as the site decides by itself), and
    what people decided."""

    source: str
    patients: Sequence[str]
    released: Mapping[str, Released] | None
    now: datetime
    decisions: Sequence[Decision] = ()


def write_from_charts(
    site: Site,
    reading: ChartsReading,
    out: Path,
    form: Format,
    corrections: Corrections,
    *,
    test: bool,
) -> Report:
    """Reads, assesses, writes and places."""
    if reading.released is None and not site.auto_release and not corrections.void:
        raise ConfigurationError(
            f"Only released lines leave: name them with --released FILE, or set auto_release for"
            f" site {site.name}."
        )
    basis = basis_of(site, reading.decisions, reading.now)
    folder = folder_of(out)
    now = reading.now.astimezone(basis.site.zone or UTC)
    result = _assessed(site, basis.site, reading)
    how = Writing(folder, basis.site, site.name, form, now, numbers.numbers(folder), test)
    output = Output(how)
    try:
        before = FolderBefore(folder, site.name)
        report = write(_leaving(result, reading, before), basis, output, before, corrections)
        output.place(report.parts)
    except OSError as problem:
        raise ConfigurationError(
            f"Cannot write to {folder}: {problem.strerror}. Nothing was written."
        ) from None
    finally:
        output.drop()
    report.problems += [
        f"{problem.resource} could not be read: {problem.problem}"
        for problem in result.document.all_unreadable
    ]
    _name_unknown(report, reading, result)
    return report


def _assessed(site: Site, facts: Facts, reading: ChartsReading) -> AssessedCharts:
    policies = policies_for(site)
    if reading.source == SAMPLES and not Path(SAMPLES).exists():
        collection = Collection()
        for name, bundle in samples.bundles().items():
            collection.add(bundle, name)
        return from_collection(collection, facts, policies, reading.now)
    if not is_server(reading.source):
        return from_files(reading.source, facts, policies, reading.now)
    from integration.ehr.client import EhrClient

    with EhrClient(adhoc_or_named(reading.source, site)) as client:
        wanted = [patient.removeprefix("Patient/") for patient in reading.patients] or None
        return from_server(client, wanted, policies, reading.now, decisions=reading.decisions)


def _leaving(
    result: AssessedCharts, reading: ChartsReading, before: FolderBefore
) -> Iterator[Leaving]:
    for patient in result.document.patients:
        record = result.records.get(patient.patient)
        sent = [line for line in patient.lines if before.has(line.id)]
        if reading.released is None:
            named = set(chain.from_iterable(gap.lines for gap in patient.gaps))
            lines = untouched_lines(patient.lines, named)
            yield Leaving(patient.patient, lines, record, sent=sent)
        else:
            lines, refused = chosen(patient.patient, patient.lines, reading.released)
            yield Leaving(patient.patient, lines, record, refused, sent)


def _name_unknown(report: Report, reading: ChartsReading, result: AssessedCharts) -> None:
    """Released lines that the charts do not have."""
    lines = chain.from_iterable(patient.lines for patient in result.document.patients)
    there = {line.id for line in lines}
    missing = [line for line in reading.released or () if line not in there]
    report.ask([f"Line {line} is in none of the charts." for line in missing])
