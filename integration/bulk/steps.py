"""The pieces of a run's steps. Workers make them; a run that was stopped need not make them
again.

Held by tests/unit/test_bulk.py.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from integration.bulk import charts, gathering, lookup, sifting
from integration.bulk.sifting import Wanted
from integration.bulk.summing.remittances import Answers
from integration.bulk.sums import Sums
from integration.bulk.surveying import names, references
from integration.bulk.surveying.index import Index, RangeFacts, read_facts, write_facts
from integration.bulk.surveying.sources import Range, SourceFiles
from integration.bulk.surveying.survey import Surveyor
from integration.bulk.work import Work, written, written_folder
from mappings.assessment import PatientAssessment
from mappings.document import of_patient
from mappings.policy.choosing import PolicySet
from mappings.reading import Reader
from mappings.record import Problem
from mappings.site import Site
from mappings.writing import table

PART_BYTES = 3 << 20  # of a part's charts as text; in memory they are some ten times that


class RunSetting(Struct, frozen=True):
    """What the workers of a run are told once."""

    work: Path
    source: SourceFiles
    site: Site
    policies: PolicySet
    as_of: datetime
    part_bytes: int = PART_BYTES
    answers: Answers = {}

    def assessor(self, *, trace: bool) -> charts.Assessor:
        return charts.Assessor(Reader(self.site), self.policies, self.as_of, self.site, trace)


class Assessed(Struct, array_like=True):
    """A line before a patient's assessment as it is written, and its rows of the table: how many
    bytes each of them is."""

    patient: str
    document: int
    rows: int


class Part(Struct):
    """What assessing a part of the patients found beside their assessments."""

    problems: list[Problem]
    sums: Sums


# A method of a worker, and what it is asked for.
Task = tuple[str, tuple[Any, ...]]


class RunWorker:
    """Makes pieces; keeps between them what it has learned of the site."""

    def __init__(self, setting: RunSetting) -> None:
        self._setting, self._work = setting, Work(setting.work)

    @cached_property
    def _surveyor(self) -> Surveyor:
        return Surveyor(self._setting.site)

    @cached_property
    def _assessor(self) -> charts.Assessor:
        return self._setting.assessor(trace=False)

    @cached_property
    def _who(self) -> Wanted:
        return sifting.decoded(self._work.piece("sift", "wanted").read_bytes())

    @cached_property
    def _beside(self) -> charts.Beside:
        return beside_of(self._work)

    def make(self, task: Task) -> None:
        name, asked = task
        getattr(self, name)(*asked)

    def survey(self, number: int) -> None:
        index, facts = self._surveyor.survey(self._setting.source.ranges[number])
        with written(self._work.piece("survey", f"{number}.index")) as path:
            index.write(path)
        with written(self._work.piece("survey", f"{number}.facts")) as path:
            write_facts(facts, path)

    def gather(self, numbers: list[int]) -> None:
        with written_folder(self._work.piece("gather", numbers[0])) as folder:
            gathering.gather(self._indexed(numbers), self._who, folder)

    def name(self, round_: int, part: int) -> None:
        """What the charts of a part name in a round, and did not name before."""
        earlier = [self._work.piece(f"names-{number}", part) for number in range(round_)]
        found = references.named_in(files_of(self._work, part, round_ - 1), self._beside.forms)
        for kind, numbers in found.items():
            for path in earlier if numbers else ():
                numbers.difference_update(references.numbers_at(path, kind))
        with written(self._work.piece(f"names-{round_}", part)) as path:
            references.write_numbers(found, path)

    def look_up(self, round_: int, numbers: list[int]) -> None:
        parts = [self._work.piece(f"names-{round_}", part) for part in range(self._who.parts)]
        pieces = (
            (kind, part, references.numbers_at(path, kind))
            for kind in sorted(self._kinds_of(numbers))
            for part, path in enumerate(parts)
        )
        with written_folder(self._work.piece(f"found-{round_}", numbers[0])) as folder:
            for turn, asked in enumerate(lookup.turns(pieces)):
                lookup.look_up(self._indexed(numbers), asked, self._who, folder / str(turn))

    def _kinds_of(self, numbers: Iterable[int]) -> frozenset[str]:
        """The types of what a name may mean in these ranges."""
        return names.together(facts_of(self._work, number).forms for number in numbers).kinds

    def assess(self, part: int) -> None:
        setting = self._setting
        collection = charts.collection_of(files_of(self._work, part), self._beside)
        sums, problems = Sums(), list[Problem]()
        places = charts.place_names(collection)
        with (
            written(self._work.piece("assess", f"{part}.assessed")) as path,
            path.open("wb") as stream,
        ):
            for assessed in charts.assessments(collection, part, self._who, self._assessor):
                if isinstance(assessed, Problem):
                    problems.append(assessed)
                    continue
                record, found = assessed
                if found.concerns_us:
                    sums.add(found, record, setting.as_of.date(), places, setting.answers)
                    stream.write(_encoded(found))
                else:
                    problems += (Problem(one.resource, one.problem) for one in found.unreadable)
        problems += charts.problems_of(collection, part, self._who)
        with written(self._work.piece("assess", f"{part}.part")) as path:
            path.write_bytes(msgspec.msgpack.encode(Part(problems, sums)))

    def _indexed(self, numbers: Iterable[int]) -> Iterator[tuple[Range, Index]]:
        for number in numbers:
            yield self._setting.source.ranges[number], index_of(self._work, number)


def _encoded(found: PatientAssessment) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, table.COLUMNS, lineterminator="\n")
    writer.writerows(table.rows(found))
    document = msgspec.json.encode(of_patient(found, trace=False)) + b"\n"
    rows = text.getvalue().encode()
    before = msgspec.json.encode(Assessed(found.patient, len(document), len(rows)))
    return b"%b\n%b%b" % (before, document, rows)


def index_of(work: Work, number: int) -> Index:
    return Index.read(work.piece("survey", f"{number}.index"))


def facts_of(work: Work, number: int) -> RangeFacts:
    return read_facts(work.piece("survey", f"{number}.facts"))


def beside_of(work: Work) -> charts.Beside:
    data = work.piece("sift", "beside").read_bytes()
    return msgspec.msgpack.decode(data, type=charts.Beside)


def files_of(work: Work, part: int, round_: int | None = None) -> list[Path]:
    """The lines of a part: those that were gathered (round -1) or found in a round; all without
    one."""
    patterns = {-1: f"gather/*/{part}"}
    if round_ is None:
        found = [*work.folder.glob(patterns[-1]), *work.folder.glob(f"found-*/*/*/{part}")]
    else:
        found = [*work.folder.glob(patterns.get(round_, f"found-{round_}/*/*/{part}"))]
    return sorted(found, key=_order)


def _order(path: Path) -> list[tuple[bool, int, str]]:
    """By the numbers in a path."""
    names = [part.rpartition("-")[2] for part in path.parts[-4:]]
    return [(name.isdecimal(), int(name) if name.isdecimal() else 0, name) for name in names]
