"""What a run leaves: each assessment, the lines as a table, what could not be read, and the sums.
Parts are sorted, so that they are merged without being held.

Held by tests/unit/test_bulk.py.
"""

import heapq
import re
import shutil
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from msgspec import Struct, field

from integration.assessing.files import BULK_CHARTS, BULK_SUMMARY
from integration.bulk.engine import AllFacts
from integration.bulk.sifting import Wanted
from integration.bulk.steps import Assessed, Part, RunSetting, files_of, index_of
from integration.bulk.sums import Sums
from integration.bulk.surveying import names
from integration.bulk.surveying.index import RangeFacts
from integration.bulk.surveying.usual import ADMINISTRATION
from integration.bulk.work import Work, written, written_folder
from mappings.reading.bundles import inside, paging
from mappings.reading.bundles.entries import Deletion
from mappings.reading.bundles.inside import ListedDose
from mappings.reading.bundles.references import References
from mappings.record import Problem
from mappings.writing import table

ASSESSMENTS, LINES, PROBLEMS = "assessments.ndjson", "lines.csv", "problems.ndjson"
PARQUET, REPORT = "lines.parquet", "report.html"
Placed = TypeVar("Placed", paging.Page, ListedDose)
_NUMBER = re.compile("\0([0-9]+)\0")


class Summary(Struct, rename="camel"):
    """`resources` by type, under the empty name those of types that no rule reads. `gathered`:
    patients whose charts were read whole. `problems`: those that the file of them names."""

    as_of: str
    files: int
    bytes: int
    resources: dict[str, int]
    gathered: int
    problems: int
    sums: Sums = field(default_factory=Sums)


def write(setting: RunSetting, who: Wanted, out: Path, charts: bool = False) -> Summary:
    """Writes all files but the report. `charts`: the gathered charts, too."""
    work = Work(setting.work)
    facts = AllFacts(work, len(setting.source.ranges))
    sums = Sums()
    problems = {*setting.source.problems, *problems_of_survey(setting, facts)}
    for part in range(who.parts):
        found = msgspec.msgpack.decode(work.piece("assess", f"{part}.part").read_bytes(), type=Part)
        sums.join(found.sums)
        problems.update(found.problems)
    _write_assessments(work, who, out)
    with written(out / PROBLEMS) as path, path.open("wb") as stream:
        stream.writelines(msgspec.json.encode(problem) + b"\n" for problem in sorted(problems))
    shutil.rmtree(out / BULK_CHARTS, ignore_errors=True)  # of an earlier run
    if charts:
        _write_charts(work, who, facts, out / BULK_CHARTS)
    summary = Summary(
        as_of=setting.as_of.isoformat(timespec="seconds"),
        files=len(setting.source.stamps),
        bytes=setting.source.bytes,
        resources=_counted(facts),
        gathered=who.count,
        problems=len(problems),
        sums=sums,
    )
    with written(out / BULK_SUMMARY) as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
    return summary


def unfinished(out: Path) -> Iterator[Path]:
    """What a run left that was killed while it wrote."""
    for name in (ASSESSMENTS, LINES, PARQUET, PROBLEMS, BULK_SUMMARY, REPORT, BULK_CHARTS):
        yield from out.glob(f".{name}.*")


def _counted(facts: Iterable[RangeFacts]) -> dict[str, int]:
    found: dict[str, int] = {}
    for of_range in facts:
        for kind, count in of_range.counts.items():
            found[kind] = found.get(kind, 0) + count
    return dict(sorted(found.items()))


def problems_of_survey(setting: RunSetting, facts: Iterable[RangeFacts]) -> Iterator[Problem]:
    """What can be told without any chart."""
    pages: list[paging.Page] = []
    listed: list[ListedDose] = []
    both = zip(setting.source.ranges, facts, strict=True)
    for file, pairs in groupby(both, key=lambda pair: pair[0].file):
        lines = taken = 0
        problems: list[Problem] = []
        for _, found in pairs:
            # A range does not know how many lines of its file stand before it.
            problems += [Problem(_numbered(place, lines), why) for place, why in found.problems]
            pages += _placed(found.pages, lines)
            listed += _placed(found.listed, lines)
            lines += found.lines
            taken += found.taken
        yield from problems if taken else _of_no_resource(file, problems)
    yield from paging.short(pages)
    yield from _not_here(listed, setting, facts) if listed else ()


def _not_here(
    listed: Iterable[ListedDose], setting: RunSetting, facts: Iterable[RangeFacts]
) -> Iterator[Problem]:
    """Doses that a List names and no file holds."""
    references = References(chain.from_iterable(of_range.bases for of_range in facts))
    keys = [(dose, references.key(dose.reference) or "") for dose in listed]
    asked = {names.name(key) for _, key in keys}
    deleted = chain.from_iterable(of_range.deletions for of_range in facts)
    here = {names.name(deletion.name) for deletion in deleted}
    for range_ in setting.source.ranges:
        index = index_of(Work(setting.work), range_.number)
        here |= index.having(asked, {names.code(ADMINISTRATION)})
    for dose, key in keys:
        if "://" in key or names.name(key) not in here:
            yield inside.not_here(dose, key)


def _of_no_resource(file: str, problems: list[Problem]) -> Iterator[Problem]:
    """Of a file that holds none, so that not each of its lines is named."""
    first = next((found for found in problems if found.resource.startswith("line ")), None)
    yield from (found for found in problems if not found.resource.startswith("line "))
    if first:
        yield Problem(file, f"holds no FHIR resource: {first.resource}: {first.problem}")


def _placed(several: Iterable[Placed], first: int) -> list[Placed]:
    return [msgspec.structs.replace(one, where=_numbered(one.where, first)) for one in several]


def _numbered(place: str, first: int) -> str:
    return _NUMBER.sub(lambda number: str(first + int(number[1])), place)


def _write_assessments(work: Work, who: Wanted, out: Path) -> None:
    parts = [assessed_in(work.piece("assess", f"{part}.assessed")) for part in range(who.parts)]
    with (
        written(out / ASSESSMENTS) as documents,
        written(out / LINES) as lines,
        documents.open("wb") as documents_out,
        lines.open("wb") as lines_out,
    ):
        lines_out.write(",".join(table.COLUMNS).encode() + b"\n")
        for assessed, stream in heapq.merge(*parts, key=lambda pair: pair[0].patient):
            documents_out.write(stream.read(assessed.document))
            lines_out.write(stream.read(assessed.rows))


def assessed_in(path: Path) -> Iterator[tuple[Assessed, BinaryIO]]:
    """Each patient, in the order in which they were assessed, and where the assessment is to be
    read: of many parts not even one assessment each is held."""
    decoder, place = msgspec.json.Decoder(Assessed), 0
    with path.open("rb") as stream:
        while line := stream.readline():
            assessed = decoder.decode(line)
            place += len(line) + assessed.document + assessed.rows
            yield assessed, stream
            stream.seek(place)


def _write_charts(work: Work, who: Wanted, facts: Iterable[RangeFacts], folder: Path) -> None:
    """What was gathered, as files that every command reads."""
    with written_folder(folder) as unfinished:
        for part in range(who.parts):
            with (unfinished / f"{part}.ndjson").open("wb") as stream:
                for path in files_of(work, part):
                    stream.write(path.read_bytes())
        deletions = list(map(_deletion, chain.from_iterable(one.deletions for one in facts)))
        if deletions:
            bundle = {"resourceType": "Bundle", "type": "batch", "entry": deletions}
            (unfinished / "deleted.ndjson").write_bytes(msgspec.json.encode(bundle) + b"\n")


def _deletion(deletion: Deletion) -> dict[str, object]:
    stamp = {
        "etag": deletion.stamp.get("versionId"),
        "lastModified": deletion.stamp.get("lastUpdated"),
    }
    response = {name: value for name, value in stamp.items() if value}
    return {"request": {"method": "DELETE", "url": deletion.name}, "response": response}
